#include "tenant.hpp"

namespace proxy {

namespace {

using kwire::api_key;
using kwire::entity;

/// Text that means itself in a regular expression.
std::string quoted(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (std::string_view("\\^$.|?*+()[]{}").find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

} // namespace

kwire::entity_set tenant::names() const noexcept {
    if (!renames()) return {};
    return {entity::topic_name,          entity::group_id, entity::transactional_id, entity::topic_pattern,
            entity::transaction_pattern, entity::topic_id};
}

bool tenant::offers(api_key api) const noexcept {
    if (!renames()) return true;
    switch (api) {
    case api_key::describe_acls:
    case api_key::create_acls:
    case api_key::delete_acls:
    case api_key::create_delegation_token:
    case api_key::renew_delegation_token:
    case api_key::expire_delegation_token:
    case api_key::describe_delegation_token:
    case api_key::describe_client_quotas:
    case api_key::alter_client_quotas:
    case api_key::describe_user_scram_credentials:
    case api_key::alter_user_scram_credentials: return false;
    default: return true;
    }
}

void tenant::to_broker(kwire::named_field& field) const {
    switch (field.meaning()) {
    case entity::topic_pattern: // matches whole names
    case entity::transaction_pattern:
        if (!field.text().empty()) field.set_text(quoted(prefix_) + "(?:" + std::string(field.text()) + ')');
        return;
    case entity::topic_name:
    case entity::group_id:
    case entity::transactional_id:
        if (!field.text().empty()) field.set_text(prefix_ + std::string(field.text()));
        return;
    default: return;
    }
}

bool tenant::to_client(kwire::named_field& field) const {
    switch (field.meaning()) {
    case entity::topic_pattern:
    case entity::transaction_pattern: {
        const std::string before = quoted(prefix_) + "(?:";
        if (field.text().starts_with(before) && field.text().ends_with(')'))
            field.set_text(field.text().substr(before.size(), field.text().size() - before.size() - 1));
        return true;
    }
    case entity::topic_name:
    case entity::group_id:
    case entity::transactional_id:
        if (field.text().empty()) return true;
        if (!has(field.text())) return false;
        field.set_text(field.text().substr(prefix_.size()));
        return true;
    default: return true;
    }
}

bool tenant::is_foreign(const kwire::topic_directory& topics, const kwire::uuid& topic) const {
    const auto name = topics.name_of(topic);
    return renames() && name && !has(*name);
}

} // namespace proxy

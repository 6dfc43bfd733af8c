// --topic-prefix: a tenant sees only what begins with its prefix, and never sees the prefix.
#pragma once

#include <kwire/api.hpp>
#include <kwire/connect/rewrite.hpp>
#include <kwire/messages/describe_topic_partitions.hpp>
#include <kwire/reflect/topic_directory.hpp>

#include <string>
#include <string_view>

namespace proxy {

/// Names of topics, groups and transactions are longer on the brokers' side, by the prefix of the tenant.
class tenant {
public:
    explicit tenant(std::string prefix = {}) : prefix_(std::move(prefix)) {}

    /// Whether there is a prefix: else names stay as they are, and there is nothing to ask for.
    [[nodiscard]] bool renames() const noexcept { return !prefix_.empty(); }
    /// The meanings of the fields that to_broker and to_client want to see.
    [[nodiscard]] kwire::entity_set names() const noexcept;
    /// Whether clients may use the API. Not offered under a prefix are those whose names are patterns over
    /// all tenants (ACLs), and those that are about users and not topics (quotas, tokens, credentials).
    [[nodiscard]] bool offers(kwire::api_key api) const noexcept;

    /// Whether a name of the brokers is the tenant's.
    [[nodiscard]] bool has(std::string_view name) const noexcept {
        return name.size() > prefix_.size() && name.starts_with(prefix_);
    }
    /// Where the tenant's topics begin among all topics, in the order of their names.
    [[nodiscard]] kwire::describe_topic_partitions_request::cursor::data first_topic() const {
        return {.topic_name = prefix_, .partition_index = 0};
    }

    /// A name in a request, on its way to a broker.
    void to_broker(kwire::named_field& field) const;
    /// A name in a response: true if it is the tenant's. Else the element that it is in must go.
    [[nodiscard]] bool to_client(kwire::named_field& field) const;
    /// Whether the id is of a topic that is known to be another tenant's.
    [[nodiscard]] bool is_foreign(const kwire::topic_directory& topics, const kwire::uuid& topic) const;

private:
    std::string prefix_;
};

} // namespace proxy

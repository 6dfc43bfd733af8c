#include "summary.hpp"

#include <kwire/wire/uuid_text.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "records.hpp"

namespace dump {

namespace {

using kwire::entity;
using kwire::error_code;
using kwire::field_kind;

bool is_partition_number(const kwire::field_info& field) noexcept {
    static constexpr std::array<std::string_view, 4> names{"partition_index", "partition", "partition_id",
                                                           "index"};
    return field.kind == field_kind::int32 && std::ranges::find(names, field.name) != names.end();
}
bool is_partition_list(const kwire::field_info& field) noexcept {
    static constexpr std::array<std::string_view, 3> names{"partitions", "partition_indexes",
                                                           "partition_ids"};
    return field.element == field_kind::int32 && std::ranges::find(names, field.name) != names.end();
}

/// An offset that was committed, listed, or given to what was produced.
bool is_offset(const kwire::field_info& field) noexcept {
    static constexpr std::array<std::string_view, 3> names{"offset", "committed_offset", "base_offset"};
    return field.kind == field_kind::int64 && std::ranges::find(names, field.name) != names.end();
}

/// Collects facts struct by struct, since an error may come before or after what it is about.
class collector {
public:
    collector(const kwire::topic_directory& directory, summary& to) : directory_(directory), to_(to) {
        levels_.emplace_back();
    }

    void value(const located_field& at, const kwire::dynamic_value& value) {
        level& here = levels_.back();
        const kwire::field_info& field = at.field;
        if (field.names == entity::topic_name && value.kind() == field_kind::string) {
            if (value.is_null() || value.text().empty()) return;
            if (at.element >= 0)
                static_cast<void>(topic(value.text()));
            else
                here.name = value.text();
        } else if (field.names == entity::topic_id && value.kind() == field_kind::uuid) {
            if (value.id() != kwire::uuid{}) here.id = value.id();
        } else if (field.enumerators == kwire::enumeration::error_code) {
            here.errors.push_back(static_cast<error_code>(value.number()));
        } else if (value.kind() == field_kind::records) {
            if (!value.is_null()) count(value.bytes(), false);
        } else if (field.name == "fetch_offset") {
            here.offset = value.number();
        } else if (field.name == "committed" && field.kind == field_kind::boolean) {
            to_.commits = value.number() != 0;
        } else if (asks_for_offset(field)) {
            here.asked = value.number();
        } else if (is_offset(field)) {
            here.at = value.number();
        } else if (at.element >= 0 ? is_partition_list(field) : is_partition_number(field)) {
            if (at.element >= 0)
                part(value.number(), {});
            else
                here.partition = value.number();
        }
    }
    void cut(const located_field& at, const kwire::cut_bytes& part_of) {
        if (at.field.kind == field_kind::records) count(part_of.there, true);
    }
    void begin_array(const located_field&, std::size_t, bool) const noexcept {}
    void end_array(const located_field&, std::size_t, bool) const noexcept {}
    bool begin_struct(const located_field& at, bool) {
        levels_.emplace_back();
        return at.field.name != "forgotten_topics_data";
    }
    void end_struct(const located_field&, bool) { close(); }
    void unknown_tag(std::uint32_t, std::span<const std::byte>) const noexcept {}
    void missing(const located_field&) const noexcept {}

    void finish() { close(); }

private:
    struct level {
        std::string_view name;
        std::optional<kwire::uuid> id;
        std::int64_t partition = -1;
        std::int64_t offset = -1;
        std::int64_t at = -1;
        std::optional<std::int64_t> asked;
        record_count records;
        bool has_records = false;
        std::vector<error_code> errors;
    };

    void count(std::span<const std::byte> bytes, bool cut_off) {
        level& here = levels_.back();
        here.records = count_records(bytes, cut_off);
        here.has_records = true;
    }

    /// The topic of the struct, or of one around it.
    topic_facts* topic_here() {
        for (auto i = levels_.rbegin(); i != levels_.rend(); ++i) {
            if (!i->name.empty()) return &topic(i->name);
            if (!i->id) continue;
            if (const auto name = directory_.name_of(*i->id)) return &topic(*name);
            std::array<char, kwire::uuid::text_size> chars;
            topic_facts& unnamed = topic(i->id->to_chars(chars));
            unnamed.named = false;
            return &unnamed;
        }
        return nullptr;
    }
    topic_facts& topic(std::string_view name) {
        if (last_ < to_.topics.size() && to_.topics[last_].name == name) return to_.topics[last_];
        const auto found = to_.places.find(name);
        last_ = found != to_.places.end() ? found->second : to_.topics.size();
        if (found == to_.places.end()) {
            to_.topics.emplace_back().name = name;
            to_.places.emplace(std::string(name), last_);
        }
        return to_.topics[last_];
    }

    void part(std::int64_t number, const level& facts) {
        topic_facts* const in = topic_here();
        if (in == nullptr) return;
        const auto [place, added] = in->places.try_emplace(number, in->partitions.size());
        if (added) in->partitions.push_back({.number = number});
        partition_facts* const found = &in->partitions[place->second];
        if (facts.offset >= 0) found->offset = facts.offset;
        if (facts.at >= 0) found->at = facts.at;
        if (facts.asked) found->asked = facts.asked;
        if (facts.has_records) {
            found->records = std::max<std::int64_t>(found->records, 0) + facts.records.records;
            found->record_bytes += facts.records.bytes;
            found->records_cut = found->records_cut || facts.records.more;
        }
        for (const error_code code : facts.errors)
            if (code != error_code::none) found->error = code;
    }

    void close() {
        const level& closed = levels_.back();
        if (closed.has_records) {
            to_.records = std::max<std::int64_t>(to_.records, 0) + closed.records.records;
            to_.records_cut = to_.records_cut || closed.records.more;
        }
        const bool own_topic = !closed.name.empty() || closed.id;
        if (closed.partition >= 0 && topic_here() != nullptr) {
            part(closed.partition, closed);
        } else {
            topic_facts* const in = own_topic ? topic_here() : nullptr;
            for (const error_code code : closed.errors) {
                if (code == error_code::none) continue;
                if (in != nullptr)
                    in->error = code;
                else
                    to_.errors.push_back(code);
            }
        }
        levels_.pop_back();
    }

    const kwire::topic_directory& directory_;
    summary& to_;
    std::vector<level> levels_;
    std::size_t last_ = 0;
};

} // namespace

bool summary::has_error() const noexcept {
    const auto bad = [](const auto& one) { return one.error != error_code::none; };
    return !errors.empty() || std::ranges::any_of(topics, [&](const topic_facts& one) {
        return bad(one) || std::ranges::any_of(one.partitions, bad);
    });
}

void summarize(seen_message& message, const kwire::topic_directory& topics, summary& to) {
    collector collected(topics, to);
    visit_body(message, collected);
    collected.finish();
}

} // namespace dump

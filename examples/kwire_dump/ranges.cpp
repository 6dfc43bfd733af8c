#include "ranges.hpp"

#include <kwire/records/batch.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace dump {

namespace {

using kwire::field_kind;

class range_collector {
public:
    range_collector(std::vector<byte_range>& to, const std::byte* frame, const detail_options& wanted,
                    bool header)
        : to_(to), frame_(frame), wanted_(wanted), header_(header) {}

    void value(const located_field& at, const kwire::dynamic_value& value) {
        std::string text;
        painter plain(text, false);
        put_value(plain, at, value, wanted_);
        const bool bad = at.field.enumerators == kwire::enumeration::error_code && value.number() != 0;
        content(at, std::move(text), bad);
    }
    void cut(const located_field& at, const kwire::cut_bytes& part) {
        std::string text;
        painter plain(text, false);
        put_part(plain, at, part, wanted_);
        content(at, std::move(text), false);
    }
    void begin_array(const located_field& at, std::size_t claimed, bool null) {
        add(at.bytes, range_kind::length, name_of(at),
            null ? "null" : counted(static_cast<std::int64_t>(claimed), "element"));
        path_.push_back({at, false});
    }
    void end_array(const located_field&, std::size_t, bool) { path_.pop_back(); }
    bool begin_struct(const located_field& at, bool null) {
        add(at.bytes, range_kind::length, name_of(at), null ? "null" : "");
        path_.push_back({at, true});
        return true;
    }
    void end_struct(const located_field&, bool) { path_.pop_back(); }
    void unknown_tag(std::uint32_t number, std::span<const std::byte> payload) {
        add(payload, range_kind::tags, prefix() + fmt::format("tag {}", number), "unknown");
    }
    void missing(const located_field&) const noexcept {}

private:
    struct step {
        located_field at;
        bool structure;
    };

    /// "topics[0].partitions[1]." of the struct that is visited.
    [[nodiscard]] std::string prefix() const {
        std::string out;
        for (std::size_t i = 0; i < path_.size(); ++i) {
            if (!path_[i].structure) continue; // the elements say it
            out += path_[i].at.field.name;
            if (path_[i].at.element >= 0) out += fmt::format("[{}]", path_[i].at.element);
            out += '.';
        }
        return out;
    }
    [[nodiscard]] std::string name_of(const located_field& at) const {
        std::string out = prefix();
        out += at.field.name;
        if (at.element >= 0) out += fmt::format("[{}]", at.element);
        return out;
    }
    void add(std::span<const std::byte> bytes, range_kind kind, std::string name, std::string value) {
        if (bytes.empty()) return;
        to_.push_back({static_cast<std::size_t>(bytes.data() - frame_), bytes.size(), kind, std::move(name),
                       std::move(value)});
    }

    void content(const located_field& at, std::string value, bool bad) {
        const std::string name = name_of(at);
        const auto inside = at.bytes.subspan(at.prefix);
        add(at.bytes.first(at.prefix), range_kind::length, name + " (length)", inside.empty() ? value : "");
        if (at.secret && !wanted_.secrets) return add(inside, range_kind::secret, name, "<secret>");
        if (at.field.kind == field_kind::records && !inside.empty()) return batches(name, inside);
        range_kind kind = header_ ? range_kind::header : range_kind::number;
        if (at.prefix != 0)
            kind = at.field.element == field_kind::string ? range_kind::text : range_kind::bytes;
        add(inside, bad ? range_kind::error : kind, name, std::move(value));
    }

    /// The fields of the headers of batches, as batch_header lays them out, and what follows each.
    void batches(const std::string& name, std::span<const std::byte> bytes) {
        using header = kwire::batch_header;
        struct place {
            const char* name;
            std::size_t at;
            std::int64_t (*value)(const header&);
        };
        static constexpr std::array<place, 13> fields{{
            {"base_offset", offsetof(header, base_offset),
             [](const header& h) { return std::int64_t{h.base_offset}; }},
            {"batch_length", offsetof(header, batch_length),
             [](const header& h) { return std::int64_t{h.batch_length}; }},
            {"partition_leader_epoch", offsetof(header, partition_leader_epoch),
             [](const header& h) { return std::int64_t{h.partition_leader_epoch}; }},
            {"magic", offsetof(header, magic), [](const header& h) { return std::int64_t{h.magic}; }},
            {"crc", offsetof(header, crc), [](const header& h) { return std::int64_t{h.crc}; }},
            {"attributes", offsetof(header, attributes),
             [](const header& h) { return std::int64_t{h.attributes}; }},
            {"last_offset_delta", offsetof(header, last_offset_delta),
             [](const header& h) { return std::int64_t{h.last_offset_delta}; }},
            {"base_timestamp", offsetof(header, base_timestamp),
             [](const header& h) { return std::int64_t{h.base_timestamp}; }},
            {"max_timestamp", offsetof(header, max_timestamp),
             [](const header& h) { return std::int64_t{h.max_timestamp}; }},
            {"producer_id", offsetof(header, producer_id),
             [](const header& h) { return std::int64_t{h.producer_id}; }},
            {"producer_epoch", offsetof(header, producer_epoch),
             [](const header& h) { return std::int64_t{h.producer_epoch}; }},
            {"base_sequence", offsetof(header, base_sequence),
             [](const header& h) { return std::int64_t{h.base_sequence}; }},
            {"record_count", offsetof(header, record_count),
             [](const header& h) { return std::int64_t{h.record_count}; }},
        }};
        std::size_t number = 0, done = 0;
        for (const auto batch : kwire::record_batches(bytes)) {
            if (!batch) break;
            const auto all = bytes_of(*batch);
            const std::string path = fmt::format("{}[{}]", name, number++);
            done += all.size();
            const header* const front = batch->header();
            if (front == nullptr) {
                add(all, range_kind::records, path, fmt::format("message of magic {}", batch->magic()));
                continue;
            }
            for (std::size_t i = 0; i < fields.size(); ++i) {
                const std::size_t end = i + 1 < fields.size() ? fields[i + 1].at : sizeof(header);
                add(all.subspan(fields[i].at, end - fields[i].at), range_kind::records,
                    fmt::format("{}.{}", path, fields[i].name), std::to_string(fields[i].value(*front)));
            }
            add(all.subspan(sizeof(header)), range_kind::bytes, path + ".records",
                fmt::format("{}, {}", counted(front->record_count.value(), "record"),
                            kwire::name_of(batch->compression())));
        }
        add(bytes.subspan(done), range_kind::bytes, name, "a part of a batch");
    }

    std::vector<byte_range>& to_;
    const std::byte* frame_;
    const detail_options& wanted_;
    bool header_;
    std::vector<step> path_;
};

} // namespace

std::vector<byte_range> ranges_of(seen_message& message, const detail_options& wanted) {
    std::vector<byte_range> found;
    visit_header(message, range_collector(found, message.frame.data(), wanted, true));
    visit_body(message, range_collector(found, message.frame.data(), wanted, false));
    std::ranges::sort(found, {}, &byte_range::at); // tagged fields come earlier in the schema
    std::vector<byte_range> all;
    std::size_t at = 0;
    const bool hides = message.info == nullptr || may_hold_secrets(*message.info);
    const auto fill_part = [&](std::size_t end) {
        if (at >= end) return;
        const bool read = !message.refusal && message.header_size != 0 && message.info != nullptr;
        const bool body = at >= message.header_size;
        const bool unread = !read && body;
        all.push_back(
            {at, end - at,
             unread ? hides && !wanted.secrets ? range_kind::secret : range_kind::unread : range_kind::tags,
             unread ? "not readable" : "tags", ""});
        at = end;
    };
    const auto fill = [&](std::size_t end) {
        fill_part(std::min(end, message.header_size));
        fill_part(end);
    };
    for (byte_range& one : found) {
        if (one.at < at) continue;
        fill(one.at);
        at = one.at + one.size;
        all.push_back(std::move(one));
    }
    fill(message.frame.size());
    return all;
}

} // namespace dump

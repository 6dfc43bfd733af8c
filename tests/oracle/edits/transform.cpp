/// Changes of records, one by one: kwire::transform_records.
#include <kwire/records/transform.hpp>
#include <kwire/reflect/json.hpp>

#include <boost/json/array.hpp>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "edits.hpp"
#include "support/every_codec.hpp"
#include "text.hpp"

namespace edits {

namespace {

using kwire::error;
using optional_bytes = std::optional<kwire::shared_buffer>;

/// Bytes as base64, or null.
optional_bytes bytes_of(const boost::json::value& json) {
    return json.is_null() ? std::nullopt : kwire::detail::from_base64(text_of(json));
}
std::optional<std::span<const std::byte>> span_of(const optional_bytes& bytes) {
    return bytes ? std::optional(bytes->span()) : std::nullopt;
}

/// Headers whose names and values stay in memory as long as it does.
class header_list {
public:
    explicit header_list(const boost::json::array& pairs) {
        values_.reserve(pairs.size());
        for (const boost::json::value& pair : pairs) {
            values_.push_back(bytes_of(pair.at(1)));
            headers_.push_back({text_of(pair.at(0)), span_of(values_.back())});
        }
    }
    [[nodiscard]] std::span<const kwire::header_view> headers() const noexcept { return headers_; }

private:
    std::vector<optional_bytes> values_;
    std::vector<kwire::header_view> headers_;
};

void set_value(kwire::record_edit& edit, std::string_view how, const optional_bytes& value) {
    if (!value || how == "span") {
        edit.set_value(span_of(value));
    } else if (how == "buffer") {
        edit.set_value(*value);
    } else {
        const auto room = edit.write_value(value->size() + 7);
        std::ranges::copy(value->span(), room.begin());
        edit.trim_value(value->size());
    }
}

void change(kwire::record_edit& edit, const boost::json::object& action) {
    const std::string_view how = text_of(action.at("how"));
    // As the guide advises, the value last; but every third way has it first.
    const boost::json::value* const value = action.if_contains("value");
    if (value != nullptr && how == "buffer") set_value(edit, how, bytes_of(*value));
    if (const boost::json::value* const key = action.if_contains("key")) {
        const auto bytes = bytes_of(*key);
        if (bytes && how == "buffer")
            edit.set_key(*bytes);
        else
            edit.set_key(span_of(bytes));
    }
    if (const boost::json::value* const name = action.if_contains("remove"))
        edit.remove_headers(text_of(*name));
    if (const boost::json::value* const all = action.if_contains("headers"))
        edit.set_headers(header_list(all->as_array()).headers());
    if (value != nullptr && how != "buffer") set_value(edit, how, bytes_of(*value));
    if (const boost::json::value* const more = action.if_contains("add")) {
        const header_list list(more->as_array());
        for (const kwire::header_view& header : list.headers()) edit.add_header(header);
    }
}

kwire::emptied_batch emptied_by(std::string_view name) {
    return name == "keep"   ? kwire::emptied_batch::keep
           : name == "drop" ? kwire::emptied_batch::drop
                            : kwire::emptied_batch::keep_with_producer;
}

} // namespace

kwire::expected<void, error> answer_transform(const boost::json::object& line, std::string& out) {
    static kwire::test::every_codec codecs;
    const auto bytes = convert::from_hex("transform", text_of(line.at("transform")));
    if (!bytes) return kwire::unexpected(bytes.error());
    kwire::transform_options options{
        .emptied = emptied_by(text_of(line.at("emptied"))),
        .legacy = text_of(line.at("legacy")) == "pass" ? kwire::legacy_messages::pass
                                                       : kwire::legacy_messages::refuse,
    };
    if (const boost::json::value& name = line.at("compress_with"); name.is_string()) {
        const std::string_view codec = text_of(name);
        options.compress_with = codecs.set.find(codec == "gzip"     ? kwire::compression_type::gzip
                                                : codec == "snappy" ? kwire::compression_type::snappy
                                                : codec == "lz4"    ? kwire::compression_type::lz4
                                                                    : kwire::compression_type::zstd);
    }
    const boost::json::array& actions = line.at("actions").as_array();
    std::size_t calls = 0;
    const auto done = kwire::transform_records(
        kwire::shared_buffer::copy_of(*bytes), codecs.set, 64 << 20,
        [&](const kwire::record_view&, kwire::record_edit& edit) -> kwire::expected<void, error> {
            if (calls == actions.size()) return kwire::unexpected(convert::wrong("actions"));
            const boost::json::value& action = actions[calls++];
            if (action.is_string()) edit.drop();
            if (action.is_object()) change(edit, action.get_object());
            return {};
        },
        options);
    if (!done) return kwire::unexpected(done.error());
    if (calls != actions.size()) return kwire::unexpected(convert::wrong("actions"));
    out += '{';
    put_hex("records", done->records, out);
    out += ",\"counts\":{\"changed_batches\":" + std::to_string(done->changed_batches) +
           ",\"dropped_batches\":" + std::to_string(done->dropped_batches) +
           ",\"changed_records\":" + std::to_string(done->changed_records) +
           ",\"dropped_records\":" + std::to_string(done->dropped_records) + "}}";
    return {};
}

} // namespace edits

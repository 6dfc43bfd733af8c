/// Requests in parts and their answers as one: kwire::split.
#include <kwire/read/parse.hpp>
#include <kwire/split/all.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/to_data.hpp>

#include <boost/json/array.hpp>

#include <cstdint>
#include <numeric>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "edits.hpp"
#include "text.hpp"

namespace edits {

namespace {

using kwire::error;

/// The part that a partition belongs to, out of `count`: by the sum of all that it is known by.
int part_of(const kwire::split_topic& topic, std::int32_t partition, int count) {
    auto sum = static_cast<std::uint32_t>(partition) + static_cast<std::uint32_t>(topic.producer_id);
    for (const char c : topic.around) sum += static_cast<unsigned char>(c);
    for (const char c : topic.name) sum += static_cast<unsigned char>(c);
    for (const std::byte b : topic.id.bytes) sum += std::to_integer<std::uint32_t>(b);
    return static_cast<int>(sum % static_cast<std::uint32_t>(count));
}

kwire::expected<kwire::shared_buffer, error> bytes_of(const boost::json::value& hex) {
    const auto bytes = convert::from_hex("hex", text_of(hex));
    if (!bytes) return kwire::unexpected(bytes.error());
    return kwire::shared_buffer::copy_of(*bytes);
}

template <class Request>
kwire::expected<void, error> split_and_merge(const boost::json::object& line, std::string& out) {
    using response = typename kwire::detail::split_api<Request>::response;
    const int version = static_cast<int>(line.at("version").as_int64());
    const auto body = bytes_of(line.at("hex"));
    if (!body) return kwire::unexpected(body.error());
    const auto request = kwire::parse<Request>(*body, version);
    if (!request) return kwire::unexpected(request.error());
    std::vector<int> keys(static_cast<std::size_t>(line.at("parts").as_int64()));
    std::iota(keys.begin(), keys.end(), 0);
    auto split = kwire::split(
        *request,
        [count = static_cast<int>(keys.size())](const kwire::split_topic& topic, std::int32_t partition) {
            return part_of(topic, partition, count);
        },
        std::span<const int>(keys));

    out += "{\"parts\":[";
    for (std::size_t i = 0; i != split.parts().size(); ++i) {
        const auto part = kwire::encode<Request>(split.parts()[i].request, version);
        if (!part) return kwire::unexpected(part.error());
        if (split.parts()[i].key != static_cast<int>(i)) return kwire::unexpected(convert::wrong("key"));
        out += i == 0 ? "{" : ",{";
        put_hex("hex", *part, out);
        out += '}';
    }
    out += ']';
    if (const boost::json::value* const answers = line.if_contains("answers")) {
        std::size_t i = 0;
        for (const boost::json::value& answer : answers->as_array()) {
            const auto bytes = bytes_of(answer);
            if (!bytes) return kwire::unexpected(bytes.error());
            const auto parsed = kwire::parse<response>(*bytes, version);
            if (!parsed) return kwire::unexpected(parsed.error());
            split.answer(i++, kwire::to_data(*parsed));
        }
        if (!split.done()) return kwire::unexpected(convert::wrong("done"));
        const auto merged = kwire::encode<response>(std::move(split).merge(), version);
        if (!merged) return kwire::unexpected(merged.error());
        out += ',';
        put_hex("merged", *merged, out);
    }
    out += '}';
    return {};
}

template <class... Requests>
kwire::expected<void, error> split_one_of(const boost::json::object& line, std::string& out) {
    kwire::expected<void, error> done = kwire::unexpected(convert::wrong("split"));
    const auto is_it = [&]<class Request>(std::type_identity<Request>) {
        if (text_of(line.at("split")) != Request::facts.name) return false;
        done = split_and_merge<Request>(line, out);
        return true;
    };
    static_cast<void>((is_it(std::type_identity<Requests>{}) || ...));
    return done;
}

} // namespace

kwire::expected<void, error> answer_split(const boost::json::object& line, std::string& out) {
    const std::size_t start = out.size();
    auto done =
        split_one_of<kwire::add_partitions_to_txn_request, kwire::delete_records_request,
                     kwire::describe_producers_request, kwire::fetch_request, kwire::list_offsets_request,
                     kwire::offset_commit_request, kwire::offset_fetch_request,
                     kwire::offset_for_leader_epoch_request, kwire::produce_request,
                     kwire::txn_offset_commit_request, kwire::write_txn_markers_request>(line, out);
    if (!done) out.resize(start); // what was written before it failed
    return done;
}

} // namespace edits

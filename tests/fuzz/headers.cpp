/// libFuzzer: any bytes as the frame of a request and of a response. A second reader, written from the
/// protocol alone, says which headers are right and where their bodies begin; what is read must be written
/// again as the same bytes, and a frame must survive its length.
#include <kwire/connect/frame.hpp>
#include <kwire/write/to_data.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/choices.hpp"
#include "fuzz/insist.hpp"
#include "support/bytes.hpp"

namespace {

using kwire::api_key;
using kwire::errc;
using kwire::test::exact_bytes;
using support::choices;
using support::insist;

std::string text_of(const kwire::error& e) { return std::string(kwire::describe(e)); }

/// A header as the slow reader sees it.
struct plain_header {
    std::int32_t correlation_id = 0;
    std::optional<std::string> client_id;
    std::vector<std::pair<std::uint32_t, std::size_t>> tags; ///< number and size
    std::size_t size = 0;                                    ///< the body begins here
    bool canonical = true;                                   ///< whether its varints are the shortest
};

class plain_reader {
public:
    explicit plain_reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

    /// nullopt for a header that must be refused.
    std::optional<plain_header> request(int version) {
        plain_header header;
        big_endian(4);
        header.correlation_id = static_cast<std::int32_t>(big_endian(4));
        if (version >= 1) {
            const auto size = static_cast<std::int16_t>(big_endian(2));
            if (size < -1) return std::nullopt;
            if (size >= 0) {
                const auto text = take(static_cast<std::size_t>(size));
                header.client_id.emplace(reinterpret_cast<const char*>(text.data()), text.size());
            }
        }
        if (version >= 2) tags(header);
        return end(header);
    }
    std::optional<plain_header> response(int version) {
        plain_header header;
        header.correlation_id = static_cast<std::int32_t>(big_endian(4));
        if (version >= 1) tags(header);
        return end(header);
    }

private:
    std::optional<plain_header> end(plain_header& header) {
        if (failed_) return std::nullopt;
        header.size = at_;
        return header;
    }
    std::span<const std::byte> take(std::size_t n) {
        if (n > bytes_.size() - at_) {
            failed_ = true;
            return {};
        }
        at_ += n;
        return bytes_.subspan(at_ - n, n);
    }
    std::uint64_t big_endian(std::size_t width) {
        std::uint64_t value = 0;
        for (const std::byte b : take(width)) value = value << 8 | std::to_integer<std::uint64_t>(b);
        return value;
    }
    std::uint32_t varint(plain_header& header) {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < 5; ++i) {
            const auto one = take(1);
            if (failed_) return 0;
            const auto bits = std::to_integer<std::uint64_t>(one[0]);
            value |= (bits & 0x7f) << (7 * i);
            if (bits >= 0x80) continue;
            if (i != 0 && bits == 0) header.canonical = false;
            if (value > 0xffffffff) break;
            return static_cast<std::uint32_t>(value);
        }
        failed_ = true;
        return 0;
    }
    void tags(plain_header& header) {
        const std::size_t start = at_;
        const std::uint32_t count = varint(header);
        std::int64_t previous = -1;
        for (std::uint32_t i = 0; i < count && !failed_; ++i) {
            const std::uint32_t number = varint(header);
            const std::uint32_t size = varint(header);
            take(size);
            if (number <= previous) failed_ = true;
            previous = number;
            header.tags.emplace_back(number, size);
        }
        if (count > kwire::header_limits{}.max_tags || at_ - start > kwire::header_limits{}.max_tag_bytes)
            failed_ = true;
    }

    std::span<const std::byte> bytes_;
    std::size_t at_ = 0;
    bool failed_ = false;
};

template <class Header>
void check_tags(const typename Header::view& header, const plain_header& expected) {
    std::size_t i = 0;
    for (const kwire::unknown_tag_view tag : kwire::unknown_tags(header)) {
        insist(i < expected.tags.size() && tag.number == expected.tags[i].first &&
                   tag.payload.size() == expected.tags[i].second,
               "the tags of a header are those that are there");
        ++i;
    }
    insist(i == expected.tags.size(), "all tags of a header are shown");
}

/// `header` written again, as kwire does.
template <class Header>
void check_again(const typename Header::view& header, int version, const plain_header& expected,
                 std::span<const std::byte> bytes) {
    const auto written = kwire::encode<Header>(kwire::copy_to_data(header), version);
    insist(written.has_value(), "a header can be written again", written ? "" : text_of(written.error()));
    insist(written->size() <= expected.size, "a header does not grow");
    const auto again = written->to_bytes();
    if (expected.canonical)
        insist(std::ranges::equal(again.span(), bytes.first(expected.size)),
               "a header is written as the bytes that it was");
}

template <class Frame>
void check_frame(const Frame& frame, const plain_header& expected, std::span<const std::byte> bytes) {
    insist(frame.correlation_id() == expected.correlation_id, "the correlation id is the header's");
    insist(bytes_of(frame.header()).size() == expected.size, "the header ends where the body begins");
    insist(std::ranges::equal(frame.body(), bytes.subspan(expected.size)), "the body is all that follows");
    const auto sent = kwire::with_length(kwire::buffer_chain(frame.frame()));
    insist(sent && sent->size() == bytes.size() + 4, "a frame gets its length back");
    const auto whole = sent->to_bytes();
    const auto again = kwire::without_length(whole);
    insist(again && std::ranges::equal(again->span(), bytes), "and loses it again");
    insist(!kwire::without_length(*whole.slice(0, whole.size() - 1)), "a frame cut short has no length");
}

void check_request(std::span<const std::byte> bytes) {
    const exact_bytes exact(bytes);
    const auto start = kwire::peek_request(exact.span());
    insist(start.has_value() == (bytes.size() >= 8), "eight bytes are enough to route a request");
    const auto frame = kwire::parse_request_frame(kwire::shared_buffer::copy_of(bytes));
    if (!start)
        return insist(!frame && frame.error() == errc::truncated, "a frame of fewer bytes has no header");
    const int version = kwire::request_header_version(start->api, start->api_version);
    const auto expected = plain_reader(bytes).request(version);
    insist(frame.has_value() == expected.has_value(), "a header is right or wrong for every reader",
           frame ? "accepted" : text_of(frame.error()));
    const auto lenient =
        kwire::parse_request_frame(kwire::shared_buffer::copy_of(bytes), kwire::parse_options::lenient());
    if (!frame) {
        insist(frame.error().offset <= bytes.size() && !frame.error().message.empty(),
               "a refusal lies in the bytes");
        return;
    }
    insist(frame->api() == start->api && frame->api_version() == start->api_version,
           "it is of the API it says");
    const auto header = frame->header();
    insist(version == 0 || header.client_id().has_value() == expected->client_id.has_value(),
           "null is not empty");
    if (expected->client_id)
        insist(*header.client_id() == *expected->client_id, "the client id is what it was");
    check_tags<kwire::request_header>(header, *expected);
    check_again<kwire::request_header>(header, version, *expected, bytes);
    check_frame(*frame, *expected, bytes);
    insist(lenient && lenient->body().size() == frame->body().size(), "leniency changes no right header");
}

/// Whether the body is the answer of a broker that does not know the version (KIP-511).
bool is_fallback(std::span<const std::byte> body) {
    if (body.size() < 6 || (body.size() - 6) % 6 != 0) return false;
    const std::uint64_t count = (body.size() - 6) / 6;
    const std::array<std::byte, 6> start{std::byte{0},
                                         std::byte{35},
                                         static_cast<std::byte>(count >> 24),
                                         static_cast<std::byte>(count >> 16 & 0xff),
                                         static_cast<std::byte>(count >> 8 & 0xff),
                                         static_cast<std::byte>(count & 0xff)};
    return std::ranges::equal(body.first(6), start);
}

void check_response(std::span<const std::byte> bytes, api_key api, std::int16_t version) {
    const auto frame = kwire::parse_response_frame(kwire::shared_buffer::copy_of(bytes), api, version);
    const int header_version = kwire::response_header_version(api, version);
    const auto expected = plain_reader(bytes).response(header_version);
    insist(frame.has_value() == expected.has_value(), "a header is right or wrong for every reader",
           frame ? "accepted" : text_of(frame.error()));
    if (!frame) {
        insist(frame.error().offset <= bytes.size() && !frame.error().message.empty(),
               "a refusal lies in the bytes");
        return;
    }
    insist(frame->api() == api, "it is of the API that was asked");
    const bool fallback = api == api_key::api_versions && is_fallback(bytes.subspan(expected->size));
    insist(frame->api_version() == (fallback ? 0 : version),
           "it has the version that was asked, or the fallback's");
    check_tags<kwire::response_header>(frame->header(), *expected);
    check_again<kwire::response_header>(frame->header(), header_version, *expected, bytes);
    check_frame(*frame, *expected, bytes);
}

/// A header that is mostly right, before a body.
std::vector<std::byte> made_up(choices& from, bool request, int version, api_key api,
                               std::int16_t api_version) {
    std::vector<std::byte> out;
    const auto put = [&](std::uint64_t value, std::size_t width) {
        while (width-- != 0) out.push_back(static_cast<std::byte>(value >> (8 * width) & 0xff));
    };
    const auto varint = [&](std::uint64_t value) {
        for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::byte>((value & 0x7f) | 0x80));
        if (from.once_in(16)) {
            out.push_back(static_cast<std::byte>(value | 0x80));
            value = 0;
        }
        out.push_back(static_cast<std::byte>(value));
    };
    if (request) {
        put(static_cast<std::uint16_t>(api), 2);
        put(static_cast<std::uint16_t>(api_version), 2);
    }
    put(from.number(4), 4);
    if (request && version >= 1) {
        const std::size_t size = from.once_in(12) ? 0x7fff - from.below(2) : from.below(20);
        const bool null = from.once_in(6);
        put(null ? (from.once_in(4) ? 0xfffe : 0xffff) : size, 2);
        if (!null)
            for (const std::byte b : from.bytes(size)) out.push_back(b);
    }
    if (version >= (request ? 2 : 1)) {
        const std::size_t count = from.once_in(6) ? 62 + from.below(5) : from.below(4);
        varint(count + (from.once_in(20) ? 1 : 0));
        std::uint64_t number = from.below(3);
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t size = from.once_in(60) ? 65'536 - from.below(16) : from.below(6);
            varint(number);
            varint(size);
            for (const std::byte b : from.bytes(size)) out.push_back(b);
            number += from.once_in(30) ? 0 : 1 + from.below(100);
        }
    }
    if (api == api_key::api_versions && from.flip()) {
        const std::size_t count = from.below(4);
        put(from.once_in(4) ? from.below(40) : 35, 2);
        put(count, 4);
        for (const std::byte b : from.bytes(count * 6 - (count != 0 && from.once_in(4) ? 1 : 0)))
            out.push_back(b);
    }
    for (const std::byte b : from.take(from.below(40))) out.push_back(b);
    if (from.once_in(5)) out.resize(from.below(out.size() + 1));
    if (from.once_in(5) && !out.empty()) out[from.below(out.size())] = static_cast<std::byte>(from.byte());
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto input = std::as_bytes(std::span(data, size));
    choices from(input);
    const bool request = from.flip();
    const auto api = static_cast<api_key>(from.once_in(8) ? static_cast<std::int16_t>(from.number(2))
                                                          : static_cast<std::int16_t>(from.below(96)));
    const auto version = static_cast<std::int16_t>(from.once_in(8) ? from.number(2) : from.below(20));
    const int header_version =
        request ? kwire::request_header_version(api, version) : kwire::response_header_version(api, version);
    const auto bytes = made_up(from, request, header_version, api, version);
    if (request)
        check_request(bytes);
    else
        check_response(bytes, api, version);
    check_request(input);
    check_response(input, api, version);
    return 0;
}

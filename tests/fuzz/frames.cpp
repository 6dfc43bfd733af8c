/// libFuzzer: streams of frames that arrive in pieces, in both directions and on every kind of memory. What
/// comes out must not depend on the pieces and must be what a reference says that sees the stream whole;
/// memory follows what has arrived; every frame is its own; and a request of Kafka's is never taken for
/// another protocol.
#include <kwire/connect/frame_reader.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/choices.hpp"
#include "fuzz/insist.hpp"

namespace {

using kwire::errc;
using support::choices;
using support::insist;
using byte_vector = std::vector<std::byte>;

std::uint64_t number_at(std::span<const std::byte> bytes, std::size_t at, std::size_t width) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i)
        value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
    return value;
}

/// What came out of a stream: frames, then a refusal or the end.
struct outcome {
    std::vector<byte_vector> frames;
    std::optional<errc> refusal, at_end;
    std::uint64_t needed = 0, left = 0; ///< of a frame that is cut short
};

/// What must come out by the rule alone, other protocols left aside.
outcome expected_of(std::span<const std::byte> stream, std::uint32_t most, bool requests) {
    outcome out;
    bool tokens = false; // a SaslHandshake v0 allows any length, until the next request
    while (!stream.empty()) {
        if (stream.size() < 4) {
            out.at_end = errc::truncated;
            out.needed = 4;
            out.left = stream.size();
            break;
        }
        const auto size = static_cast<std::uint32_t>(number_at(stream, 0, 4));
        const std::uint32_t least = tokens ? 0 : requests ? 8 : 4;
        if (size >= 0x80000000 || size < least) out.refusal = errc::bad_frame_length;
        if (size < 0x80000000 && size > most) out.refusal = errc::frame_too_large;
        if (out.refusal) break;
        stream = stream.subspan(4);
        if (stream.size() < size) {
            out.at_end = errc::truncated;
            out.needed = size;
            out.left = stream.size();
            break;
        }
        const auto frame = stream.first(size);
        out.frames.emplace_back(frame.begin(), frame.end());
        if (requests && size >= 4) {
            if (number_at(frame, 0, 4) == 17U << 16)
                tokens = true;
            else if (tokens)
                tokens = !kwire::detail::begins_any_request(frame);
        }
        stream = stream.subspan(size);
    }
    return out;
}

/// Pages that cannot always be had, or not in a larger size: the reader must then take other memory.
struct failing_pages {
    static inline choices failures{{}};

    static kwire::detail::mapped_pages map(std::size_t n, std::size_t) {
        if (failures.once_in(4)) return {};
        return {std::malloc(n), n};
    }
    static bool grow(kwire::detail::mapped_pages& pages, std::size_t to) {
        if (failures.once_in(3)) return false;
        pages = {std::realloc(pages.first, to), to};
        return true;
    }
    static void unmap(kwire::detail::mapped_pages pages) { std::free(pages.first); }
};

/// Reads the stream in pieces that `pieces` chooses; whole, as far as there is room, when it has no more
/// bytes.
template <class Reader>
outcome read(std::span<const std::byte> stream, std::uint32_t most, std::uint32_t ahead, choices pieces) {
    Reader reader(kwire::frame_limits{.max_frame_bytes = most, .read_ahead_bytes = ahead});
    outcome out;
    std::vector<kwire::shared_buffer> kept;
    std::size_t arrived = 0; // and not taken
    for (;;) {
        auto next = reader.next();
        if (!next) {
            out.refusal = next.error().code;
            insist(reader.prepare().empty(), "after a refusal nothing is read");
            const auto again = reader.next();
            insist(!again && again.error().code == *out.refusal, "a refusal stays");
            insist(reader.end_of_stream() && reader.end_of_stream()->code == *out.refusal, "to the end");
            insist(*out.refusal != errc::not_a_kafka_peer ||
                       (out.frames.empty() && !next.error().message.empty()),
                   "another protocol is seen in the first frame, and named");
            break;
        }
        if (*next) {
            out.frames.emplace_back((*next)->span().begin(), (*next)->span().end());
            arrived -= 4 + out.frames.back().size();
            if (pieces.once_in(3)) continue; // and goes at once
            kept.push_back(**std::move(next));
            continue;
        }
        if (pieces.once_in(5)) reader.release_memory();
        const auto room = reader.prepare();
        insist(!room.empty(), "between frames there is room");
        // A slab, and the frame's own memory; who has sent something may get used pages for all of it.
        const std::size_t fresh =
            std::max<std::size_t>(std::clamp<std::size_t>(512 * arrived, 65'536, 1 << 20), 2 * arrived);
        const std::size_t used = arrived > 128 ? std::size_t{most} * 5 / 4 : 0;
        insist(reader.capacity() <= std::size_t{2} * ahead + 4 + std::max(fresh + 65'536, used),
               "memory follows what has arrived");
        if (stream.empty()) {
            if (const auto end = reader.end_of_stream()) {
                out.at_end = end->code;
                out.needed = end->needed;
                out.left = end->left;
            }
            break;
        }
        std::size_t n = std::min(room.size(), stream.size());
        if (!pieces.empty()) n = std::min(n, pieces.once_in(3) ? n : std::size_t{pieces.byte()} % 64);
        std::memcpy(room.data(), stream.data(), n);
        reader.commit(n);
        stream = stream.subspan(n);
        arrived += n;
    }
    for (kwire::shared_buffer& frame : kept)
        insist(std::move(frame).try_into_unique().has_value(), "a frame has memory of its own");
    return out;
}

void compare(const outcome& seen, const outcome& expected) {
    const std::size_t n = seen.frames.size();
    insist(n <= expected.frames.size() &&
               std::equal(seen.frames.begin(), seen.frames.end(), expected.frames.begin()),
           "frames have the bytes that came");
    if (seen.refusal == errc::not_a_kafka_peer || seen.at_end == errc::not_a_kafka_peer)
        return; // see `genuine`
    insist(n == expected.frames.size(), "all frames come out");
    insist(seen.refusal == expected.refusal, "a length is refused for its reason");
    insist(seen.at_end == expected.at_end && seen.needed == expected.needed && seen.left == expected.left,
           "the end of a stream says what is missing");
}

template <template <class> class Reader>
void check(std::span<const std::byte> stream, std::uint32_t most, bool requests, bool genuine,
           choices pieces) {
    using page_memory = kwire::detail::page_memory<failing_pages>;
    const outcome expected = expected_of(stream, most, requests);
    const outcome whole = read<Reader<kwire::detail::growing_memory>>(stream, most, 0, choices({}));
    compare(whole, expected);
    failing_pages::failures = pieces;
    const auto ahead = static_cast<std::uint32_t>(pieces.flip() ? pieces.below(70'000) : pieces.below(100));
    for (const outcome& other :
         {read<Reader<kwire::detail::growing_memory>>(stream, most, 0, pieces),
          read<Reader<kwire::detail::growing_memory>>(stream, most, ahead, choices({})),
          read<Reader<kwire::detail::growing_memory>>(stream, most, ahead, pieces),
          read<Reader<kwire::detail::copying_memory>>(stream, most, ahead, pieces),
          read<Reader<page_memory>>(stream, most, ahead, pieces)}) {
        compare(other, expected);
        insist(other.refusal == whole.refusal && other.frames == whole.frames && other.at_end == whole.at_end,
               "pieces and memory make no difference");
    }
    if (genuine)
        insist(whole.refusal != errc::not_a_kafka_peer && whole.at_end != errc::not_a_kafka_peer,
               "a request of Kafka's is never taken for another protocol");
}

/// Streams of frames of many sizes, and now and then a length that is refused, or another protocol.
class stream_maker {
public:
    byte_vector stream;
    std::uint32_t most = 0; ///< the limit in force
    /// Whether the stream begins with a request that Kafka's clients send.
    bool genuine = false;

    explicit stream_maker(choices& from)
        : most(static_cast<std::uint32_t>(from.between(1'000, 60'000))), from_(from) {
        genuine = from.once_in(4);
        if (genuine && from.flip()) {
            put_start_of_large_request();
            return;
        }
        if (genuine)
            put_request(from.below(300), from.below(300));
        else if (from.once_in(6))
            put_banner();
        for (std::size_t count = from.below(6); count != 0; --count) put_frame();
        if (!genuine && from.once_in(4)) stream.resize(from.below(stream.size() + 1));
    }

private:
    void put(std::uint64_t value, std::size_t width) {
        while (width-- != 0) stream.push_back(static_cast<std::byte>(value >> (8 * width) & 0xff));
    }
    void put_content(std::size_t size) {
        const byte_vector content = from_.bytes(std::min<std::size_t>(size, 64));
        for (std::size_t i = 0; i < size; ++i)
            stream.push_back(content[i % content.size()] ^ static_cast<std::byte>(i >> 6 & 0xff));
    }

    /// A request whose length reads as text, as a TLS record or as another greeting; its bytes do not all
    /// come.
    void put_start_of_large_request() {
        most = 0x7fffffff;
        constexpr std::uint32_t odd[] = {0x16030102, 0x15030300, 0x47455420, 0x48545450, 0x2a310d0a,
                                         0x60820100, 0x05020001, 0x04010050, 0x5353482d, 0x0d0a0d0a};
        put_request(odd[from_.below(std::size(odd))], from_.below(400));
    }
    void put_request(std::size_t size, std::size_t coming) {
        const std::string_view client = "a client of ours";
        const std::string_view named = client.substr(0, from_.below(client.size() + 1));
        const std::size_t front = 8 + 2 + named.size();
        put(std::max(size, front), 4);
        put(from_.flip() ? 18 : 3, 2); // ApiVersions and Metadata have a version 1
        put(1, 2);
        put(from_.number(4), 4);
        put(named.size(), 2);
        for (const char c : named) stream.push_back(static_cast<std::byte>(c));
        if (size > front) put_content(std::min(size - front, most == 0x7fffffff ? coming : size - front));
    }
    void put_banner() {
        const std::string_view banners[] = {"GET / HTTP/1.1\r\n",     "SSH-2.0-OpenSSH\r\n",
                                            "PRI * HTTP/2.0\r\n\r\n", "\x16\x03\x01\x02\x05\x01\x02",
                                            "*1\r\n$4\r\nPING\r\n",   "\x15\x03\x03\x02\x02\x28"};
        for (const char c : banners[from_.below(std::size(banners))])
            stream.push_back(static_cast<std::byte>(c));
    }
    void put_frame() {
        std::size_t size = from_.below(80);
        if (from_.once_in(8)) size = from_.below(60'000);
        if (from_.once_in(8)) size = most - from_.below(2);
        put(from_.once_in(12) ? from_.number(4) : size, 4);
        if (from_.once_in(6) && size >= 8) { // SaslHandshake v0, after which lengths may be anything
            put(17, 2);
            put(0, 2);
            put(1, 4);
            size -= 8;
        }
        put_content(size);
    }

    choices& from_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto input = std::as_bytes(std::span(data, size));
    choices from(input);
    const stream_maker made(from);
    check<kwire::basic_request_reader>(made.stream, made.most, true, made.genuine, from);
    check<kwire::basic_response_reader>(made.stream, made.most, false, false, from);
    check<kwire::basic_request_reader>(input, 100'000, true, false, choices(input));
    check<kwire::basic_response_reader>(input, 100'000, false, false, choices(input));
    return 0;
}

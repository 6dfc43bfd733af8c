#include "frame_files.hpp"

#include <kwire/connect/frame.hpp>
#include <kwire/wire/endian.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <span>
#include <vector>

#include "recognise.hpp"

namespace dump {

namespace {

constexpr std::size_t length_size = 4;

/// Gives one frame, or the first bytes of one of `size` bytes, to the sink.
bool give(std::span<const std::byte> frame, std::uint32_t size, const options& chosen, sink& to,
          input_counts& counts) {
    exchange one;
    one.connection = 1;
    one.result = outcome::alone;
    frame_copy copy{kwire::shared_buffer::from_static(frame), size, 0, 0};
    if (chosen.responses) {
        const std::int32_t id = frame.size() < 4 ? 0 : kwire::wire::load_be<std::int32_t>(frame.data());
        one.start = {chosen.responses->api, chosen.responses->version, id};
        one.response = copy;
        ++counts.kafka.responses;
    } else {
        const auto start = kwire::peek_request(frame);
        if (!start) return false;
        one.start = *start;
        if (const auto header = kwire::parse_request_frame(copy.bytes))
            if (const auto id = header->client_id()) one.client_id = *id;
        one.request = copy;
        ++counts.kafka.requests;
    }
    ++counts.kafka.frames.frames;
    counts.kafka.frames.framed_bytes += frame.size();
    to.take(one);
    return true;
}

/// Whether the bytes are frames with their lengths, up to the end of the last one.
bool are_frames(std::span<const std::byte> left) noexcept {
    while (!left.empty()) {
        if (left.size() < length_size) return false;
        const auto size = kwire::wire::load_be<std::uint32_t>(left.data());
        if (size > left.size() - length_size) return false;
        left = left.subspan(length_size + size);
    }
    return true;
}

input_result broken(std::uint64_t offset, const char* why) {
    return {capture_is_broken, fmt::format("at byte {}: {}", offset, why)};
}

} // namespace

input_result read_frames(std::FILE* from, const options& chosen, sink& to, input_counts& counts) {
    constexpr std::size_t step = 1 << 20;
    std::vector<std::byte> frame;
    for (std::uint64_t offset = 0; !to.done();) {
        std::array<std::byte, length_size> prefix{};
        const std::size_t got = std::fread(prefix.data(), 1, prefix.size(), from);
        if (got == 0) return {};
        if (got < prefix.size()) return broken(offset, "the file ends within the length of a frame");
        const auto size = kwire::wire::load_be<std::uint32_t>(prefix.data());
        if (size > longest_frame) return broken(offset, "no frame is so long");
        frame.clear();
        while (frame.size() < size) { // memory grows with what is there
            const std::size_t before = frame.size(), wanted = std::min<std::size_t>(step, size - before);
            frame.resize(before + wanted);
            const std::size_t read = std::fread(frame.data() + before, 1, wanted, from);
            frame.resize(before + read);
            if (read < wanted) break;
        }
        if (!give(frame, size, chosen, to, counts)) return broken(offset, "this is not a request");
        if (frame.size() < size) return broken(offset, "the file ends within a frame");
        offset += length_size + frame.size();
    }
    return {};
}

input_result read_hex(std::FILE* from, const options& chosen, sink& to, input_counts& counts) {
    std::vector<std::byte> bytes;
    int high = -1;
    std::uint64_t line = 1;
    for (int c; (c = std::fgetc(from)) != EOF;) {
        if (c == '\n') ++line;
        if (std::isspace(c) != 0 || c == ':' || c == ',') continue;
        if ((c == 'x' || c == 'X') && high == 0) { // 0x
            high = -1;
            continue;
        }
        if (std::isxdigit(c) == 0)
            return {capture_is_broken, fmt::format("line {}: this is not a hexadecimal digit", line)};
        const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
        if (high < 0) {
            high = digit;
        } else {
            bytes.push_back(static_cast<std::byte>(high << 4 | digit));
            high = -1;
        }
    }
    if (high >= 0) return {capture_is_broken, "the number of hexadecimal digits is odd"};
    std::span<const std::byte> left(bytes);
    if (!are_frames(left)) { // one frame without its length
        if (!left.empty() && !give(left, static_cast<std::uint32_t>(left.size()), chosen, to, counts))
            return broken(0, "this is not a request");
        return {};
    }
    while (!left.empty() && !to.done()) {
        const auto size = kwire::wire::load_be<std::uint32_t>(left.data());
        if (!give(left.subspan(length_size, size), size, chosen, to, counts))
            return broken(bytes.size() - left.size(), "this is not a request");
        left = left.subspan(length_size + size);
    }
    return {};
}

} // namespace dump

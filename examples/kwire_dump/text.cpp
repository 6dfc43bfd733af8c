#include "text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <iterator>

namespace dump {

namespace {

struct character {
    std::size_t size = 1;
    std::uint32_t code = 0;
    bool valid = false;
};

/// The character at the beginning of `text`, as UTF-8.
character first_of(std::string_view text) noexcept {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = at(0);
    if (lead < 0x80) return {1, lead, true};
    const std::size_t size = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
    if (size == 0 || lead >= 0xf5 || size > text.size()) return {};
    std::uint32_t code = lead & (0x7fU >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((at(i) & 0xc0U) != 0x80) return {};
        code = code << 6 | (at(i) & 0x3fU);
    }
    constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return {};
    return {size, code, true};
}

/// Marks of direction, separators of lines, and what has no width: a line could read as another.
bool misleads(std::uint32_t code) noexcept {
    return code == 0x61c || code == 0xfeff || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) || code >= 0xe0000;
}

void put_characters(std::string& out, std::string_view text, std::size_t most, bool quoted) {
    std::size_t done = 0;
    while (done < text.size()) {
        const character next = first_of(text.substr(done));
        if (next.size > most - done) break;
        const std::string_view bytes = text.substr(done, next.size);
        if (!next.valid || next.code < 0x20 || (next.code >= 0x7f && next.code < 0xa0))
            for (const char c : bytes)
                fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
        else if (misleads(next.code))
            fmt::format_to(std::back_inserter(out), "\\u{{{:04x}}}", next.code);
        else if (quoted && (next.code == '"' || next.code == '\\'))
            (out += '\\') += bytes;
        else
            out += bytes;
        done += next.size;
    }
    if (done < text.size()) fmt::format_to(std::back_inserter(out), "…({} bytes)", text.size());
}

} // namespace

void painter::begin(colour in) {
    static constexpr std::array<std::string_view, 9> codes{"\x1b[0m",  "\x1b[2m",  "\x1b[31m",
                                                           "\x1b[32m", "\x1b[33m", "\x1b[34m",
                                                           "\x1b[35m", "\x1b[36m", "\x1b[1m"};
    if (colours_) out_ += codes[static_cast<std::size_t>(in)];
}
void painter::put(std::string_view text, colour in) {
    begin(in);
    out_ += text;
    if (in != colour::plain) end();
}

std::string time_text(std::int64_t ns, bool with_day) {
    constexpr std::int64_t second = 1'000'000'000;
    std::int64_t left = ns % second;
    std::time_t seconds = ns / second;
    if (left < 0) {
        left += second;
        --seconds;
    }
    std::tm parts{};
    if (::gmtime_r(&seconds, &parts) == nullptr) return "?";
    const std::string clock =
        fmt::format("{:02}:{:02}:{:02}.{:06}", parts.tm_hour, parts.tm_min, parts.tm_sec, left / 1000);
    if (!with_day) return clock;
    return fmt::format("{:04}-{:02}-{:02}T{}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, clock);
}

std::string counted(std::int64_t number, std::string_view one) {
    return fmt::format("{} {}{}", number, one, number == 1 ? "" : "s");
}

std::string duration_text(std::int64_t ns) {
    const auto micros = static_cast<double>(ns) / 1000;
    if (micros < 10'000) return fmt::format("{:.0f} µs", micros);
    if (micros < 10'000'000) return fmt::format("{:.1f} ms", micros / 1000);
    return fmt::format("{:.1f} s", micros / 1'000'000);
}

std::string size_text(std::uint64_t bytes) {
    if (bytes < 1000) return fmt::format("{} B", bytes);
    const auto number = static_cast<double>(bytes);
    if (bytes < 1'000'000) return fmt::format("{:.1f} kB", number / 1e3);
    if (bytes < 1'000'000'000) return fmt::format("{:.1f} MB", number / 1e6);
    return fmt::format("{:.2f} GB", number / 1e9);
}

void put_safe(std::string& out, std::string_view text, std::size_t most) {
    put_characters(out, text, most, false);
}
void put_quoted(std::string& out, std::string_view text, std::size_t most) {
    out += '"';
    put_characters(out, text, most, true);
    out += '"';
}

void put_preview(std::string& out, std::span<const std::byte> bytes, std::size_t most) {
    const std::string_view text = chars_of(bytes);
    bool readable = true;
    for (std::size_t at = 0; at < std::min(text.size(), most) && readable;) {
        const character next = first_of(text.substr(at));
        readable = (next.valid || text.size() - at < 4) &&
                   (next.code >= 0x20 || next.code == '\n' || next.code == '\r' || next.code == '\t');
        at += next.size;
    }
    if (readable) return put_quoted(out, text, most);
    out += "0x";
    for (const std::byte b : bytes.first(std::min(bytes.size(), most)))
        fmt::format_to(std::back_inserter(out), "{:02x}", std::to_integer<unsigned>(b));
    if (bytes.size() > most) fmt::format_to(std::back_inserter(out), "…({} bytes)", bytes.size());
}

} // namespace dump

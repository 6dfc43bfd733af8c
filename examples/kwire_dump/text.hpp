/// Text for people: colours, times, sizes, and what came from the wire without its control characters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace dump {

enum class colour : std::uint8_t {
    plain,
    dim,
    red,
    green,
    yellow,
    blue,
    magenta,
    cyan,
    bold,
};

/// Appends to a string, in colours if they are on.
class painter {
public:
    painter(std::string& out, bool colours) noexcept : out_(out), colours_(colours) {}

    void put(std::string_view text) { out_ += text; }
    void put(std::string_view text, colour in);
    /// Changes the colour of what follows, until the next change.
    void begin(colour in);
    void end() { begin(colour::plain); }
    [[nodiscard]] std::string& out() noexcept { return out_; }
    [[nodiscard]] bool colours() const noexcept { return colours_; }

private:
    std::string& out_;
    bool colours_;
};

/// "2026-11-30T12:00:01.234567Z", or without the day "12:00:01.234567".
[[nodiscard]] std::string time_text(std::int64_t ns, bool with_day);
/// "432 µs", "1.25 ms", "3.1 s".
[[nodiscard]] std::string duration_text(std::int64_t ns);
/// "1 record", "2 records".
[[nodiscard]] std::string counted(std::int64_t number, std::string_view one);
/// "512 B", "1.4 kB", "3.2 MB".
[[nodiscard]] std::string size_text(std::uint64_t bytes);

/// Appends `text` without what could move the cursor or turn the line around: such characters and bytes that
/// are not UTF-8 as \x1b or \u{202e}. At most `most` bytes of it.
void put_safe(std::string& out, std::string_view text, std::size_t most = static_cast<std::size_t>(-1));
/// The same in quotes, with \" for those inside.
void put_quoted(std::string& out, std::string_view text, std::size_t most = static_cast<std::size_t>(-1));
/// Bytes as text in quotes if they are text, else in hex: at most `most` of them, then how many follow.
void put_preview(std::string& out, std::span<const std::byte> bytes, std::size_t most);

[[nodiscard]] inline std::string_view chars_of(std::span<const std::byte> bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace dump

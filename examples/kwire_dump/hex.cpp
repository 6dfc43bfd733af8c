#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>

#include "details.hpp"
#include "ranges.hpp"

namespace dump {

namespace {

constexpr std::size_t row = 16;

colour colour_of(range_kind kind) noexcept {
    switch (kind) {
    case range_kind::header: return colour::dim;
    case range_kind::length: return colour::yellow;
    case range_kind::number: return colour::green;
    case range_kind::text: return colour::cyan;
    case range_kind::bytes: return colour::blue;
    case range_kind::records: return colour::magenta;
    case range_kind::tags: return colour::dim;
    case range_kind::error: return colour::red;
    case range_kind::secret: return colour::magenta;
    case range_kind::unread: return colour::plain;
    }
    return colour::plain;
}

} // namespace

/// A line for each range: position, bytes, name, value. Long ranges take several lines, up to the preview.
void put_hex(painter& out, seen_message& message, const detail_options& wanted) {
    std::string& text = out.out();
    const auto into = std::back_inserter(text);
    for (const byte_range& one : ranges_of(message, wanted)) {
        const auto bytes = message.frame.subspan(one.at, one.size);
        const std::size_t shown = std::min(bytes.size(), std::max(wanted.preview, row));
        for (std::size_t at = 0; at < shown; at += row) {
            fmt::format_to(into, "    {:06x}  ", one.at + at);
            const auto here = bytes.subspan(at, std::min(row, shown - at));
            out.begin(colour_of(one.kind));
            for (const std::byte b : here)
                if (one.kind == range_kind::secret)
                    text += "** ";
                else
                    fmt::format_to(into, "{:02x} ", std::to_integer<unsigned>(b));
            out.end();
            if (at == 0) {
                text.append((row - here.size()) * 3 + 1, ' ');
                text += one.name;
                if (!one.value.empty()) (text += " = ") += one.value;
            }
            while (text.ends_with(' ')) text.pop_back();
            text += '\n';
        }
        if (shown < bytes.size()) fmt::format_to(into, "    … {} more bytes\n", bytes.size() - shown);
    }
    if (!message.whole())
        fmt::format_to(into, "    {:06x}  … {} bytes are not in the capture\n", message.frame.size(),
                       message.frame_size - message.frame.size());
}

} // namespace dump

#include "svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <vector>

#include "lines.hpp"
#include "ranges.hpp"

namespace dump {

namespace {

constexpr std::size_t cells_in_row = 16;
constexpr int cell = 24, height = 22, left = 64, names = left + 16 * cell + 16, width = 1060;

struct style {
    std::string_view fill;
    std::string_view name;
};
constexpr style style_of(range_kind kind) noexcept {
    switch (kind) {
    case range_kind::header: return {"#d9d9e3", "header"};
    case range_kind::length: return {"#f7dc6f", "length, count"};
    case range_kind::number: return {"#a9dfbf", "number"};
    case range_kind::text: return {"#aed6f1", "text"};
    case range_kind::bytes: return {"#c5cae9", "payload"};
    case range_kind::records: return {"#e1bee7", "header of a batch"};
    case range_kind::tags: return {"#eceff1", "tags"};
    case range_kind::error: return {"#f1948a", "error"};
    case range_kind::secret: return {"#90a4ae", "secret"};
    case range_kind::unread: return {"#ffffff", "not readable"};
    }
    return {"#ffffff", ""};
}

std::string escaped(std::string_view text, std::size_t most) {
    std::string safe, out;
    put_safe(safe, text, most);
    for (const char c : safe) {
        if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '&')
            out += "&amp;";
        else if (c == '"')
            out += "&quot;";
        else
            out += c;
    }
    return out;
}

class drawing {
public:
    void title(std::string_view text) {
        y_ += 30;
        put_text(left, y_, text, "title");
        y_ += 10;
    }
    void message(seen_message& message, const detail_options& wanted) {
        for (const byte_range& one : ranges_of(message, wanted)) range(message, one, wanted);
        if (!message.whole())
            note(fmt::format("{} bytes are not in the capture", message.frame_size - message.frame.size()));
    }
    [[nodiscard]] std::string finish() {
        y_ += 34;
        int x = left;
        for (const range_kind kind : used_) {
            const style look = style_of(kind);
            fmt::format_to(into(), R"(<rect x="{}" y="{}" width="14" height="14" fill="{}" stroke="#555"/>)",
                           x, y_ - 12, look.fill);
            put_text(x + 20, y_, look.name, "name");
            x += 34 + static_cast<int>(look.name.size()) * 8;
        }
        y_ += 20;
        return fmt::format(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
            "height=\"{1}\">\n"
            "<style>text{{font-family:monospace;fill:#222}} .byte{{font-size:12px;text-anchor:middle}} "
            ".name{{font-size:12px}} .at{{font-size:11px;fill:#777;text-anchor:end}} "
            ".title{{font-size:15px;font-weight:bold}}</style>\n"
            "<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n{2}</svg>\n",
            width, y_, body_);
    }

private:
    std::back_insert_iterator<std::string> into() { return std::back_inserter(body_); }
    void put_text(int x, int y, std::string_view text, std::string_view look) {
        fmt::format_to(into(), "<text x=\"{}\" y=\"{}\" class=\"{}\">{}</text>\n", x, y, look,
                       escaped(text, 200));
    }
    void note(std::string_view text) {
        put_text(left, y_ + 15, text, "name");
        y_ += height;
    }

    void range(const seen_message& message, const byte_range& one, const detail_options& wanted) {
        if (std::ranges::find(used_, one.kind) == used_.end()) used_.push_back(one.kind);
        const std::size_t shown = std::min(one.size, std::max(wanted.preview, cells_in_row));
        const std::string_view fill = style_of(one.kind).fill;
        for (std::size_t at = 0; at < shown; at += cells_in_row) {
            put_text(left - 8, y_ + 15, fmt::format("{}", one.at + at), "at");
            if (at == 0) {
                std::string label = one.name;
                if (!one.value.empty()) (label += " = ") += one.value;
                put_text(names, y_ + 15, label, "name");
            }
            int x = left;
            for (std::size_t i = at; i < std::min(shown, at + cells_in_row); ++i) {
                fmt::format_to(
                    into(),
                    "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\" stroke=\"#777\"/>", x, y_,
                    cell, height - 2, fill);
                const std::string text =
                    one.kind == range_kind::secret
                        ? "**"
                        : fmt::format("{:02x}", std::to_integer<unsigned>(message.frame[one.at + i]));
                put_text(x + cell / 2, y_ + 14, text, "byte");
                x += cell;
            }
            y_ += height;
        }
        if (shown < one.size) note(fmt::format("… {} more bytes", one.size - shown));
    }

    std::string body_;
    std::vector<range_kind> used_;
    int y_ = 0;
};

} // namespace

void svg_printer::print(report& one) {
    if (!picture_.empty()) return;
    const detail_options wanted{.secrets = options_.secrets, .preview = options_.preview};
    drawing picture;
    std::string line;
    painter plain(line, false);
    put_line(plain, one);
    if (line.ends_with('\n')) line.pop_back();
    picture.title(line);
    const auto draw = [&](seen_message& message, std::string_view which) {
        picture.title(fmt::format("{}: {} v{}, {} bytes", which,
                                  message.info != nullptr ? message.info->facts.name : std::string_view("?"),
                                  message.version, message.frame_size));
        picture.message(message, wanted);
    };
    if (!one.request.frame.empty()) draw(one.request, "request");
    if (one.response) draw(*one.response, "response");
    picture_ = picture.finish();
}

} // namespace dump

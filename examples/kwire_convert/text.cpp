#include "text.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace convert {

using kwire::errc;
using kwire::error;

error wrong(std::string_view member, errc code) {
    error failure;
    failure.code = code;
    failure.enter({member, -1});
    return failure;
}

kwire::expected<std::vector<std::byte>, error> from_hex(std::string_view member, std::string_view text) {
    const auto digit = [](char c) {
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
    };
    std::vector<std::byte> bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        const int high = digit(text[i]), low = digit(text[i + 1]);
        if (high < 0 || low < 0) break;
        bytes.push_back(static_cast<std::byte>(high << 4 | low));
    }
    if (bytes.size() * 2 != text.size()) return kwire::unexpected(wrong(member));
    return bytes;
}

void put_hex(std::span<const std::byte> bytes, std::string& out) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const std::byte b : bytes) {
        out += digits[std::to_integer<std::size_t>(b >> 4)];
        out += digits[std::to_integer<std::size_t>(b & std::byte{15})];
    }
}

void put_error(const error& failure, std::uint64_t offset, std::string& out) {
    const kwire::error_text path = kwire::path_of(failure), text = kwire::describe(failure);
    out += boost::json::serialize(boost::json::value{{"error",
                                                      {{"code", kwire::name_of(failure.code)},
                                                       {"offset", offset},
                                                       {"path", path.view()},
                                                       {"text", text.view()}}}});
}

} // namespace convert

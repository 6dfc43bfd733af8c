/// Hex and errors in the format of kwire-convert.
#pragma once

#include <kwire/error.hpp>
#include <kwire/expected.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace convert {

/// An error that is not about bytes but about a member of the line.
kwire::error wrong(std::string_view member, kwire::errc code = kwire::errc::bad_value);

/// The bytes of the hexadecimal `text`; bad_value with the path `member` if it is not valid hex.
kwire::expected<std::vector<std::byte>, kwire::error> from_hex(std::string_view member,
                                                               std::string_view text);

/// Appends bytes as hex, without quotes.
void put_hex(std::span<const std::byte> bytes, std::string& out);

/// Appends `{"error":{...}}`. `offset` counts the line's own bytes; the text may count others.
void put_error(const kwire::error& failure, std::uint64_t offset, std::string& out);

} // namespace convert

/// Hex and errors as kwire-convert reads and writes them.
#pragma once

#include <kwire/error.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace convert {

/// A refusal that is not about bytes: of the line itself, of one of its members.
kwire::error wrong(std::string_view member, kwire::errc code = kwire::errc::bad_value);

/// The bytes that the member of this name spells; bad_value if it is no hex.
std::expected<std::vector<std::byte>, kwire::error> from_hex(std::string_view member, std::string_view text);

/// Appends bytes as hex, without quotes.
void put_hex(std::span<const std::byte> bytes, std::string& out);

/// Appends `{"error":{...}}`. `offset` is the byte of the line's own bytes; the text may speak of others.
void put_error(const kwire::error& failure, std::uint64_t offset, std::string& out);

} // namespace convert

/// What every refusal of bytes must say, whatever the bytes are.
#pragma once

#include <string>

#include "messages/message_type.hpp"

namespace support {

/// What is wrong with an error about `body`, or empty: a code of reading, an offset inside, sizes that
/// explain the refusal, and a path of fields that the schema has.
std::string fault_of(const kwire::error& error, const message_type& type, int version,
                     std::span<const std::byte> body);

} // namespace support

/// What every error about bytes must contain, whatever the bytes are.
#pragma once

#include <string>

#include "messages/message_type.hpp"

namespace support {

/// The defect of an error about `body`, or empty if it has a code of reading, an offset inside the body,
/// sizes that explain the refusal, and a path of fields that exist in the schema.
std::string fault_of(const kwire::error& error, const message_type& type, int version,
                     std::span<const std::byte> body);

} // namespace support

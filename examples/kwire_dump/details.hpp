/// What follows a line: the fields of a message as a tree, its records, its bytes.
#pragma once

#include <cstddef>
#include <string_view>

#include "message.hpp"
#include "text.hpp"

namespace dump {

struct detail_options {
    bool tree = false;
    bool records = false;
    bool hex = false;
    bool secrets = false;
    std::size_t preview = 64;
};

/// `title` is "request" or "response".
void put_details(painter& out, seen_message& message, const detail_options& wanted, std::string_view title);

/// The value of a field in a few words: numbers with the names of their enumerators, strings in quotes,
/// bytes as their first `preview`, records as their count, what is secret as <secret>.
void put_value(painter& out, const located_field& at, const kwire::dynamic_value& value,
               const detail_options& wanted);
void put_part(painter& out, const located_field& at, const kwire::cut_bytes& part,
              const detail_options& wanted);

/// Every byte of the frame with the name of its field (hex.cpp).
void put_hex(painter& out, seen_message& message, const detail_options& wanted);

} // namespace dump

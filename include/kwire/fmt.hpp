/// Errors and uuids for fmt. Component kwire::fmt.
///
///     if (!request) fmt::print(stderr, "{}: {}\n", peer, request.error());
///     fmt::format("topic {:>24}", topic.topic_id());       // width and alignment as for strings
#pragma once

#include <kwire/error.hpp>
#include <kwire/wire/uuid.hpp>

#include <fmt/format.h>

#include <string_view>

/// The line that `kwire::describe` makes.
template <>
struct fmt::formatter<kwire::error> : fmt::formatter<std::string_view> {
    auto format(const kwire::error& e, fmt::format_context& context) const {
        const kwire::error_text text = kwire::describe(e);
        return fmt::formatter<std::string_view>::format(text.view(), context);
    }
};

/// The code's name: "truncated".
template <>
struct fmt::formatter<kwire::errc> : fmt::formatter<std::string_view> {
    auto format(kwire::errc code, fmt::format_context& context) const {
        return fmt::formatter<std::string_view>::format(kwire::name_of(code), context);
    }
};

template <>
struct fmt::formatter<kwire::error_text> : fmt::formatter<std::string_view> {
    auto format(const kwire::error_text& text, fmt::format_context& context) const {
        return fmt::formatter<std::string_view>::format(text.view(), context);
    }
};

/// The 22 characters that Kafka prints.
template <>
struct fmt::formatter<kwire::uuid> : fmt::formatter<std::string_view> {
    auto format(const kwire::uuid& id, fmt::format_context& context) const {
        char text[kwire::uuid::text_size];
        return fmt::formatter<std::string_view>::format(id.to_chars(text), context);
    }
};

/// Formatters of messages, errors, error codes and uuids for fmt. Component kwire::fmt.
///
///     if (!request) fmt::print(stderr, "{}: {}\n", peer, request.error());
///     fmt::print("{}\n", *request);                        // one line; secrets and payloads are left out
///     fmt::print("{:#}\n", *request);                      // the same with long arrays and strings in full
///     std::string column = fmt::format("topic {:>24}", topic.topic_id()); // width and alignment as for strings
///
/// print.hpp describes how messages look. All views can be formatted, whole messages and their structs, held
/// or not. `data` structs cannot, since they have no version that determines their fields; encode and parse
/// them.
#pragma once

#include <kwire/buffer/held.hpp>
#include <kwire/error.hpp>
#include <kwire/error_code.hpp>
#include <kwire/read/message.hpp>
#include <kwire/reflect/print.hpp>
#include <kwire/wire/uuid_text.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace kwire::inline KWIRE_ABI::detail {

template <class View>
concept becomes_dynamic = requires(const View& view) { as_dynamic(view); };

} // namespace kwire::inline KWIRE_ABI::detail

/// The line that `kwire::describe` returns.
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

/// Kafka's name of the code and its number: "NOT_LEADER_OR_FOLLOWER (6)". The number matters for codes that
/// are newer than this library, which are all named UNKNOWN.
template <>
struct fmt::formatter<kwire::error_code> : fmt::formatter<std::string_view> {
    auto format(kwire::error_code code, fmt::format_context& context) const {
        kwire::error_text text;
        text.add(kwire::name_of(code));
        text.add(" (");
        text.add(static_cast<std::int64_t>(code));
        text.add(")");
        return fmt::formatter<std::string_view>::format(text.view(), context);
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

/// One line, as print.hpp describes; `#` lifts the limits.
template <>
struct fmt::formatter<kwire::dynamic_view> {
    constexpr auto parse(fmt::format_parse_context& context) {
        auto at = context.begin();
        if (at != context.end() && *at == '#') {
            options_ = kwire::print_options::everything();
            ++at;
        }
        return at; // fmt rejects anything but the end of the specification here
    }
    auto format(const kwire::dynamic_view& view, fmt::format_context& context) const {
        auto out = context.out();
        kwire::detail::print(view, options_, &out, [](void* target, std::string_view text) {
            auto& end = *static_cast<decltype(out)*>(target);
            end = std::copy(text.begin(), text.end(), end);
        });
        return out;
    }

private:
    kwire::print_options options_;
};

template <kwire::detail::becomes_dynamic View>
struct fmt::formatter<View, char> : fmt::formatter<kwire::dynamic_view> {
    auto format(const View& view, fmt::format_context& context) const {
        return fmt::formatter<kwire::dynamic_view>::format(as_dynamic(view), context);
    }
};

template <class View>
struct fmt::formatter<kwire::held<View>, char> : fmt::formatter<View> {
    auto format(const kwire::held<View>& part, fmt::format_context& context) const {
        return fmt::formatter<View>::format(part.view(), context);
    }
};
template <class M, int V>
struct fmt::formatter<kwire::message<M, V>, char> : fmt::formatter<typename kwire::message<M, V>::view_type> {
    auto format(const kwire::message<M, V>& message, fmt::format_context& context) const {
        return fmt::formatter<typename kwire::message<M, V>::view_type>::format(message.view(), context);
    }
};

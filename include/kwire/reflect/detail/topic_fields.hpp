/// Internal: which fields of a struct name a topic by name and by id, and what they say of it.
#pragma once

#include <kwire/error_code.hpp>
#include <kwire/reflect/dynamic.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kwire::inline KWIRE_ABI::detail {

/// The positions of these fields in one struct at one version. Made once for all elements of an array.
struct topic_fields {
    static constexpr std::size_t absent = static_cast<std::size_t>(-1);
    std::size_t name = absent;
    std::size_t id = absent;
    std::size_t error = absent;
    bool deletes = false; ///< in this message, what a struct names without an error is gone
    bool inside = false;  ///< whether a struct in it tells something

    /// Of a whole message.
    topic_fields(const dynamic_view& message, bool deletions) noexcept : deletes(deletions) {
        for (std::size_t i = 0; i < message.field_count(); ++i)
            note(message.field(i).info(), message.version(), i);
    }
    /// Of a struct in one.
    topic_fields(const struct_info& structure, int version, bool deletions) noexcept : deletes(deletions) {
        std::size_t i = 0;
        for (const field_info& field : structure) note(field, version, i++);
    }

    /// Whether the struct itself says what an id is called, or that a topic is unknown or gone.
    [[nodiscard]] bool tells() const noexcept {
        const bool one = name != absent || id != absent, both = name != absent && id != absent;
        return both || (one && (error != absent || deletes));
    }

    /// Empty for null.
    [[nodiscard]] std::string_view name_in(const dynamic_view& view) const noexcept {
        if (name == absent) return {};
        const dynamic_value value = view.field(name);
        return value.is_null() ? std::string_view() : value.text();
    }
    [[nodiscard]] uuid id_in(const dynamic_view& view) const noexcept {
        return id == absent ? uuid{} : view.field(id).id();
    }
    [[nodiscard]] error_code error_in(const dynamic_view& view) const noexcept {
        return error == absent
                   ? error_code::none
                   : static_cast<error_code>(static_cast<std::int16_t>(view.field(error).number()));
    }

private:
    void note(const field_info& field, int version, std::size_t i) noexcept {
        if (!field.versions.contains(version)) return;
        if (field.names == entity::topic_name && field.kind == field_kind::string) name = i;
        if (field.names == entity::topic_id && field.kind == field_kind::uuid) id = i;
        // Others beside it are about parts of the topic: TopicConfigErrorCode of CreateTopics.
        if (field.enumerators == enumeration::error_code && field.name == "error_code") error = i;
        if (field.structure == nullptr || inside) return;
        const topic_fields inner(*field.structure, version, deletes);
        inside = inner.tells() || inner.inside;
    }
};

} // namespace kwire::inline KWIRE_ABI::detail

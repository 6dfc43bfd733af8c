/// The names of topics and their ids, as transcode asks for them.
///
/// Anything with `id_of` and `name_of` will do; a program passes it to transcode as it is.
#pragma once

#include <kwire/detail/config.hpp>
#include <kwire/wire/uuid.hpp>

#include <concepts>
#include <optional>
#include <string_view>

namespace kwire::inline KWIRE_ABI {

/// What has both: `id_of(name)`, an optional uuid, and `name_of(id)`, an optional string_view that stays
/// valid while the directory does not change.
template <class Directory>
concept names_topics = requires(const Directory& topics, std::string_view name, const uuid& id) {
    { topics.id_of(name) } -> std::convertible_to<std::optional<uuid>>;
    { topics.name_of(id) } -> std::convertible_to<std::optional<std::string_view>>;
};

/// A reference to something that knows topics, or to nothing that knows none. Two pointers; the directory
/// must outlive it.
class topic_names {
public:
    constexpr topic_names() noexcept = default;
    template <names_topics Directory>
        requires(!std::same_as<Directory, topic_names>)
    constexpr topic_names(const Directory& topics KWIRE_LIFETIMEBOUND) noexcept // NOLINT: implicit, as a view
        : topics_(&topics), calls_(&calls_of<Directory>) {}

    /// The id of the topic with this name, if it is known.
    [[nodiscard]] std::optional<uuid> id_of(std::string_view name) const {
        return calls_ == nullptr ? std::nullopt : calls_->id_of(topics_, name);
    }
    /// The name of the topic with this id, if it is known.
    [[nodiscard]] std::optional<std::string_view> name_of(const uuid& id) const {
        return calls_ == nullptr ? std::nullopt : calls_->name_of(topics_, id);
    }

private:
    struct calls {
        std::optional<uuid> (*id_of)(const void*, std::string_view);
        std::optional<std::string_view> (*name_of)(const void*, const uuid&);
    };
    template <class Directory>
    static constexpr calls calls_of{
        [](const void* topics, std::string_view name) -> std::optional<uuid> {
            return static_cast<const Directory*>(topics)->id_of(name);
        },
        [](const void* topics, const uuid& id) -> std::optional<std::string_view> {
            return static_cast<const Directory*>(topics)->name_of(id);
        }};

    const void* topics_ = nullptr;
    const calls* calls_ = nullptr;
};

} // namespace kwire::inline KWIRE_ABI

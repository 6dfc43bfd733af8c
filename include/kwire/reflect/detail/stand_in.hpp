/// Internal: a struct whose fields lie elsewhere in the source's version, as the encoder of dynamic values
/// reads structs.
#pragma once

#include <kwire/read/unknown_tags.hpp>
#include <kwire/reflect/detail/has_default.hpp>
#include <kwire/reflect/detail/meaning.hpp>
#include <kwire/reflect/dynamic.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace kwire::detail {

class stand_in_struct;

/// A value of one field shown as that of another, or the other's default.
class stand_in_value {
public:
    stand_in_value(const field_info& as, const std::optional<dynamic_value>& value) noexcept
        : as_(&as), value_(value) {}

    [[nodiscard]] const field_info& info() const noexcept { return *as_; }
    [[nodiscard]] bool is_null() const noexcept {
        return value_ ? value_->is_null() : as_->null_default && !as_->nullable.empty();
    }
    [[nodiscard]] std::int64_t number() const noexcept {
        return value_ ? value_->number() : as_->default_number;
    }
    [[nodiscard]] double real() const noexcept {
        return value_ ? value_->real() : static_cast<double>(as_->default_number);
    }
    [[nodiscard]] uuid id() const noexcept { return value_ ? value_->id() : uuid{}; }
    [[nodiscard]] std::string_view text() const noexcept {
        return value_ ? value_->text() : as_->default_text;
    }
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
        return value_ ? value_->bytes() : std::span<const std::byte>{};
    }
    [[nodiscard]] std::size_t size() const noexcept { return value_ ? value_->size() : 0; }
    /// Of what the value is; numbers and strings are the same under another name. Precondition: size() > 0.
    [[nodiscard]] dynamic_elements elements() const noexcept {
        return value_->elements(); // NOLINT(bugprone-unchecked-optional-access): the precondition
    }
    [[nodiscard]] stand_in_struct structure() const noexcept;
    /// Calls `each` with every element of an array of structs, until it returns false.
    template <class Each>
    [[nodiscard]] bool for_each_struct(const Each& each) const;

private:
    const field_info* as_;
    std::optional<dynamic_value> value_;
};

/// A struct of the target's form, each of whose fields is a value of the source or has its default.
class stand_in_struct {
public:
    explicit stand_in_struct(const struct_info& as) noexcept : as_(&as) {}
    /// The fields of `from` that have the same names.
    stand_in_struct(const struct_info& as, const dynamic_view& from) noexcept
        : as_(&as), tags_(from.unknown_tags()) {
        for (std::size_t i = 0; i < from.field_count(); ++i)
            if (const dynamic_value value = from.field(i); value.present()) take(value);
    }

    void set(std::string_view name, const dynamic_value& value) noexcept {
        if (const std::size_t i = position_of(*as_, name); i < as_->fields.size()) values_[i] = value;
    }
    /// A field of the source that has no counterpart, although it says something; nullptr if there is none.
    [[nodiscard]] const field_info* lost() const noexcept { return lost_; }
    [[nodiscard]] std::size_t field_count() const noexcept { return as_->fields.size(); }
    [[nodiscard]] stand_in_value field(std::size_t i) const noexcept { return {as_->fields[i], values_[i]}; }
    [[nodiscard]] unknown_tag_range unknown_tags() const noexcept { return tags_; }

private:
    void take(const dynamic_value& value) noexcept {
        const field_info& field = value.info();
        if (position_of(*as_, field.name) < as_->fields.size()) return set(field.name, value);
        // Topic ids are ignorable where a name says the same, which is not so here.
        if ((field.ignorable.empty() || field.names == entity::topic_id) && !says_nothing(value))
            lost_ = &field;
    }

    static constexpr std::size_t most_fields = 24; // as in `data` structs

    const struct_info* as_;
    std::array<std::optional<dynamic_value>, most_fields> values_{};
    unknown_tag_range tags_{};
    const field_info* lost_ = nullptr;
};

inline stand_in_struct stand_in_value::structure() const noexcept {
    return value_ && !value_->is_null() ? stand_in_struct(*as_->structure, value_->structure())
                                        : stand_in_struct(*as_->structure);
}

template <class Each>
bool stand_in_value::for_each_struct(const Each& each) const {
    if (!value_) return true;
    for (const dynamic_view& element : value_->structs())
        if (!each(stand_in_struct(*as_->structure, element))) return false;
    return true;
}

} // namespace kwire::detail

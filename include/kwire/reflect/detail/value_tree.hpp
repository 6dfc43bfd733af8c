/// Internal: values of fields that are not in any message, in the form in which the encoder takes those that
/// are: a dynamic_value.
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/read/unknown_tags.hpp>
#include <kwire/schema/detail/tables.hpp>
#include <kwire/wire/uuid.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace kwire::inline KWIRE_ABI::detail {

/// One field, element, struct or message that somebody made.
struct value_node {
    bool present = false;
    bool null = false;
    std::int64_t number = 0;
    double real = 0;
    uuid id;
    std::string_view text; ///< in memory of the maker
    shared_buffer bytes;
    std::vector<value_node>
        parts; ///< the elements of an array; all fields of a struct, in the schema's order
};

class node_struct;
class node_elements;

/// A value_node in the form of a dynamic_value.
class node_value {
public:
    node_value(const field_info& field, const value_node* node) noexcept
        : field_(&field), node_(node != nullptr && node->present ? node : nullptr) {}

    [[nodiscard]] const field_info& info() const noexcept { return *field_; }
    [[nodiscard]] bool is_null() const noexcept {
        return node_ != nullptr ? node_->null : field_->null_default && !field_->nullable.empty();
    }
    [[nodiscard]] std::int64_t number() const noexcept {
        return node_ != nullptr ? node_->number : field_->default_number;
    }
    [[nodiscard]] double real() const noexcept {
        return node_ != nullptr ? node_->real : static_cast<double>(field_->default_number);
    }
    [[nodiscard]] uuid id() const noexcept { return node_ != nullptr ? node_->id : uuid{}; }
    [[nodiscard]] std::string_view text() const noexcept {
        return node_ != nullptr ? node_->text : field_->default_text;
    }
    [[nodiscard]] shared_buffer bytes() const noexcept {
        return node_ != nullptr ? node_->bytes : shared_buffer{};
    }
    [[nodiscard]] std::size_t size() const noexcept { return node_ != nullptr ? node_->parts.size() : 0; }
    [[nodiscard]] node_elements elements() const noexcept;
    [[nodiscard]] node_struct structure() const noexcept;

private:
    friend class node_elements;
    const field_info* field_;
    const value_node* node_; ///< nullptr: the default
};

/// A value_node in the form of a dynamic_view.
class node_struct {
public:
    node_struct(const struct_info& info, const value_node* node) noexcept : info_(&info), node_(node) {}

    [[nodiscard]] std::size_t field_count() const noexcept { return info_->fields.size(); }
    [[nodiscard]] node_value field(std::size_t i) const noexcept {
        return {info_->fields[i], node_ != nullptr ? &node_->parts[i] : nullptr};
    }
    [[nodiscard]] unknown_tag_range unknown_tags() const noexcept {
        return {};
    } // a maker has no place for them

private:
    const struct_info* info_;
    const value_node* node_;
};

/// The elements of an array.
class node_elements {
public:
    class iterator {
    public:
        [[nodiscard]] node_value operator*() const noexcept { return {*field_, &(*parts_)[at_]}; }
        iterator& operator++() noexcept {
            ++at_;
            return *this;
        }
        friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.at_ == b.at_; }

    private:
        friend class node_elements;
        iterator(const field_info& field, const std::vector<value_node>* parts, std::size_t at) noexcept
            : field_(&field), parts_(parts), at_(at) {}
        const field_info* field_;
        const std::vector<value_node>* parts_;
        std::size_t at_;
    };

    explicit node_elements(const node_value& array) noexcept
        : field_(array.field_), parts_(array.node_ != nullptr ? &array.node_->parts : nullptr) {}
    [[nodiscard]] iterator begin() const noexcept { return {*field_, parts_, 0}; }
    [[nodiscard]] iterator end() const noexcept {
        return {*field_, parts_, parts_ != nullptr ? parts_->size() : 0};
    }

private:
    const field_info* field_;
    const std::vector<value_node>* parts_;
};

inline node_elements node_value::elements() const noexcept { return node_elements(*this); }
inline node_struct node_value::structure() const noexcept { return {*field_->structure, node_}; }

} // namespace kwire::inline KWIRE_ABI::detail

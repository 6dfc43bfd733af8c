/// Tagged fields that the schema does not know at a version (KIP-482): read in place, and kept by
/// reference.
#pragma once

#include <kwire/detail/forward_iterator.hpp>
#include <kwire/schema/detail/view.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>

namespace kwire::inline KWIRE_ABI {

/// One unknown tagged field: its number and its payload, as it lies in the message's bytes.
struct unknown_tag_view {
    /// The number of the tag.
    std::uint32_t number = 0;
    /// Its bytes.
    std::span<const std::byte> payload;
};

/// The unknown tagged fields of one struct: a forward range of `unknown_tag_view`, in the order of the bytes.
/// That is ascending by number unless `parse_options::any_tag_order` has let another one pass.
class unknown_tag_range {
public:
    class iterator : public detail::forward_iterator<iterator, unknown_tag_view> {
    public:
        iterator() noexcept = default;

    private:
        friend class unknown_tag_range;
        friend detail::forward_iterator<iterator, unknown_tag_view>;
        iterator(const std::byte* section, const detail::struct_layout* layout) noexcept : layout_(layout) {
            next_ = wire::read_uvarint_trusted(section, left_);
            advance();
        }

        [[nodiscard]] unknown_tag_view current() const noexcept { return current_; }
        [[nodiscard]] bool same_place(const iterator& other) const noexcept {
            return left_ == other.left_ && done_ == other.done_;
        }
        [[nodiscard]] bool done() const noexcept { return done_; }
        void advance() noexcept {
            for (; left_ != 0; --left_) {
                const detail::trusted_tag tag = detail::read_tag(*layout_, next_);
                next_ = tag.end;
                if (tag.known) continue;
                current_ = {tag.number, {tag.payload, tag.end}};
                --left_;
                return;
            }
            done_ = true;
        }

        const detail::struct_layout* layout_ = nullptr;
        const std::byte* next_ = nullptr;
        std::uint32_t left_ = 0;
        bool done_ = false;
        unknown_tag_view current_;
    };

    unknown_tag_range() noexcept = default;
    unknown_tag_range(const std::byte* section, const detail::struct_layout* layout) noexcept
        : section_(section), layout_(layout) {}

    [[nodiscard]] iterator begin() const noexcept { return iterator(section_, layout_); }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }
    [[nodiscard]] bool empty() const noexcept { return begin() == end(); }

private:
    const std::byte* section_ = detail::nothing; ///< a section without tags
    const detail::struct_layout* layout_ = nullptr;
};

/// The tagged fields of a view that the schema does not know; empty in versions without tags.
template <class S, int V>
[[nodiscard]] unknown_tag_range unknown_tags(const struct_view<S, V>& view) noexcept {
    const detail::struct_layout& layout = detail::view_access::layout(view);
    if (!layout.flexible) return {};
    return {detail::view_access::tags(view), &layout};
}

} // namespace kwire::inline KWIRE_ABI

/// Internal: edits of a message as places in its bytes, and the bytes that come out.
///
/// An edit says which bytes it is about, from `begin` to `end`, and what becomes of them. Most replace a
/// field, its length included: then no other byte changes. Those of arrays and of tag sections are
/// containers: their count changes, and what stays in them may have edits of its own. The size of a tag
/// around an edit is found by a walk over the structs that have an edit in a tag, if the message has such
/// tags at all.
///
/// Sorted by their first byte, and containers before what lies in them, the edits are in the order of
/// writing. One function writes, and measures for the size of a tag: `edit_list::put`.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/detail/buffer_access.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/schema/detail/trusted_walk.hpp>
#include <kwire/wire/limits.hpp>
#include <kwire/wire/varint.hpp>
#include <kwire/write/detail/message_edit.hpp>
#include <kwire/write/detail/tag_walk.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace kwire::inline KWIRE_ABI::detail {

/// The edits of one message.
class edit_list {
public:
    /// `body` is the layout of the message whose first byte, in `bytes`, is at `base`.
    edit_list(shared_buffer bytes, const struct_layout& body, const std::byte* base, std::string_view message)
        : bytes_(std::move(bytes)), body_(&body), body_base_(base), message_(message) {}

    [[nodiscard]] const shared_buffer& bytes() const noexcept { return bytes_; }
    [[nodiscard]] bool empty() const noexcept { return edits_.empty(); }
    /// Neither edits nor refusals.
    [[nodiscard]] bool unchanged() const noexcept { return edits_.empty() && !failure_; }

    /// Keeps the first refusal, which is what the caller gets for all edits.
    void refuse(error why) noexcept {
        if (!failure_) failure_ = about(why);
    }
    void refuse(errc code, std::string_view field, std::int64_t index = -1) noexcept {
        error why{.code = code};
        why.enter({field, index});
        refuse(why);
    }

    /// Room for `size` new bytes, which the caller writes.
    [[nodiscard]] std::pair<std::byte*, new_bytes> make_bytes(std::size_t size) {
        if (size > wire::max_length - made_) {
            refuse(error{.code = errc::too_large});
            return {nullptr, {}};
        }
        if (size > memory_.capacity() - memory_.size()) { // blocks never grow: no byte is copied again
            if (!memory_.empty()) {
                blocks_.emplace_back(); // may throw, and `memory_` still has the bytes of earlier edits
                blocks_.back() = std::move(memory_).freeze();
            }
            memory_ = unique_buffer::with_capacity(std::max(size, std::size_t{made_} + first_block));
        }
        const new_bytes made{static_cast<std::uint32_t>(memory_.size()), static_cast<std::uint32_t>(size),
                             static_cast<std::uint32_t>(blocks_.size()), false};
        made_ += made.size;
        std::byte* const at = memory_.spare().data();
        memory_.commit(size);
        return {at, made};
    }
    [[nodiscard]] new_bytes keep_chain(buffer_chain&& chain) {
        const auto size = static_cast<std::uint32_t>(chain.size()); // it was measured
        chains_.push_back(std::move(chain));
        return {0, size, static_cast<std::uint32_t>(chains_.size() - 1), true};
    }

    /// Field `index` of the struct at `place` has these bytes, with its length or marker.
    void set_field(const struct_place& place, std::size_t index, const new_bytes& content) {
        const field_info& field = place.layout->fields[index];
        if (field.tag >= 0)
            return add_to_section(place,
                                  {.number = static_cast<std::uint32_t>(field.tag),
                                   .content = content,
                                   .kind = edit_kind::set_tag},
                                  field.name);
        add(field_at(place, index), {.content = content, .kind = edit_kind::replace}, field.name);
    }
    void erase_tag(const struct_place& place, const field_info& field) {
        add_to_section(place, {.number = static_cast<std::uint32_t>(field.tag), .kind = edit_kind::erase_tag},
                       field.name);
    }
    void set_element(const struct_place& place, std::size_t index, std::size_t element,
                     const new_bytes& content) {
        if (find_array(place, index, element, false))
            add_to_array(place, index,
                         {.number = static_cast<std::uint32_t>(element),
                          .content = content,
                          .kind = edit_kind::set_element});
    }
    /// Replaces bytes of the message that are known to be an element of an array.
    void replace(std::span<const std::byte> part, const new_bytes& content, std::string_view field) {
        add(part, {.content = content, .kind = edit_kind::replace}, field);
    }
    void insert(const struct_place& place, std::size_t index, std::size_t before, const new_bytes& content) {
        if (find_array(place, index, before, true))
            add_to_array(place, index,
                         {.number = static_cast<std::uint32_t>(before),
                          .content = content,
                          .kind = edit_kind::insert_element});
    }
    void erase(const struct_place& place, std::size_t index, std::size_t element) {
        if (find_array(place, index, element, false))
            add_to_array(place, index,
                         {.number = static_cast<std::uint32_t>(element), .kind = edit_kind::erase_element});
    }
    void reorder(const struct_place& place, std::size_t index, std::span<const std::size_t> order) {
        const auto array = find_array(place, index, 0, true);
        if (!array) return;
        std::vector<std::uint32_t> checked(order.size());
        std::vector<bool> seen(array->size);
        bool permutation = order.size() == array->size;
        for (std::size_t i = 0; permutation && i < order.size(); ++i) {
            permutation = order[i] < array->size && !seen[order[i]];
            if (!permutation) break;
            seen[order[i]] = true;
            checked[i] = static_cast<std::uint32_t>(order[i]);
        }
        if (!permutation) return refuse(errc::bad_value, place.layout->fields[index].name);
        orders_.push_back(std::move(checked));
        add_to_array(
            place, index,
            {.number = static_cast<std::uint32_t>(orders_.size() - 1), .kind = edit_kind::order_elements});
    }
    void erase_unknown_tags(const struct_place& place) {
        if (place.layout->flexible)
            add_to_section(place, {.kind = edit_kind::erase_unknown_tags}, "unknown_tags");
    }
    /// Drops the tags that the schema does not know, of all structs of the body.
    void erase_unknown_tags() {
        if (bytes_.empty()) return; // moved from
        unknown_tags visit{*this};
        static_cast<void>(walk_tags(*body_, body_base_, visit));
    }

    /// The message with its edits, after which there are none, even if an allocation fails: by then the new
    /// bytes may be in a chain that is gone.
    [[nodiscard]] expected<buffer_chain, error> apply() {
        struct clear_at_end {
            edit_list& list;
            ~clear_at_end() { list.clear(); }
        };
        const clear_at_end guard{*this};
        expected<buffer_chain, error> result;
        if (failure_) {
            result = unexpected(*failure_);
        } else if (edits_.empty()) {
            result->put_bytes(bytes_);
        } else {
            prepare();
            size_output measured;
            put(measured, 0, static_cast<std::uint32_t>(bytes_.size()));
            if (measured.size > wire::max_length) {
                result = unexpected(
                    about({.code = errc::too_large, .needed = measured.size, .left = wire::max_length}));
            } else {
                blocks_.push_back(std::move(memory_).freeze());
                slices_output out{*result, bytes_, blocks_, chains_};
                result->reserve_segments(measured.segments);
                put(out, 0, static_cast<std::uint32_t>(bytes_.size()));
            }
        }
        return result;
    }
    void clear() noexcept {
        edits_.clear();
        chains_.clear();
        orders_.clear();
        blocks_.clear();
        memory_ = {};
        made_ = 0;
        failure_.reset();
        sorted_ = true;
    }

private:
    /// A refusal of this message, which no bytes have.
    [[nodiscard]] error about(error why) const noexcept {
        why.message = message_;
        why.version = body_->version;
        why.located = false;
        return why;
    }
    /// Adds an edit of `part`, which must lie in the message; refused as field_absent if it does not.
    void add(std::span<const std::byte> part, message_edit edit, std::string_view field) {
        if (bytes_.size() > wire::max_length) return refuse(error{.code = errc::too_large});
        const std::size_t offset = distance_from(bytes_.data(), part.data());
        if (part.empty() || offset >= bytes_.size() || part.size() > bytes_.size() - offset)
            return refuse(errc::field_absent, field);
        edit.where = {static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(offset + part.size())};
        edit.call = static_cast<std::uint32_t>(edits_.size());
        sorted_ = sorted_ && (edits_.empty() || edits_.back() < edit);
        edits_.push_back(edit);
    }
    void add_to_section(const struct_place& place, message_edit edit, std::string_view field) {
        if (place.base == nullptr) return refuse(errc::field_absent, field);
        edit.layout = place.layout;
        add({place.tags(), place.end()}, edit, field);
    }
    void add_to_array(const struct_place& place, std::size_t index, message_edit edit) {
        edit.layout = place.layout;
        edit.array = &place.layout->fields[index];
        add(field_at(place, index), edit, edit.array->name);
    }
    /// place.field(), and nothing for a struct that the message does not have.
    // cost: a field in a tag is found by a walk over tags and what lies in them; without the memory of the
    // last one, n elements of such an array are erased in O(n^2).
    [[nodiscard]] std::span<const std::byte> field_at(const struct_place& place, std::size_t index) noexcept {
        if (place.base == nullptr) return {};
        if (place.layout->places[index].anchor != field_place::in_tags) return place.field(index);
        if (last_.layout != place.layout || last_.base != place.base || last_.index != index)
            last_ = {place.layout, place.base, index, place.field(index)};
        return last_.bytes;
    }
    /// The count of an array, if the message holds one that has element `element`, or a place before it;
    /// refused if not.
    [[nodiscard]] std::optional<trusted_count> find_array(const struct_place& place, std::size_t index,
                                                          std::size_t element, bool or_end) {
        const field_info& field = place.layout->fields[index];
        const std::span<const std::byte> part = field_at(place, index);
        if (part.empty()) {
            refuse(field.versions.contains(place.layout->version) ? errc::field_absent
                                                                  : errc::field_not_in_version,
                   field.name);
            return std::nullopt;
        }
        const trusted_count array = length_at(*place.layout, field, field.kind, part.data());
        if (array.is_null() && field.nullable.contains(place.layout->version)) // else it passed as empty
            refuse(errc::field_absent, field.name);
        else if (element > array.size || (element == array.size && !or_end))
            refuse(errc::bad_value, field.name, static_cast<std::int64_t>(element));
        else
            return array;
        return std::nullopt;
    }
    /// Adds up what is written.
    struct size_output {
        std::uint64_t size = 0;
        std::size_t segments = 1;

        void original(std::uint32_t begin, std::uint32_t end) noexcept {
            size += end - begin;
            ++segments;
        }
        void put(const new_bytes& bytes) noexcept {
            size += bytes.size;
            ++segments;
        }
        void varint(std::uint32_t value) noexcept {
            size += wire::uvarint_size(value);
            ++segments;
        }
        void number(std::uint32_t) noexcept {
            size += sizeof(std::uint32_t);
            ++segments;
        }
    };
    /// Writes: slices of the message, slices of the new bytes, and numbers in scratch memory.
    struct slices_output {
        buffer_chain& chain;
        const shared_buffer& bytes;
        const std::vector<shared_buffer>& blocks;
        std::vector<buffer_chain>& chains;

        void original(std::uint32_t begin, std::uint32_t end) {
            chain.put_bytes(buffer_access::slice(bytes, begin, end - begin));
        }
        void put(const new_bytes& content) {
            if (content.is_chain)
                chain.put(chains[content.number]);
            else
                chain.put_bytes(buffer_access::slice(blocks[content.number], content.at, content.size));
        }
        void varint(std::uint32_t value) {
            for (; value > 0x7f; value >>= 7) chain.put_u8(static_cast<std::uint8_t>(value | 0x80));
            chain.put_u8(static_cast<std::uint8_t>(value));
        }
        void number(std::uint32_t value) { chain.put_u32(value); }
    };

    using edit_index = std::size_t;

    static constexpr std::size_t first_block = 256; ///< bytes; each further block doubles the memory

    [[nodiscard]] std::uint32_t offset_of(const std::byte* p) const noexcept {
        return static_cast<std::uint32_t>(p - bytes_.data());
    }
    [[nodiscard]] const std::byte* at(std::uint32_t offset) const noexcept { return bytes_.data() + offset; }

    [[nodiscard]] edit_index first_from(std::uint32_t begin) const noexcept {
        return static_cast<edit_index>(
            std::ranges::lower_bound(edits_, begin, {},
                                     [](const message_edit& edit) { return edit.where.begin; }) -
            edits_.begin());
    }
    [[nodiscard]] bool has_edits(const std::byte* begin, const std::byte* end) const noexcept {
        const edit_index i = first_from(offset_of(begin));
        return i != edits_.size() && edits_[i].where.begin < offset_of(end);
    }
    void sort() {
        if (!std::exchange(sorted_, true)) std::sort(edits_.begin(), edits_.end());
    }

    /// Sorts the edits and finds the tags around them.
    void prepare() {
        sort();
        if (!has_parts_in_tags(*body_)) return;
        tags_around visit{*this, {}};
        static_cast<void>(walk_tags(*body_, body_base_, visit));
        if (visit.found.empty()) return;
        edits_.insert(edits_.end(), visit.found.begin(), visit.found.end());
        sorted_ = false;
        sort();
    }

    /// Finds the tags that have an edit in them.
    struct tags_around {
        const edit_list& list;
        std::vector<message_edit> found;

        [[nodiscard]] bool wants(const struct_layout& layout, const std::byte* begin,
                                 const std::byte* end) const noexcept {
            return list.has_edits(begin, end) && has_parts_in_tags(layout);
        }
        [[nodiscard]] bool wants_section(const std::byte* begin, const std::byte* end) const noexcept {
            return list.has_edits(begin, end);
        }
        void tag(const struct_layout& layout, const std::byte* begin, const trusted_tag& tag) {
            if (!tag.known || !list.has_edits(tag.payload, tag.end)) return;
            std::uint32_t number = 0;
            message_edit around{.layout = &layout, .kind = edit_kind::tag_around};
            around.where = {list.offset_of(wire::read_uvarint_trusted(begin, number)),
                            list.offset_of(tag.end)};
            found.push_back(around);
        }
        static void end_section(const struct_place&, bool) noexcept {}
    };
    /// Adds edits for sections with unknown tags.
    struct unknown_tags {
        edit_list& list;

        [[nodiscard]] static bool wants(const struct_layout& layout, const std::byte*,
                                        const std::byte*) noexcept {
            return layout.flexible;
        }
        [[nodiscard]] static bool wants_section(const std::byte*, const std::byte*) noexcept { return true; }
        static void tag(const struct_layout&, const std::byte*, const trusted_tag&) noexcept {}
        void end_section(const struct_place& place, bool has_unknown) {
            if (has_unknown) list.erase_unknown_tags(place);
        }
    };

    /// Writes the bytes from `begin` to `end` with the edits in them.
    template <class Out>
    void put(Out& out, std::uint32_t begin, std::uint32_t end) const {
        for (edit_index i = first_from(begin); i != edits_.size() && edits_[i].where.begin < end;) {
            const message_edit& edit = edits_[i];
            if (edit.where.begin < begin) { // it lies in what was replaced, or was asked for again
                ++i;
                continue;
            }
            if (begin != edit.where.begin) out.original(begin, edit.where.begin);
            edit_index next = i + 1;
            if (edit.kind == edit_kind::replace) {
                out.put(edit.content);
            } else if (edit.kind == edit_kind::tag_around) {
                std::uint32_t size = 0;
                const std::uint32_t payload =
                    offset_of(wire::read_uvarint_trusted(at(edit.where.begin), size));
                put_tag_payload(out, edit.where.begin, payload, edit.where.end);
            } else {
                while (next != edits_.size() && edits_[next].where.begin == edit.where.begin &&
                       edits_[next].where.end == edit.where.end)
                    ++next;
                const std::span<const message_edit> group(edits_.data() + i, next - i);
                edit.of_array() ? put_array(out, group) : put_tags(out, group);
            }
            begin = edit.where.end;
            i = first_from(begin); // what lies in a container was written with it
            if (i < next) i = next;
        }
        if (begin < end) out.original(begin, end);
    }

    /// A tag from its size on.
    template <class Out>
    void put_tag_payload(Out& out, std::uint32_t size_at, std::uint32_t payload, std::uint32_t end) const {
        size_output changed;
        put(changed, payload, end);
        if (changed.size == end - payload)
            out.original(size_at, payload);
        else
            out.varint(static_cast<std::uint32_t>(changed.size)); // below 4 GiB: else the whole is refused
        put(out, payload, end);
    }

    /// By number, and those of one number in the order in which they were asked for.
    static void sort_by_number(std::vector<const message_edit*>& edits) {
        std::ranges::sort(edits, [](const message_edit* a, const message_edit* b) {
            return a->number != b->number ? a->number < b->number : a->call < b->call;
        });
    }

    /// A tag section: `group` sets and erases tags of it.
    template <class Out>
    void put_tags(Out& out, std::span<const message_edit> group) const {
        // The last edit of each number, in the order of numbers.
        std::vector<const message_edit*> numbered;
        bool keeps_unknown = true;
        for (const message_edit& edit : group) {
            if (edit.kind == edit_kind::erase_unknown_tags)
                keeps_unknown = false;
            else
                numbered.push_back(&edit);
        }
        sort_by_number(numbered);
        const auto repeated = [](const message_edit* a, const message_edit* b) {
            return a->number == b->number;
        };
        const auto superseded = std::ranges::unique(numbered.rbegin(), numbered.rend(), repeated);
        numbered.erase(numbered.begin(), numbered.begin() + static_cast<std::ptrdiff_t>(superseded.size()));

        const struct_layout& layout = *group.front().layout;
        const std::byte* const section = at(group.front().where.begin);
        std::uint32_t old_count = 0;
        const std::byte* const first = wire::read_uvarint_trusted(section, old_count);
        const auto of_number = [&](std::uint32_t number) {
            const auto found = std::ranges::lower_bound(numbered, number, {}, &message_edit::number);
            return found != numbered.end() && (*found)->number == number;
        };
        const auto is_kept = [&](const trusted_tag& tag) {
            return (tag.known || keeps_unknown) && !of_number(tag.number);
        };

        std::uint32_t count = 0;
        for (const message_edit* edit : numbered) count += edit->kind == edit_kind::set_tag ? 1 : 0;
        const std::byte* p = first;
        for (std::uint32_t left = old_count; left != 0; --left) {
            const trusted_tag tag = read_tag(layout, p);
            count += is_kept(tag) ? 1 : 0;
            p = tag.end;
        }
        if (count == old_count)
            out.original(offset_of(section), offset_of(first));
        else
            out.varint(count);

        auto next_new = numbered.begin();
        const auto put_new_below = [&](std::uint64_t number) {
            for (; next_new != numbered.end() && (*next_new)->number < number; ++next_new) {
                if ((*next_new)->kind != edit_kind::set_tag) continue;
                out.varint((*next_new)->number);
                out.varint((*next_new)->content.size);
                out.put((*next_new)->content);
            }
        };
        p = first;
        for (std::uint32_t left = old_count; left != 0; --left) {
            const trusted_tag tag = read_tag(layout, p);
            put_new_below(tag.number);
            if (is_kept(tag)) {
                if (tag.known && has_edits(tag.payload, tag.end)) {
                    std::uint32_t number = 0;
                    const std::uint32_t size_at = offset_of(wire::read_uvarint_trusted(p, number));
                    out.original(offset_of(p), size_at);
                    put_tag_payload(out, size_at, offset_of(tag.payload), offset_of(tag.end));
                } else {
                    out.original(offset_of(p), offset_of(tag.end));
                }
            }
            p = tag.end;
        }
        put_new_below(std::uint64_t{1} << 32);
    }

    /// An array: `group` inserts, sets, erases and orders elements of it.
    template <class Out>
    void put_array(Out& out, std::span<const message_edit> group) const {
        std::vector<const message_edit*> inserted, changed;
        const std::vector<std::uint32_t>* order = nullptr;
        for (const message_edit& edit : group) {
            if (edit.kind == edit_kind::insert_element)
                inserted.push_back(&edit);
            else if (edit.kind == edit_kind::order_elements)
                order = &orders_[edit.number];
            else
                changed.push_back(&edit);
        }
        sort_by_number(inserted);
        const std::size_t erased = keep_last_changes(changed);

        const message_edit& any = group.front();
        const std::uint32_t begin = any.where.begin;
        const trusted_count old = length_at(*any.layout, *any.array, field_kind::array, at(begin));
        const std::size_t count = old.size - erased + inserted.size();
        const std::uint32_t first = offset_of(old.content);
        if (count == old.size)
            out.original(begin, first);
        else if (any.layout->flexible && !any.array->never_compact)
            out.varint(static_cast<std::uint32_t>(count + 1));
        else
            out.number(static_cast<std::uint32_t>(count));

        const auto end_of = [&](std::uint32_t element) {
            return offset_of(end_of_element(*any.layout, *any.array, at(element)));
        };
        if (order != nullptr) {
            std::vector<std::uint32_t> bounds(std::size_t{old.size} + 1);
            bounds[0] = first;
            for (std::uint32_t i = 0; i < old.size; ++i) bounds[i + 1] = end_of(bounds[i]);
            for (const std::uint32_t i : *order) {
                put_inserted(out, inserted, i);
                const auto change = std::ranges::lower_bound(changed, i, {}, &message_edit::number);
                if (change == changed.end() || (*change)->number != i)
                    put(out, bounds[i], bounds[i + 1]);
                else
                    put_changed(out, **change);
            }
            put_inserted(out, inserted, old.size);
            return;
        }
        // Elements that stay are written as runs.
        std::uint32_t run = first, p = first;
        auto next_changed = changed.begin();
        auto next_inserted = inserted.begin();
        for (std::uint32_t i = 0; i < old.size; ++i) {
            if (next_changed == changed.end() && next_inserted == inserted.end()) break;
            if (next_inserted != inserted.end() && (*next_inserted)->number == i) {
                if (run != p) put(out, run, p);
                run = p;
                for (; next_inserted != inserted.end() && (*next_inserted)->number == i; ++next_inserted)
                    out.put((*next_inserted)->content);
            }
            const std::uint32_t end = end_of(p);
            if (next_changed != changed.end() && (*next_changed)->number == i) {
                if (run != p) put(out, run, p);
                run = end;
                put_changed(out, **next_changed++);
            }
            p = end;
        }
        if (run != any.where.end) put(out, run, any.where.end);
        for (; next_inserted != inserted.end(); ++next_inserted) out.put((*next_inserted)->content);
    }
    /// Leaves one edit of each element, by number: that it is erased, or the last that sets it. Returns how
    /// many erase.
    static std::size_t keep_last_changes(std::vector<const message_edit*>& changed) {
        sort_by_number(changed);
        std::size_t kept = 0, erased = 0;
        for (std::size_t i = 0; i != changed.size();) {
            const message_edit* last = changed[i];
            for (const std::uint32_t number = last->number;
                 i != changed.size() && changed[i]->number == number; ++i)
                if (last->kind != edit_kind::erase_element) last = changed[i];
            changed[kept++] = last;
            erased += last->kind == edit_kind::erase_element ? 1 : 0;
        }
        changed.resize(kept);
        return erased;
    }
    template <class Out>
    static void put_changed(Out& out, const message_edit& edit) {
        if (edit.kind == edit_kind::set_element) out.put(edit.content);
    }
    template <class Out>
    void put_inserted(Out& out, const std::vector<const message_edit*>& inserted, std::uint32_t index) const {
        for (const message_edit* edit : std::ranges::equal_range(inserted, index, {}, &message_edit::number))
            out.put(edit->content);
    }

    /// A field in a tag, and where it was found.
    struct found_field {
        const struct_layout* layout = nullptr;
        const std::byte* base = nullptr;
        std::size_t index = 0;
        std::span<const std::byte> bytes{};
    };

    shared_buffer bytes_;
    const struct_layout* body_;
    const std::byte* body_base_;
    std::string_view message_; ///< its name, static storage
    std::vector<message_edit> edits_;
    std::vector<shared_buffer> blocks_; ///< new bytes without a chain: full blocks
    unique_buffer memory_;              ///< and the last one
    std::uint32_t made_ = 0;            ///< bytes in all of them
    std::vector<buffer_chain> chains_;
    std::vector<std::vector<std::uint32_t>> orders_;
    std::optional<error> failure_;
    found_field last_; ///< the last field in a tag that an edit was about
    bool sorted_ = true;
};

} // namespace kwire::inline KWIRE_ABI::detail

/// Internal: the second pass of the encoder, which writes what the first has measured and checks nothing.
///
/// Where it writes is a value that each function takes and returns, so that it stays in a register. As a
/// member of an object it would be stored and loaded again with every byte, which might be part of the
/// object.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/wire/detail/put_short.hpp>
#include <kwire/wire/endian.hpp>
#include <kwire/wire/varint.hpp>
#include <kwire/write/detail/measure.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kwire::inline KWIRE_ABI::detail {

/// A number, boolean, enumerator or uuid.
template <class T>
KWIRE_ALWAYS_INLINE std::byte* put_number(std::byte* at, const T& value) noexcept {
    if constexpr (std::is_same_v<T, bool>)
        *at = static_cast<std::byte>(value ? 1 : 0);
    else if constexpr (std::is_same_v<T, uuid>)
        std::memcpy(at, value.bytes.data(), value.bytes.size());
    else if constexpr (std::is_enum_v<T>)
        wire::store_be(at, static_cast<std::underlying_type_t<T>>(value));
    else
        wire::store_be(at, value);
    return at + sizeof(T);
}

/// Where payloads are copied to, between what the encoder writes. The caller counts what was copied.
struct memory_output {
    static std::byte* attach(std::byte* at, const shared_buffer& bytes) noexcept {
        return put_short_bytes(at, bytes.data(), bytes.size());
    }
    static std::byte* attach(std::byte* at, const payload& bytes) noexcept {
        bytes.each_span([&](std::span<const std::byte> one)
                            KWIRE_INLINED { at = put_short_bytes(at, one.data(), one.size()); });
        return at;
    }
};

/// Fills a chain with a message that is measured. Segments are put where they will lie, and references are
/// counted at the end, those on one memory together: until `finish` the chain is not to be looked at.
// cost: segments that were pushed one by one, each with a reference of its own, made an encoding of 1000
// small batches take 27 us instead of 10.
class chain_builder {
public:
    /// Makes room for `own` bytes and so many segments more. If memory runs out, nothing has changed.
    KWIRE_NOINLINE chain_builder(buffer_chain& chain, std::size_t own, std::size_t segments)
        : chain_(chain), new_(chain.segments_.is_new() && chain.scratch_.capacity() == 0) {
        if (new_)
            start(own, segments);
        else
            go_on(own, segments);
    }
    chain_builder(const chain_builder&) = delete;
    chain_builder& operator=(const chain_builder&) = delete;

    [[nodiscard]] std::byte* begin() noexcept { return begin_; }

    KWIRE_ALWAYS_INLINE std::byte* attach(std::byte* at, const shared_buffer& bytes) noexcept {
        if (bytes.empty()) return at;
        put_piece(at);
        put_reference(bytes.span(), buffer_access::control(bytes));
        return at;
    }
    KWIRE_ALWAYS_INLINE std::byte* attach(std::byte* at, const payload& bytes) noexcept {
        if (bytes.empty()) return at;
        put_piece(at);
        if (payload_access::is_one(bytes)) [[likely]]
            put_reference(payload_access::span(bytes), payload_access::control(bytes));
        else
            put_list(payload_access::list(bytes));
        return at;
    }

    /// Of bytes that lie in `owner`, of which there are some.
    KWIRE_ALWAYS_INLINE std::byte* attach(std::byte* at, std::span<const std::byte> bytes,
                                          const shared_buffer& owner) noexcept {
        put_piece(at);
        put_reference(bytes, buffer_access::control(owner));
        return at;
    }
    /// Of a buffer whose reference it takes over: the others must live until the end.
    std::byte* attach(std::byte* at, shared_buffer&& bytes) noexcept {
        if (bytes.empty()) return at;
        put_piece(at);
        attached_ += bytes.size();
        segment_list::put(next_++, std::move(bytes));
        return at;
    }

    /// The message ends at `at`. Of a chain that is `complete`, spare scratch memory is given up.
    KWIRE_NOINLINE void finish(std::byte* at, bool complete) noexcept {
        if (at != piece_) put_piece(at);
        count_references();
        chain_.segments_.set_size(static_cast<std::size_t>(next_ - chain_.segments_.begin()));
        const auto written = static_cast<std::size_t>(at - begin_);
        chain_.size_ += written + attached_;
        if (attached_ != 0) chain_.only_scratch_ = false;
        if (own_ != nullptr) new_ ? finish_new(at, complete) : finish_old(written, complete);
    }
    /// Instead of `finish`: the chain has a part of the message, and is to be cleared or destroyed.
    KWIRE_NOINLINE void give_up() noexcept {
        finish(begin_ + (piece_ > begin_ ? piece_ - begin_ : 0), false);
    }

private:
    /// One allocation, of which no one knows yet.
    void start(std::size_t own, std::size_t segments) {
        const std::size_t list = segment_list::bytes_for(segments);
        if (own + list != 0) {
            own_ = allocate_memory(saturating_add(own, list)).take_out();
            begin_ = own_->writable;
            spare_ = own;
            if (list != 0) chain_.segments_.begin_in(*own_, segments);
        }
        piece_ = begin_;
        next_ = chain_.segments_.place(0);
    }
    void finish_new(std::byte* at, bool complete) noexcept {
        const std::size_t pieces = pieces_ + (chain_.segments_.lies_in(own_) ? 1 : 0);
        own_->references.store(pieces + (complete ? 0 : 1), std::memory_order_relaxed);
        if (!complete)
            chain_.scratch_ =
                buffer_access::spare(at, spare_ - static_cast<std::size_t>(at - begin_), memory_ref(own_));
    }

    /// After what the chain has, in its scratch memory if that is large enough.
    void go_on(std::size_t own, std::size_t segments) {
        const std::size_t before = chain_.segment_count();
        chain_.reserve(own, before + segments);
        own_ = buffer_access::memory(chain_.scratch_).get();
        piece_ = begin_ = chain_.scratch_.data();
        next_ = chain_.segments_.place(before);
        if (before != 0 &&
            buffer_access::adjacent_to_spare(chain_.segments_.back().buffer(), chain_.scratch_)) {
            piece_ = (--next_)->data(); // which goes on, and is put again with the reference that it has
            pieces_before_ = 1;
        }
    }
    void finish_old(std::size_t written, bool complete) noexcept {
        if (const std::size_t more = pieces_ - pieces_before_; more != 0) add_references(*own_, more);
        buffer_access::advance(chain_.scratch_, written);
        if (complete) chain_.finish();
    }

    KWIRE_ALWAYS_INLINE void put(std::span<const std::byte> bytes, memory_control* control) noexcept {
        segment_list::put(next_++, buffer_access::slice_of(bytes, memory_ref(control)));
    }
    /// What was written since the last payload. There is something, for each has its length before it.
    KWIRE_ALWAYS_INLINE void put_piece(const std::byte* at) noexcept {
        put({piece_, at}, own_);
        ++pieces_;
        piece_ = at;
    }
    KWIRE_ALWAYS_INLINE void put_reference(std::span<const std::byte> bytes,
                                           memory_control* control) noexcept {
        put(bytes, control);
        attached_ += bytes.size();
        if (control != referred_) [[unlikely]] {
            count_references();
            referred_ = control;
        }
        ++references_;
    }
    /// Buffers that follow one another in one memory become one segment, as everywhere.
    KWIRE_NOINLINE void put_list(const buffer_chain& list) noexcept {
        for (const chain_segment& segment : list) {
            shared_buffer& last = segment_list::bytes(next_[-1]);
            if (buffer_access::adjacent(last, segment.buffer())) {
                buffer_access::extend(last, segment.size());
                attached_ += segment.size();
            } else {
                put_reference(segment.bytes(), buffer_access::control(segment.buffer()));
            }
        }
    }
    KWIRE_NOINLINE void count_references() noexcept {
        if (referred_ != nullptr && references_ != 0) add_references(*referred_, references_);
        references_ = 0;
    }

    buffer_chain& chain_;
    bool new_;                         ///< the chain had nothing, and its memory is not in it yet
    memory_control* own_ = nullptr;    ///< the scratch memory
    std::byte* begin_ = nullptr;       ///< of the message
    const std::byte* piece_ = nullptr; ///< what is written from here on is not a segment yet
    std::size_t spare_ = 0;            ///< of a new chain, the bytes from the beginning on
    chain_segment* next_ = nullptr;
    std::size_t pieces_ = 0;             ///< segments of scratch memory
    std::size_t pieces_before_ = 0;      ///< those of them that have a reference
    memory_control* referred_ = nullptr; ///< what the last payload lies in
    std::size_t references_ = 0;         ///< to that, not counted yet
    std::uint64_t attached_ = 0;         ///< bytes of payloads
};

/// The same as a value, for data_writer.
struct built_chain {
    chain_builder* chain;

    template <class Payload>
    KWIRE_ALWAYS_INLINE std::byte* attach(std::byte* at, const Payload& bytes) const noexcept {
        return chain->attach(at, bytes);
    }
};

/// The unknown tags from `next` on whose numbers are below `number`.
template <class Out>
KWIRE_NOINLINE std::byte* put_unknown_tags(Out out, std::span<const unknown_tag>& next, std::uint64_t number,
                                           std::byte* at) {
    for (; !next.empty() && next.front().number < number; next = next.subspan(1)) {
        at = put_uvarint(at, next.front().number);
        at = put_uvarint(at, static_cast<std::uint32_t>(next.front().payload.size()));
        at = out.attach(at, next.front().payload);
    }
    return at;
}

/// The tag section of a struct that has no tagged fields, or none that are due.
template <class Out>
KWIRE_NOINLINE std::byte* put_unknown_tag_section(Out out, const unknown_tag_list& tags, std::byte* at) {
    std::span<const unknown_tag> next(tags.data(), tags.size());
    at = put_uvarint(at, static_cast<std::uint32_t>(next.size()));
    return put_unknown_tags(out, next, std::uint64_t{1} << 32, at);
}

/// Writes `data` structs of the message `M` at one version. `Out` says what becomes of payloads.
///
/// Its functions take a copy of it in registers: bytes that are written might be part of anything in memory.
// cost: as members, with `this`, they load the version again after each store: Clang's encoding of a Fetch
// request of 5000 partitions took 43 us instead of 25.
template <class M, int V, class Out>
class data_writer {
public:
    data_writer(target_version<M, V> version, Out out) noexcept : version_(version), out_(out) {}

    /// Returns the end of what it has written.
    template <class S>
    KWIRE_ONE_CALLER static std::byte* put_struct(data_writer self, const typename S::data& data,
                                                  std::byte* at) {
        if constexpr (member_count<S> != 0)
            at = with_members<member_count<S>>(data, [&](const auto&... member) KWIRE_INLINED {
                return put_members<S>(self, at, std::make_index_sequence<member_count<S>>{}, member...);
            });
        if constexpr (keeps_tags<S>) at = put_tags<S>(self, data, at);
        return at;
    }

    /// A field that the version writes, without the number and size of a tag.
    template <class S, std::size_t I, class Member>
    KWIRE_ALWAYS_INLINE static std::byte* put_field(data_writer self, std::byte* at, const Member& member) {
        static constexpr const field_info& field = tables_of<S>::fields[I];
        if constexpr (field.nullable.empty() && field.kind != field_kind::records) {
            return put_value<S, I>(self, at, member);
        } else {
            if (member_is_null(member)) return put_null(self, at, field);
            if constexpr (field.kind == field_kind::structure)
                if (self.version_.in(field.nullable))
                    *at++ = std::byte{1}; // a varint after a tag, else an int8
            return put_value<S, I>(self, at, member_value(member));
        }
    }
    /// An element of an array field.
    template <class S, std::size_t I, class Element>
    KWIRE_ALWAYS_INLINE static std::byte* put_element(data_writer self, std::byte* at,
                                                      const Element& element) {
        static constexpr const field_info& field = tables_of<S>::fields[I];
        if constexpr (width_of(field.element) != 0)
            return put_number(at, element);
        else if constexpr (field.element == field_kind::structure)
            return put_struct<child_of<S, I>>(self, element, at);
        else
            return put_text(self, at, element, field);
    }

private:
    template <class S, std::size_t... I, class... Members>
    KWIRE_ALWAYS_INLINE static std::byte* put_members(data_writer self, std::byte* at,
                                                      std::index_sequence<I...>, const Members&... members) {
        ((at = put_member<S, I>(self, at, members)), ...);
        return at;
    }
    template <class S, std::size_t I, class Member>
    KWIRE_ALWAYS_INLINE static std::byte* put_member(data_writer self, std::byte* at,
                                                     [[maybe_unused]] const Member& member) {
        if constexpr (I != field_count<S>) { // unknown_tags
            static constexpr const field_info& field = tables_of<S>::fields[I];
            constexpr presence when = target_version<M, V>::presence_of(field.versions);
            if constexpr (when == presence::always && field.tag < 0)
                return put_field<S, I>(self, at, member);
            else if constexpr (when == presence::varies && field.tag < 0)
                if (self.version_.in(field.versions)) return put_field<S, I>(self, at, member);
        }
        return at;
    }

    KWIRE_ALWAYS_INLINE static std::byte* put_null(data_writer self, std::byte* at,
                                                   const field_info& field) noexcept {
        if (field.kind == field_kind::structure) {
            *at = field.tag >= 0 ? std::byte{0} : std::byte{0xff};
            return at + 1;
        }
        if (self.version_.compact(field)) {
            *at = std::byte{0};
            return at + 1;
        }
        return classic_length_size(field) == 2 ? put_number(at, std::int16_t{-1})
                                               : put_number(at, std::int32_t{-1});
    }

    KWIRE_ALWAYS_INLINE static std::byte* put_text(data_writer self, std::byte* at, std::string_view text,
                                                   const field_info& field) noexcept {
        at = self.version_.compact(field) ? put_uvarint(at, static_cast<std::uint32_t>(text.size() + 1))
                                          : put_number(at, static_cast<std::int16_t>(text.size()));
        return put_short_bytes(at, bytes_of_text(text).data(), text.size());
    }

    template <class S, std::size_t I, class Value>
    KWIRE_ALWAYS_INLINE static std::byte* put_value(data_writer self, std::byte* at, const Value& value) {
        static constexpr const field_info& field = tables_of<S>::fields[I];
        if constexpr (width_of(field.kind) != 0) {
            return put_number(at, value);
        } else if constexpr (field.kind == field_kind::structure) {
            return put_struct<child_of<S, I>>(self, value, at);
        } else if constexpr (field.kind == field_kind::string) {
            return put_text(self, at, value, field);
        } else {
            at = self.version_.compact(field) ? put_uvarint(at, static_cast<std::uint32_t>(value.size() + 1))
                                              : put_number(at, static_cast<std::int32_t>(value.size()));
            if constexpr (field.kind != field_kind::array) {
                return self.out_.attach(at, value);
            } else {
                if constexpr (width_of(field.element) != 0) {
                    // cost: without it Clang executes 2.20 M instructions for a Metadata response of 1000x10
                    // instead of 1.99 M.
                    KWIRE_SHORT_LOOP
                    for (const auto& element : value) at = put_number(at, element);
                } else {
                    const auto* const end = value.data() + value.size();
                    for (const auto* element = value.data(); element != end; ++element)
                        at = put_element<S, I>(self, at, *element);
                }
                return at;
            }
        }
    }

    template <class S>
    KWIRE_ALWAYS_INLINE static std::byte* put_tags(data_writer self, const typename S::data& data,
                                                   std::byte* at) {
        if (!self.version_.flexible()) return at;
        const std::uint64_t due = due_tags<S>(data, self.version_);
        if (due == 0 && data.unknown_tags.empty()) [[likely]] {
            *at = std::byte{0};
            return at + 1;
        }
        if constexpr (tag_order<S>.size() != 0)
            if (due != 0) return put_tag_section<S>(self, data, due, at);
        return put_unknown_tag_section(self.out_, data.unknown_tags, at);
    }

    template <class S>
    KWIRE_NOINLINE static std::byte* put_tag_section(data_writer self, const typename S::data& data,
                                                     std::uint64_t due, std::byte* at) {
        at = put_uvarint(at, static_cast<std::uint32_t>(std::popcount(due)) +
                                 static_cast<std::uint32_t>(data.unknown_tags.size()));
        std::span<const unknown_tag> next(data.unknown_tags.data(), data.unknown_tags.size());
        each_due_tag<S>(due, [&]<std::size_t T>(std::integral_constant<std::size_t, T>) {
            constexpr std::size_t field = tag_order<S>[T];
            constexpr auto number = static_cast<std::uint32_t>(tables_of<S>::fields[field].tag);
            if (!next.empty()) at = put_unknown_tags(self.out_, next, number, at);
            const auto& member = member_at<S, field>(data);
            error_slot none; // the first pass has accepted it
            const std::uint64_t size =
                measurer<M, V>(self.version_, none).template size_of_field<S, field>(member);
            at = put_uvarint(at, number);
            at = put_uvarint(at, static_cast<std::uint32_t>(size));
            at = put_field<S, field>(self, at, member);
            return true;
        });
        return put_unknown_tags(self.out_, next, std::uint64_t{1} << 32, at);
    }

    target_version<M, V> version_;
    KWIRE_NO_UNIQUE_ADDRESS Out out_;
};

/// Writes a message that `measure` has accepted, and returns the end.
template <class M, int V, class Out>
std::byte* write_message(const typename M::data& message, int version, Out out, std::byte* at) {
    using writer = data_writer<M, V, Out>;
    return writer::template put_struct<M>(writer(target_version<M, V>(version), out), message, at);
}

} // namespace kwire::inline KWIRE_ABI::detail

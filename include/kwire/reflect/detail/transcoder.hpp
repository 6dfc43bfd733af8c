/// Internal: follows a transcode_program over bytes that were checked.
///
/// What becomes of them is counted or written by the same code: where it is in the target is a number or an
/// address, a value that each function takes and returns, so that it stays in a register. Room for all there
/// is to write is made before, so nothing asks for it on the way.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/reflect/detail/transcode_program.hpp>
#include <kwire/wire/detail/put_short.hpp>
#include <kwire/wire/text.hpp>
#include <kwire/write/detail/measure.hpp>
#include <kwire/write/detail/write_data.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace kwire::inline KWIRE_ABI::detail {

/// Counts.
class transcode_measure {
public:
    using place = std::uint64_t;

    std::uint64_t attached = 0; ///< bytes of payloads, which the places do not count
    std::size_t segments = 1;   ///< at most

    KWIRE_ALWAYS_INLINE static place put_byte(place at, std::byte) noexcept { return at + 1; }
    KWIRE_ALWAYS_INLINE static place put_length(place at, length_form form, std::uint32_t length) noexcept {
        if (form != length_form::compact) return at + prefix_size(form);
        return at + length_size(length, true, 0);
    }
    KWIRE_ALWAYS_INLINE static place copy(place at, const std::byte*, std::uint64_t size) noexcept {
        return at + size;
    }
    KWIRE_ALWAYS_INLINE static place copy_usual(place at, const std::byte*, std::uint64_t size) noexcept {
        return at + size;
    }
    place attach(place at, const std::byte*, std::uint32_t size) noexcept {
        attached += size;
        segments += 2; // itself, and what was written before it
        return at;
    }
};

/// Writes into a chain, which refers to payloads.
class transcode_writer {
public:
    using place = std::byte*;

    /// The bytes lie in `owner`.
    transcode_writer(chain_builder& chain, const shared_buffer& owner) noexcept
        : chain_(chain), owner_(owner) {}

    KWIRE_ALWAYS_INLINE static place put_byte(place at, std::byte value) noexcept {
        *at = value;
        return at + 1;
    }
    KWIRE_ALWAYS_INLINE static place put_length(place at, length_form form, std::uint32_t length) noexcept {
        switch (form) {
        case length_form::compact: return put_uvarint(at, length + 1);
        case length_form::int16: return put_number(at, static_cast<std::int16_t>(length));
        default: return put_number(at, static_cast<std::int32_t>(length));
        }
    }
    KWIRE_ALWAYS_INLINE static place copy(place at, const std::byte* from, std::uint64_t size) noexcept {
        return put_short_bytes(at, from, static_cast<std::size_t>(size));
    }
    /// The same for at most `usually_copied` bytes, where as many are there, and room for as many.
    KWIRE_ALWAYS_INLINE static place copy_usual(place at, const std::byte* from,
                                                std::uint64_t size) noexcept {
        constexpr std::size_t half = transcode_step::usually_copied / 2;
        if (size != 0) std::memcpy(at, from, half);
        if (size > half) std::memcpy(at + half, from + half, half);
        return at + size;
    }
    place attach(place at, const std::byte* from, std::uint32_t size) noexcept {
        return chain_.attach(at, {from, size}, owner_);
    }

private:
    chain_builder& chain_;
    const shared_buffer& owner_;
};

/// Follows a program. `Out` says what becomes of bytes: one of the two above.
template <class Out>
class transcoder {
public:
    using place = typename Out::place;
    /// Where it reads, and where it writes; by value, to stay in registers. Reads nowhere if it has given up.
    struct position {
        const std::byte* from;
        place to;
    };

    transcoder(transcode_program& program, Out& out) noexcept : program_(program), out_(out) {}

    /// The whole message, of `size` bytes; gives up if it needs the encoder of dynamic values.
    [[nodiscard]] position run(const std::byte* p, std::size_t size, place to) {
        usual_end_ = size > usual_reach ? p + (size - usual_reach) : p;
        return put_structs(program_.start(), 1, {p, to});
    }

private:
    static constexpr position given_up{nullptr, {}};
    /// What a step takes where all is usual, and reads beyond that.
    static constexpr std::size_t usual_reach =
        transcode_step::usually_taken + sizeof(std::int32_t) + transcode_step::usually_copied;

    /// A length in checked bytes. Negative ones are null where that is allowed.
    [[nodiscard]] KWIRE_ALWAYS_INLINE static decoded_length length_at(length_form form,
                                                                      const std::byte* p) noexcept {
        return decode_length(form, p, wire::max_varint32_size);
    }
    /// The same if it is at most `usually_copied`. Otherwise the value is any greater one.
    [[nodiscard]] KWIRE_ALWAYS_INLINE static decoded_length usual_length_at(length_form form,
                                                                            const std::byte* p) noexcept {
        if (form == length_form::compact) [[likely]]
            return {p + 1, std::to_integer<std::uint32_t>(*p) - 1};
        return decode_length(form, p, 1);
    }
    [[nodiscard]] KWIRE_ALWAYS_INLINE static bool is_null(const decoded_length& length) noexcept {
        return length.value > wire::max_length;
    }

    /// Notes how many numbers are likely to be there again; false if there are too many, or null.
    static bool expect(transcode_step& step, std::uint32_t count) noexcept {
        if (count > step.usual_count) return false;
        step.last_count = static_cast<std::uint8_t>(count);
        step.last_size = static_cast<std::uint8_t>(count * step.width);
        return true;
    }

    /// `count` structs of one kind, at least one.
    // cost: KWIRE_OPAQUE, since GCC 12 puts a pair of positions that lives through the loop into one vector
    // register, and takes it apart again in each step: a Metadata response of 100x10 took 31 us instead
    // of 16.
    position put_structs(transcode_step* const first, std::uint32_t count, position at) {
        const std::byte* from = at.from;
        place to = at.to;
        const std::byte* const usual_end = usual_end_;
        for (transcode_step* next = first;;) {
            transcode_step* const step = next++;
            KWIRE_OPAQUE(from);
            if (step->kind == transcode_step::numbers) {
                if (from < usual_end) [[likely]] {
                    const auto [content, count_here] = usual_length_at(step->from, from + step->taken);
                    // cost: a size that is expected lets the processor go on before it knows the count,
                    // which is the way to the next one.
                    if (count_here == step->last_count || expect(*step, count_here)) [[likely]] {
                        to = Out::copy_usual(to, from, step->copied);
                        const std::uint32_t bytes = step->last_size;
                        from = content + bytes;
                        if (step->dropped) continue;
                        to = Out::put_length(to, step->to, count_here);
                        to = Out::copy_usual(to, content, bytes);
                        continue;
                    }
                }
            } else if (step->kind == transcode_step::text) {
                if (from < usual_end) [[likely]] {
                    const auto [content, length] = usual_length_at(step->from, from + step->taken);
                    if (length <= step->usual_count) [[likely]] { // and not null
                        to = Out::copy_usual(to, from, step->copied);
                        from = content + length;
                        if (step->dropped) continue;
                        to = Out::put_length(to, step->to, length);
                        to = Out::copy_usual(to, content, length);
                        continue;
                    }
                }
            } else if (step->kind == transcode_step::end) {
                if (step->taken != 0) {
                    to = Out::copy(to, from, step->copied);
                    from += step->taken;
                }
                if (step->from_tags && *from++ != std::byte{0}) return given_up;
                if (step->to_tags) to = Out::put_byte(to, std::byte{0});
                if (--count == 0) return {from, to};
                next = first;
                continue;
            } else if (step->kind == transcode_step::watch_code) {
                const auto code = wire::load_be<std::int16_t>(from + step->ahead);
                if (code != 0 && step->rule->lists(code)) [[unlikely]] // as a rule there is no error
                    return given_up;
                continue;
            } else if (step->kind == transcode_step::boolean) {
                to = Out::copy(to, from, step->copied);
                from += step->taken;
                to = Out::put_byte(to, *from++ != std::byte{0} ? std::byte{1} : std::byte{0});
                continue;
            } else if (step->kind == transcode_step::structs && !step->dropped) {
                const decoded_length elements = length_at(step->from, from + step->taken);
                if (elements.value - 1 < wire::max_length) [[likely]] { // neither null nor empty
                    to = Out::copy(to, from, step->copied);
                    to = Out::put_length(to, step->to, elements.value);
                    const position after =
                        put_structs(program_.at(step->child), elements.value, {elements.content, to});
                    from = after.from;
                    to = after.to;
                    if (from == nullptr) [[unlikely]]
                        return given_up;
                    continue;
                }
            }
            const position after = put_step(*step, {from, to});
            from = after.from;
            to = after.to;
            if (from == nullptr) [[unlikely]]
                return given_up;
        }
    }

    /// Follows any step but ends, codes that are watched, and booleans.
    [[nodiscard]] KWIRE_NOINLINE position put_step(const transcode_step& step, position at) {
        at.to = Out::copy(at.to, at.from, step.copied);
        at.from += step.taken;
        switch (step.kind) {
        case transcode_step::watch_number:
            return step.rule->lists(number_at(at.from + step.ahead, step.width)) ? given_up : at;
        case transcode_step::watch_default:
            return has_default(*step.field, at.from + step.ahead) ? at : given_up;
        case transcode_step::watch_batches: {
            const decoded_length records = length_at(step.from, at.from + step.ahead);
            return is_null(records) || allows_batches(*step.rule, std::span(records.content, records.value))
                       ? at
                       : given_up;
        }
        case transcode_step::run: return at;
        case transcode_step::add: at.to = Out::copy(at.to, step.value.data(), step.width); return at;
        case transcode_step::add_text: {
            const std::string_view text = step.field->default_text;
            at.to = Out::put_length(at.to, step.to, static_cast<std::uint32_t>(text.size()));
            at.to = Out::copy(at.to, bytes_of_text(text).data(), text.size());
            return at;
        }
        case transcode_step::add_null: at.to = Out::put_length(at.to, step.to, null_length); return at;
        default: return put_content(step, at);
        }
    }

    /// What has a length, in any form of it.
    [[nodiscard]] position put_content(const transcode_step& step, position at) {
        const decoded_length length = length_at(step.from, at.from);
        const bool null = is_null(length);
        if (null && !step.from_null) [[unlikely]] // a leniency
            return given_up;
        if (step.dropped) return pass_over(step, length, null, at);
        at.from = length.content;
        if (null) {
            if (!step.to_null) return given_up;
            at.to = step.kind == transcode_step::structure ? Out::put_byte(at.to, std::byte{0xff})
                                                           : Out::put_length(at.to, step.to, null_length);
            return at;
        }
        if (step.kind == transcode_step::structure) {
            if (step.to_null) at.to = Out::put_byte(at.to, std::byte{1});
            return put_structs(program_.at(step.child), 1, at);
        }
        at.to = Out::put_length(at.to, step.to, length.value);
        if (length.value == 0) return at;
        switch (step.kind) {
        case transcode_step::payload:
            at.to = out_.attach(at.to, at.from, length.value);
            at.from += length.value;
            return at;
        case transcode_step::texts: return put_texts(step, length.value, at);
        default: {
            const std::uint64_t bytes = std::uint64_t{length.value} * step.width;
            at.to = Out::copy(at.to, at.from, bytes);
            at.from += bytes;
            return at;
        }
        }
    }

    [[nodiscard]] position put_texts(const transcode_step& step, std::uint32_t count, position at) {
        const auto of_text = [](length_form of_array) {
            return of_array == length_form::compact ? length_form::compact : length_form::int16;
        };
        const length_form from = of_text(step.from), to = of_text(step.to);
        for (; count != 0; --count) {
            const decoded_length text = length_at(from, at.from);
            if (is_null(text)) return given_up;
            at.to = Out::put_length(at.to, to, text.value);
            at.to = Out::copy(at.to, text.content, text.value);
            at.from = text.content + text.value;
        }
        return at;
    }

    /// What has a length and is not in the target.
    [[nodiscard]] static position pass_over(const transcode_step& step, const decoded_length& length,
                                            bool null, position at) {
        at.from = length.content;
        const field_info& field = *step.field;
        const bool null_default = field.null_default && !field.nullable.empty();
        if (null) return step.required && !null_default ? given_up : at;
        const bool text = field.kind == field_kind::string;
        if (step.required &&
            (null_default || (text ? text_of(std::span(length.content, length.value)) != field.default_text
                                   : length.value != 0)))
            return given_up;
        switch (step.kind) {
        case transcode_step::structs:
        case transcode_step::texts: return length.value == 0 ? at : given_up; // seldom
        default: at.from += std::uint64_t{length.value} * step.width; return at;
        }
    }

    /// The signed integer of `width` bytes at `p`.
    [[nodiscard]] KWIRE_ALWAYS_INLINE static std::int64_t number_at(const std::byte* p,
                                                                    std::uint32_t width) noexcept {
        switch (width) {
        case 1: return std::to_integer<std::int8_t>(*p);
        case 2: return wire::load_be<std::int16_t>(p);
        case 4: return wire::load_be<std::int32_t>(p);
        default: return wire::load_be<std::int64_t>(p);
        }
    }

    /// Whether the field of fixed width at `p` has its default.
    [[nodiscard]] static bool has_default(const field_info& field, const std::byte* p) noexcept {
        const std::uint64_t expected = default_bits(field);
        switch (width_of(field.kind)) {
        case 1:
            if (field.kind == field_kind::boolean) return (*p != std::byte{0}) == (expected != 0);
            return std::to_integer<std::uint8_t>(*p) == static_cast<std::uint8_t>(expected);
        case 2: return wire::load_be<std::uint16_t>(p) == static_cast<std::uint16_t>(expected);
        case 4: return wire::load_be<std::uint32_t>(p) == static_cast<std::uint32_t>(expected);
        case 8:
            if (field.kind == field_kind::float64)
                return wire::load_be<double>(p) == static_cast<double>(field.default_number);
            return wire::load_be<std::uint64_t>(p) == expected;
        default: return std::ranges::all_of(p, p + 16, [](std::byte b) { return b == std::byte{0}; });
        }
    }

    transcode_program& program_;
    Out& out_;
    const std::byte* usual_end_ = nullptr; ///< before it, what a step takes and reads is in the source
};

/// What the program makes of `body`, in `result`, which is new; false, and `result` is not to be used, if
/// the program gives up or the message becomes too large.
[[nodiscard]] inline bool transcode_by(transcode_program& program, const shared_buffer& body,
                                       buffer_chain& result) {
    std::uint64_t own = program.most_of(body.size());
    std::size_t segments = 1;
    if (program.must_measure() || own > wire::max_length) {
        transcode_measure size;
        const auto measured = transcoder(program, size).run(body.data(), body.size(), 0);
        if (measured.from == nullptr || measured.to + size.attached > wire::max_length) return false;
        own = measured.to;
        segments = size.segments;
    }
    chain_builder chain(result, static_cast<std::size_t>(own) + transcode_step::usually_copied, segments);
    transcode_writer out(chain, body);
    const auto written = transcoder(program, out).run(body.data(), body.size(), chain.begin());
    if (written.from == nullptr) {
        chain.give_up();
        return false;
    }
    const auto size = static_cast<std::size_t>(written.to - chain.begin());
    chain.finish(written.to, size != 0); // if it is empty, its memory has no other holder
    // A message that lost its texts may be small, and would hold room for them while it lives.
    constexpr std::size_t little = 16384;
    if (own > little && size < own / 2 && result.segment_count() == 1)
        result = shared_buffer::copy_of(result.begin()->bytes());
    return true;
}

/// The body of `message` at version `from` as that of version `to`, in one pass after the check; false where
/// something is wrong or seldom, and `result` is not to be used then.
[[nodiscard]] inline bool transcode_in_one_pass(const message_info& message, const shared_buffer& body,
                                                int from, int to, parse_options options,
                                                buffer_chain& result) {
    from = message.facts.canonical(from);
    to = message.facts.canonical(to);
    if (from == to || body.empty() || !message.facts.versions.contains(from) ||
        !message.facts.versions.contains(to))
        return false;
    transcode_program program(message, from, to);
    if (!program.complete()) return false;
    std::array<std::uint32_t, max_struct_steps> ends;
    error_slot refusal;
    return check_body(message.facts, message.structure->layouts, body.data(), body.size(), from, options,
                      ends.data(), refusal) != body_state::refused &&
           transcode_by(program, body, result);
}

} // namespace kwire::inline KWIRE_ABI::detail

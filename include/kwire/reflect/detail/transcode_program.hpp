/// Internal: from one version of a message to another in one pass over the bytes.
///
/// Two versions of a struct differ in a few fields and in how lengths are written, and this is the same for
/// each of its values. So the difference is worked out once, as a list of steps, and then followed for each:
/// "copy 14 bytes, then an array of numbers whose count changes its form, leave out the epoch". What is
/// seldom is left to the encoder of dynamic values, which can do everything and says what it refuses: tags
/// that are there, values that the other version cannot carry, and versions that differ in meaning.
#pragma once

#include <kwire/records/batch_header.hpp>
#include <kwire/reflect/detail/meaning.hpp>
#include <kwire/reflect/dynamic.hpp>
#include <kwire/schema/detail/length.hpp>
#include <kwire/schema/detail/tables.hpp>
#include <kwire/wire/endian.hpp>
#include <kwire/wire/varint.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace kwire::inline KWIRE_ABI::detail {

/// What becomes of one field. Fields of a fixed width before it that both versions have are copied with it,
/// and those after them that only the source has are passed over.
struct transcode_step {
    enum what : std::uint8_t {
        numbers,       ///< of `width` bytes
        text,          ///< or a payload that the target lacks
        end,           ///< of a struct, with its tag section
        watch_code,    ///< gives up at a number of 16 bits that a rule is about, which is not 0
        watch_number,  ///< the same for any number
        watch_batches, ///< gives up at record batches that a rule forbids
        watch_default, ///< gives up at a value that is not the default, since the target lacks the field
        run,           ///< nothing but what is before it
        boolean,       ///< one byte, which becomes 0 or 1
        add,           ///< the `width` bytes of `value`, which the source lacks
        add_text,      ///< the default of a string that the source lacks
        add_null,      ///< null, which is the default of a field that the source lacks
        checked,       ///< a text, payload or numbers that the target lacks, and that must be the default
        payload,
        texts,
        structs,   ///< an array of structs
        structure, ///< one struct, or null
    };
    /// The most bytes that are passed over before a step, and copied before it or of what it has.
    // cost: with copies of their exact sizes, and a check of the room before each, a Metadata response of
    // 100x10 took 26 us instead of 16.
    static constexpr std::uint32_t usually_taken = 64;
    static constexpr std::uint32_t usually_copied = 32;

    what kind{};
    length_form from{}; ///< how its length is written
    length_form to{};
    bool dropped = false; ///< whether the target lacks it
    std::uint8_t width = 0;
    std::uint8_t usual_count = 0; ///< of a text or numbers, the most of what is usual
    std::uint8_t last_count = 0;  ///< of numbers, how many the last struct had
    std::uint8_t last_size = 0;   ///< and their bytes
    bool from_null = false;       ///< whether it may be null
    bool to_null = false;
    bool from_tags = false; ///< whether the struct that ends has a tag section
    bool to_tags = false;
    bool required =
        false; ///< whether the source's value must be the default, since the target lacks the field
    std::uint32_t copied = 0; ///< bytes before it that both versions have
    std::uint32_t taken = 0;  ///< those, and the ones that are passed over
    std::uint32_t ahead = 0;  ///< where the bytes that it looks at are
    std::uint32_t child = 0;  ///< where the steps of the struct begin
    std::array<std::byte, 16> value{};
    const field_info* field = nullptr;
    const meaning_rule* rule = nullptr; ///< of what is watched
};

/// The compression of a whole batch: the low three bits of its attributes in every format.
[[nodiscard]] inline int codec_of(const std::byte* batch) noexcept {
    if (overlay_trusted<batch_prefix>(batch).magic == 2)
        return overlay_trusted<batch_header>(batch).attributes.value() & 7;
    return overlay_trusted<message_prefix>(batch).attributes.value() & 7;
}

/// Whether all whole batches have formats, or compressions, that a rule allows. What is not a batch is not
/// judged.
[[nodiscard]] inline bool allows_batches(const meaning_rule& rule,
                                         std::span<const std::byte> records) noexcept {
    const bool codecs = rule.kind == meaning::codecs;
    const auto& [least, greatest] = rule.values[codecs ? 0 : 1];
    while (!records.empty()) {
        const batch_extent batch = measure_batch(records.data(), records.size());
        if (batch.size == 0) return true;
        const int number =
            codecs ? codec_of(records.data()) : overlay_trusted<batch_prefix>(records.data()).magic.value();
        if (number < least || number > greatest) return false;
        records = records.subspan(batch.size);
    }
    return true;
}

/// The default of a field of fixed width, as the number of its bytes; 0 of a uuid.
[[nodiscard]] inline std::uint64_t default_bits(const field_info& field) noexcept {
    if (field.kind == field_kind::float64)
        return std::bit_cast<std::uint64_t>(static_cast<double>(field.default_number));
    return static_cast<std::uint64_t>(field.default_number);
}

/// The steps from one version of a message to another.
class transcode_program {
public:
    transcode_program(const message_info& message, int from, int to)
        : change_(message, from, to),
          from_index_(static_cast<std::size_t>(from - message.facts.versions.first)),
          to_index_(static_cast<std::size_t>(to - message.facts.versions.first)),
          to_(to),
          complete_(change_.fits_steps()) {
        if (!complete_) return;
        steps_.reserve(64);
        root_growth_ = add_struct(*message.structure).growth;
    }

    /// Whether the steps suffice for messages whose tag sections are empty.
    [[nodiscard]] bool complete() const noexcept { return complete_; }
    /// To be followed by one at a time, which notes in them what is likely to be there again.
    [[nodiscard]] transcode_step* at(std::uint32_t number) noexcept { return &steps_[number]; }
    [[nodiscard]] transcode_step* start() noexcept { return at(0); }

    /// At most so many bytes become of `size`, if `size` bounds it closely.
    [[nodiscard]] std::uint64_t most_of(std::uint64_t size) const noexcept {
        return size + size / fraction * growth_ + fraction + static_cast<std::uint64_t>(root_growth_);
    }
    /// Whether messages must be measured before they are written: they have payloads, which become segments,
    /// or may grow by more than a quarter.
    [[nodiscard]] bool must_measure() const noexcept { return payloads_ || growth_ > fraction / 4; }

private:
    static constexpr std::uint64_t fraction = 64;

    struct side {
        const struct_layout& layout;
        [[nodiscard]] bool has(std::size_t i) const noexcept {
            return layout.places[i].anchor < field_place::in_tags;
        }
        [[nodiscard]] length_form form(std::size_t i) const noexcept {
            return length_form_of(layout.steps[layout.places[i].step].form);
        }
    };

    /// How the bytes of a struct itself change, without its texts, payloads and elements.
    struct extent {
        std::int64_t least = 0;  ///< that the source has
        std::int64_t growth = 0; ///< at most, from those to the target's
    };

    /// The steps of a struct, then those of the structs in it.
    extent add_struct(const struct_info& info) {
        const side from{info.layouts[from_index_]}, to{info.layouts[to_index_]};
        const std::size_t begin = steps_.size();
        extent own;
        bytes_before next;
        for (std::size_t i = 0; i < info.fields.size(); ++i) {
            const field_info& field = info.fields[i];
            const bool in_from = from.has(i), in_to = to.has(i);
            if (!in_from && !in_to) continue; // tagged fields are left to tag sections
            const std::uint8_t width = width_of(field.element);
            const bool fixed = width_of(field.kind) != 0;
            const bool required = !in_to && !change_.says(meaning::lost, field) &&
                                  (!field.ignorable.contains(to_) || change_.says(meaning::needed, field));
            add_watches(next, field, in_from && in_to, from, i);
            if (in_from && fixed) {
                own.least += width;
                if (!in_to) {
                    own.growth -= width;
                    if (required) add_watch(next, transcode_step::watch_default, field);
                    next.taken += width;
                    continue;
                }
                if (field.kind != field_kind::boolean) {
                    if (next.taken != next.copied || next.copied + width > transcode_step::usually_copied)
                        add(next, transcode_step::run);
                    next.copied += width;
                    next.taken += width;
                    continue;
                }
            }
            transcode_step& step = add(next, transcode_step::boolean);
            step.field = &field;
            step.width = width;
            step.dropped = !in_to;
            step.required = required;
            if (in_from && !fixed) {
                step.from = from.form(i);
                step.from_null = field.nullable.contains(from.layout.version);
                own.least += prefix_size(step.from);
                own.growth -= prefix_size(step.from);
            }
            if (in_to && !fixed) {
                step.to = to.form(i);
                step.to_null = field.nullable.contains(to.layout.version);
                own.growth += longest_prefix(step, in_from);
            }
            if (!in_from)
                own.growth += set_default(step, field);
            else if (!fixed)
                set_content(step, field);
        }
        transcode_step& last = add(next, transcode_step::end);
        last.from_tags = from.layout.flexible;
        last.to_tags = to.layout.flexible;
        own.least += from.layout.flexible ? 1 : 0;
        own.growth += (to.layout.flexible ? 1 : 0) - (from.layout.flexible ? 1 : 0);
        const std::size_t end = steps_.size();
        for (std::size_t i = begin; i != end; ++i) {
            if (steps_[i].kind != transcode_step::structs && steps_[i].kind != transcode_step::structure)
                continue;
            steps_[i].child = static_cast<std::uint32_t>(steps_.size());
            may_grow(add_struct(*steps_[i].field->structure));
        }
        own.growth = std::max<std::int64_t>(own.growth, 0);
        return own;
    }

    /// Takes note of how much something that is there any number of times may grow.
    void may_grow(const extent& one) noexcept {
        if (one.growth <= 0) return;
        const auto least = static_cast<std::uint64_t>(one.least);
        const std::uint64_t parts = static_cast<std::uint64_t>(one.growth) * fraction;
        growth_ = std::max(growth_, least == 0 ? fraction : (parts + least - 1) / least);
    }
    /// The most bytes of a length in the target.
    [[nodiscard]] static std::int64_t longest_prefix(const transcode_step& step, bool in_from) noexcept {
        if (step.to != length_form::compact) return prefix_size(step.to);
        if (!in_from) return 0; // a default, which is counted with its length
        // From compact to compact a length stays as it is, or loses its padding. Strings have 16 bits.
        return step.from == length_form::compact ? 1 : step.from == length_form::int16 ? 3 : 5;
    }

    /// What is copied and passed over before the next step.
    struct bytes_before {
        std::uint32_t copied = 0;
        std::uint32_t taken = 0;
    };

    // cost: in place. A step that was filled by bytes and then copied by sixteens waited for each of them.
    transcode_step& add(bytes_before& before, transcode_step::what kind) {
        if (before.taken > transcode_step::usually_taken && kind != transcode_step::run)
            add(before, transcode_step::run);
        transcode_step& step = steps_.emplace_back();
        step.kind = kind;
        step.copied = std::exchange(before.copied, 0);
        step.taken = std::exchange(before.taken, 0);
        return step;
    }
    void add_watch(const bytes_before& before, transcode_step::what kind, const field_info& field,
                   const meaning_rule* rule = nullptr, length_form form = {}) {
        transcode_step& watch = steps_.emplace_back();
        watch.kind = kind;
        watch.from = form;
        watch.ahead = before.taken;
        watch.width = width_of(field.kind);
        watch.field = &field;
        watch.rule = rule;
    }
    /// Steps that look at a field before the one that copies it.
    void add_watches(const bytes_before& before, const field_info& field, bool in_both, const side& from,
                     std::size_t i) {
        for (const rule_in_force& r : change_.rules()) {
            if (r.field != &field || r.rule->kind == meaning::needed || r.rule->kind == meaning::lost)
                continue;
            complete_ = complete_ && in_both;
            if (width_of(field.kind) == 0) {
                if (in_both) add_watch(before, transcode_step::watch_batches, field, r.rule, from.form(i));
                continue;
            }
            const bool code = field.kind == field_kind::int16 && !r.rule->lists(0);
            add_watch(before, code ? transcode_step::watch_code : transcode_step::watch_number, field,
                      r.rule);
        }
    }

    /// For what has a length in the source.
    void set_content(transcode_step& step, const field_info& field) {
        switch (field.kind) {
        case field_kind::string:
        case field_kind::bytes:
        case field_kind::records:
            step.kind = transcode_step::text;
            if (field.kind != field_kind::string && !step.dropped) {
                step.kind = transcode_step::payload;
                payloads_ = true;
            }
            step.width = 1;
            break;
        case field_kind::structure:
            step.kind = transcode_step::structure;
            complete_ = complete_ && !step.dropped;
            return;
        default:
            switch (field.element) {
            case field_kind::structure: step.kind = transcode_step::structs; return;
            case field_kind::string:
                step.kind = transcode_step::texts;
                if (!step.dropped && (step.from == length_form::compact) != (step.to == length_form::compact))
                    may_grow({.least = step.from == length_form::compact ? 1 : 2, .growth = 1});
                return;
            case field_kind::boolean: // seldom, and its bytes may change
            case field_kind::bytes: complete_ = false; return;
            default: step.kind = transcode_step::numbers;
            }
        }
        step.usual_count = static_cast<std::uint8_t>(transcode_step::usually_copied / step.width);
        if (step.dropped && step.required) step.kind = transcode_step::checked;
    }

    /// For a field that the source lacks. Returns how many bytes it is, but for a classic length.
    std::int64_t set_default(transcode_step& step, const field_info& field) {
        const std::uint8_t width = width_of(field.kind);
        step.width = width;
        if (field.kind == field_kind::structure || field.kind == field_kind::records) {
            complete_ = false;
            return 0;
        }
        if (field.null_default && !field.nullable.empty()) {
            step.kind = transcode_step::add_null;
            complete_ = complete_ && field.nullable.contains(to_);
            return 1;
        }
        if (width == 0) { // empty, if it is not a string
            step.kind = transcode_step::add_text;
            return static_cast<std::int64_t>(field.default_text.size() + wire::max_varint32_size);
        }
        step.kind = transcode_step::add;
        std::array<std::byte, sizeof(std::uint64_t)> bits;
        wire::store_be(bits.data(), default_bits(field));
        if (width <= bits.size()) std::memcpy(step.value.data(), bits.data() + bits.size() - width, width);
        return width;
    }

    meaning_change change_;
    std::size_t from_index_, to_index_;
    int to_;
    bool complete_;
    bool payloads_ = false;        ///< whether the target has some
    std::uint64_t growth_ = 0;     ///< of what is there any number of times, in parts of its size
    std::int64_t root_growth_ = 0; ///< of the message itself
    std::vector<transcode_step> steps_;
};

} // namespace kwire::inline KWIRE_ABI::detail

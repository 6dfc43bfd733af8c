/// A message of one version as bytes of another, without knowing its type: over the tables, once for all
/// messages.
///
///     auto body = kwire::transcode(*kwire::find_message("MetadataResponse"), bytes, 12, 9);
///
/// What the target version lacks may be dropped if it is the default or the schema calls it ignorable; what
/// the source version lacks gets its default. Where that would change what the message means, Kafka's own
/// rule is applied, or the message is refused: docs/transcode.md says for each message where.
#pragma once

#include <kwire/expected.hpp>
#include <kwire/reflect/detail/encode_output.hpp>
#include <kwire/reflect/detail/has_default.hpp>
#include <kwire/reflect/detail/meaning.hpp>
#include <kwire/reflect/detail/stand_in.hpp>
#include <kwire/reflect/detail/transcoder.hpp>
#include <kwire/reflect/dynamic.hpp>
#include <kwire/reflect/topic_names.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace kwire::inline KWIRE_ABI {

namespace detail {

/// Writes (or measures) structs of any form at one version. `Out` is as for data_encoder; bytes are slices of
/// `owner` if they lie in it.
template <class Out>
class dynamic_encoder {
public:
    /// `change` says where the source's version means something else; nullptr if it is this one or none.
    dynamic_encoder(Out& out, const message_facts& facts, int version, const shared_buffer& owner,
                    error& failure, const meaning_change* change = nullptr) noexcept
        : out_(out),
          facts_(facts),
          owner_(owner),
          failure_(failure),
          change_(change),
          version_(version),
          flexible_(facts.flexible(version)) {}

    template <class Struct>
    [[nodiscard]] bool put_struct(const struct_info& info, const Struct& from) {
        if constexpr (std::is_same_v<Struct, stand_in_struct>)
            if (const field_info* lost = from.lost())
                return refuse(lost->names == entity::topic_id ? errc::value_unknown
                                                              : errc::field_not_in_version,
                              lost->name);
        for (std::size_t i = 0; i < info.fields.size(); ++i) {
            const field_info& field = info.fields[i];
            if constexpr (may_change<Struct>)
                if (change_ != nullptr) [[unlikely]] {
                    const outcome done = put_by_meaning(info, field, from.field(i), from);
                    if (done == outcome::refused) return false;
                    if (done == outcome::done) continue;
                }
            if (!field.versions.contains(version_)) {
                if constexpr (Out::checks)
                    if (!field.ignorable.contains(version_) && !has_default(from.field(i)))
                        return refuse(errc::field_not_in_version, field.name);
            } else if (field.tag < 0 && !put_field(field, from.field(i))) {
                return false;
            }
        }
        return put_tags(info, from);
    }

    /// A field that the version has, without the number and size of a tag.
    template <class Value>
    [[nodiscard]] bool put_field(const field_info& field, const Value& value) {
        const bool compact = flexible_ && !field.never_compact;
        const bool nullable = field.nullable.contains(version_);
        if (value.is_null()) {
            if (!nullable) return refuse(errc::null_not_allowed, field.name);
            if (field.kind == field_kind::structure)
                field.tag >= 0 ? out_.varint(0) : out_.number(std::int8_t{-1});
            else
                put_count(field.kind, -1, compact);
            return true;
        }
        switch (field.kind) {
        case field_kind::structure:
            if (nullable) field.tag >= 0 ? out_.varint(1) : out_.number(std::int8_t{1});
            return put_struct(*field.structure, value.structure()) || within(field, -1);
        case field_kind::array: break;
        default: return put_simple(field, value, compact, -1);
        }
        if (value.size() > wire::max_length) return refuse(errc::too_large, field.name);
        if constexpr (requires { value.structs(); })
            if (const meaning_rule* rule = omission_in(field)) return put_kept(field, value, *rule);
        put_count(field.kind, static_cast<std::int64_t>(value.size()), compact);
        std::int64_t index = 0;
        if (field.element == field_kind::structure) {
            const auto put_next = [&](const auto& element) {
                return put_struct(*field.structure, element) || within(field, index);
            };
            if constexpr (requires { value.structs(); }) {
                for (const auto& element : value.structs()) {
                    if (!put_next(element)) return false;
                    ++index;
                }
            } else if constexpr (requires { value.for_each_struct(put_next); }) {
                return value.for_each_struct(
                    [&](const stand_in_struct& element) { return put_next(element) && ++index > 0; });
            } else {
                for (const auto element : value.elements()) {
                    if (!put_next(element.structure())) return false;
                    ++index;
                }
            }
            return true;
        }
        if (value.size() == 0) return true;
        for (const auto element : value.elements())
            if (!put_simple(field, element, compact, index++)) return false;
        return true;
    }

    /// An element of an array field.
    template <class Value>
    [[nodiscard]] bool put_element(const field_info& field, const Value& value, std::int64_t index) {
        if (field.element == field_kind::structure)
            return put_struct(*field.structure, value.structure()) || within(field, index);
        return put_simple(field, value, flexible_ && !field.never_compact, index);
    }

private:
    template <class>
    friend class dynamic_encoder;

    enum class outcome {
        as_usual,
        done,
        refused
    };
    /// Whether structs of this form come from another version.
    template <class Struct>
    static constexpr bool may_change =
        std::is_same_v<Struct, dynamic_view> || std::is_same_v<Struct, stand_in_struct>;

    bool refuse(errc code, std::string_view field, std::int64_t index = -1) noexcept {
        failure_.code = code;
        failure_.depth = 0;
        failure_.enter({field, index});
        return false;
    }
    bool within(const field_info& field, std::int64_t index) noexcept {
        failure_.enter({field.name, index});
        return false;
    }

    /// The length or count of what the version writes with 16 or 32 bits, or as a varint; -1 for null.
    void put_count(field_kind kind, std::int64_t count, bool compact) {
        if (compact)
            out_.varint(static_cast<std::uint32_t>(count + 1));
        else if (kind == field_kind::string)
            out_.number(static_cast<std::int16_t>(count));
        else
            out_.number(static_cast<std::int32_t>(count));
    }

    template <class Value>
    bool put_simple(const field_info& field, const Value& value, bool compact, std::int64_t index) {
        switch (field.element) {
        case field_kind::string: {
            const std::string_view text = value.text();
            if (text.size() > wire::max_string_length)
                return refuse(errc::string_too_long, field.name, index);
            put_count(field_kind::string, static_cast<std::int64_t>(text.size()), compact);
            out_.text(text);
            return true;
        }
        case field_kind::bytes:
        case field_kind::records: {
            const auto bytes = value.bytes();
            if (bytes.size() > wire::max_length) return refuse(errc::too_large, field.name, index);
            put_count(field.element, static_cast<std::int64_t>(bytes.size()), compact);
            out_.attach(keep(bytes));
            return true;
        }
        case field_kind::uuid: out_.number(value.id()); return true;
        case field_kind::float64: out_.number(value.real()); return true;
        case field_kind::boolean: out_.number(value.number() != 0); return true;
        case field_kind::int8: out_.number(static_cast<std::int8_t>(value.number())); return true;
        case field_kind::int16: out_.number(static_cast<std::int16_t>(value.number())); return true;
        case field_kind::uint16: out_.number(static_cast<std::uint16_t>(value.number())); return true;
        case field_kind::int32: out_.number(static_cast<std::int32_t>(value.number())); return true;
        case field_kind::uint32: out_.number(static_cast<std::uint32_t>(value.number())); return true;
        default: out_.number(value.number()); return true;
        }
    }

    [[nodiscard]] static shared_buffer keep(shared_buffer bytes) noexcept { return bytes; }
    [[nodiscard]] shared_buffer keep(std::span<const std::byte> bytes) const {
        if (bytes.empty()) return {};
        if (auto slice = owner_.slice_of(bytes)) return *std::move(slice);
        return shared_buffer::copy_of(bytes);
    }

    template <class Struct>
    bool put_tags(const struct_info& info, const Struct& from) {
        const std::vector<unknown_tag_view> unknown = tags_in_order(from.unknown_tags());
        if (!flexible_) return unknown.empty() || refuse(errc::field_not_in_version, "unknown_tags");
        const struct_layout& layout =
            info.layouts[static_cast<std::size_t>(version_ - facts_.versions.first)];
        std::uint64_t due = 0; // bit k: tag k; draft.hpp refuses tags above 63
        auto count = static_cast<std::uint32_t>(unknown.size());
        for (unsigned k = 0; k < layout.tag_count; ++k)
            if (layout.tags[k].in_version && is_due(from.field(layout.tags[k].field))) {
                due |= std::uint64_t{1} << k;
                ++count;
            }
        out_.varint(count);
        if (count == 0) return true;

        auto next = unknown.begin();
        const auto put_unknown_below = [&](std::int64_t number) {
            for (; next != unknown.end() && next->number < number; ++next) {
                out_.varint(next->number);
                out_.varint(static_cast<std::uint32_t>(next->payload.size()));
                out_.attach(keep(next->payload));
            }
        };
        for (unsigned k = 0; k < layout.tag_count; ++k) {
            if (!layout.tags[k].in_version) continue;
            put_unknown_below(k); // which is the tag's number
            if (next != unknown.end() && next->number == k)
                return refuse(errc::duplicate_tag, "unknown_tags"); // this version knows it
            if ((due >> k & 1) == 0) continue;
            if (!put_tag(info.fields[layout.tags[k].field], from.field(layout.tags[k].field))) return false;
        }
        put_unknown_below(std::int64_t{1} << 32);
        return true;
    }

    template <class Value>
    bool put_tag(const field_info& field, const Value& value) {
        measuring_output payload;
        if (!dynamic_encoder<measuring_output>(payload, facts_, version_, owner_, failure_, change_)
                 .put_field(field, value))
            return false;
        if (payload.size() > wire::max_length) return refuse(errc::too_large, field.name);
        out_.varint(static_cast<std::uint32_t>(field.tag));
        out_.varint(static_cast<std::uint32_t>(payload.size()));
        return put_field(field, value);
    }

    /// A value that no message holds.
    struct literal {
        std::int64_t value = 0;
        std::string_view chars{};
        uuid topic{};

        [[nodiscard]] std::int64_t number() const noexcept { return value; }
        [[nodiscard]] double real() const noexcept { return 0; }
        [[nodiscard]] std::string_view text() const noexcept { return chars; }
        [[nodiscard]] uuid id() const noexcept { return topic; }
        [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {}; }
    };

    [[nodiscard]] bool compact(const field_info& field) const noexcept {
        return flexible_ && !field.never_compact;
    }
    static outcome when(bool written) noexcept { return written ? outcome::done : outcome::refused; }
    outcome refused(errc code, const field_info& field, std::int64_t index = -1) noexcept {
        refuse(code, field.name, index);
        return outcome::refused;
    }
    template <class Struct>
    [[nodiscard]] static auto neighbour(const struct_info& info, const Struct& from, std::string_view name) {
        return from.field(position_of(info, name));
    }
    /// Whether a number or a string is among those that a rule lists.
    template <class Value>
    [[nodiscard]] static bool listed(const meaning_rule& rule, const Value& value) {
        switch (value.info().kind) {
        case field_kind::string: return rule.value_count != 0 && !value.is_null() && value.text().empty();
        case field_kind::array:
        case field_kind::bytes:
        case field_kind::records:
        case field_kind::structure:
        case field_kind::uuid:
        case field_kind::float64: return false;
        default: return rule.lists(value.number());
        }
    }

    /// Writes the field, or nothing, if a rule says what becomes of it.
    template <class Value, class Struct>
    outcome put_by_meaning(const struct_info& info, const field_info& field, const Value& value,
                           const Struct& from) {
        const bool here = field.versions.contains(version_);
        for (const rule_in_force& r : change_->rules()) {
            if (r.field != &field) continue;
            const meaning_rule& rule = *r.rule;
            outcome done = outcome::as_usual;
            switch (rule.kind) {
            case meaning::needed:
                if (!says_nothing(value) && !listed(rule, value))
                    return refused(errc::field_not_in_version, field);
                return outcome::done;
            case meaning::needed_since:
                if (!has_default(value)) return refused(errc::meaning_differs, field);
                break;
            case meaning::lost: return outcome::done;
            case meaning::unknown: return refused(errc::value_unknown, field);
            case meaning::implied: return put_implied(rule, field, value);
            case meaning::like: done = put_like(field, value, neighbour(info, from, rule.other)); break;
            case meaning::since:
            case meaning::until:
                if (listed(rule, value) &&
                    (rule.other.empty() || neighbour(info, from, rule.other).size() == 0))
                    return refused(errc::meaning_differs, field);
                break;
            case meaning::translated:
                if (!listed(rule, value)) break;
                return put_number_of(rule, field, false, value);
            case meaning::raised: done = put_raised(rule, field, value); break;
            case meaning::same_around:
                if (!listed(rule, value)) return refused(errc::meaning_differs, field);
                break;
            case meaning::empty_is_null:
                if (version_ >= rule.version) {
                    if (value.is_null() || value.size() != 0) break;
                    put_count(field.kind, -1, compact(field));
                    return outcome::done;
                }
                if (!value.is_null() && value.size() == 0) return refused(errc::meaning_differs, field);
                [[fallthrough]];
            case meaning::null_is_empty:
                if (!value.is_null() || version_ >= rule.version) break;
                put_count(field.kind, 0, compact(field));
                return outcome::done;
            case meaning::topic:
                if (!here) return outcome::done;
                return r.field == r.main ? put_name(field, value, neighbour(info, from, rule.other))
                                         : put_id(field, value, neighbour(info, from, r.main->name));
            case meaning::becomes:
                if (!here) return outcome::done;
                return put_number_of(rule, field, r.field == r.main,
                                     neighbour(info, from, r.field == r.main ? rule.other : r.main->name));
            case meaning::records:
            case meaning::codecs:
                if (!allows_batches(rule, value.bytes())) return refused(errc::meaning_differs, field);
                break;
            case meaning::error_of:
                if constexpr (std::is_same_v<Struct, dynamic_view>) done = put_error_of(info, r, value, from);
                break;
            case meaning::holds:
                if constexpr (std::is_same_v<Struct, dynamic_view>) return put_held(info, r, from);
                break;
            case meaning::gathers:
            case meaning::each:
                if constexpr (std::is_same_v<Struct, dynamic_view>)
                    return put_regrouped(info, r, value, from);
                break;
            default: break;
            }
            if (done != outcome::as_usual) return done;
        }
        return outcome::as_usual;
    }

    /// The elements that the version without the field stands for, or nothing, if it stands for these.
    template <class Value>
    outcome put_implied(const meaning_rule& rule, const field_info& field, const Value& value) {
        if (field.versions.contains(version_)) {
            put_count(field.kind, rule.value_count, compact(field));
            for (std::size_t i = 0; i < rule.value_count; ++i)
                if (!put_simple(field, literal{.value = rule.values[i][0]}, false, -1))
                    return outcome::refused;
            return outcome::done;
        }
        std::size_t i = 0;
        if (value.size() != rule.value_count) return refused(errc::meaning_differs, field);
        for (const auto element : value.elements())
            if (element.number() != rule.values[i++][0]) return refused(errc::meaning_differs, field);
        return outcome::done;
    }

    template <class Value, class Other>
    outcome put_like(const field_info& field, const Value& value, const Other& other) {
        if (field.versions.contains(version_)) return when(put_field(field, other));
        if (value.is_null() || other.is_null()) return outcome::as_usual;
        const bool same = field.kind == field_kind::string ? value.text() == other.text()
                                                           : value.number() == other.number();
        return same ? outcome::done : outcome::as_usual;
    }

    template <class Value, class Id>
    outcome put_name(const field_info& field, const Value& value, const Id& id) {
        std::string_view name = value.is_null() ? std::string_view() : value.text();
        if (name.empty() && id.id() != uuid{}) {
            const auto known = change_->topics().name_of(id.id());
            if (!known) return refused(errc::value_unknown, field);
            name = *known;
        }
        return when(put_simple(field, literal{.chars = name}, compact(field), -1));
    }
    template <class Value, class Name>
    outcome put_id(const field_info& field, const Value& value, const Name& name) {
        uuid id = value.id();
        if (id == uuid{} && !name.is_null() && !name.text().empty()) {
            const auto known = change_->topics().id_of(name.text());
            if (!known) return refused(errc::value_unknown, field);
            id = *known;
        }
        return when(put_simple(field, literal{.topic = id}, false, -1));
    }

    /// What the number of another field is as a number of this one; `old` if this is the older field.
    template <class Value>
    outcome put_number_of(const meaning_rule& rule, const field_info& field, bool old, const Value& value) {
        std::int64_t number = value.number();
        if (rule.value_count != 0) {
            std::size_t i = 0;
            const auto fits = [&](const std::array<std::int64_t, 2>& pair) {
                return old ? pair[1] == number || pair[1] == any_number : pair[0] == number;
            };
            while (i < rule.value_count && !fits(rule.values[i])) ++i;
            if (i == rule.value_count) return refused(errc::meaning_differs, field);
            number = rule.values[i][old ? 0 : 1];
        } else if (field.kind == field_kind::int32 && number != static_cast<std::int32_t>(number)) {
            return refused(errc::meaning_differs, field);
        }
        return when(put_simple(field, literal{.value = number}, false, -1));
    }

    /// The number that stands for one of an old version, if the rule has one.
    template <class Value>
    outcome put_raised(const meaning_rule& rule, const field_info& field, const Value& value) {
        for (std::size_t i = 0; i < rule.value_count; ++i)
            if (rule.values[i][0] == any_number || rule.values[i][0] == value.number())
                return when(put_simple(field, literal{.value = rule.values[i][1]}, false, -1));
        return outcome::as_usual;
    }

    /// An array is not written where its one element's error has the place of the error around it.
    outcome put_error_of(const struct_info& info, const rule_in_force& r, const dynamic_value& value,
                         const dynamic_view& from) {
        const std::string_view error_name = r.rule->other;
        if (r.field == r.main) {
            const bool told = neighbour(info, from, error_name).number() != 0 || value.size() == 1;
            return told ? outcome::done : refused(errc::meaning_differs, *r.field);
        }
        const dynamic_value array = neighbour(info, from, r.main->name);
        if (value.number() != 0 || array.size() != 1) return outcome::as_usual;
        const dynamic_view one = (*array.elements().begin()).structure();
        const std::int64_t code = neighbour(*r.main->structure, one, error_name).number();
        return when(put_simple(*r.field, literal{.value = code}, false, -1));
    }

    /// A number where old versions have an array of it, or the array.
    outcome put_held(const struct_info& info, const rule_in_force& r, const dynamic_view& from) {
        const field_info& field = *r.field;
        if (!field.versions.contains(version_)) return outcome::done;
        const std::int64_t none = r.rule->values[0][0];
        if (r.field == r.main) {
            const std::int64_t number = neighbour(info, from, r.rule->other).number();
            put_count(field_kind::array, number == none ? 0 : 1, compact(field));
            return when(number == none || put_simple(field, literal{.value = number}, false, 0));
        }
        const dynamic_value array = neighbour(info, from, r.main->name);
        if (array.size() > 1) return refused(errc::meaning_differs, *r.main);
        const std::int64_t number = array.size() == 0 ? none : (*array.elements().begin()).number();
        return when(put_simple(field, literal{.value = number}, false, -1));
    }

    /// Of an array of later versions and of the fields that it took the place of.
    outcome put_regrouped(const struct_info& info, const rule_in_force& r, const dynamic_value& value,
                          const dynamic_view& from) {
        const field_info& field = *r.field;
        const bool here = field.versions.contains(version_);
        const bool grouped = r.main->versions.contains(version_);
        if (r.field == r.main) return here ? put_gathered(info, r, from) : check_group(r, value);
        if (grouped) return outcome::done; // as a part of the array
        const dynamic_value group = neighbour(info, from, r.main->name);
        if (r.rule->kind == meaning::each) return here ? put_column(r, group) : outcome::done;
        if (group.size() != 1) return refused(errc::meaning_differs, *r.main);
        std::optional<dynamic_value> part;
        if (r.main->element != field_kind::structure)
            part = *group.elements().begin();
        else
            part = neighbour(*r.main->structure, (*group.elements().begin()).structure(),
                             source_of(*r.rule, field.name));
        const stand_in_value shown(field, part);
        if (here) return when(put_field(field, shown));
        if (field.enumerators == enumeration::error_code && !has_default(shown))
            return refused(errc::field_not_in_version, field);
        return outcome::done;
    }

    /// The name on the left of a pair of `gathers` or `each`.
    [[nodiscard]] static std::string_view source_of(const meaning_rule& rule,
                                                    std::string_view outer) noexcept {
        for (std::string_view pairs = rule.other; !pairs.empty();) {
            std::string_view pair = next_word(pairs, ' ');
            const std::string_view inner = next_word(pair, '=');
            if (pair == outer) return inner;
        }
        return {};
    }
    [[nodiscard]] static bool mentions(const meaning_rule& rule, std::string_view inner) noexcept {
        for (std::string_view pairs = rule.other; !pairs.empty();) {
            std::string_view pair = next_word(pairs, ' ');
            if (next_word(pair, '=') == inner) return true;
        }
        return false;
    }

    outcome put_gathered(const struct_info& info, const rule_in_force& r, const dynamic_view& from) {
        const field_info& array = *r.field;
        stand_in_struct one(array.element == field_kind::structure ? *array.structure : info);
        std::optional<dynamic_value> last;
        for (std::string_view pairs = r.rule->other; !pairs.empty();) {
            std::string_view pair = next_word(pairs, ' ');
            const std::string_view inner = next_word(pair, '=');
            if (pair == "-") return refused(errc::value_unknown, array);
            last = neighbour(info, from, pair);
            if (last->present()) one.set(inner, *last);
        }
        if (!last) return refused(errc::value_unknown, array);
        if (r.rule->kind == meaning::each) {
            put_count(field_kind::array, static_cast<std::int64_t>(last->size()), compact(array));
            const std::string_view inner = r.rule->other.substr(0, r.rule->other.find('='));
            std::int64_t index = 0;
            for (const dynamic_value element : last->elements()) {
                stand_in_struct each(*array.structure);
                each.set(inner, element);
                if (!put_struct(*array.structure, each)) return when(within(array, index));
                ++index;
            }
            return outcome::done;
        }
        put_count(field_kind::array, 1, compact(array));
        if (array.element != field_kind::structure) return when(put_simple(array, *last, compact(array), 0));
        return when(put_struct(*array.structure, one) || within(array, 0));
    }

    /// Whether what an array holds can be said without it: its parts are written as fields of their own.
    outcome check_group(const rule_in_force& r, const dynamic_value& group) {
        const field_info& array = *r.field;
        if (r.rule->kind == meaning::gathers && group.size() != 1)
            return refused(errc::meaning_differs, array);
        if (array.element != field_kind::structure) return outcome::done;
        std::int64_t index = 0;
        for (const dynamic_view& element : group.structs()) {
            for (std::size_t i = 0; i < element.field_count(); ++i) {
                const dynamic_value value = element.field(i);
                if (mentions(*r.rule, value.info().name) || value.info().ignorable.contains(version_) ||
                    says_nothing(value))
                    continue;
                refuse(errc::field_not_in_version, value.info().name);
                return when(within(array, index));
            }
            if (element.unknown_tags().begin() != element.unknown_tags().end()) {
                refuse(errc::field_not_in_version, "unknown_tags");
                return when(within(array, index));
            }
            ++index;
        }
        return outcome::done;
    }

    /// One string of each struct.
    outcome put_column(const rule_in_force& r, const dynamic_value& group) {
        const field_info& column = *r.field;
        put_count(field_kind::array, static_cast<std::int64_t>(group.size()), compact(column));
        const std::string_view inner = r.rule->other.substr(0, r.rule->other.find('='));
        std::int64_t index = 0;
        for (const dynamic_view& element : group.structs()) {
            const dynamic_value value = neighbour(*r.main->structure, element, inner);
            if (value.is_null()) {
                refuse(errc::null_not_allowed, inner);
                return when(within(*r.main, index));
            }
            if (!put_simple(column, value, compact(column), index++)) return outcome::refused;
        }
        return outcome::done;
    }

    [[nodiscard]] const meaning_rule* omission_in(const field_info& field) const noexcept {
        if (change_ == nullptr) return nullptr;
        for (const rule_in_force& r : change_->rules())
            if (r.field == &field && r.rule->kind == meaning::omit) return r.rule;
        return nullptr;
    }
    [[nodiscard]] static bool is_kept(const field_info& field, const dynamic_view& element,
                                      const meaning_rule& rule) {
        return !listed(rule, neighbour(*field.structure, element, rule.other));
    }
    template <class Value>
    bool put_kept(const field_info& field, const Value& value, const meaning_rule& rule) {
        std::int64_t kept = 0, index = 0;
        for (const dynamic_view& element : value.structs()) kept += is_kept(field, element, rule) ? 1 : 0;
        put_count(field.kind, kept, compact(field));
        for (const dynamic_view& element : value.structs()) {
            if (is_kept(field, element, rule) && !put_struct(*field.structure, element))
                return within(field, index);
            ++index;
        }
        return true;
    }
    /// Whether a tag is written: not if it has its default, or if no element of it is left.
    template <class Value>
    [[nodiscard]] bool is_due(const Value& value) const {
        if (has_default(value)) return false;
        if constexpr (requires { value.structs(); }) {
            if (const meaning_rule* rule = omission_in(value.info())) {
                for (const dynamic_view& element : value.structs())
                    if (is_kept(value.info(), element, *rule)) return true;
                return false;
            }
        }
        return true;
    }

    Out& out_;
    const message_facts& facts_;
    const shared_buffer& owner_;
    error& failure_;
    const meaning_change* change_;
    int version_;
    bool flexible_;
};

/// Whether the message asks for the same in the other version.
template <class From>
[[nodiscard]] bool asks_the_same(const message_info& message, const From& from, const meaning_change& change,
                                 error& failure) {
    for (const rule_in_force& r : change.rules()) {
        if (r.field != nullptr) continue;
        if (!r.rule->other.empty()) {
            const auto value = from.field(position_of(*message.structure, r.rule->other));
            if (has_default(value)) continue;
            failure.enter({value.info().name, -1});
        }
        failure.code = errc::meaning_differs;
        return false;
    }
    return true;
}

/// Measures, then writes; `From` is the whole message in any form, `change` what its version and this one do
/// not mean alike.
template <class From>
expected<buffer_chain, error> encode_dynamic(const message_info& message, const From& from, int version,
                                             const shared_buffer& owner,
                                             const meaning_change* change = nullptr) {
    measuring_output size;
    error failure;
    failure.message = message.facts.name;
    failure.version = static_cast<std::int16_t>(version);
    failure.located = false;
    version = message.facts.canonical(version);
    if (!message.facts.versions.contains(version)) {
        failure.code = errc::unsupported_version;
        return unexpected(failure);
    }
    if (change != nullptr && !asks_the_same(message, from, *change, failure)) return unexpected(failure);
    if (!dynamic_encoder<measuring_output>(size, message.facts, version, owner, failure, change)
             .put_struct(*message.structure, from))
        return unexpected(failure);
    if (size.size() > wire::max_length) {
        failure.code = errc::too_large;
        return unexpected(failure);
    }
    writing_output out(size);
    static_cast<void>(dynamic_encoder<writing_output>(out, message.facts, version, owner, failure, change)
                          .put_struct(*message.structure, from));
    return std::move(out).finish();
}

} // namespace detail

/// A message as `version` writes it. Payloads are slices of its buffer, nothing of them is copied; at the
/// message's own version the result is its bytes as they lie, also where another writer would have chosen
/// others (padded varints, tags that carry their default). Only unknown tags of the requests and responses
/// that became batched (FindCoordinator, OffsetFetch, AddPartitionsToTxn) are copied on the way between the
/// two forms.
///
/// Where versions differ in meaning, schema/meaning.txt says what becomes of it; docs/transcode.md lists it.
/// `message` must be the one that it was parsed as. Errors, with the path of the field: unsupported_version;
/// field_not_in_version for a value (or unknown tags) that `version` cannot carry and that may not be
/// dropped; meaning_differs for one that means something else there; value_unknown where `version` says what
/// the message's own does not, such as a topic's id that `topics` does not know; null_not_allowed where
/// `version` has no null; too_large for a body of 2 GiB or more.
[[nodiscard]] inline expected<buffer_chain, error>
encode(const message_info& message, const held<dynamic_view>& from, int version, topic_names topics = {}) {
    const int to = message.facts.canonical(version);
    if (to == from->version()) {
        buffer_chain whole;
        if (const auto bytes = from->bytes(); !bytes.empty()) whole.put_bytes(from.slice_or_copy(bytes));
        return whole;
    }
    const detail::meaning_change change(message, from->version(), to, topics);
    if (const int way = change.way(); way >= 0 && message.facts.versions.contains(to)) {
        const auto half = encode(message, from, way, topics);
        const auto view = half ? parse(message, half->to_bytes(), way) : unexpected(half.error());
        auto result = view ? encode(message, *view, version, topics) : unexpected(view.error());
        if (!result) result.error().version = static_cast<std::int16_t>(version);
        return result;
    }
    return detail::encode_dynamic(message, *from, version, from.buffer(), change.empty() ? nullptr : &change);
}

/// The body of `message` at version `from` as the body of the same message at version `to`.
///
/// `topics` knows the names and ids of topics; without it, a topic that `to` names in the other way is
/// value_unknown. Records are carried as they are: batches of a format or a compression that `to` does
/// not have are meaning_differs. Errors: those of parse and of encode.
[[nodiscard]] inline expected<buffer_chain, error> transcode(const message_info& message, shared_buffer body,
                                                             int from, int to, parse_options options = {},
                                                             topic_names topics = {}) {
    if (buffer_chain result; detail::transcode_in_one_pass(message, body, from, to, options, result))
        return result;
    const auto view = parse(message, std::move(body), from, options);
    if (!view) return unexpected(view.error());
    return encode(message, *view, to, topics);
}

/// The same by the schema alone, as Kafka's generated message classes do it: a field that both versions have
/// is carried, others are dropped where ignorable or get their default, whatever becomes of the meaning.
///
/// Errors: those of parse; unsupported_version, field_not_in_version, null_not_allowed, too_large.
[[nodiscard]] inline expected<buffer_chain, error> transcode_by_schema(const message_info& message,
                                                                       shared_buffer body, int from, int to,
                                                                       parse_options options = {}) {
    const auto view = parse(message, std::move(body), from, options);
    if (!view) return unexpected(view.error());
    if (message.facts.canonical(to) == (*view)->version()) return encode(message, *view, to);
    return detail::encode_dynamic(message, **view, to, (*view).buffer());
}

} // namespace kwire::inline KWIRE_ABI

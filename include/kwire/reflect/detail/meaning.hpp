/// Internal: which rules of schema/meaning.txt matter between two versions of a message.
#pragma once

#include <kwire/reflect/detail/meaning_table.hpp>
#include <kwire/reflect/dynamic.hpp>
#include <kwire/reflect/topic_names.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace kwire::inline KWIRE_ABI::detail {

/// The position of a field by its name; the number of fields if there is none.
[[nodiscard]] inline std::size_t position_of(const struct_info& info, std::string_view name) noexcept {
    return static_cast<std::size_t>(std::ranges::find(info.fields, name, &field_info::name) -
                                    info.fields.begin());
}

/// Cuts `text` after the first `mark` and returns what is before it; all of it if there is none.
[[nodiscard]] constexpr std::string_view next_word(std::string_view& text, char mark) noexcept {
    const std::size_t end = std::min(text.find(mark), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return word;
}

/// All rules of a message.
[[nodiscard]] inline std::span<const meaning_rule> rules_of(std::string_view message) noexcept {
    const auto found = std::ranges::equal_range(meaning_table, message, {}, &meaning_rule::message);
    return {found.begin(), found.end()};
}

/// A rule that matters, and where.
struct rule_in_force {
    const meaning_rule* rule = nullptr;
    const struct_info* place = nullptr; ///< the struct that has the field
    const field_info* field = nullptr;
    const field_info* main =
        nullptr; ///< the field that the rule is about; `field` is another one of the rule
};

/// What to look at on the way from one version of a message to another.
class meaning_change {
public:
    meaning_change(const message_info& message, int from, int to, topic_names topics = {})
        : topics_(topics), from_(from), to_(to) {
        if (from == to) return;
        const auto rules = rules_of(message.facts.name);
        // Regrouping first: a field that becomes part of an array is not lost.
        for (const bool first : {true, false})
            for (const meaning_rule& rule : rules)
                if (regroups(rule) == first) add(rule, *message.structure);
    }

    [[nodiscard]] bool empty() const noexcept { return rules_.empty(); }
    /// Whether a program of steps can follow all rules: what may be lost, and values and batches that are
    /// seldom met and left to the encoder.
    [[nodiscard]] bool fits_steps() const noexcept {
        return std::ranges::all_of(rules_, [](const rule_in_force& r) {
            switch (r.rule->kind) {
            case meaning::needed:
            case meaning::lost:
            case meaning::records:
            case meaning::codecs: return true;
            case meaning::since:
            case meaning::until:
            case meaning::translated: return r.rule->other.empty() && is_signed_integer(r.field->kind);
            default: return false;
            }
        });
    }
    /// Whether a rule of this kind, which is about fields, is about this one.
    [[nodiscard]] bool says(meaning kind, const field_info& field) const noexcept {
        return std::ranges::any_of(
            rules_, [&](const rule_in_force& r) { return r.field == &field && r.rule->kind == kind; });
    }
    [[nodiscard]] std::span<const rule_in_force> rules() const noexcept { return rules_; }
    /// The version to go by: the first with the array that fields of the source become, or that becomes
    /// fields of the target; -1 if the way is straight. What is in the array has rules of its own, which
    /// speak of versions with the array.
    [[nodiscard]] int way() const noexcept {
        for (const rule_in_force& r : rules_)
            if (r.rule->kind == meaning::gathers && r.field == r.main)
                if (const int first = r.field->versions.first; first != from_ && first != to_) return first;
        return -1;
    }
    [[nodiscard]] const topic_names& topics() const noexcept { return topics_; }
    [[nodiscard]] int from() const noexcept { return from_; }
    [[nodiscard]] int to() const noexcept { return to_; }

private:
    [[nodiscard]] static bool regroups(const meaning_rule& rule) noexcept {
        return rule.kind == meaning::gathers || rule.kind == meaning::each;
    }
    void add(const meaning_rule& rule, const struct_info& message) {
        if (rule.kind == meaning::differs) {
            if (crosses(rule.version)) rules_.push_back({&rule, &message, nullptr, nullptr});
            return;
        }
        const struct_info* place = &message;
        std::string_view path = rule.path;
        std::size_t i = position_of(*place, next_word(path, '.'));
        for (; !path.empty(); i = position_of(*place, next_word(path, '.'))) {
            if (i == place->fields.size()) return; // not a message of Kafka's schemas
            place = place->fields[i].structure;
        }
        if (i == place->fields.size()) return;
        const field_info& field = place->fields[i];
        if (!matters(rule, *place, field)) return;
        rules_.push_back({&rule, place, &field, &field});
        const auto also = [&](std::string_view name) {
            const std::size_t other = position_of(*place, name);
            if (other != place->fields.size())
                rules_.push_back({&rule, place, &place->fields[other], &field});
        };
        if (rule.kind == meaning::topic || rule.kind == meaning::becomes || rule.kind == meaning::error_of ||
            rule.kind == meaning::holds)
            also(rule.other);
        if (!regroups(rule)) return;
        for (std::string_view pairs = rule.other; !pairs.empty();) {
            std::string_view pair = next_word(pairs, ' ');
            static_cast<void>(next_word(pair, '='));
            also(pair);
        }
    }

    [[nodiscard]] static bool is_signed_integer(field_kind kind) noexcept {
        return kind == field_kind::int8 || kind == field_kind::int16 || kind == field_kind::int32 ||
               kind == field_kind::int64;
    }
    [[nodiscard]] bool crosses(int version) const noexcept { return (from_ < version) != (to_ < version); }
    [[nodiscard]] bool matters(const meaning_rule& rule, const struct_info& place,
                               const field_info& field) const noexcept {
        const bool in_from = field.versions.contains(from_), in_to = field.versions.contains(to_);
        switch (rule.kind) {
        case meaning::needed:
        case meaning::lost:
        case meaning::error_of: return in_from && !in_to;
        case meaning::needed_since: return in_from && in_to && crosses(rule.version);
        case meaning::unknown: return in_to && !in_from;
        case meaning::topic: { // the source may have the struct in another place, with a name
            const std::size_t id = position_of(place, rule.other);
            const bool neither =
                !in_from && id != place.fields.size() && !place.fields[id].versions.contains(from_);
            return in_from != in_to || neither;
        }
        case meaning::implied:
        case meaning::like:
        case meaning::becomes:
        case meaning::holds:
        case meaning::gathers:
        case meaning::each: return in_from != in_to;
        case meaning::since:
        case meaning::translated:
        case meaning::codecs: return in_to && to_ < rule.version && from_ >= rule.version;
        case meaning::raised: return in_from && in_to && from_ < rule.version && to_ >= rule.version;
        case meaning::until: return from_ < rule.version && to_ >= rule.version;
        case meaning::omit: return in_to && to_ < rule.version && from_ >= rule.version;
        case meaning::records: {
            const auto with = [&](int v) { return v >= rule.version && v <= rule.values[0][0]; };
            return with(to_) && !with(from_);
        }
        default: return crosses(rule.version);
        }
    }

    std::vector<rule_in_force> rules_;
    topic_names topics_;
    int from_, to_;
};

} // namespace kwire::inline KWIRE_ABI::detail

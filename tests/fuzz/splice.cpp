/// libFuzzer: random edits of any message at any depth, fields set twice and edits within what is replaced
/// among them. The result must be what the same edits make of a tree of values, and every edit that cannot be
/// done must be refused, after which there are none.
#include <kwire/reflect/splice.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/insist.hpp"
#include "fuzz/message_input.hpp"
#include "fuzz/model.hpp"
#include "messages/digest.hpp"

namespace {

using kwire::dynamic_value;
using kwire::dynamic_view;
using kwire::field_info;
using kwire::field_kind;
using support::choices;
using support::insist;
using support::model_value;

std::string text_of(const kwire::error& e) { return std::string(kwire::describe(e)); }

/// Values of other messages, by the field that they are of and whether they are elements of it.
class donors {
public:
    void add(const dynamic_view& view, const kwire::shared_buffer& owner) {
        for (const dynamic_value value : view.fields()) add(value, false, owner);
    }
    /// One of them for the field; nullopt if there is none.
    [[nodiscard]] std::optional<std::pair<dynamic_value, kwire::shared_buffer>>
    take(const field_info& field, bool element, choices& from) const {
        const auto found = values_.find({&field, element});
        if (found == values_.end()) return std::nullopt;
        return found->second[from.below(found->second.size())];
    }

private:
    void add(const dynamic_value& value, bool element, const kwire::shared_buffer& owner) {
        if (!value.present()) return;
        values_[{&value.info(), element}].emplace_back(value, owner);
        if (value.is_null()) return;
        if (value.kind() == field_kind::structure) return add(value.structure(), owner);
        if (value.kind() == field_kind::array)
            for (const dynamic_value part : value.elements()) add(part, true, owner);
    }

    std::map<std::pair<const field_info*, bool>, std::vector<std::pair<dynamic_value, kwire::shared_buffer>>>
        values_;
};

/// Edits a message and a tree alike. Positions are those of the message as it was.
class editor {
public:
    editor(kwire::splice& edits, const donors& others, choices& from)
        : edits_(edits), others_(others), from_(from), without_unknown_(from.once_in(8)) {
        if (without_unknown_) edits.erase_unknown_tags();
    }

    [[nodiscard]] model_value edit(const dynamic_view& view) {
        model_value made = support::model_of(view);
        for (std::size_t i = 0; i != view.field_count(); ++i) {
            const dynamic_value value = view.field(i);
            const field_info& field = value.info();
            if (!field.versions.contains(view.version())) {
                if (from_.once_in(10)) set_what_is_not_there(view, i);
                continue;
            }
            std::optional<model_value> whole;
            if (from_.once_in(8)) whole = set(view, i, std::nullopt);
            made.parts[i] = inside(view, i, std::move(made.parts[i]), value);
            if (from_.once_in(10))
                if (auto later = set(view, i, std::nullopt)) whole = std::move(later);
            if (whole) made.parts[i] = *std::move(whole);
        }
        if (from_.once_in(8)) {
            kwire::erase_unknown_tags(edits_, view);
            made.tags.clear();
        }
        if (without_unknown_) made.tags.clear();
        return made;
    }

private:
    /// Of a version that lacks the field: its default, or anything if it is ignorable, changes nothing.
    void set_what_is_not_there(const dynamic_view& view, std::size_t i) {
        const field_info& field = view.field(i).info();
        if (field.kind != field_kind::int32) return;
        const bool ignorable = field.ignorable.contains(view.version());
        kwire::set(edits_, {view, i, std::nullopt},
                   ignorable ? 77 : static_cast<std::int32_t>(field.default_number));
    }

    model_value inside(const dynamic_view& view, std::size_t i, model_value now, const dynamic_value& value) {
        if (!value.present() || value.is_null()) return now;
        if (value.kind() == field_kind::structure) return edit(value.structure());
        if (value.kind() != field_kind::array) return now;

        const std::size_t size = value.size();
        std::vector<std::optional<model_value>> replaced(size);
        const auto replace_some = [&] {
            while (size != 0 && from_.once_in(4)) {
                const std::size_t k = from_.below(size);
                if (auto made = set(view, i, k)) replaced[k] = *std::move(made);
            }
        };
        const bool first = from_.flip();
        if (first) replace_some();
        if (value.info().element == field_kind::structure) {
            std::size_t k = 0;
            for (const dynamic_view element : value.structs()) now.parts[k++] = edit(element);
        }
        if (!first) replace_some();

        const std::string name(value.info().name);
        const auto path_of = [&](std::size_t k) { return name + '[' + std::to_string(k) + ']'; };
        std::vector<bool> erased(size);
        std::vector<std::vector<model_value>> inserted(size + 1);
        std::vector<std::size_t> order(size);
        for (std::size_t k = 0; k != size; ++k) order[k] = k;
        for (std::size_t n = from_.below(4); n != 0; --n) switch (from_.below(4)) {
            case 0: break;
            case 1:
                if (size == 0) break;
                {
                    const std::size_t k = from_.below(size);
                    kwire::erase(edits_, view, path_of(k));
                    erased[k] = true;
                }
                break;
            case 2: {
                const std::size_t k = from_.below(size + 1);
                auto [given, made] = other_value(value.info(), true, view.version());
                if (!given) break;
                kwire::insert(edits_, view, path_of(k), *given);
                inserted[k].push_back(std::move(made));
                break;
            }
            default:
                for (std::size_t k = size; k > 1; --k) std::swap(order[k - 1], order[from_.below(k)]);
                kwire::reorder(edits_, view, name, order);
            }

        model_value made;
        made.present = true;
        for (const std::size_t k : order) {
            std::ranges::move(inserted[k], std::back_inserter(made.parts));
            if (!erased[k])
                made.parts.push_back(replaced[k] ? *std::move(replaced[k]) : std::move(now.parts[k]));
        }
        std::ranges::move(inserted[size], std::back_inserter(made.parts));
        return made;
    }

    /// Sets a field or an element; nullopt if there is no value to set it to.
    std::optional<model_value> set(const dynamic_view& view, std::size_t i,
                                   std::optional<std::size_t> element) {
        auto [given, made] = other_value(view.field(i).info(), element.has_value(), view.version());
        if (!given) return std::nullopt;
        kwire::set(edits_, {view, i, element}, *given);
        return std::move(made);
    }

    std::pair<std::optional<kwire::new_value>, model_value> other_value(const field_info& field, bool element,
                                                                        int version) {
        model_value made;
        made.present = true;
        if (!element && field.nullable.contains(version) && from_.once_in(4)) {
            made.null = true;
            return {nullptr, made};
        }
        const field_kind kind = element ? field.element : field.kind;
        const bool is_simple = kind != field_kind::structure && kind != field_kind::array;
        if (!is_simple || from_.flip()) {
            const auto other = others_.take(field, element, from_);
            if (other)
                return {kwire::new_value(other->first, from_.flip() ? other->second : kwire::shared_buffer()),
                        support::model_of(other->first)};
            if (!is_simple) return {};
        }
        switch (kind) {
        case field_kind::float64: {
            const auto real = static_cast<double>(from_.byte()) / 4;
            made.real = std::bit_cast<std::uint64_t>(real);
            return {real, made};
        }
        case field_kind::uuid:
            for (std::byte& b : made.id.bytes) b = static_cast<std::byte>(from_.byte());
            return {made.id, made};
        case field_kind::string: {
            made.bytes = from_.bytes(from_.once_in(8) ? 120 + from_.below(12) : from_.below(20));
            texts_.emplace_back(reinterpret_cast<const char*>(made.bytes.data()), made.bytes.size());
            return {std::string_view(texts_.back()), made};
        }
        case field_kind::bytes:
        case field_kind::records:
            made.bytes = from_.bytes(from_.once_in(8) ? 500 + from_.below(30) : from_.below(20));
            return {kwire::shared_buffer::copy_of(made.bytes), made};
        case field_kind::boolean: made.number = from_.flip() ? 1 : 0; break;
        case field_kind::int8: made.number = static_cast<std::int8_t>(from_.byte()); break;
        default: made.number = static_cast<std::int64_t>(from_.number(1) * from_.below(100)); break;
        }
        return {made.number, made};
    }

    kwire::splice& edits_;
    const donors& others_;
    choices& from_;
    std::deque<std::string> texts_; ///< which values refer to until they are set
    bool without_unknown_;
};

/// An edit that cannot be done, of a field of `view`; nullopt if the field has none.
std::optional<kwire::errc> edit_wrongly(kwire::splice& edits, const dynamic_view& view, std::size_t i) {
    const dynamic_value value = view.field(i);
    const field_info& field = value.info();
    if (!field.versions.contains(view.version())) {
        if (field.ignorable.contains(view.version()) || field.kind != field_kind::int64) return std::nullopt;
        kwire::set(edits, {view, i, std::nullopt}, field.default_number == 5 ? 6 : 5);
        return kwire::errc::field_not_in_version;
    }
    if (value.kind() == field_kind::array && value.present() && !value.is_null()) {
        kwire::erase(edits, view, std::string(field.name) + '[' + std::to_string(value.size()) + ']');
        return kwire::errc::bad_value;
    }
    if (!field.nullable.contains(view.version())) {
        kwire::set(edits, {view, i, std::nullopt}, nullptr);
        return kwire::errc::null_not_allowed;
    }
    kwire::set(edits, {view, i, std::nullopt}, kwire::new_value(view.field((i + 1) % view.field_count())));
    return view.field_count() > 1 && field.kind != view.field((i + 1) % view.field_count()).kind()
               ? std::optional(kwire::errc::bad_value)
               : std::nullopt;
}

/// Unknown tags by their number, the last of each: what is encoded has them so, whatever order and
/// repetitions a lenient parse let pass.
void sort_tags(model_value& value) {
    std::map<std::uint32_t, std::vector<std::byte>> last;
    for (support::model_tag& tag : value.tags) last[tag.number] = std::move(tag.payload);
    value.tags.clear();
    for (auto& [number, payload] : last) value.tags.push_back({number, std::move(payload)});
    for (model_value& part : value.parts) sort_tags(part);
}
std::uint64_t shown_by(const support::message_input& in, model_value message) {
    sort_tags(message);
    support::digest seen;
    support::show_message(*in.info, in.version, message, seen);
    return seen.value();
}

void check(const support::message_input& in) {
    const auto options = support::options_of(in.knob & 63U);
    const auto buffer = kwire::shared_buffer::copy_of(in.body);
    const auto parsed = kwire::parse(*in.info, buffer, in.version, options);
    if (!parsed) return;
    if (kwire::parse_view(*in.info, in.body, in.version)) support::note_read(*in.info, in.version);
    const dynamic_view view = (*parsed).view();

    // The edits come from the body, turned by a knob so that they are not always those that were there.
    std::vector<std::byte> program(in.body.rbegin(), in.body.rend());
    program.resize(std::max<std::size_t>(program.size(), 256), static_cast<std::byte>(in.second_knob));
    for (std::size_t i = 0; i != program.size(); ++i)
        program[i] ^= static_cast<std::byte>(in.second_knob * (i + 1));
    choices from(program);

    choices of_other(std::span<const std::byte>(program).last(program.size() / 2));
    const auto other_message = support::random_message(*in.info, in.version, of_other);
    const auto other = kwire::shared_buffer::copy_of(
        support::write_message(*in.info, in.version, other_message, support::manners::correct, of_other));
    const auto other_view = kwire::parse_view(*in.info, other.span(), in.version);
    insist(other_view.has_value(), "what the model writes is valid");
    donors others;
    others.add(view, buffer);
    others.add(*other_view, other);

    kwire::splice edits(*parsed);
    const model_value expected = editor(edits, others, from).edit(view);
    const bool unchanged = edits.empty();
    if (!view.bytes().empty() && view.field_count() != 0 && from.once_in(6)) {
        const std::size_t i = from.below(view.field_count());
        if (const auto code = edit_wrongly(edits, view, i)) {
            const auto refused = edits.apply();
            insist(!refused && refused.error() == *code, "what cannot be done is refused",
                   refused ? "" : text_of(refused.error()));
            insist(edits.empty(), "then there are no edits");
            const auto whole = edits.apply();
            const auto bytes = whole->to_bytes();
            insist(std::ranges::equal(bytes.span(), in.body), "and without edits the message is what it was");
            return;
        }
        edits = kwire::splice(*parsed);
        return;
    }
    const auto made = edits.apply();
    insist(made.has_value(), "edits that are right can be done", made ? "" : text_of(made.error()));
    insist(edits.empty(), "after apply there are no edits");
    if (unchanged)
        insist(made->segment_count() <= 1 && (made->empty() || made->segments()[0].data() == buffer.data()),
               "without edits it is the buffer itself");
    const auto bytes = made->to_bytes();
    const auto again = kwire::parse_view(*in.info, bytes.span(), in.version, options);
    insist(again.has_value(), "an edited message is valid", again ? "" : text_of(again.error()));
    insist(shown_by(in, support::model_of(*again)) == shown_by(in, expected),
           "it shows what the same edits make of the tree");
    insist(std::ranges::equal(buffer.span(), in.body), "the message itself does not change");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto input = support::read_input(std::as_bytes(std::span(data, size)));
    if (!input) return -1;
    check(*input);
    return 0;
}

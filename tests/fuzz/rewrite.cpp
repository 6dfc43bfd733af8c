/// libFuzzer: names, ids and addresses changed and dropped in any message, for any set of meanings. The calls
/// and the result must be those of a walk over a tree of values that knows the schema's marks alone; what a
/// setter cannot do must be refused.
#include <kwire/connect/rewrite.hpp>
#include <kwire/messages/consumer_protocol_assignment.hpp>
#include <kwire/messages/consumer_protocol_subscription.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/insist.hpp"
#include "fuzz/message_input.hpp"
#include "fuzz/model.hpp"
#include "messages/digest.hpp"
#include "support/framed.hpp"

namespace {

using kwire::entity;
using kwire::field_info;
using kwire::field_kind;
using kwire::struct_info;
using support::insist;
using support::model_value;

std::string text_of(const kwire::error& e) { return std::string(kwire::describe(e)); }

/// What becomes of a value. It depends on the value alone, so that the order of calls makes no difference.
class changes {
public:
    enum what {
        kept,
        changed,
        dropped,
        wrong
    };
    explicit changes(unsigned salt) : salt_(salt) {}

    [[nodiscard]] what of(entity meaning, std::string_view text, std::int64_t number,
                          const kwire::uuid& id) const {
        std::uint32_t hash = 2166136261U ^ salt_;
        const auto mix = [&](std::uint64_t more) {
            hash = (hash ^ static_cast<std::uint32_t>(more)) * 16777619U;
        };
        mix(static_cast<std::uint64_t>(meaning));
        for (const char c : text) mix(static_cast<unsigned char>(c));
        mix(static_cast<std::uint64_t>(number));
        for (const std::byte b : id.bytes) mix(std::to_integer<unsigned>(b));
        hash >>= 8;
        if (salt_ % 16 == 1 && hash % 64 == 5) return wrong;
        return hash % 8 < 3 ? kept : hash % 8 == 3 && salt_ % 2 == 0 ? dropped : changed;
    }
    [[nodiscard]] static std::string text(std::string_view before) {
        return before.size() % 5 == 4 ? std::string() : "another." + std::string(before);
    }
    [[nodiscard]] static std::int64_t number(std::int64_t before) { return (before % 50 + 7) % 100; }
    [[nodiscard]] static std::int32_t port(std::int64_t before) {
        return static_cast<std::int32_t>(before % 1000) + 1000;
    }
    [[nodiscard]] static kwire::uuid id(kwire::uuid before) {
        before.bytes[3] ^= std::byte{0x40};
        return before;
    }

private:
    unsigned salt_;
};

/// The fields of messages that lie in bytes of others.
const std::set<const field_info*>& embedded_fields() {
    static const auto all = [] {
        std::set<const field_info*> fields;
        const auto add = [&](const auto& self, const struct_info& info) -> void {
            for (const field_info& field : info.fields) {
                fields.insert(&field);
                if (field.structure != nullptr) self(self, *field.structure);
            }
        };
        add(add, kwire::info_of<kwire::consumer_protocol_subscription>);
        add(add, kwire::info_of<kwire::consumer_protocol_assignment>);
        return fields;
    }();
    return all;
}

/// Adds up the calls of a map, in their order.
class call_log {
public:
    void add(entity meaning, std::string_view text, std::int64_t number, const kwire::uuid& id) {
        digest_.integer(static_cast<std::int64_t>(meaning));
        digest_.text(text);
        digest_.integer(number);
        digest_.id(id);
        ++count_;
    }
    friend bool operator==(const call_log& a, const call_log& b) {
        return a.count_ == b.count_ && a.digest_.value() == b.digest_.value();
    }

private:
    support::digest digest_;
    std::size_t count_ = 0;
};

/// The reference: it walks over a tree, asks the schema what fields mean, and changes the tree.
class reference {
public:
    reference(kwire::entity_set wanted, const changes& how, std::optional<std::int8_t> key_type)
        : wanted_(wanted), how_(how), key_type_(key_type) {}

    void run(const struct_info& info, model_value& message) {
        const model_value before = message;
        static_cast<void>(structure({&info, &before, nullptr}, message));
    }

    call_log calls;
    bool fails = false; ///< a setter is called that must refuse

private:
    struct scope {
        const struct_info* info;
        const model_value* value;
        const scope* around;
    };

    /// Returns whether the innermost element around it is dropped.
    bool structure(const scope& in, model_value& now) {
        bool drops = false;
        for (std::size_t i = 0; i != in.info->fields.size(); ++i) {
            const field_info& field = in.info->fields[i];
            const model_value& value = in.value->parts[i];
            if (!value.present || value.null) continue;
            if (field.kind == field_kind::structure) {
                drops = structure({field.structure, &value, &in}, now.parts[i]) || drops;
            } else if (field.kind == field_kind::array) {
                std::vector<model_value> kept;
                for (std::size_t k = 0; k != value.parts.size(); ++k) {
                    model_value& element = now.parts[i].parts[k];
                    const bool drop = field.element == field_kind::structure
                                          ? structure({field.structure, &value.parts[k], &in}, element)
                                          : named(in, i, field.element, value.parts[k], element, now);
                    if (!drop) kept.push_back(std::move(element));
                }
                now.parts[i].parts = std::move(kept);
            } else {
                drops = named(in, i, field.kind, value, now.parts[i], now) || drops;
            }
        }
        return drops;
    }

    bool named(const scope& in, std::size_t i, field_kind kind, const model_value& before, model_value& now,
               model_value& around) {
        const field_info& field = in.info->fields[i];
        if (field.names == entity::port || field.names == entity::none || kind == field_kind::bytes)
            return false;
        const entity meaning = decided(in, field.names);
        if (!asked(meaning)) return false;
        const std::string text(reinterpret_cast<const char*>(before.bytes.data()),
                               kind == field_kind::string ? before.bytes.size() : 0);
        const bool numeric = kind != field_kind::string && kind != field_kind::uuid;
        if (kind == field_kind::uuid ? before.id == kwire::uuid{} : numeric && before.number < 0)
            return false;
        const std::int64_t number = numeric ? before.number : -1;
        calls.add(meaning, text, number, before.id);
        switch (how_.of(meaning, text, number, before.id)) {
        case changes::kept: return false;
        case changes::dropped: return true;
        case changes::wrong: fails = true; return false;
        case changes::changed: break;
        }
        if (kind == field_kind::uuid) {
            now.id = changes::id(before.id);
        } else if (numeric) {
            now.number = changes::number(number);
        } else {
            const std::string other = changes::text(text);
            const auto bytes = std::as_bytes(std::span(other));
            now.bytes.assign(bytes.begin(), bytes.end());
            if (meaning != entity::host) return false;
            const std::size_t port = find(*in.info, entity::port);
            if (port != in.info->fields.size() && in.value->parts[port].present)
                around.parts[port].number = changes::port(in.value->parts[port].number);
        }
        return false;
    }

    [[nodiscard]] static std::size_t find(const struct_info& info, entity meaning) {
        std::size_t i = 0;
        while (i != info.fields.size() && info.fields[i].names != meaning) ++i;
        return i;
    }
    [[nodiscard]] entity decided(const scope& in, entity meaning) const {
        const entity decider = kwire::decided_by(meaning);
        if (decider == entity::none) return meaning;
        const std::size_t i = find(*in.info, decider);
        if (i == in.info->fields.size())
            return decider == entity::coordinator_key_type && key_type_
                       ? kwire::meaning_of(meaning, std::int64_t{*key_type_})
                       : meaning;
        const field_info& field = in.info->fields[i];
        const model_value& value = in.value->parts[i];
        if (field.kind != field_kind::string)
            return kwire::meaning_of(meaning, value.present ? value.number : field.default_number);
        const std::string text(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size());
        return kwire::meaning_of(meaning, std::string_view(text));
    }
    [[nodiscard]] bool asked(entity meaning) const {
        if (meaning == entity::host) return wanted_.intersects({entity::host, entity::port});
        if (meaning == entity::coordinator_key)
            return wanted_.intersects({entity::coordinator_key, entity::group_id, entity::transactional_id});
        return wanted_.contains(meaning);
    }

    kwire::entity_set wanted_;
    const changes& how_;
    std::optional<std::int8_t> key_type_;
};

std::uint64_t shown_by(const kwire::dynamic_view& view) {
    support::digest seen;
    support::show_dynamic(view, seen);
    return seen.value();
}

void check(const support::message_input& in) {
    const auto options = support::options_of(in.knob & 63U);
    const auto buffer = kwire::shared_buffer::copy_of(in.body);
    const auto parsed = kwire::parse(*in.info, buffer, in.version, options);
    if (!parsed) {
        kwire::entity_set few; // with few, some structs are checked alone, and some noted
        for (const unsigned one : {in.second_knob % 40U + 1, in.second_knob / 7U + 1})
            few |= static_cast<entity>(one);
        std::size_t calls = 0;
        const auto framed = support::rewrite_framed(
            *in.info, in.body, in.version, few, [&](kwire::named_field&) { ++calls; }, {.parse = options});
        insist(!framed || (!*framed && framed->error().code == parsed.error().code && calls == 0),
               "a frame is refused as its body is, before anything is shown of it");
        return;
    }
    if (kwire::parse_view(*in.info, in.body, in.version)) support::note_read(*in.info, in.version);
    const kwire::dynamic_view view = (*parsed).view();

    // Meanings by the bits of a number that the knobs make, all or few of them.
    kwire::entity_set wanted;
    std::uint64_t bits = (in.second_knob * 0x9e3779b97f4a7c15U) | (in.knob < 128 ? ~std::uint64_t{0} : 0);
    for (int i = 1; i < 64; ++i, bits = bits >> 1 | bits << 63)
        if ((bits & 1) != 0 && !kwire::name_of(static_cast<entity>(i)).empty())
            wanted |= static_cast<entity>(i);
    kwire::rewrite_options how_read;
    how_read.parse = options;
    if ((in.knob & 64) != 0) how_read.coordinator_key_type = static_cast<std::int8_t>(in.second_knob % 3);

    const bool is_embedded = embedded_fields().contains(in.info->structure->fields.data());
    const changes how(in.second_knob);
    model_value expected = support::model_of(view);
    reference model(wanted, how, how_read.coordinator_key_type);
    model.run(*in.info->structure, expected);

    call_log calls;
    const auto map = [&](kwire::named_field& field) {
        if (!is_embedded && embedded_fields().contains(&field.info())) return;
        const field_info& info = field.info();
        const field_kind kind = info.kind == field_kind::array ? info.element : info.kind;
        const bool numeric = kind != field_kind::string && kind != field_kind::uuid;
        const std::int64_t number = numeric ? field.number() : -1;
        calls.add(field.meaning(), field.text(), number, field.id());
        switch (how.of(field.meaning(), field.text(), number, field.id())) {
        case changes::kept: return;
        case changes::dropped: return field.drop();
        case changes::wrong: return kind == field_kind::uuid ? field.set_text("no id") : field.set_id({});
        case changes::changed: break;
        }
        if (kind == field_kind::uuid)
            field.set_id(changes::id(field.id()));
        else if (numeric)
            field.set_number(changes::number(number));
        else if (field.meaning() == entity::host)
            field.set_address(changes::text(field.text()), changes::port(field.port()));
        else
            field.set_text(changes::text(field.text()));
    };
    const auto made = kwire::rewrite(*parsed, wanted, map, how_read);
    insist(calls == model.calls, "the map is called for what the schema marks, in its order");
    insist(made.has_value() != model.fails, "what cannot be set is refused, and nothing else",
           made ? "" : text_of(made.error()));
    calls = {};
    const auto framed = support::rewrite_framed(*in.info, in.body, in.version, wanted, map, how_read);
    insist(!framed || (calls == model.calls && framed->has_value() == made.has_value()),
           "in a frame the same calls are made");
    if (!made) return;
    const auto bytes = made->to_bytes();
    insist(!framed || std::ranges::equal(**framed, bytes.span()), "in a frame the same is made of the body");
    const auto again = kwire::parse_view(*in.info, bytes.span(), in.version, options);
    insist(again.has_value(), "a rewritten message is valid", again ? "" : text_of(again.error()));
    support::digest of_model;
    support::show_message(*in.info, in.version, expected, of_model);
    insist(shown_by(*again) == of_model.value(), "it shows what the same changes make of the tree");

    // In what other messages hold as bytes too.
    const auto all = kwire::rewrite(
        *parsed, wanted,
        [&](kwire::named_field& field) {
            static_cast<void>(field.text_of(entity::principal_type));
            static_cast<void>(field.id_of(entity::topic_id));
            static_cast<void>(field.number_of(entity::broker_id));
            if (field.text().size() % 3 == 2) return field.drop();
            if (!field.text().empty()) field.set_text(changes::text(field.text()));
        },
        how_read);
    insist(all.has_value(), "texts can be set", all ? "" : text_of(all.error()));
    const auto all_bytes = all->to_bytes();
    insist(kwire::parse_view(*in.info, all_bytes.span(), in.version, options).has_value(),
           "a message with other texts is valid");

    const auto none = kwire::rewrite(*parsed, wanted, [](kwire::named_field&) {}, how_read);
    insist(none && none->segment_count() <= 1 &&
               (none->empty() || none->segments()[0].data() == buffer.data()),
           "a map that changes nothing gives the buffer itself");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto input = support::read_input(std::as_bytes(std::span(data, size)));
    if (!input) return -1;
    check(*input);
    return 0;
}

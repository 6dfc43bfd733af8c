/// A splice is the edit of the message's JSON, written again: for every field of every golden message.
#include <kwire/connect/frame.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/registry.hpp>
#include <kwire/reflect/json.hpp>
#include <kwire/reflect/splice.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/golden.hpp"

namespace {

using boost::json::value;
using support::golden_message;

/// The name of a field as Kafka's JSON has it.
std::string json_key(std::string_view name) {
    std::string key;
    bool upper = false;
    for (const char c : name) {
        if (c == '_')
            upper = true;
        else
            key += std::exchange(upper, false) && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return key;
}

/// Another value for a field that is not a struct and not an array.
value other_value(kwire::field_kind kind, const value& now) {
    switch (kind) {
    case kwire::field_kind::boolean: return !now.as_bool();
    case kwire::field_kind::int8: return now == value(7) ? 8 : 7;
    case kwire::field_kind::float64: return now == value(2.5) ? 3.5 : 2.5;
    case kwire::field_kind::uuid:
        return now == value("AAAAAAAAAAEAAAAAAAAAAg") ? "AAAAAAAAAAEAAAAAAAAABA" : "AAAAAAAAAAEAAAAAAAAAAg";
    case kwire::field_kind::string: return "another name, of some length";
    case kwire::field_kind::bytes:
    case kwire::field_kind::records: return now.is_null() || now == value("AAECAwQ=") ? "BQ==" : "AAECAwQ=";
    default: return now == value(1234) ? 1235 : 1234;
    }
}

/// Edits every field of one message in turn, and compares with the same edit of its JSON.
class every_field {
public:
    every_field(const golden_message& line, const kwire::message_info& info)
        : line_(line),
          info_(info),
          buffer_(kwire::shared_buffer::copy_of(line.bytes)),
          message_(kwire::parse(info, buffer_, line.version).value()) {}

    std::size_t run() {
        value json = line_.json;
        visit(message_.view(), json, json, "");
        return edits_;
    }

private:
    /// `part` is a place in `whole`, the JSON of the message, that is changed and restored.
    void visit(const kwire::dynamic_view& view, value& part, value& whole, const std::string& path) {
        for (const kwire::dynamic_value field : view.fields()) {
            const kwire::field_info& info = field.info();
            if (!info.versions.contains(view.version())) continue;
            const std::string at = path + std::string(info.name);
            const std::string key = json_key(info.name);
            boost::json::object& object = part.as_object();
            const bool there = object.contains(key); // else a tagged field at its default
            const value now = there ? object.at(key) : value();
            const auto expect = [&](value other, const auto& edit) {
                object[key] = std::move(other);
                check(at, whole, edit);
                if (there)
                    object[key] = now;
                else
                    object.erase(key);
            };
            const auto set_to = [&](const value& other) {
                expect(other,
                       [&](kwire::splice& edits) { kwire::set_json(edits, message_.view(), at, other); });
            };

            if (info.nullable.contains(view.version()) && !field.is_null()) set_to(nullptr);
            if (info.kind == kwire::field_kind::array) {
                array(field, now, at, expect, set_to);
                if (field.size() == 0) continue;
                boost::json::array& elements = object.at(key).as_array();
                if (info.element == kwire::field_kind::structure) {
                    std::size_t i = 0;
                    for (const kwire::dynamic_view element : field.structs()) {
                        if (i == 0 || i + 1 == field.size())
                            visit(element, elements[i], whole, at + '[' + std::to_string(i) + "].");
                        ++i;
                    }
                } else {
                    const value other = other_value(info.element, elements.back());
                    value changed = now;
                    changed.as_array().back() = other;
                    const std::string last = at + '[' + std::to_string(field.size() - 1) + ']';
                    expect(changed, [&](kwire::splice& edits) {
                        kwire::set_json(edits, message_.view(), last, other);
                    });
                }
            } else if (info.kind == kwire::field_kind::structure) {
                if (there && !now.is_null() && field.present()) {
                    // A struct in a tag stays when an edit gives it its default.
                    const bool outer = std::exchange(canonical_, canonical_ && info.tag < 0);
                    visit(field.structure(), object.at(key), whole, at + '.');
                    canonical_ = outer;
                }
            } else {
                set_to(other_value(info.kind, there ? now : value(info.kind == kwire::field_kind::boolean)));
                if (info.kind == kwire::field_kind::string && (!there || now != value(""))) set_to("");
            }
        }
    }

    template <class Expect, class SetTo>
    void array(const kwire::dynamic_value& field, const value& now, const std::string& at,
               const Expect& expect, const SetTo& set_to) {
        if (field.is_null() || field.size() == 0) return set_to(boost::json::array());
        if (!field.present()) return;
        const boost::json::array& elements = now.as_array();
        const std::size_t count = elements.size();
        value none = now, doubled = now, reversed = now;
        none.as_array().erase(none.as_array().begin());
        // An array in a tag stays when its last element is erased; another encoder leaves the tag out.
        const bool outer = std::exchange(canonical_, canonical_ && (field.info().tag < 0 || count > 1));
        expect(none, [&](kwire::splice& edits) { kwire::erase(edits, message_.view(), at + "[0]"); });
        canonical_ = outer;
        doubled.as_array().push_back(elements[0]);
        doubled.as_array().insert(doubled.as_array().begin(), elements[count - 1]);
        expect(doubled, [&](kwire::splice& edits) {
            kwire::insert_json(edits, message_.view(), at + '[' + std::to_string(count) + ']', elements[0]);
            kwire::insert(
                edits, message_.view(), at + "[0]",
                kwire::new_value(
                    kwire::at_path(message_.view(), at + '[' + std::to_string(count - 1) + ']')->value(),
                    buffer_));
        });
        std::reverse(reversed.as_array().begin(), reversed.as_array().end());
        std::vector<std::size_t> order(count);
        for (std::size_t i = 0; i < count; ++i) order[i] = count - 1 - i;
        expect(reversed, [&](kwire::splice& edits) { kwire::reorder(edits, message_.view(), at, order); });
    }

    template <class Edit>
    void check(const std::string& at, const value& json, const Edit& edit) {
        ++edits_;
        kwire::splice edits(message_);
        edit(edits);
        const auto spliced = edits.apply();
        CAPTURE(line_.name(), at, json);
        if (!spliced) {
            CAPTURE(std::string(kwire::describe(spliced.error())));
            REQUIRE(spliced.has_value());
        }
        const auto encoded = kwire::from_json(info_, json, line_.version);
        REQUIRE(encoded.has_value());
        const auto bytes = spliced->to_bytes();
        const auto parsed = kwire::parse(info_, bytes, line_.version);
        if (!parsed) {
            CAPTURE(std::string(kwire::describe(parsed.error())));
            REQUIRE(parsed.has_value());
        }
        const bool same = line_.unknown_tag_count == 0 && canonical_
                              ? *spliced == *encoded
                              : kwire::to_json((*parsed).view()) == to_json(json);
        if (!same) {
            CHECK(kwire::to_json((*parsed).view()) == to_json(json));
            const auto expected = encoded->to_bytes();
            CHECK(kwire::test::to_hex(bytes.span()) == kwire::test::to_hex(expected.span()));
        }
        CHECK(same);
        // What was not edited is the original, by reference.
        std::size_t elsewhere = 0;
        for (const kwire::chain_segment& segment : *spliced)
            if (!segment.buffer().shares_memory_with(buffer_)) elsewhere += segment.size();
        constexpr std::size_t largest_value = 48; // of which parts may be as they were
        CHECK(elsewhere <= changed(bytes.span(), buffer_.span()) + largest_value);
    }
    /// How many bytes of `now` lie between the first and the last that differ from `before`.
    static std::size_t changed(std::span<const std::byte> now, std::span<const std::byte> before) {
        std::size_t front = 0, back = 0;
        const std::size_t both = std::min(now.size(), before.size());
        while (front != both && now[front] == before[front]) ++front;
        while (back != both - front && now[now.size() - 1 - back] == before[before.size() - 1 - back]) ++back;
        return now.size() - front - back;
    }
    std::string to_json(const value& json) const {
        const auto bytes = kwire::from_json(info_, json, line_.version)->to_bytes();
        return kwire::to_json(*kwire::parse_view(info_, bytes.span(), line_.version));
    }

    const golden_message& line_;
    const kwire::message_info& info_;
    kwire::shared_buffer buffer_;
    kwire::message<kwire::dynamic> message_;
    std::size_t edits_ = 0;
    bool canonical_ = true;
};

} // namespace

TEST_CASE("an edit of any field of any message is the edit of its JSON, written again") {
    std::size_t edits = 0;
    for (const golden_message& line : support::golden_messages()) {
        if (line.rejected()) continue;
        const kwire::message_info* const info = kwire::find_message(line.message);
        REQUIRE(info != nullptr);
        edits += every_field(line, *info).run();
    }
    CHECK(edits > 100'000);
}

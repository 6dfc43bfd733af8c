#include <kwire/messages/produce.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/reflect/visit_fields.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

using kwire::test::from_hex;

namespace {

/// What visit_fields is for: a tool that knows no message, and prints any.
template <class S, int V>
void print(const kwire::struct_view<S, V>& view, std::string& out);

template <class T>
    requires(std::is_arithmetic_v<T>)
void print(T value, std::string& out) {
    out += std::to_string(value);
}
void print(const kwire::uuid&, std::string& out) { out += "id"; }
void print(std::string_view value, std::string& out) { out += '"' + std::string(value) + '"'; }
void print(std::span<const std::byte> value, std::string& out) {
    out += std::to_string(value.size()) + " bytes";
}
template <class T>
void print(const std::optional<T>& value, std::string& out) {
    if (value)
        print(*value, out);
    else
        out += "null";
}
template <class E>
void print(const kwire::array_of<E>& values, std::string& out) {
    out += '[';
    for (const auto value : values) {
        if (out.back() != '[') out += ' ';
        print(value, out);
    }
    out += ']';
}
template <class S, int V>
void print(const kwire::struct_view<S, V>& view, std::string& out) {
    out += '{';
    kwire::visit_fields(view, [&](const kwire::field_info& info, const auto& value) {
        if (!info.versions.contains(kwire::version_of(view))) return;
        if (out.back() != '{') out += ' ';
        out += std::string(info.name) + '=';
        print(value, out);
    });
    out += '}';
}

} // namespace

TEST_CASE("visit_fields drives a tool for any message") {
    const std::vector<std::byte> bytes = from_hex("ffff ffff 000005dc 00000001 0001 74 00000002 "
                                                  "00000005 00000003 aabbcc 00000006 ffffffff");
    const auto view = kwire::parse_view<kwire::produce_request>(bytes, 3);
    const auto fixed = kwire::parse_view<kwire::produce_request, 3>(bytes);
    REQUIRE(view);
    REQUIRE(fixed);
    std::string text;
    print(*view, text);
    CHECK(text == "{transactional_id=null acks=-1 timeout_ms=1500 topic_data=[{name=\"t\" partition_data=["
                  "{index=5 records=3 bytes} {index=6 records=null}]}]}");
    std::string again;
    print(*fixed, again);
    CHECK(again == text);
}

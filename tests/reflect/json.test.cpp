#include <kwire/messages/alter_client_quotas.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/sasl_authenticate.hpp>
#include <kwire/reflect/json.hpp>
#include <kwire/write/encode.hpp>

#include <bit>
#include <limits>
#include <string>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/changing.hpp"

namespace {

/// The bytes in a message whose JSON has them as `base64`, in hex.
std::string bytes_of_base64(const std::string& base64) {
    const kwire::message_info& info = kwire::message_info_of<kwire::sasl_authenticate_request>;
    const auto body = kwire::from_json_text(info, R"({"authBytes":")" + base64 + R"("})", 0);
    if (!body)
        return std::string(kwire::name_of(body.error().code)) + ' ' +
               std::string(kwire::path_of(body.error()));
    const auto written = body->to_bytes();
    const auto view = kwire::parse_view(info, written.span(), 0).value();
    if (kwire::to_json(view) != R"({"authBytes":")" + base64 + R"("})") return "other JSON";
    return kwire::test::to_hex(view.field(0).bytes());
}

const kwire::message_info& quotas = kwire::message_info_of<kwire::alter_client_quotas_request>;
const kwire::message_info& metadata = kwire::message_info_of<kwire::metadata_request>;

std::string with_value(const std::string& value) {
    return R"({"entries":[{"entity":[],"ops":[{"key":"k","value":)" + value +
           R"(,"remove":false}]}],"validateOnly":true})";
}

/// The number in a message made from JSON, as it is written again.
std::string again(const std::string& value) {
    const auto body = kwire::from_json_text(quotas, with_value(value), 1);
    if (!body) return std::string(kwire::name_of(body.error().code));
    const auto bytes = body->to_bytes();
    const std::string text = kwire::to_json(*kwire::parse_view(quotas, bytes.span(), 1));
    const std::size_t start = text.find("\"value\":") + 8;
    return text.substr(start, text.find(",\"remove\"") - start);
}

std::string refusal(const std::string& json, int version) {
    const auto body = kwire::from_json_text(metadata, json, version);
    if (body) return "none";
    return std::string(kwire::name_of(body.error().code)) + ' ' + std::string(kwire::path_of(body.error()));
}

} // namespace

TEST_CASE("floats are printed as Java prints them, and read back to the last bit") {
    // Java's documentation of Double.toString: 10^-3 up to 10^7 plain, at least one digit after the point.
    for (const char* text : {"0.0",
                             "-0.0",
                             "1.0",
                             "0.001",
                             "0.0010000000000000002",
                             "9999999.0",
                             "1.0E7",
                             "9.0E-4",
                             "123456.789",
                             "1.0E21",
                             "2.0E-3",
                             "4.9E-324",
                             "1.7976931348623157E308",
                             "100.0",
                             "9007199254740993.0",
                             "0.1",
                             "1.0E23",
                             "\"NaN\"",
                             "\"Infinity\"",
                             "\"-Infinity\""}) {
        const std::string expected = std::string(text) == "2.0E-3"               ? "0.002"
                                     : std::string(text) == "9007199254740993.0" ? "9.007199254740992E15"
                                                                                 : text;
        CHECK(again(text) == expected);
    }
    CHECK(again("7") == "7.0");
    CHECK(again("true") == "bad_value");
}

TEST_CASE("text is escaped, and what is not UTF-8 replaced") {
    kwire::metadata_request::data request{
        .topics = {{{.name = std::string("a\"\\\n\x01\xC3\xA9\xFFz\xE2\x82")}}}};
    const auto body = kwire::encode<kwire::metadata_request>(request, 1).value().to_bytes();
    CHECK(kwire::to_json(*kwire::parse_view(metadata, body.span(), 1)) ==
          "{\"topics\":[{\"name\":\"a\\\"\\\\\\n\\u0001\xC3\xA9\xEF\xBF\xBDz\xEF\xBF\xBD\"}]}");
}

TEST_CASE("bytes are base64 with its padding, and other forms of the same bytes are refused") {
    CHECK(bytes_of_base64("") == "");
    CHECK(bytes_of_base64("AQ==") == "01");
    CHECK(bytes_of_base64("AQI=") == "0102");
    CHECK(bytes_of_base64("AQID") == "010203");
    CHECK(bytes_of_base64("+/+/aZ09") == "fbffbf699d3d");
    for (const char* other : {"AQ", "AQI", "AQIDB", "AQ=", "A===", "AR==", "AQJ=", "-_-_", "A*ID", "AQ ID",
                              "=AQI", "AQ==AQ==", "===="})
        CHECK(bytes_of_base64(other) == "bad_value auth_bytes");
}

TEST_CASE("JSON has a version's fields under Kafka's names, all of them but tags at their default") {
    const kwire::message_info& info = kwire::message_info_of<support::changing>;
    const auto at = [&](int version, std::string_view hex) {
        const auto bytes = kwire::test::from_hex(hex);
        return kwire::to_json(kwire::parse_view(info, bytes, version).value());
    };
    const auto again = [&](int version, const std::string& json) {
        const auto body = kwire::from_json_text(info, json, version);
        if (!body)
            return std::string(kwire::name_of(body.error().code)) + ' ' +
                   std::string(kwire::path_of(body.error()));
        const auto written = body->to_bytes();
        return kwire::test::to_hex(written.span());
    };
    const auto hex = [](std::string_view text) { return kwire::test::to_hex(kwire::test::from_hex(text)); };

    constexpr std::string_view tagged = "02 61 00000009 02 00000005 01 00 0000 ff 00 00000003 02 6c 00 "
                                        "03 00 02 02 78 01 05 02 00000008 02 07 01 00000004 01 00";
    const std::string tagged_json =
        R"({"name":"a","count":9,"numbers":[5],"names":[],"key":null,"classic":"","inner":null,)"
        R"("flag":false,"taggedText":"x","taggedNumbers":[8],"taggedInner":{"number":4,"text":""},)"
        R"("late":{"number":3,"text":"l"}})";
    CHECK(at(4, tagged) == tagged_json);
    CHECK(again(4, tagged_json) == hex(tagged));

    // Tags that are there with their default, and one that is null.
    constexpr std::string_view defaults = "02 61 00000009 01 01 00 0000 ff 00 00000003 02 6c 00 "
                                          "03 00 05 05 6e6f6e65 01 01 01 02 01 00";
    const std::string defaults_json =
        R"({"name":"a","count":9,"numbers":[],"names":[],"key":null,"classic":"","inner":null,)"
        R"("flag":false,"taggedInner":null,"late":{"number":3,"text":"l"}})";
    CHECK(at(4, defaults) == defaults_json);
    CHECK(again(4, defaults_json) == hex("02 61 00000009 01 01 00 0000 ff 00 00000003 02 6c 00 01 02 01 00"));

    constexpr std::string_view old = "0001 61 00000001 00000005 00000001 0001 62 0000 00000007 02";
    const std::string old_json =
        R"({"name":"a","numbers":[5],"names":["b"],"classic":"","inner":{"number":7},"flag":true})";
    CHECK(at(0, old) == old_json);
    CHECK(again(0, old_json) == hex("0001 61 00000001 00000005 00000001 0001 62 0000 00000007 01"));
    const auto with = [&](std::string_view from, std::string_view to) {
        std::string json = old_json;
        return json.replace(json.find(from), from.size(), to);
    };
    CHECK(again(0, with(R"("flag")", R"("count":7,"flag")")) == "field_not_in_version ");
    CHECK(again(0, with(R"("name")", R"("nam")")) == "field_not_in_version ");
    CHECK(again(0, with(R"("name")", R"("namely")")) == "field_not_in_version ");
    CHECK(again(0, with(R"(,"flag":true)", "")) == "bad_value flag");
    CHECK(again(0, with(R"("number":7)", R"("number":2147483648)")) == "bad_value inner.number");
    CHECK(again(0, with(R"("number":7)", R"("number":-2147483648)")) ==
          hex("0001 61 00000001 00000005 00000001 0001 62 0000 80000000 01"));
    CHECK(again(0, with(R"("number":7)", R"("number":7.0)")) == "bad_value inner.number");
    CHECK(again(0, with(R"([5])", "null")) == hex("0001 61 ffffffff 00000001 0001 62 0000 00000007 01"));
    CHECK(again(0, with(R"(["b"])", "null")) == "null_not_allowed names");
    CHECK(again(0, with(R"(["b"])", "[null]")) == "bad_value names[0]");
    CHECK(again(0, with(R"({"number":7})", "null")) == "null_not_allowed inner");
    CHECK(again(0, with(R"({"number":7})", "{}")) == "bad_value inner.number");
}

TEST_CASE("each control character is escaped, and what comes after them is not") {
    const auto json_of = [](std::string_view name) {
        const kwire::metadata_request::data request{.topics = {{{.name = std::string(name)}}}};
        const auto body = kwire::encode<kwire::metadata_request>(request, 1).value().to_bytes();
        const std::string json = kwire::to_json(*kwire::parse_view(metadata, body.span(), 1));
        const auto again = kwire::from_json_text(metadata, json, 1).value();
        CHECK(again == kwire::buffer_chain(body));
        constexpr std::string_view front = "{\"topics\":[{\"name\":\"", back = "\"}]}";
        return json.substr(front.size(), json.size() - front.size() - back.size());
    };
    CHECK(json_of("\b\f\n\r\t") == "\\b\\f\\n\\r\\t");
    for (int c = 0; c < 0x20; ++c) {
        if (std::string_view("\b\f\n\r\t").find(static_cast<char>(c)) != std::string_view::npos) continue;
        const char hex = "0123456789ABCDEF"[c % 16];
        CHECK(json_of(std::string(1, static_cast<char>(c))) ==
              std::string("\\u00") + static_cast<char>('0' + c / 16) + hex);
    }
    CHECK(json_of(" ~\x7f") == " ~\x7f");
}

TEST_CASE("JSON that does not fit the version is refused with the path") {
    CHECK(refusal(R"({"topics":[{"name":"a"}]})", 1) == "none");
    CHECK(refusal(R"({"topics":null})", 1) == "none");
    CHECK(refusal(R"({"topics":null})", 0) == "null_not_allowed topics");
    CHECK(refusal(R"({})", 0) == "bad_value topics");
    CHECK(refusal(R"({"topics":[{"name":"a"},{"name":7}]})", 0) == "bad_value topics[1].name");
    CHECK(refusal(R"({"topics":[{"name":"a","more":1}]})", 0) == "field_not_in_version topics[0]");
    CHECK(refusal(R"({"topics":[],"allowAutoTopicCreation":true})", 3) == "field_not_in_version ");
    CHECK(refusal(R"({"topics":[],"allowAutoTopicCreation":1})", 4) == "bad_value allow_auto_topic_creation");
    CHECK(refusal(R"({"topics":[{"name":")" + std::string(32768, 'x') + R"("}]})", 0) ==
          "string_too_long topics[0].name");
    CHECK(refusal(R"({"topics":null,"more":1})", 0) == "null_not_allowed topics"); // the first misfit
    CHECK(refusal(R"({"more":1,"topics":null})", 0) == "field_not_in_version ");
    CHECK(refusal("{", 0) == "bad_value ");
    CHECK(refusal(R"({"topics":[]} x)", 0) == "bad_value ");
    CHECK(refusal(R"({"topics":[]})", 99) == "unsupported_version ");
}

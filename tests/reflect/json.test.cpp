#include <kwire/messages/alter_client_quotas.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/reflect/json.hpp>

#include <bit>
#include <limits>
#include <string>

#include "catch.hpp"

namespace {

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
    CHECK(refusal("{", 0) == "bad_value ");
    CHECK(refusal(R"({"topics":[]} x)", 0) == "bad_value ");
    CHECK(refusal(R"({"topics":[]})", 99) == "unsupported_version ");
}

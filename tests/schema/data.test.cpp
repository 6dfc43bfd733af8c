#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/parse.hpp>
#include <kwire/schema/data.hpp>

#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"

using kwire::shared_buffer;
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

TEST_CASE("data made of a held message refers to its bytes, data made of a view has copies") {
    const auto request = kwire::parse<kwire::produce_request>(
        shared_buffer::copy_of(
            from_hex("ffff ffff 000005dc 00000001 0001 74 00000001 00000005 00000003 aabbcc")),
        3);
    REQUIRE(request);
    const auto records_of = [](const kwire::produce_request::data& data) {
        return data.topic_data.at(0).partition_data.at(0).records.value().to_bytes();
    };
    const shared_buffer shared = records_of(kwire::to_data(*request));
    const shared_buffer copied = records_of(kwire::to_data(request->view()));
    CHECK(shared.data() == request->bytes().data() + 27);
    CHECK(copied.data() != request->bytes().data() + 27);
    CHECK(kwire::test::to_hex(copied.span()) == "aabbcc");
}

TEST_CASE("unknown tags come along into data") {
    const auto request = kwire::parse<kwire::metadata_request>(
        shared_buffer::copy_of(from_hex("01 01 00 00 02 03 01 aa 09 00")), 9);
    REQUIRE(request);
    const auto data = kwire::to_data(*request);
    REQUIRE(data.unknown_tags.size() == 2);
    CHECK(data.unknown_tags[0].number == 3);
    CHECK(kwire::test::to_hex(data.unknown_tags[0].payload.span()) == "aa");
    CHECK(data.unknown_tags[1].number == 9);
    CHECK(data.unknown_tags[1].payload.empty());
    CHECK(data.topics.has_value());
    CHECK(data.topics->empty());
}

TEST_CASE("a data struct begins with the schema's defaults") {
    const kwire::fetch_request::data request;
    CHECK(request.replica_id == -1);
    CHECK(request.max_bytes == 0x7fffffff);
    CHECK(request.session_epoch == -1);
    CHECK_FALSE(request.cluster_id.has_value());
    CHECK(request.replica_state.replica_epoch == -1);
    const kwire::metadata_request::data metadata;
    REQUIRE(metadata.topics.has_value()); // nullable, but not null by default
    CHECK(metadata.topics->empty());
}

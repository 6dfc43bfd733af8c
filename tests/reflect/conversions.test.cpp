/// What Kafka's request and response classes make of one meaning at two versions
/// (tests/golden/conversions.jsonl.gz, written by tests/oracle/conversions.py).
#include <kwire/messages/registry.hpp>
#include <kwire/reflect/transcode.hpp>

#include <boost/json/parse.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/gzip_lines.hpp"

namespace {

/// The two topics of the vectors.
struct two_topics {
    static kwire::uuid numbered_from(unsigned first) {
        kwire::uuid id;
        for (std::byte& b : id.bytes) b = static_cast<std::byte>(first++);
        return id;
    }
    [[nodiscard]] std::optional<kwire::uuid> id_of(std::string_view name) const {
        if (name == "orders") return numbered_from(0x01);
        if (name == "bills") return numbered_from(0x11);
        return std::nullopt;
    }
    [[nodiscard]] std::optional<std::string_view> name_of(const kwire::uuid& id) const {
        if (id == numbered_from(0x01)) return "orders";
        if (id == numbered_from(0x11)) return "bills";
        return std::nullopt;
    }
};

std::string told(const std::expected<kwire::buffer_chain, kwire::error>& result) {
    if (!result)
        return "refused: " + std::string(kwire::name_of(result.error().code)) + ' ' +
               std::string(kwire::path_of(result.error()));
    const kwire::shared_buffer whole = result->to_bytes();
    return kwire::test::to_hex(whole.span());
}

} // namespace

TEST_CASE("what Kafka's classes write of one meaning at two versions is what transcode makes of it") {
    std::size_t lines = 0, refused = 0, with_topics = 0;
    kwire::test::for_each_line(KWIRE_GOLDEN_DIR "/conversions.jsonl.gz", [&](std::string_view line) {
        const boost::json::value parsed = boost::json::parse(line);
        const boost::json::object& vector = parsed.as_object();
        const auto text = [&](std::string_view key) {
            const boost::json::string& found = vector.at(key).as_string();
            return std::string(found.data(), found.size());
        };
        const std::string message = text("message");
        const int from = static_cast<int>(vector.at("from").as_int64());
        const int to = static_cast<int>(vector.at("to").as_int64());
        const kwire::message_info* const info = kwire::find_message(message);
        REQUIRE(info != nullptr);
        const auto body = kwire::shared_buffer::copy_of(kwire::test::from_hex(text("hex")));
        const bool topics = vector.contains("topics");
        const two_topics known;
        const std::string without = told(kwire::transcode(*info, body, from, to));
        const std::string result =
            topics ? told(kwire::transcode(*info, body, from, to, {.topics = known})) : without;
        CAPTURE(message, from, to, text("case"));
        ++lines;
        if (topics) {
            ++with_topics;
            CHECK(without.starts_with("refused: value_unknown "));
        }
        if (vector.contains("expect_hex")) {
            CHECK(result == text("expect_hex"));
        } else {
            ++refused;
            CHECK(result.starts_with("refused: "));
        }
    });
    CHECK(lines == 224);
    CHECK(refused > 10);
    CHECK(with_topics > 60);
}

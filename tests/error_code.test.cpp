#include <kwire/error_code.hpp>
#include <kwire/messages/heartbeat.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/encode.hpp>

#include <concepts>
#include <cstdint>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>
#include <string>

#include "catch.hpp"
#include "support/golden_count.hpp"

using kwire::error_code;

namespace {

/// Kafka's codes begin with -1 and have no gap.
int first_unassigned() { return static_cast<int>(kwire::test::golden_count("error codes")) - 1; }

} // namespace

TEST_CASE("every error code has Kafka's name and is retriable if it is so in Kafka") {
    std::ifstream table(std::string(KWIRE_GOLDEN_DIR) + "/error-codes.txt");
    std::string line;
    std::size_t checked = 0;
    while (std::getline(table, line)) {
        std::istringstream columns(line);
        std::int16_t number = 0;
        std::string name;
        bool retriable = false;
        if (!(columns >> number >> name >> retriable)) continue; // the header line
        INFO(line);
        const error_code code{number};
        CHECK(kwire::is_known(code));
        CHECK(kwire::name_of(code) == name);
        CHECK(kwire::is_retriable(code) == retriable);
        ++checked;
    }
    CHECK(checked == kwire::test::golden_count("error codes"));
    std::size_t known = 0;
    for (int number = std::numeric_limits<std::int16_t>::min();
         number <= std::numeric_limits<std::int16_t>::max(); ++number)
        known += kwire::is_known(error_code{static_cast<std::int16_t>(number)}) ? 1 : 0;
    CHECK(known == checked); // and no code that Kafka lacks
}

TEST_CASE("enumerators have their numbers, and everything about a code is known at compile time") {
    static_assert(static_cast<int>(error_code::unknown_server_error) == -1);
    static_assert(static_cast<int>(error_code::none) == 0);
    static_assert(static_cast<int>(error_code::unsupported_version) == 35);
    static_assert(static_cast<int>(error_code::broker_id_not_registered) == 102);
    static_assert(kwire::name_of(error_code::not_leader_or_follower) == "NOT_LEADER_OR_FOLLOWER");
    static_assert(kwire::is_retriable(error_code::not_leader_or_follower));
    static_assert(!kwire::is_retriable(error_code::none));
    static_assert(kwire::describe(error_code::none) == "no error");
}

TEST_CASE("fields are error codes of any number, and do not compare with plain numbers") {
    const auto compares = []<class Number>(Number number) {
        return requires { number == error_code::none; } || requires { error_code::none != number; };
    };
    CHECK(compares(error_code::none));
    CHECK_FALSE(compares(std::int16_t{0}));
    CHECK_FALSE(compares(0));
    CHECK_FALSE(compares(std::int64_t{65536}));
    CHECK_FALSE(compares(std::uint16_t{6}));
    CHECK_FALSE(compares(false));
    const kwire::heartbeat_response::data answer{.error_code = error_code::none};
    CHECK(answer.error_code == error_code::none);
    CHECK(answer.error_code != error_code::unknown_member_id);
    const auto number = static_cast<std::int16_t>(GENERATE(25, -2, 137, 32767, -32768));
    const auto body = kwire::encode<kwire::heartbeat_response>({.error_code = error_code{number}}, 4);
    const auto view = kwire::parse<kwire::heartbeat_response>(body.value().to_bytes(), 4).value();
    CHECK(view->error_code() == error_code{number});
    CHECK((view->error_code() == error_code::unknown_member_id) == (number == 25));
}

TEST_CASE("every error code has a unique human-readable message") {
    std::set<std::string_view> messages;
    for (int number = -1; number < first_unassigned(); ++number) {
        const auto message = kwire::describe(error_code{static_cast<std::int16_t>(number)});
        INFO(number);
        CHECK(message.size() > 7);
        CHECK(messages.insert(message).second);
    }
}

TEST_CASE("numbers that Kafka has not assigned are named UNKNOWN and are not retriable") {
    for (const int number : {-32768, -2, first_unassigned(), 32767}) {
        const error_code code{static_cast<std::int16_t>(number)};
        CHECK_FALSE(kwire::is_known(code));
        CHECK(kwire::name_of(code) == "UNKNOWN");
        CHECK_FALSE(kwire::is_retriable(code));
        CHECK_FALSE(kwire::describe(code).empty());
    }
}

#include <kwire/messages/create_topics.hpp>
#include <kwire/messages/delete_topics.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/registry.hpp>
#include <kwire/messages/remove_topic_record.hpp>
#include <kwire/messages/topic_record.hpp>
#include <kwire/reflect/topic_directory.hpp>
#include <kwire/wire/uuid_text.hpp>
#include <kwire/write/encode.hpp>

#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/fail_allocations.hpp"
#include "support/golden.hpp"

namespace {

using kwire::error_code;
using kwire::topic_directory;
using kwire::uuid;

uuid id(std::uint32_t number) {
    uuid made;
    std::memcpy(made.bytes.data(), &number, sizeof number);
    made.bytes[15] = std::byte{1}; // not zero
    return made;
}

template <class M>
std::size_t teach(topic_directory& topics, const typename M::data& data, int version) {
    const auto bytes = kwire::encode<M>(data, version).value().to_bytes();
    return topics.learn(kwire::parse_view<M>(bytes, version).value());
}

struct metadata_topic {
    std::optional<std::string> name;
    uuid id;
    error_code error = error_code::none;
};
std::size_t teach_metadata(topic_directory& topics, const std::vector<metadata_topic>& said) {
    kwire::metadata_response::data data;
    for (const metadata_topic& one : said) {
        auto& topic = data.topics.emplace_back();
        topic.error_code = one.error;
        topic.name = one.name;
        topic.topic_id = one.id;
    }
    return teach<kwire::metadata_response>(topics, data, 13);
}
std::size_t teach_deletion(topic_directory& topics, const std::vector<metadata_topic>& said, int version) {
    kwire::delete_topics_response::data data;
    for (const metadata_topic& one : said) {
        auto& topic = data.responses.emplace_back();
        topic.error_code = one.error;
        topic.name = one.name;
        topic.topic_id = one.id;
    }
    return teach<kwire::delete_topics_response>(topics, data, version);
}

} // namespace

TEST_CASE("what a Metadata response calls a topic is found both ways") {
    topic_directory topics;
    CHECK_FALSE(topics.name_of(id(1)).has_value());
    CHECK_FALSE(topics.id_of("orders").has_value());
    CHECK(teach_metadata(topics, {{"orders", id(1)},
                                  {"a topic whose name is too long for the string itself", id(2)}}) == 2);
    CHECK(topics.name_of(id(1)) == "orders");
    CHECK(topics.id_of("orders") == id(1));
    CHECK(topics.name_of(id(2)) == "a topic whose name is too long for the string itself");
    CHECK(topics.id_of("a topic whose name is too long for the string itself") == id(2));
    CHECK_FALSE(topics.id_of("order").has_value());
    CHECK_FALSE(topics.name_of(id(3)).has_value());
    CHECK(topics.size() == 2);
    CHECK(teach_metadata(topics, {{"orders", id(1)}}) == 0); // nothing new
    CHECK(topics.counts() == kwire::topic_directory_counts{.added = 2});
}

TEST_CASE("a topic that was created again has its new id, and the old one resolves to nothing") {
    topic_directory topics;
    teach_metadata(topics, {{"orders", id(1)}, {"bills", id(2)}});
    CHECK(teach_metadata(topics, {{"orders", id(3)}}) == 1);
    CHECK(topics.id_of("orders") == id(3));
    CHECK(topics.name_of(id(3)) == "orders");
    CHECK_FALSE(topics.name_of(id(1)).has_value());
    CHECK(topics.size() == 2);
    CHECK(topics.counts() == kwire::topic_directory_counts{.added = 2, .changed = 1});
}

TEST_CASE("an answer that is older than what is known counts until the next one") {
    topic_directory topics;
    topics.learn("orders", id(2));
    teach_metadata(topics, {{"orders", id(1)}});
    CHECK(topics.id_of("orders") == id(1));
    teach_metadata(topics, {{"orders", id(2)}});
    CHECK(topics.id_of("orders") == id(2));
    CHECK_FALSE(topics.name_of(id(1)).has_value());
}

TEST_CASE("an id has one name, the last one") {
    topic_directory topics;
    topics.learn("orders", id(1));
    topics.learn("bills", id(1));
    CHECK(topics.name_of(id(1)) == "bills");
    CHECK_FALSE(topics.id_of("orders").has_value());
    CHECK(topics.size() == 1);

    topics.learn("orders", id(2));
    topics.learn("orders", id(1)); // both are known, of two topics
    CHECK(topics.size() == 1);
    CHECK(topics.name_of(id(1)) == "orders");
    CHECK_FALSE(topics.id_of("bills").has_value());
    CHECK_FALSE(topics.name_of(id(2)).has_value());
}

TEST_CASE("pairs without a name or without an id are not kept") {
    topic_directory topics;
    CHECK_FALSE(topics.learn("", id(1)));
    CHECK_FALSE(topics.learn("orders", uuid{}));
    CHECK(teach_metadata(topics, {{std::nullopt, id(1)}, {"orders", uuid{}}, {"", id(2)}}) == 0);
    CHECK(topics.size() == 0);
    CHECK_FALSE(topics.id_of("").has_value());
    CHECK_FALSE(topics.name_of(uuid{}).has_value());
    CHECK(topics.counts() == kwire::topic_directory_counts{});
}

TEST_CASE("a struct with an error teaches nothing, and one whose topic is unknown takes it away") {
    topic_directory topics;
    topics.learn("orders", id(1));
    topics.learn("bills", id(2));
    topics.learn("news", id(3));
    CHECK(teach_metadata(topics, {{"orders", id(7), error_code::topic_authorization_failed},
                                  {"news", uuid{}, error_code::leader_not_available},
                                  {"other", id(8), error_code::invalid_topic_exception}}) == 0);
    CHECK(topics.id_of("orders") == id(1));
    CHECK(topics.size() == 3);
    CHECK(teach_metadata(topics, {{std::nullopt, id(1), error_code::unknown_topic_id}}) == 1);
    CHECK_FALSE(topics.id_of("orders").has_value());
    CHECK(teach_metadata(topics, {{"bills", uuid{}, error_code::unknown_topic_or_partition}}) == 1);
    CHECK_FALSE(topics.name_of(id(2)).has_value());
    CHECK(teach_metadata(topics, {{"bills", uuid{}, error_code::unknown_topic_or_partition},
                                  {std::nullopt, id(9), error_code::unknown_topic_id},
                                  {std::nullopt, uuid{}, error_code::unknown_topic_id}}) == 0);
    CHECK(topics.size() == 1);
    CHECK(topics.counts() == kwire::topic_directory_counts{.added = 3, .forgotten = 2});
}

TEST_CASE("old versions without ids take topics away, and teach none") {
    topic_directory topics;
    topics.learn("orders", id(1));
    topics.learn("bills", id(2));
    kwire::metadata_response::data data{
        .topics = {{.name = "orders"},
                   {.error_code = error_code::unknown_topic_or_partition, .name = "bills"}}};
    CHECK(teach<kwire::metadata_response>(topics, data, 9) == 1);
    CHECK(topics.id_of("orders") == id(1));
    CHECK(topics.size() == 1);
}

TEST_CASE("a deleted topic is forgotten, but not one that was created after it") {
    topic_directory topics;
    topics.learn("orders", id(1));
    topics.learn("bills", id(2));
    CHECK(teach_deletion(topics, {{"orders", id(1), error_code::topic_deletion_disabled}}, 6) == 0);
    CHECK(topics.id_of("orders") == id(1));
    CHECK(teach_deletion(topics, {{"orders", id(1)}}, 6) == 1);
    CHECK_FALSE(topics.id_of("orders").has_value());

    topics.learn("orders", id(3));
    CHECK(teach_deletion(topics, {{"orders", id(1)}}, 6) == 0); // the answer was late
    CHECK(topics.id_of("orders") == id(3));

    CHECK(teach_deletion(topics, {{"bills", uuid{}}}, 5) == 1); // this version has no ids
    CHECK_FALSE(topics.name_of(id(2)).has_value());
    CHECK(topics.size() == 1);
}

TEST_CASE("created topics are learned, those that could not be are not") {
    topic_directory topics;
    kwire::create_topics_response::data data{
        .topics = {
            {.name = "orders", .topic_id = id(1)},
            {.name = "bills", .topic_id = id(2), .error_code = error_code::topic_already_exists},
            {.name = "news",
             .topic_id = id(3),
             // of its settings alone
             .topic_config_error_code = error_code::topic_authorization_failed},
        }};
    CHECK(teach<kwire::create_topics_response>(topics, data, 7) == 2);
    CHECK(topics.id_of("orders") == id(1));
    CHECK(topics.id_of("news") == id(3));
    CHECK_FALSE(topics.id_of("bills").has_value());
}

TEST_CASE("records of the cluster's log are learned") {
    topic_directory topics;
    CHECK(teach<kwire::topic_record>(topics, {.name = "orders", .topic_id = id(1)}, 0) == 1);
    CHECK(topics.id_of("orders") == id(1));
    CHECK(teach<kwire::remove_topic_record>(topics, {.topic_id = id(2)}, 0) == 0);
    CHECK(teach<kwire::remove_topic_record>(topics, {.topic_id = id(1)}, 0) == 1);
    CHECK(topics.size() == 0);
}

namespace {

/// What a JSON text says of topics, read without the schema: objects that have an id and a name.
void read_pairs(const boost::json::value& json, std::map<std::string, std::string>& ids) {
    if (const auto* array = json.if_array())
        for (const auto& element : *array) read_pairs(element, ids);
    const auto* object = json.if_object();
    if (object == nullptr) return;
    const auto text = [&](std::initializer_list<const char*> keys) {
        for (const char* key : keys)
            if (const auto* found = object->if_contains(key); found != nullptr && found->is_string())
                return std::string(found->as_string());
        return std::string();
    };
    const std::string name = text({"topicName", "name"});
    const std::string topic_id = text({"topicId", "id"});
    const auto* error = object->if_contains("errorCode");
    const bool failed = error != nullptr && error->as_int64() != 0;
    if (!name.empty() && !topic_id.empty() && topic_id != "AAAAAAAAAAAAAAAAAAAAAA" && !failed)
        ids[name] = topic_id;
    for (const auto& [key, value] : *object) read_pairs(value, ids);
}

} // namespace

TEST_CASE("every golden message teaches the pairs that its JSON has, requests none") {
    std::set<std::string> teachers;
    std::size_t pairs = 0;
    for (const support::golden_message& line : support::golden_messages()) {
        if (line.rejected()) continue;
        CAPTURE(line.name());
        topic_directory topics({.topics = 1000, .name_bytes = 40'000});
        topics.learn(kwire::parse_view(*kwire::find_message(line.message), line.bytes, line.version).value());
        std::map<std::string, std::string> said;
        const std::string_view deletes[] = {"DeleteTopicsResponse", "RemoveTopicRecord"};
        // The ids of other things that have names.
        const std::string_view others[] = {"AccessControlEntryRecord"};
        if (!line.message.ends_with("Request") && std::ranges::count(deletes, line.message) == 0 &&
            std::ranges::count(others, line.message) == 0)
            read_pairs(line.json, said);
        std::map<std::string, std::string> learned;
        for (const auto& [name, text] : said)
            if (const auto found = topics.id_of(name)) {
                std::array<char, uuid::text_size> room{};
                learned[name] = found->to_chars(room);
                REQUIRE(topics.name_of(*found) == name);
            }
        // Two names with one id in a message: the last one counts, which the JSON does not tell.
        std::set<std::string> ids;
        for (const auto& [name, text] : said) ids.insert(text);
        REQUIRE(topics.size() == ids.size());
        for (const auto& [name, text] : learned) REQUIRE(said.at(name) == text);
        REQUIRE(learned.size() == ids.size());
        pairs += ids.size();
        if (!ids.empty()) teachers.insert(line.message);
    }
    CHECK(pairs > 100);
    for (const char* teacher : {"MetadataResponse", "CreateTopicsResponse", "DescribeTopicPartitionsResponse",
                                "ConsumerGroupDescribeResponse", "ShareGroupDescribeResponse",
                                "DescribeShareGroupOffsetsResponse", "TopicRecord"}) {
        INFO(teacher);
        CHECK(teachers.contains(teacher));
    }
}

TEST_CASE("when it is full, the topic that was not heard of for the longest time makes place") {
    topic_directory topics({.topics = 3});
    topics.learn("a", id(1));
    topics.learn("b", id(2));
    topics.learn("c", id(3));
    topics.learn("a", id(1)); // heard of again
    topics.learn("d", id(4));
    CHECK(topics.size() == 3);
    CHECK_FALSE(topics.id_of("b").has_value());
    CHECK_FALSE(topics.name_of(id(2)).has_value());
    topics.learn("c", id(5)); // so is one that changes
    topics.learn("e", id(6));
    CHECK_FALSE(topics.id_of("a").has_value());
    CHECK(topics.id_of("c") == id(5));
    topics.forget("d");
    topics.learn("f", id(7));
    CHECK(topics.size() == 3);
    CHECK(topics.counts() ==
          kwire::topic_directory_counts{.added = 6, .changed = 1, .forgotten = 1, .evicted = 2});
}

TEST_CASE("a directory for no topics keeps none") {
    topic_directory topics({.topics = 0});
    CHECK_FALSE(topics.learn("a", id(1)));
    CHECK(topics.size() == 0);
    CHECK(topics.counts().refused == 1);
}

TEST_CASE("names longer than Kafka's are not kept") {
    topic_directory topics;
    CHECK(topics.learn(std::string(249, 'x'), id(1)));
    CHECK_FALSE(topics.learn(std::string(250, 'x'), id(2)));
    CHECK(teach_metadata(topics, {{std::string(30'000, 'y'), id(3)}}) == 0);
    CHECK(topics.size() == 1);
    CHECK(topics.counts().refused == 2);
}

TEST_CASE("a million names take as much memory as the limit allows, and no more") {
    std::string name(249, 'x');
    const std::size_t before = support::live_allocations;
    support::largest_allocation = 0;
    topic_directory topics({.topics = 1000});
    for (std::uint32_t i = 0; i < 1'000'000; ++i) {
        for (int digit = 0; digit < 7; ++digit)
            name[static_cast<std::size_t>(digit)] = static_cast<char>('0' + (i >> (3 * digit)) % 8);
        REQUIRE(topics.learn(name, id(i)));
    }
    CHECK(topics.size() == 1000);
    CHECK(topics.counts().added == 1'000'000);
    CHECK(topics.counts().evicted == 999'000);
    for (std::uint32_t i = 999'000; i < 1'000'000; ++i) REQUIRE(topics.name_of(id(i)).has_value());
    CHECK_FALSE(topics.name_of(id(998'999)).has_value());
    if constexpr (support::counts_allocations) {
        CHECK(support::live_allocations - before <= 1000 + 3); // a name each, the topics and two tables
        CHECK(support::largest_allocation <= 2 * 1000 * 64);
    }
}

TEST_CASE("a response with more topics than the limit is learned up to it") {
    kwire::metadata_response::data data;
    for (std::uint32_t i = 0; i < 50'000; ++i) {
        auto& topic = data.topics.emplace_back();
        topic.name = "topic-" + std::to_string(i);
        topic.topic_id = id(i);
    }
    topic_directory topics({.topics = 500});
    CHECK(teach<kwire::metadata_response>(topics, data, 13) == 50'000);
    CHECK(topics.size() == 500);
    CHECK(topics.name_of(id(49'999)) == "topic-49999");
}

TEST_CASE("a directory and two maps agree after any sequence of changes") {
    for (const std::uint32_t limit : {1U, 2U, 7U, 40U, 1000U}) {
        CAPTURE(limit);
        std::mt19937 random(limit);
        topic_directory topics({.topics = limit});
        std::map<std::string, uuid> ids;
        std::deque<std::string> order; // the oldest first
        const auto drop = [&](const std::string& name) {
            std::erase(order, name);
            return ids.erase(name) != 0;
        };
        const auto owner = [&](const uuid& of) {
            for (const auto& [name, known] : ids)
                if (known == of) return name;
            return std::string();
        };
        const auto check = [&](const topic_directory& now) {
            REQUIRE(now.size() == ids.size());
            for (std::uint32_t i = 0; i < 60; ++i) {
                const std::string name = "topic" + std::to_string(i);
                const auto known = ids.find(name);
                REQUIRE(now.id_of(name) == (known == ids.end() ? std::optional<uuid>() : known->second));
                const std::string owned = owner(id(i));
                REQUIRE(now.name_of(id(i)).value_or("") == owned);
            }
        };
        for (int i = 0; i < 3000; ++i) {
            const std::string name = "topic" + std::to_string(random() % 60);
            const uuid with = id(static_cast<std::uint32_t>(random() % 60));
            switch (random() % 8) {
            case 0: REQUIRE(topics.forget(name) == drop(name)); break;
            case 1: REQUIRE(topics.forget(with) == drop(owner(with))); break;
            default:
                if (const std::string other = owner(with); other != name && !other.empty()) drop(other);
                drop(name);
                if (ids.size() == limit) drop(std::string(order.front()));
                ids[name] = with;
                order.push_back(name);
                REQUIRE(topics.learn(name, with));
            }
            if (i % 50 == 0) check(topics);
        }
        check(topics);
        const topic_directory copy = topics;
        topics.clear();
        check(copy);
        REQUIRE(topics.size() == 0);
        REQUIRE_FALSE(topics.id_of(ids.begin()->first).has_value());
    }
}

TEST_CASE("a directory that was moved from is empty and can be used") {
    topic_directory topics({.topics = 2});
    topics.learn("a", id(1));
    topic_directory other = std::move(topics);
    CHECK(other.id_of("a") == id(1));
    CHECK(topics.size() == 0); // NOLINT(bugprone-use-after-move)
    CHECK_FALSE(topics.id_of("a").has_value());
    topics.clear();
    topics.learn("b", id(2));
    topics.learn("c", id(3));
    topics.learn("d", id(4));
    CHECK(topics.size() == 2);
    topics = std::move(other);
    CHECK(topics.id_of("a") == id(1));
    CHECK(topics.size() == 1);
    topics = topic_directory(topics);
    CHECK(topics.name_of(id(1)) == "a");
}

TEST_CASE("a directory with room that is free again can be moved") {
    topic_directory topics;
    topics.learn("a", id(1));
    topics.learn("b", id(2));
    topics.forget("a");
    topic_directory other = std::move(topics);
    topics.learn("c", id(3)); // NOLINT(bugprone-use-after-move)
    CHECK(topics.name_of(id(3)) == "c");
    other.learn("d", id(4));
    CHECK(other.name_of(id(2)) == "b");
    CHECK(other.name_of(id(4)) == "d");
}

TEST_CASE("the memory of forgotten names is free") {
    if constexpr (support::counts_allocations) {
        topic_directory topics;
        for (std::uint32_t i = 0; i < 50; ++i) topics.learn(std::string(100, 'n') + std::to_string(i), id(i));
        const std::size_t before = support::live_allocations;
        topics.clear();
        CHECK(before - support::live_allocations == 50);
    }
}

TEST_CASE("looking up allocates nothing") {
    topic_directory topics;
    const std::string name(200, 'n');
    topics.learn(name, id(1));
    CHECK(support::allocations_of([&] {
              if (topics.name_of(id(1)) != name || topics.id_of(name) != id(1)) std::abort();
          }) == 0);
}

TEST_CASE("if there is no memory for a topic, the directory is as it was") {
    const std::string long_name(100, 'n');
    const auto prepare = [] {
        topic_directory topics;
        for (std::uint32_t i = 0; i < 8; ++i) topics.learn("topic" + std::to_string(i), id(i)); // full tables
        return topics;
    };
    const auto old_ones = [](const topic_directory& topics) {
        return topics.id_of("topic0") == id(0) && topics.name_of(id(7)) == "topic7";
    };
    CHECK(support::fail_each_allocation(support::fallible{
              .prepare = prepare,
              .change = [&](topic_directory& topics) { topics.learn(long_name, id(100)); },
              .unchanged =
                  [&](const topic_directory& topics) {
                      return topics.size() == 8 && old_ones(topics) && !topics.id_of(long_name) &&
                             !topics.name_of(id(100)) && topics.counts().added == 8;
                  },
              .changed =
                  [&](const topic_directory& topics) {
                      return topics.size() == 9 && old_ones(topics) && topics.id_of(long_name) == id(100);
                  },
          }) == support::kept_promise(4)); // the name, two tables, the topics
    // With an id that another name has, which is lost only if there is memory for its successor.
    CHECK(support::fail_each_allocation(support::fallible{
              .prepare = prepare,
              .change = [&](topic_directory& topics) { topics.learn(long_name, id(3)); },
              .unchanged =
                  [&](const topic_directory& topics) {
                      return topics.size() == 8 && topics.id_of("topic3") == id(3) &&
                             !topics.id_of(long_name);
                  },
              .changed =
                  [&](const topic_directory& topics) {
                      return topics.size() == 8 && !topics.id_of("topic3") &&
                             topics.name_of(id(3)) == long_name;
                  },
          }) == support::kept_promise(1));
}

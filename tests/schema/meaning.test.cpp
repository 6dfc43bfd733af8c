#include <kwire/messages/registry.hpp>
#include <kwire/schema/meaning.hpp>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>

#include "catch.hpp"

using kwire::entity;
using kwire::meaning_of;

namespace {

constexpr int values = static_cast<int>(entity::coordinator_key_type) + 1;

void list(const kwire::message_info& message, const kwire::struct_info& place, const std::string& path,
          kwire::version_range within, std::string& out) {
    for (const kwire::field_info& field : place) {
        const kwire::version_range in{std::max(field.versions.first, within.first),
                                      std::min(field.versions.last, within.last)};
        if (in.empty()) continue;
        const std::string here =
            path + std::string(field.name) + (field.kind == kwire::field_kind::array ? "[]" : "");
        if (field.structure != nullptr) list(message, *field.structure, here + ".", in, out);
        if (field.names == entity::none) continue;
        out += std::string(message.facts.name) + " | " + here + " | " + std::to_string(in.first) + "-" +
               std::to_string(in.last) + " | " + std::string(name_of(field.names)) + "\n";
    }
}

} // namespace

TEST_CASE("every meaning has a name of its own") {
    std::set<std::string_view> names;
    for (int i = 0; i < values; ++i) {
        CHECK_FALSE(name_of(static_cast<entity>(i)).empty());
        names.insert(name_of(static_cast<entity>(i)));
    }
    CHECK(names.size() == values);
    CHECK(name_of(static_cast<entity>(values)).empty());
    CHECK(name_of(static_cast<entity>(255)).empty());
}

TEST_CASE("the tables mark the fields that schema/marked_fields.txt lists, in the same versions") {
    std::string found;
    for (const kwire::message_info& message : kwire::all_messages())
        list(message, *message.structure, "", message.facts.versions, found);
    std::ifstream file(KWIRE_GOLDEN_DIR "/../../schema/marked_fields.txt");
    std::string listed;
    for (std::string line; std::getline(file, line);)
        if (!line.starts_with("#")) listed += line + "\n";
    CHECK(listed == found);
    CHECK(std::ranges::count(found, '\n') > 700);
}

TEST_CASE("resources of settings are what Kafka's numbers of kinds say") {
    STATIC_REQUIRE(meaning_of(entity::config_resource, 2) == entity::topic_name);
    STATIC_REQUIRE(meaning_of(entity::config_resource, 4) == entity::broker_id);
    STATIC_REQUIRE(meaning_of(entity::config_resource, 8) == entity::broker_id);
    STATIC_REQUIRE(meaning_of(entity::config_resource, 16) == entity::client_metrics);
    STATIC_REQUIRE(meaning_of(entity::config_resource, 32) == entity::group_id);
    for (const int other : {-128, -1, 0, 1, 3, 64, 127})
        CHECK(meaning_of(entity::config_resource, other) == entity::none);
}

TEST_CASE("resources of ACLs are what Kafka's numbers of kinds say") {
    STATIC_REQUIRE(meaning_of(entity::acl_resource, 2) == entity::topic_name);
    STATIC_REQUIRE(meaning_of(entity::acl_resource, 3) == entity::group_id);
    STATIC_REQUIRE(meaning_of(entity::acl_resource, 5) == entity::transactional_id);
    STATIC_REQUIRE(meaning_of(entity::acl_resource, 6) == entity::token_id);
    STATIC_REQUIRE(meaning_of(entity::acl_resource, 7) == entity::principal);
    for (const int other : {-1, 0, 1, 4, 8}) CHECK(meaning_of(entity::acl_resource, other) == entity::none);
}

TEST_CASE("coordinators are of groups, transactions and shares of partitions") {
    STATIC_REQUIRE(meaning_of(entity::coordinator_key, 0) == entity::group_id);
    STATIC_REQUIRE(meaning_of(entity::coordinator_key, 1) == entity::transactional_id);
    STATIC_REQUIRE(meaning_of(entity::coordinator_key, 2) == entity::share_partition);
    for (const int other : {-1, 3}) CHECK(meaning_of(entity::coordinator_key, other) == entity::none);
}

TEST_CASE("quotas limit users, client ids and addresses") {
    STATIC_REQUIRE(meaning_of(entity::quota_entity, "user") == entity::principal_name);
    STATIC_REQUIRE(meaning_of(entity::quota_entity, "client-id") == entity::client_id);
    STATIC_REQUIRE(meaning_of(entity::quota_entity, "ip") == entity::client_host);
    for (const char* other : {"", "User", "client_id", "ips"})
        CHECK(meaning_of(entity::quota_entity, other) == entity::none);
}

TEST_CASE("what members tell each other is known for consumers alone") {
    for (const entity what : {entity::subscription, entity::assignment}) {
        CHECK(meaning_of(what, "consumer") == what);
        CHECK(meaning_of(what, "") == what);
        CHECK(meaning_of(what, "connect") == entity::none);
        CHECK(decided_by(what) == entity::protocol_type);
    }
}

TEST_CASE(
    "a meaning that needs no other field stays what it is, and one that does is decided by its own kind") {
    for (int i = 0; i < values; ++i) {
        const auto what = static_cast<entity>(i);
        CAPTURE(name_of(what));
        const entity by_number = meaning_of(what, std::int64_t{2});
        const entity by_text = meaning_of(what, "consumer");
        if (decided_by(what) == entity::none) {
            CHECK(by_number == what);
            CHECK(by_text == what);
        } else {
            CHECK((by_number == entity::none || by_text == entity::none));
            CHECK(decided_by(decided_by(what)) == entity::none);
        }
    }
}

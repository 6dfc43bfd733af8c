#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/schema/fixed_size.hpp>
#include <kwire/write/encode.hpp>

#include "catch.hpp"

using kwire::fixed_wire_size;

TEST_CASE("a struct of numbers has one size in versions without tags") {
    STATIC_REQUIRE(fixed_wire_size<kwire::fetch_request::partition, 0> == 16);
    STATIC_REQUIRE(fixed_wire_size<kwire::fetch_request::partition, 5> == 24);
    STATIC_REQUIRE(fixed_wire_size<kwire::fetch_request::partition, 9> == 28);
    STATIC_REQUIRE(fixed_wire_size<kwire::api_versions_response::api_version, 0> == 6);
}

TEST_CASE("what has a length or tags has no fixed size") {
    STATIC_REQUIRE(!fixed_wire_size<kwire::fetch_request::partition, 12>.has_value());
    STATIC_REQUIRE(!fixed_wire_size<kwire::fetch_request, 4>.has_value());
}

TEST_CASE("a message without fields is fixed at no bytes, which is not the same as not being fixed") {
    STATIC_REQUIRE(fixed_wire_size<kwire::api_versions_request, 0> == 0);
    CHECK(kwire::encoded_size<kwire::api_versions_request>({}, 0) == 0);
}

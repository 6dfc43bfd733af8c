#include <kwire/embedded/encode_stored.hpp>
#include <kwire/expected.hpp>
#include <kwire/messages/consumer_group_metadata_record.hpp>
#include <kwire/messages/feature_level_record.hpp>
#include <kwire/messages/offset_commit_record.hpp>
#include <kwire/messages/share_group_partition_metadata_record.hpp>
#include <kwire/messages/share_update_record.hpp>
#include <kwire/messages/streams_group_topology_record.hpp>
#include <kwire/messages/topic_record.hpp>
#include <kwire/messages/transaction_log_record.hpp>

#include <cstddef>
#include <string>
#include <string_view>

#include "catch.hpp"
#include "embedded/stored_records.hpp"

using kwire::test::from_hex;
using kwire::test::to_hex;

namespace {

std::string hex_of(const kwire::expected<kwire::shared_buffer, kwire::error>& bytes) {
    return to_hex(bytes.value().span());
}
template <class K>
std::string key(const typename K::data& data) {
    return hex_of(kwire::encode_stored_key<K>(data));
}
std::string plain(std::string_view hex) { return to_hex(from_hex(hex)); }

constexpr kwire::uuid one = [] {
    kwire::uuid id{};
    id.bytes[15] = std::byte{1};
    return id;
}();

} // namespace

TEST_CASE("keys are written behind their type, as by the serdes of Kafka's coordinators") {
    CHECK(key<kwire::offset_commit_key>({.group = "g", .topic = "orders", .partition = 3}) ==
          plain(kwire::test::offset_key));
    CHECK(key<kwire::consumer_group_metadata_key>({.group_id = "g"}) ==
          plain(kwire::test::consumer_group_key));
    CHECK(key<kwire::streams_group_topology_key>({.group_id = "g"}) == plain(kwire::test::streams_key));
    CHECK(key<kwire::share_update_key>({.group_id = "g", .topic_id = one, .partition = 2}) ==
          plain(kwire::test::update_key));
    CHECK(key<kwire::transaction_log_key>({.transactional_id = "tx"}) == plain(kwire::test::transaction_key));
    CHECK(key<kwire::share_group_partition_metadata_key>({.group_id = "g"}) == "0009000167");
    const kwire::transaction_log_key::data named{.transactional_id = "tx"};
    CHECK(hex_of(kwire::encode_stored_key(named)) == plain(kwire::test::transaction_key));
}

TEST_CASE("records of the metadata log are written in its frame") {
    const auto topic =
        kwire::encode_metadata_value<kwire::topic_record>({.name = "orders", .topic_id = one}, 0);
    REQUIRE(topic);
    CHECK(to_hex(topic->span()) == plain(kwire::test::topic_record));
    const kwire::feature_level_record::data feature{.name = "metadata.version", .feature_level = 25};
    CHECK(hex_of(kwire::encode_metadata_value(feature, 0)) == plain(kwire::test::feature_record));
    CHECK(kwire::encode_metadata_value<kwire::topic_record>({}, 1).error() ==
          kwire::errc::unsupported_version);
    CHECK(kwire::encode_metadata_value<kwire::topic_record>({}, -1).error() ==
          kwire::errc::unsupported_version);
}

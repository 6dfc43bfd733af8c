#include <kwire/messages/end_txn_marker.hpp>
#include <kwire/messages/leader_change_message.hpp>
#include <kwire/records/control_builder.hpp>
#include <kwire/records/record_range.hpp>
#include <kwire/write/encode.hpp>

#include <boost/json.hpp>

#include <string>
#include <vector>

#include "catch.hpp"
#include "support/aborts.hpp"
#include "support/bytes.hpp"
#include "support/count_allocations.hpp"
#include "support/gzip_lines.hpp"
#include "support/record_sets.hpp"

namespace json = boost::json;
using kwire::control_type;
using kwire::test::from_hex;
using kwire::test::golden_sets;
using kwire::test::to_hex;

TEST_CASE("control_builder: markers of transactions have the bytes that Kafka writes") {
    std::size_t markers = 0;
    kwire::test::for_each_line(golden_sets, [&](std::string_view text) {
        const json::value line = json::parse({text.data(), text.size()});
        const std::string sample(line.at("sample").as_string());
        if (!line.as_object().contains("batches") || line.as_object().contains("lenient")) return;
        const auto set = from_hex(line.at("hex").as_string());
        for (const auto entry : kwire::record_batches(set)) {
            if (!entry) break;
            const auto batch = *entry;
            if (!batch.is_control() || !batch.is_transactional() || batch.record_count() != 1 ||
                batch.compression() != kwire::compression_type::none)
                continue;
            CAPTURE(sample);
            const auto record = **kwire::record_range(batch).begin();
            const auto control = kwire::control_of(record).value();
            const auto made = kwire::build_marker(
                {.type = control.type(),
                 .producer_id = batch.producer_id(),
                 .producer_epoch = batch.producer_epoch(),
                 .coordinator_epoch = control.payload<kwire::end_txn_marker>().value().coordinator_epoch(),
                 .timestamp = record.timestamp(),
                 .base_offset = batch.base_offset(),
                 .partition_leader_epoch = batch.partition_leader_epoch()});
            CHECK(to_hex(made.span()) == to_hex(bytes_of(batch)));
            ++markers;
        }
    });
    CHECK(markers >= 6);
}

TEST_CASE("control_builder: a marker takes one allocation, and its type must be commit or abort") {
    kwire::shared_buffer made;
    const auto allocations = support::allocations_of([&] { made = kwire::build_marker({.producer_id = 7}); });
    if (support::counts_allocations) CHECK(allocations == 1);
    CHECK(made.size() == 78);
    CHECK(support::aborts([] { (void)kwire::build_marker({.type = control_type::leader_change}); }));
}

TEST_CASE("control_builder: messages of KRaft are written and read back") {
    kwire::batch_builder builder({.is_control = true});
    for (const int version : {0, 1}) {
        const auto change = kwire::encode<kwire::leader_change_message>(
            {.version = static_cast<std::int16_t>(version), .leader_id = 4, .voters = {{.voter_id = 4}}},
            version);
        REQUIRE(change);
        const auto bytes = change->to_bytes();
        REQUIRE(append_control(builder, control_type::leader_change, 1000 + version, bytes.span()));
    }
    const auto batch = std::move(builder).finish().to_bytes();
    const auto view = kwire::batch_at(batch.span()).value();
    CHECK(view.is_control());
    CHECK_FALSE(view.is_transactional());
    int version = 0;
    for (const auto each : kwire::record_range(view)) {
        if (!each) break;
        const auto record = *each;
        const auto control = kwire::control_of(record);
        REQUIRE(control);
        CHECK(control->type() == control_type::leader_change);
        const auto payload = control->payload<kwire::leader_change_message>();
        REQUIRE(payload);
        CHECK(payload->version() == version);
        CHECK(payload->leader_id() == 4);
        CHECK(record.timestamp() == 1000 + version++);
    }
    CHECK(version == 2);
}

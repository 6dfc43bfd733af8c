#include <kwire/records/crc.hpp>
#include <kwire/records/patch.hpp>

#include <boost/json.hpp>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/golden_count.hpp"
#include "support/gzip_lines.hpp"
#include "support/record_sets.hpp"

namespace json = boost::json;
using kwire::batch_patch;
using kwire::errc;
using kwire::test::exact_bytes;
using kwire::test::from_hex;
using kwire::test::golden_count;
using kwire::test::golden_sets;
using kwire::test::to_hex;
using kwire::test::two_messages_v0;
using kwire::test::two_messages_v1;
using kwire::test::two_records;

namespace {

template <class T>
std::optional<T> number(const json::object& patch, const char* key) {
    const auto* value = patch.if_contains(key);
    return value != nullptr ? std::optional(value->to_number<T>()) : std::nullopt;
}

batch_patch patch_of(const json::object& line) {
    batch_patch patch{.base_offset = number<std::int64_t>(line, "base_offset"),
                      .partition_leader_epoch = number<std::int32_t>(line, "partition_leader_epoch"),
                      .max_timestamp = number<std::int64_t>(line, "max_timestamp"),
                      .producer_id = number<std::int64_t>(line, "producer_id"),
                      .producer_epoch = number<std::int16_t>(line, "producer_epoch"),
                      .base_sequence = number<std::int32_t>(line, "base_sequence")};
    if (const auto* type = line.if_contains("timestamp_type"))
        patch.timestamp_type = type->as_string() == "log_append_time" ? kwire::timestamp_type::log_append_time
                                                                      : kwire::timestamp_type::create_time;
    return patch;
}

/// A batch of magic 2 with random fields and a checksum computed over its bytes.
std::vector<std::byte> random_batch(std::mt19937_64& random, std::size_t records_size) {
    std::vector<std::byte> bytes(61 + records_size);
    for (auto& b : bytes) b = static_cast<std::byte>(random() & 0xff);
    kwire::wire::store_be(bytes.data() + 8, static_cast<std::int32_t>(bytes.size() - 12));
    bytes[16] = std::byte{2};
    kwire::wire::store_be(bytes.data() + 17, kwire::crc32c(std::span(bytes).subspan(21)));
    return bytes;
}

} // namespace

TEST_CASE("apply: every change that Kafka made in place gives the same bytes") {
    std::size_t patched = 0;
    kwire::test::for_each_line(golden_sets, [&](std::string_view text) {
        const json::value line = json::parse({text.data(), text.size()});
        if (!line.as_object().contains("patch")) return;
        INFO(std::string(line.at("sample").as_string()) + " " + json::serialize(line.at("patch")));
        ++patched;
        exact_bytes block(from_hex(line.at("hex").as_string()));
        const auto batch = kwire::mutable_batch_at(block.writable());
        REQUIRE(batch);
        CHECK(apply(patch_of(line.at("patch").as_object()), *batch));
        CHECK(to_hex(block.span()) == std::string_view(line.at("expect_hex").as_string()));
        CHECK(crc_matches(*batch));
    });
    CHECK(patched == golden_count("record sets, changed"));
}

TEST_CASE("apply: the adjusted checksum equals the computed one for any fields and sizes") {
    std::mt19937_64 random(5);
    const auto maybe = [&]<class T>(std::optional<T>& field) {
        if ((random() & 1) != 0) field = static_cast<T>(random());
    };
    const auto maybe_bit = [&](std::optional<bool>& field) {
        if ((random() & 1) != 0) field = (random() & 1) != 0;
    };
    for (int round = 0; round < 2000; ++round) {
        const std::size_t size = round % 50 == 0 ? 300000 + random() % 9 : random() % 700;
        CAPTURE(round, size);
        exact_bytes block(random_batch(random, round % 7 == 0 ? 0 : size));
        const bool sound = round % 3 != 0;
        if (!sound) block.writable()[17 + random() % 4] ^= std::byte{0x10};
        const std::vector<std::byte> before(block.begin(), block.end());
        const auto batch = kwire::mutable_batch_at(block.writable()).value();

        batch_patch patch;
        maybe(patch.base_offset);
        maybe(patch.partition_leader_epoch);
        maybe(patch.last_offset_delta);
        maybe(patch.base_timestamp);
        maybe(patch.max_timestamp);
        maybe(patch.producer_id);
        maybe(patch.producer_epoch);
        maybe(patch.base_sequence);
        maybe_bit(patch.is_transactional);
        maybe_bit(patch.is_control);
        maybe_bit(patch.has_delete_horizon);
        if ((random() & 1) != 0)
            patch.timestamp_type = (random() & 1) != 0 ? kwire::timestamp_type::log_append_time
                                                       : kwire::timestamp_type::create_time;
        REQUIRE(apply(patch, batch));
        const kwire::batch_view view = batch;
        CHECK(crc_matches(view) == sound);
        const auto& old = kwire::overlay_trusted<kwire::batch_header>(before.data());
        const auto& header = *view.header();
        CHECK(header.base_offset == patch.base_offset.value_or(old.base_offset));
        CHECK(header.partition_leader_epoch ==
              patch.partition_leader_epoch.value_or(old.partition_leader_epoch));
        CHECK(header.last_offset_delta == patch.last_offset_delta.value_or(old.last_offset_delta));
        CHECK(header.base_timestamp == patch.base_timestamp.value_or(old.base_timestamp));
        CHECK(header.max_timestamp == patch.max_timestamp.value_or(old.max_timestamp));
        CHECK(header.producer_id == patch.producer_id.value_or(old.producer_id));
        CHECK(header.producer_epoch == patch.producer_epoch.value_or(old.producer_epoch));
        CHECK(header.base_sequence == patch.base_sequence.value_or(old.base_sequence));
        CHECK((header.attributes & ~0x78) == (old.attributes & ~0x78));
        CHECK(header.record_count == old.record_count);
        CHECK(view.is_control() == patch.is_control.value_or((old.attributes & 0x20) != 0));
        CHECK(view.is_transactional() == patch.is_transactional.value_or((old.attributes & 0x10) != 0));
        CHECK(view.delete_horizon().has_value() ==
              patch.has_delete_horizon.value_or((old.attributes & 0x40) != 0));
        if (patch.timestamp_type) CHECK(view.timestamp_type() == *patch.timestamp_type);
        CHECK(std::equal(before.begin() + 61, before.end(), block.begin() + 61));
    }
}

TEST_CASE("apply: a field that the format lacks is refused, and nothing has changed") {
    const auto refusal = [](const std::string& hex, const batch_patch& patch) {
        exact_bytes block(from_hex(hex));
        const auto done = apply(patch, kwire::mutable_batch_at(block.writable()).value());
        REQUIRE(!done);
        CHECK(to_hex(block.span()) == hex);
        const auto path = path_of(done.error());
        return std::string(name_of(done.error().code)) + " " + std::string(path.view());
    };
    for (const auto& legacy : {two_messages_v0, two_messages_v1}) {
        CHECK(refusal(legacy, {.base_offset = 1, .partition_leader_epoch = 1}) ==
              "field_not_in_version partition_leader_epoch");
        CHECK(refusal(legacy, {.is_transactional = true}) == "field_not_in_version is_transactional");
        CHECK(refusal(legacy, {.is_control = true}) == "field_not_in_version is_control");
        CHECK(refusal(legacy, {.has_delete_horizon = true}) == "field_not_in_version delete_horizon");
        CHECK(refusal(legacy, {.last_offset_delta = 1}) == "field_not_in_version last_offset_delta");
        CHECK(refusal(legacy, {.base_timestamp = 1}) == "field_not_in_version base_timestamp");
        CHECK(refusal(legacy, {.base_offset = 1, .producer_id = 1}) == "field_not_in_version producer_id");
        CHECK(refusal(legacy, {.producer_epoch = 1}) == "field_not_in_version producer_epoch");
        CHECK(refusal(legacy, {.base_sequence = 1}) == "field_not_in_version base_sequence");
    }
    CHECK(refusal(two_messages_v0, {.base_offset = 7, .max_timestamp = 1}) ==
          "field_not_in_version max_timestamp");
    CHECK(refusal(two_messages_v0, {.timestamp_type = kwire::timestamp_type::create_time}) ==
          "field_not_in_version timestamp_type");
    CHECK(refusal(two_records, {.base_offset = 7, .timestamp_type = kwire::timestamp_type::none}) ==
          "bad_value timestamp_type");
}

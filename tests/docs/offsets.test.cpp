/// The code of docs/offsets.md.
#include <kwire/messages/produce.hpp>
#include <kwire/read/check_and_visit.hpp>
#include <kwire/write/encode.hpp>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "catch.hpp"

namespace {

struct note {
    std::string_view topic;
    std::int32_t partition;
    std::span<const std::byte> records;
};

int refused = 0;
void reject(const kwire::error&) { ++refused; }

void note_records(std::span<const std::byte> body, int version, std::vector<note>& noted) {
    std::string_view topic;
    auto request = kwire::check_and_visit<kwire::produce_request>(
        body, version,
        kwire::overloaded{
            [&](const kwire::before<"partition_data", kwire::produce_request::topic_produce_data::view>&
                    front) { topic = front.name(); },
            [&](const kwire::produce_request::partition_produce_data::view& partition) {
                if (partition.records()) noted.push_back({topic, partition.index(), *partition.records()});
            },
        });
    if (!request) {
        noted.clear(); // what lies before the defect was seen
        return reject(request.error());
    }
}

} // namespace

TEST_CASE("docs/offsets.md: records are noted with their topic and partition, and forgotten if the message "
          "is refused") {
    const kwire::produce_request::data data{
        .topic_data = {
            {.name = "a", .partition_data = {{.index = 0, .records = kwire::shared_buffer::copy_of("xy")}}},
            {.name = "b", .partition_data = {{.index = 3, .records = kwire::shared_buffer::copy_of("z")}}}}};
    const kwire::shared_buffer body = kwire::encode<kwire::produce_request>(data, 9).value().to_bytes();
    std::vector<note> noted;
    note_records(body.span(), 9, noted);
    REQUIRE(noted.size() == 2);
    CHECK(noted[0].topic == "a");
    CHECK(noted[0].records.size() == 2);
    CHECK(noted[1].topic == "b");
    CHECK(noted[1].partition == 3);
    CHECK(refused == 0);
    std::vector<note> none;
    note_records(body.span().first(body.size() - 1), 9, none);
    CHECK(none.empty());
    CHECK(refused == 1);
}

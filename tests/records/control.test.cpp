#include <kwire/messages/end_txn_marker.hpp>
#include <kwire/messages/k_raft_version_record.hpp>
#include <kwire/messages/leader_change_message.hpp>
#include <kwire/messages/snapshot_footer_record.hpp>
#include <kwire/messages/snapshot_header_record.hpp>
#include <kwire/messages/voters_record.hpp>
#include <kwire/records/control.hpp>
#include <kwire/records/record_range.hpp>

#include <boost/json.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/gzip_lines.hpp"
#include "support/record_sets.hpp"

namespace json = boost::json;
using kwire::control_of;
using kwire::control_type;
using kwire::errc;
using kwire::test::from_hex;
using kwire::test::golden_sets;
using kwire::test::path_text;

namespace {

/// A control batch of one record, byte by byte; a key or value of "-" is null. Both are short.
class one_record {
public:
    one_record(std::string_view key, std::string_view value)
        : bytes_(from_hex("0000000000000000 00000000 ffffffff 02 00000000 0020 00000000 0000000000000000"
                          "0000000000000000 ffffffffffffffff ffff ffffffff 00000001")) {
        std::vector<std::byte> body(3);
        for (const auto part : {key, value}) {
            const auto part_bytes = from_hex(part == "-" ? "" : part);
            body.push_back(part == "-" ? std::byte{1} : static_cast<std::byte>(part_bytes.size() * 2));
            body.insert(body.end(), part_bytes.begin(), part_bytes.end());
        }
        body.push_back(std::byte{0});
        bytes_.push_back(static_cast<std::byte>(body.size() * 2));
        bytes_.insert(bytes_.end(), body.begin(), body.end());
        kwire::wire::store_be(&bytes_[8], static_cast<std::int32_t>(bytes_.size() - 12));
        REQUIRE(!kwire::record_range(kwire::batch_at(bytes_).value()).defect());
    }
    [[nodiscard]] kwire::record_view view() const {
        return **kwire::record_range(kwire::batch_at(bytes_).value()).begin();
    }

private:
    std::vector<std::byte> bytes_;
};

} // namespace

TEST_CASE("control: every marker that Kafka wrote is read as Kafka reads it") {
    std::map<std::string, int> seen;
    kwire::test::for_each_line(golden_sets, [&](std::string_view text) {
        const json::value line = json::parse({text.data(), text.size()});
        if (!line.as_object().contains("batches")) return;
        INFO(std::string(line.at("sample").as_string()));
        const auto bytes = from_hex(line.at("hex").as_string());
        std::size_t n = 0;
        for (const auto entry : kwire::record_batches(bytes)) {
            if (!entry) break;
            const auto batch = *entry;
            const auto& records = line.at("batches").at(n++).at("records").as_array();
            if (!batch.is_control()) continue;
            if (batch.compression() != kwire::compression_type::none) continue; // the same once it is undone
            std::size_t i = 0;
            for (const auto each : kwire::record_range(batch)) {
                if (!each) break;
                const auto record = *each;
                const auto& expected = records.at(i++).at("control");
                const auto control = control_of(record);
                REQUIRE(control);
                const std::string type = expected.at("type").as_string().c_str();
                CHECK(name_of(control->type()) == type);
                CHECK(control->key_version() == 0);
                ++seen[type];
                if (const auto* epoch = expected.as_object().if_contains("coordinator_epoch")) {
                    const auto marker = control->payload<kwire::end_txn_marker>();
                    REQUIRE(marker);
                    CHECK(marker->coordinator_epoch() == epoch->to_number<std::int32_t>());
                } else {
                    CHECK(control->payload<kwire::end_txn_marker>().error() == errc::bad_value);
                }
                if (control->type() == control_type::leader_change) {
                    const auto change = control->payload<kwire::leader_change_message>();
                    REQUIRE(change);
                    CHECK(change->version() == kwire::version_of(*change));
                    CHECK(change->voters().size() >= 1);
                    CHECK(change->granting_voters().size() >= 1);
                }
                if (control->type() == control_type::snapshot_header)
                    CHECK(control->payload<kwire::snapshot_header_record>()->last_contained_log_timestamp() >=
                          1699999999000);
                if (control->type() == control_type::snapshot_footer)
                    CHECK(control->payload<kwire::snapshot_footer_record>()->version() == 0);
                if (control->type() == control_type::kraft_version)
                    CHECK(control->payload<kwire::k_raft_version_record>()->k_raft_version() == 1);
                if (control->type() == control_type::kraft_voters) {
                    const auto voters = control->payload<kwire::voters_record>();
                    REQUIRE(voters);
                    int id = 0;
                    for (const auto voter : voters->voters()) CHECK(voter.voter_id() == ++id);
                    CHECK(id == 3);
                }
            }
        }
    });
    CHECK((seen["commit"] >= 3 && seen["abort"] >= 3 && seen["leader_change"] == 2));
    CHECK((seen["snapshot_header"] == 2 && seen["snapshot_footer"] == 1));
    CHECK((seen["kraft_version"] == 2 && seen["kraft_voters"] == 2 && seen["unknown"] == 1));
}

TEST_CASE("control: keys of future versions are read, and keys that are too short are refused") {
    const one_record newer("0007000100ff", "000000000005");
    const auto control = control_of(newer.view());
    REQUIRE(control);
    CHECK(control->key_version() == 7);
    CHECK(control->type() == control_type::commit);
    for (const char* key : {"", "00", "0000", "000000"}) {
        const auto refused = control_of(one_record(key, "").view());
        REQUIRE(!refused);
        CHECK(refused.error() == errc::truncated);
        CHECK((refused.error().needed == 4 && refused.error().left == std::string_view(key).size() / 2));
        CHECK(path_text(refused.error()) == "key");
    }
    CHECK(control_of(one_record("-", "").view()).error() == errc::null_not_allowed);
    CHECK(control_of(one_record("ffff0000", "").view()).error() == errc::bad_value);
}

TEST_CASE("control: an unknown type has a number and no payload") {
    for (const char* type : {"0007", "7fff", "ffff", "8000"}) {
        const one_record record(std::string("0000") + type, "0000");
        const auto control = control_of(record.view());
        REQUIRE(control);
        CHECK(name_of(control->type()) == "unknown");
        CHECK(control->payload<kwire::leader_change_message>().error() == errc::bad_value);
        CHECK(control->payload<kwire::end_txn_marker>().error() == errc::bad_value);
        CHECK(control->value()->size() == 2);
    }
}

TEST_CASE("control: the version before a payload decides how it is read") {
    using kwire::end_txn_marker, kwire::leader_change_message;
    const auto marker = [](std::string_view value) {
        const one_record record("00000000", value);
        auto payload = control_of(record.view())->payload<end_txn_marker>();
        return payload ? kwire::expected<int, kwire::error>(payload->coordinator_epoch())
                       : kwire::unexpected(payload.error());
    };
    CHECK(marker("0000 00000005") == 5);
    CHECK(marker("0003 00000005 aabb") == 5); // a newer one, with more fields
    CHECK(marker("0000 00000005 aa").error() == errc::trailing_bytes);
    CHECK(marker("0000 00000005 aa").error().offset == 6);
    CHECK(marker("0000 000000").error() == errc::truncated);
    CHECK(marker("0000 000000").error().offset == 2);
    CHECK(marker("ffff 00000005").error() == errc::unsupported_version);
    CHECK(marker("00").error() == errc::truncated);
    CHECK(path_text(marker("00").error()) == "value");
    CHECK(marker("-").error() == errc::null_not_allowed);

    const auto change = [](std::string_view value) {
        const one_record record("00000002", value);
        return control_of(record.view())->payload<leader_change_message>().error();
    };
    CHECK(change("0002 00000001 01 01 00") == errc::unsupported_version);
    CHECK(change("0000 00000001 02 00").message == std::string_view("LeaderChangeMessage"));
    const one_record with_more("00000002", "0000 00000001 01 01 00 ff");
    const auto control = control_of(with_more.view());
    CHECK(control->payload<leader_change_message>().error() == errc::trailing_bytes);
    CHECK(control->payload<leader_change_message>({.trailing_bytes = true})->leader_id() == 1);
}

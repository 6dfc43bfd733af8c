// needs: gzip snappy lz4 zstd
#include <kwire/messages/fetch.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/records/builder.hpp>
#include <kwire/records/control_builder.hpp>
#include <kwire/records/read_committed.hpp>
#include <kwire/records/select.hpp>
#include <kwire/write/encode.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/batches.hpp"
#include "support/bytes.hpp"
#include "support/every_codec.hpp"
#include "support/golden_count.hpp"
#include "support/gzip_lines.hpp"
#include "support/record_sets.hpp"

namespace json = boost::json;

using kwire::aborted_transaction;
using kwire::batch_view;
using kwire::errc;
using kwire::read_committed;
using kwire::shared_buffer;
using kwire::transaction_filter;
using kwire::test::from_hex;
using kwire::test::set_of;

namespace {

/// A log, batch after batch.
class log_of_batches {
public:
    /// A batch with `records` records; of a transaction if `producer` is not negative.
    log_of_batches& data(std::int64_t producer, int records, bool transactional = true) {
        kwire::batch_options options{.base_offset = next_};
        if (producer >= 0) {
            options.producer_id = producer;
            options.producer_epoch = 0;
            options.base_sequence = 0;
            options.is_transactional = transactional;
        }
        kwire::batch_builder builder(options);
        for (int i = 0; i < records; ++i) REQUIRE(builder.append({.timestamp = 1}));
        bytes_.append(std::move(builder).finish().to_bytes());
        next_ += records;
        return *this;
    }
    log_of_batches& marker(std::int64_t producer, bool commit) {
        const auto type = commit ? kwire::control_type::commit : kwire::control_type::abort;
        return control(producer,
                       std::vector{std::byte{0}, std::byte{0}, std::byte{0}, static_cast<std::byte>(type)});
    }
    /// A control batch whose record has this key; without a record if there is no key.
    log_of_batches& control(std::int64_t producer, std::optional<std::vector<std::byte>> key) {
        kwire::batch_builder builder({.base_offset = next_,
                                      .producer_id = producer,
                                      .producer_epoch = 0,
                                      .is_transactional = producer >= 0,
                                      .is_control = true});
        const std::vector<std::byte> value(6);
        if (key) REQUIRE(builder.append({.timestamp = 1, .key = *key, .value = value}));
        bytes_.append(std::move(builder).finish().to_bytes());
        ++next_;
        return *this;
    }
    [[nodiscard]] std::int64_t next() const { return next_; }
    [[nodiscard]] shared_buffer bytes() const { return shared_buffer::copy_of(bytes_.span()); }

private:
    kwire::unique_buffer bytes_;
    std::int64_t next_ = 0;
};

using list = std::vector<aborted_transaction>;

/// The base offsets of the batches that are shown.
std::vector<std::int64_t> shown(const shared_buffer& log, const list& aborted,
                                const kwire::read_committed_options& options = {}) {
    std::vector<std::int64_t> out;
    read_committed visible(log.span(), aborted, options);
    for (const auto batch : visible) {
        REQUIRE(batch);
        out.push_back(batch->base_offset());
    }
    return out;
}
using offsets = std::vector<std::int64_t>;

static_assert(std::input_iterator<read_committed::iterator>);
static_assert(!std::constructible_from<read_committed, shared_buffer, const list&>);

} // namespace

TEST_CASE("read_committed: committed and aborted transactions of several producers, and data of none") {
    log_of_batches log;
    log.data(1, 2).data(2, 1).data(-1, 1).data(1, 1).marker(1, false);          // 0 2 3 4 5
    log.data(1, 1).marker(2, true).data(2, 1).marker(1, true).marker(2, false); // 6 7 8 9 10
    log.data(3, 1, false).data(2, 1).marker(2, true);                           // 11 12 13
    CHECK(shown(log.bytes(), {{1, 0}, {2, 8}}) == offsets{2, 3, 6, 11, 12});
    // The order of the list does not matter.
    CHECK(shown(log.bytes(), {{2, 8}, {1, 0}}) == offsets{2, 3, 6, 11, 12});
    CHECK(shown(log.bytes(), {}) == offsets{0, 2, 3, 4, 6, 8, 11, 12});
}

TEST_CASE("read_committed: a transaction is aborted from its first offset on, until its marker") {
    log_of_batches log;
    log.data(1, 3).data(1, 3).data(1, 1).marker(1, false).data(1, 1).marker(1, true);
    // The batch that holds the first offset is hidden, whichever of its offsets it is.
    CHECK(shown(log.bytes(), {{1, 5}}) == offsets{0, 8});
    CHECK(shown(log.bytes(), {{1, 6}}) == offsets{0, 3, 8});
    // An idempotent producer's batch, not of a transaction, is shown although its producer aborts.
    log_of_batches other;
    other.data(1, 1).data(1, 1, false).marker(1, false);
    CHECK(shown(other.bytes(), {{1, 0}}) == offsets{1});
}

TEST_CASE("read_committed: other control batches, and markers that compaction removed, end no transaction") {
    log_of_batches log;
    const auto key = [](int type) {
        return std::vector{std::byte{0}, std::byte{0}, std::byte{0}, static_cast<std::byte>(type)};
    };
    log.data(1, 1).control(1, std::nullopt).data(1, 1).control(1, key(2)).control(-1, key(3)).data(1, 1);
    log.control(1, key(99)).data(1, 1).marker(2, false).data(1, 1).marker(1, false).data(1, 1);
    CHECK(shown(log.bytes(), {{1, 0}}) == offsets{11});
}

TEST_CASE("read_committed: the offset after what was skipped is where a consumer goes on") {
    log_of_batches log;
    log.data(1, 4).marker(1, false);
    const auto bytes = log.bytes();
    read_committed visible(bytes.span(), list{{1, 0}});
    CHECK(visible.next_offset() == std::nullopt);
    CHECK(visible.begin() == visible.end());
    CHECK(visible.next_offset() == 5);
}

TEST_CASE("read_committed: batches below the fetch offset and from the last stable offset on are not shown") {
    log_of_batches log;
    log.data(1, 3).data(2, 3).marker(1, false).data(1, 2).data(-1, 1);
    CHECK(shown(log.bytes(), {}, {.fetch_offset = 2}) == offsets{0, 3, 7, 9});
    CHECK(shown(log.bytes(), {}, {.fetch_offset = 3}) == offsets{3, 7, 9});
    CHECK(shown(log.bytes(), {{1, 0}}, {.fetch_offset = 7}) ==
          offsets{7, 9}); // its marker counts all the same
    CHECK(shown(log.bytes(), {}, {.last_stable_offset = 7}) == offsets{0, 3});
    CHECK(shown(log.bytes(), {}, {.last_stable_offset = 0}).empty());
}

TEST_CASE("read_committed: messages of magic 0 and 1 are shown, null and a batch cut short end the loop") {
    const auto set =
        set_of(kwire::test::message_v0 + kwire::test::message_v1 + kwire::test::two_records.substr(0, 100));
    CHECK(shown(set, {{0, 0}}).size() == 2);
    read_committed none(std::optional<std::span<const std::byte>>(), list{});
    CHECK(none.begin() == none.end());
}

TEST_CASE("read_committed: the lists of a Fetch response, as a view and as data, null too") {
    log_of_batches log;
    log.data(1, 1).data(2, 1).marker(1, false).marker(2, true);
    kwire::fetch_response::data response;
    auto& partition = response.responses.emplace_back().partitions.emplace_back();
    partition.records = log.bytes();
    for (const bool null : {false, true}) {
        partition.aborted_transactions = nullptr;
        if (!null) partition.aborted_transactions = {{.producer_id = 1, .first_offset = 0}};
        const std::size_t expected = null ? 2 : 1;
        const auto body = kwire::encode(response, 12).value().to_bytes();
        const auto view = kwire::parse_view<kwire::fetch_response>(body.span(), 12);
        REQUIRE(view);
        for (const auto topic : view->responses())
            for (const auto one : topic.partitions()) {
                read_committed visible(one.records(), one.aborted_transactions());
                std::size_t seen = 0;
                for (const auto batch : visible) seen += batch.has_value();
                CHECK(seen == expected);
            }
        const auto bytes = log.bytes();
        read_committed visible(bytes.span(), partition.aborted_transactions);
        std::size_t seen = 0;
        for (const auto batch : visible) seen += batch.has_value();
        CHECK(seen == expected);
    }
}

TEST_CASE("read_committed: defects are the last element, with their place") {
    log_of_batches log;
    log.data(1, 1).control(1, std::vector<std::byte>(3)).data(1, 1);
    const auto bytes = log.bytes();
    const std::size_t first = bytes_of(*kwire::batch_at(bytes.span())).size();
    read_committed visible(bytes.span(), list{});
    std::vector<read_committed::value_type> seen;
    for (auto batch : visible) seen.push_back(batch);
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].has_value());
    REQUIRE(!seen[1]);
    CHECK(seen[1].error() == errc::truncated);
    CHECK(kwire::test::path_text(seen[1].error()) == "batches[1].records[0].key");
    CHECK(seen[1].error().offset == first + 61 + 5);

    // Bytes that are not a batch.
    auto damaged = from_hex(kwire::test::two_records + kwire::test::two_records);
    damaged[damaged.size() / 2 + 16] = std::byte{9};
    read_committed other(std::span<const std::byte>(damaged), list{});
    std::size_t batches = 0;
    for (const auto batch : other) {
        if (batch) {
            ++batches;
            continue;
        }
        CHECK(batch.error() == errc::unknown_magic);
        CHECK(batch.error().offset == damaged.size() / 2 + 16);
        CHECK(kwire::test::path_text(batch.error()) == "batches[1].magic");
    }
    CHECK(batches == 1);
}

TEST_CASE("transaction_filter: selects batches for a consumer without copying") {
    log_of_batches log;
    log.data(1, 1).data(2, 1).marker(1, false).marker(2, true).data(-1, 1);
    const auto bytes = log.bytes();
    transaction_filter shows(list{{1, 0}});
    const auto copied = kwire::copied_bytes();
    const auto chosen =
        kwire::select_batches(bytes, [&](batch_view batch) { return shows(batch).value_or(false); });
    REQUIRE(chosen);
    CHECK(kwire::copied_bytes() == copied);
    CHECK(chosen->segment_count() == 2);
}

TEST_CASE("read_committed: the records that Kafka's consumer returns") {
    kwire::test::every_codec codecs;
    std::size_t logs = 0, hidden = 0;
    kwire::test::for_each_line(KWIRE_GOLDEN_DIR "/committed.jsonl.gz", [&](std::string_view text) {
        const json::value line = json::parse({text.data(), text.size()});
        INFO("line " << ++logs);
        list aborted;
        for (const json::value& one : line.at("aborted").as_array())
            aborted.push_back({one.at(0).as_int64(), one.at(1).as_int64()});
        const auto log = set_of(line.at("hex").as_string().c_str());
        const std::int64_t from = line.at("fetch_offset").as_int64();
        const auto consume = [&](kwire::batch_view batch, offsets& into) {
            const auto records = kwire::records(batch, codecs.set, 1 << 20);
            REQUIRE(records);
            for (const auto record : *records)
                if (record->offset() >= from) into.push_back(record->offset());
        };
        const auto expected = [&](const char* level) {
            offsets all;
            for (const json::value& one : line.at(level).as_array()) all.push_back(one.as_int64());
            return all;
        };
        offsets seen;
        read_committed visible(log.span(), aborted, {.fetch_offset = from, .codecs = &codecs.set});
        for (const auto batch : visible) {
            REQUIRE(batch);
            consume(*batch, seen);
        }
        CHECK(seen == expected("read_committed"));
        CHECK(visible.next_offset() == line.at("next_offset").as_int64());
        offsets all;
        for (const auto batch : kwire::record_batches(log.span()))
            if (!batch->is_control()) consume(*batch, all);
        CHECK(all == expected("read_uncommitted"));
        hidden += all.size() - seen.size();
    });
    CHECK(logs == kwire::test::golden_count("record sets, committed"));
    CHECK(hidden > 100);
}

TEST_CASE("read_committed: a compressed marker needs codecs, and its defects have their place") {
    kwire::test::every_codec codecs;
    const auto marker = [&](std::size_t key_size) {
        kwire::batch_builder builder(
            {.producer_id = 1, .producer_epoch = 0, .is_transactional = true, .is_control = true});
        REQUIRE(builder.append({.timestamp = 1, .key = std::vector<std::byte>(key_size)}));
        return std::move(builder).finish(codecs.lz4).value();
    };
    const auto error_in = [](const shared_buffer& log, const kwire::codec_set* with) {
        read_committed visible(log.span(), list{}, {.codecs = with});
        REQUIRE(visible.begin() != visible.end());
        const auto first = *visible.begin();
        REQUIRE(!first);
        return first.error();
    };
    const auto good = marker(4), bad = marker(3);
    CHECK(error_in(good, nullptr) == errc::unsupported_compression);
    read_committed visible(good.span(), list{}, {.codecs = &codecs.set});
    CHECK(visible.begin() == visible.end());
    const auto refused = error_in(bad, &codecs.set);
    CHECK(refused == errc::truncated);
    CHECK(kwire::test::path_text(refused) == "batches[0].decompressed.records[0].key");
    CHECK(refused.offset == 5);
}

TEST_CASE("read_committed: what a plain queue and a set show, for random logs") {
    std::mt19937 random(5);
    for (int round = 0; round < 500; ++round) {
        log_of_batches log;
        list aborted;
        std::map<std::int64_t, std::int64_t> open; // producer, first offset
        for (int i = 0; i < 30; ++i) {
            const auto producer = static_cast<std::int64_t>(random() % 4);
            if (producer == 3) {
                log.data(random() % 2 == 0 ? -1 : 3, 1 + static_cast<int>(random() % 3), false);
            } else if (open.contains(producer) && random() % 3 == 0) {
                const bool commit = random() % 2 == 0;
                log.marker(producer, commit);
                if (!commit) aborted.push_back({producer, open[producer]});
                open.erase(producer);
            } else {
                open.try_emplace(producer, log.next());
                log.data(producer, 1 + static_cast<int>(random() % 3));
            }
        }
        // The list of a broker is in the order of the markers; transactions that are open do not count.
        const auto bytes = log.bytes();
        std::vector<std::int64_t> expected;
        auto queue = aborted;
        std::ranges::sort(queue, {}, &aborted_transaction::first_offset);
        std::set<std::int64_t> current;
        for (const auto found : kwire::record_batches(bytes.span())) {
            const batch_view batch = *found;
            if (batch.producer_id() >= 0) {
                while (!queue.empty() && queue.front().first_offset <= batch.last_offset()) {
                    current.insert(queue.front().producer_id);
                    queue.erase(queue.begin());
                }
                if (batch.is_control()) {
                    const auto record = *kwire::record_range(batch).begin();
                    if (kwire::control_of(*record)->type() == kwire::control_type::abort)
                        current.erase(batch.producer_id());
                } else if (batch.is_transactional() && current.contains(batch.producer_id())) {
                    continue;
                }
            }
            if (!batch.is_control()) expected.push_back(batch.base_offset());
        }
        CHECK(shown(bytes, aborted) == expected);
    }
}

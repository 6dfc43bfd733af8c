#include <kwire/split/all.hpp>
#include <kwire/split/error_answer.hpp>

#include <boost/json/parse.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "split/requests.hpp"
#include "support/golden_count.hpp"
#include "support/gzip_lines.hpp"

namespace {

/// A line of error-answers.jsonl.gz.
struct line {
    boost::json::object fields;

    [[nodiscard]] std::string_view text(std::string_view key) const {
        const auto& value = fields.at(key).as_string();
        return {value.data(), value.size()};
    }
    [[nodiscard]] int number(std::string_view key) const {
        return static_cast<int>(fields.at(key).as_int64());
    }
    [[nodiscard]] std::string name() const {
        return std::string(text("message")) + " v" + std::to_string(number("version")) + " " +
               std::string(text("sample"));
    }
};

template <class F>
void each_line(F&& f) {
    std::size_t lines = 0;
    kwire::test::for_each_line(KWIRE_GOLDEN_DIR "/error-answers.jsonl.gz", [&](std::string_view text) {
        const line one{boost::json::parse({text.data(), text.size()}).as_object()};
        ++lines;
        support::each_split_api([&]<class Request> {
            if (Request::facts.name != one.text("message")) return;
            const auto bytes = kwire::test::from_hex(one.text("hex"));
            auto request = kwire::parse<Request>(kwire::shared_buffer::copy_of(bytes), one.number("version"));
            REQUIRE(request.has_value());
            INFO(one.name());
            f.template operator()<Request>(one, kwire::to_data(*request));
        });
    });
    CHECK(lines == kwire::test::golden_count("error answers"));
}

/// What does not matter: Kafka keeps the partitions of some APIs in a hash table, so that its answer has
/// another order and no empty topics; and its older release sends null for no records.
template <class Shape>
void normalize(typename Shape::response::data& answer) {
    const auto by_name = [](const auto& topic) { return support::name_in<Shape>(topic); };
    if constexpr (kwire::detail::with_producers<Shape>)
        std::ranges::sort(answer.*Shape::answered_around, {}, Shape::answered_producer);
    support::each_topics<Shape>(answer, [&](auto& topics, std::string_view) {
        std::erase_if(topics, [](const auto& topic) { return support::partitions_in<Shape>(topic).empty(); });
        std::ranges::sort(topics, {}, by_name);
        for (auto& topic : topics) {
            auto& partitions = support::partitions_in<Shape>(topic);
            std::ranges::sort(partitions, {}, [](const auto& one) { return support::number_in<Shape>(one); });
            if constexpr (requires { partitions[0].high_watermark; })
                for (auto& partition : partitions)
                    if (partition.records.is_null()) partition.records = kwire::payload();
        }
    });
}

/// Whether a request names something twice that Kafka keeps in a hash table, in which the last one wins.
template <class Shape, class Data>
[[nodiscard]] bool names_twice(const Data& request) {
    if (support::has_repeated<Shape>(request)) return true;
    if constexpr (kwire::detail::with_producers<Shape>) {
        std::set<std::int64_t> producers;
        for (const auto& marker : request.*Shape::asked_around)
            if (!producers.insert(marker.*Shape::asked_producer).second) return true;
    }
    return false;
}

/// Checks that the answer is the one that Kafka gave. Returns whether the two can be compared.
template <class Request>
bool check_same(const line& one, const typename Request::data& request,
                typename support::split_api<Request>::response::data answer) {
    using response = typename support::split_api<Request>::response;
    const int version = one.number("version");
    // Kafka's class forgets the time.
    if constexpr (std::is_same_v<Request, kwire::offset_for_leader_epoch_request> ||
                  std::is_same_v<Request, kwire::describe_producers_request>)
        answer.throttle_time_ms = 0;
    const auto bytes = kwire::test::from_hex(one.text("expect_hex"));
    const auto kafka = kwire::parse<response>(kwire::shared_buffer::copy_of(bytes), version);
    REQUIRE(kafka.has_value());
    auto expected = kwire::to_data(*kafka);
    return support::split_api<Request>::at(version, [&]<class Shape>(Shape) {
        constexpr bool hashed = std::is_same_v<Shape, kwire::detail::produce_shape> ||
                                std::is_same_v<Shape, kwire::detail::offset_fetch_of_one> ||
                                std::is_same_v<Shape, kwire::detail::write_txn_markers_shape>;
        if (hashed && names_twice<Shape>(request)) return false;
        if (hashed || std::is_same_v<Request, kwire::fetch_request>) {
            normalize<Shape>(answer);
            normalize<Shape>(expected);
        }
        CHECK(support::encoded<response>(answer, version) == support::encoded<response>(expected, version));
        return true;
    });
}

} // namespace

TEST_CASE("error_answer: refuses as Kafka's own request classes do, in every version") {
    std::set<std::pair<std::string_view, int>> compared;
    each_line([&]<class Request>(const line& one, const typename Request::data& request) {
        if (one.fields.contains("refused")) return;
        if (one.fields.contains("expect_none")) {
            if constexpr (requires { request.acks; }) {
                CHECK(request.acks == 0);
                CHECK_FALSE(kwire::split(request, one.number("version"), [](auto&, int partition) {
                                return partition;
                            }).expects_answer());
            } else {
                FAIL("no answer to a request that has one");
            }
            return;
        }
        auto answer = kwire::error_answer(request, one.number("version"),
                                          kwire::error_code(one.number("code")), one.number("throttle_ms"));
        if (check_same<Request>(one, request, std::move(answer)))
            compared.emplace(Request::facts.name, one.number("version"));
    });
    // No version is left out.
    support::each_split_api([&]<class Request> {
        const kwire::version_range versions = Request::facts.versions;
        for (int version = versions.first; version <= versions.last; ++version) {
            INFO(Request::facts.name << " v" << version);
            CHECK(compared.contains({Request::facts.name, version}));
        }
    });
}

TEST_CASE("merge: where the only upstream failed, each partition says what Kafka says in a refusal") {
    std::size_t same = 0;
    each_line([&]<class Request>(const line& one, typename Request::data request) {
        if (!one.fields.contains("expect_hex")) return;
        const int version = one.number("version");
        if constexpr (std::is_same_v<Request, kwire::fetch_request>) {
            request.session_epoch = -1; // others are refused before
        }
        const std::array everyone{1};
        auto split = kwire::split(
            request, version, [](const kwire::split_topic&, std::int32_t) { return 1; },
            std::span<const int>(everyone));
        REQUIRE(split.parts().size() == 1);
        split.fail(0, kwire::error_code(one.number("code")));
        auto merged = std::move(split).merge();
        if constexpr (requires { merged.throttle_time_ms; })
            merged.throttle_time_ms = one.number("throttle_ms");
        if constexpr (std::is_same_v<Request, kwire::fetch_request>) {
            // kwire tells of partitions, so that clients take each for what it is; Kafka of the whole too.
            CHECK(merged.error_code == kwire::error_code::none);
            if (version >= 13) return;
            merged.error_code = kwire::error_code(one.number("code"));
            merged.session_id = request.session_id;
        } else if constexpr (std::is_same_v<Request, kwire::add_partitions_to_txn_request>) {
            if (version >= 4) {
                CHECK(merged.error_code == kwire::error_code::none);
                return;
            }
        }
        same += check_same<Request>(one, request, std::move(merged)) ? 1 : 0;
    });
    CHECK(same > 300);
}

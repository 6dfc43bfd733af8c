/// libFuzzer: random requests in parts, and random answers to them merged. The parts together must be the
/// request, the parts of an answer must make that answer again, and whatever upstreams answer or do not, each
/// partition that was asked for must be told of, in bytes that can be read.
#include <kwire/read/parse.hpp>
#include <kwire/split/all.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/choices.hpp"
#include "fuzz/insist.hpp"
#include "fuzz/model.hpp"
#include "split/requests.hpp"

namespace {

using support::choices;
using support::insist;
using support::split_api;

/// Values of a message that the choices make up.
template <class M>
typename M::data random_data(int version, choices& from) {
    static constexpr kwire::message_info info = kwire::message_info_of<M>;
    const auto message = support::random_message(info, version, from);
    const auto bytes = kwire::shared_buffer::copy_of(
        support::write_message(info, version, message, support::manners::correct, from));
    const auto parsed = kwire::parse<M>(bytes, version);
    insist(parsed.has_value(), "what the model writes is valid");
    auto data = kwire::to_data(*parsed);
    support::without_session(data);
    return data;
}

template <class M>
std::string written(const typename M::data& data, int version) {
    const auto out = kwire::encode<M>(data, version);
    insist(out.has_value(), "parts and answers can be written", out ? "" : kwire::to_string(out.error()));
    const auto bytes = out->to_bytes();
    insist(kwire::parse_view<M>(bytes.span(), version).has_value(), "and read");
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

/// Each part has what its key has, and one key for all gives the request.
template <class Request>
void check_parts(const typename Request::data& request, int version, const std::vector<int>& keys) {
    const int count = static_cast<int>(keys.size());
    const auto split = kwire::split(request, version, support::by_hash(count), std::span<const int>(keys));
    insist(split.parts().size() == keys.size(), "every key has a part");
    split_api<Request>::at(version, [&]<class Shape>(Shape) {
        for (const auto& part : split.parts()) {
            auto expected = request;
            support::keep_key<Shape>(expected, part.key, count);
            insist(written<Request>(part.request, version) == written<Request>(expected, version),
                   "a part has the partitions of its key, and what belongs to none");
        }
    });
}

/// The parts of an answer make that answer again.
template <class Request>
void check_merged(const typename split_api<Request>::response::data& answer, int version,
                  const std::vector<int>& keys, bool turned) {
    using response = typename split_api<Request>::response;
    const int count = static_cast<int>(keys.size());
    split_api<Request>::at(version, [&]<class Shape>(Shape) {
        if (turned && support::has_repeated<Shape>(answer)) return;
        auto request = support::request_for<Shape>(answer);
        if constexpr (requires { request.acks; }) request.acks = -1;
        auto split = kwire::split(request, version, support::by_hash(count), std::span<const int>(keys));
        for (std::size_t i = split.parts().size(); i-- != 0;) {
            auto part = answer;
            support::keep_key<Shape>(part, split.parts()[i].key, count);
            if (turned) support::reverse_lists<Shape>(part);
            split.answer(i, std::move(part));
        }
        insist(split.done(), "all parts are answered");
        insist(written<response>(std::move(split).merge(), version) == written<response>(answer, version),
               "the parts of an answer make that answer");
    });
}

/// Whatever upstreams say, each partition is told of.
template <class Request>
void check_any(typename Request::data request, int version, choices& from) {
    using response = typename split_api<Request>::response;
    if constexpr (requires { request.acks; })
        if (request.acks == 0) request.acks = 1;
    const int count = 1 + static_cast<int>(from.below(4));
    const auto unrouted = static_cast<int>(from.below(6));
    auto split = kwire::split(request, version,
                              [&](const kwire::split_topic& topic,
                                  std::int32_t partition) -> kwire::expected<int, kwire::error_code> {
                                  const int key = support::key_among(count, topic.around, topic.name,
                                                                     topic.id, partition);
                                  if (key == unrouted)
                                      return kwire::unexpected(kwire::error_code::unknown_topic_or_partition);
                                  return key;
                              });
    for (std::size_t i = 0; i != split.parts().size(); ++i) {
        static_cast<void>(written<Request>(split.parts()[i].request, version));
        const std::size_t what = from.below(4);
        if (what == 0) continue;
        if (what == 1)
            split.fail(i, static_cast<kwire::error_code>(from.below(20)));
        else
            split.answer(i, random_data<response>(version, from));
    }
    split_api<Request>::at(version, [&]<class Shape>(Shape) {
        const auto once = [](support::partition_list all) {
            std::ranges::sort(all);
            const auto repeated = std::ranges::unique(all);
            all.erase(repeated.begin(), repeated.end());
            return all;
        };
        const support::partition_list asked = support::partitions_of<Shape>(request);
        const bool repeated = support::has_repeated<Shape>(request);
        const auto made = std::move(split).merge();
        static_cast<void>(written<response>(made, version));
        bool all_topics = false;
        support::each_topics<Shape>(request, [&](const auto& topics, std::string_view) {
            all_topics |= kwire::detail::is_null_list(topics);
        });
        // An error above all partitions may take their place, and a null list names none.
        if (all_topics || kwire::detail::error_covers_partitions<Shape>(version)) return;
        const support::partition_list told = support::partitions_of<Shape>(made);
        insist(repeated ? once(told) == once(asked) : told == asked,
               "the answer tells of the partitions of the request");
    });
    static_cast<void>(written<response>(
        kwire::error_answer(request, version, kwire::error_code::cluster_authorization_failed), version));
}

template <class Request>
void check(choices& from) {
    const kwire::version_range versions = Request::facts.versions;
    const int version =
        versions.first +
        static_cast<int>(from.below(static_cast<std::size_t>(versions.last - versions.first + 1)));
    std::vector<int> keys(1 + from.below(4));
    std::iota(keys.begin(), keys.end(), 0);
    switch (from.below(3)) {
    case 0: return check_parts<Request>(random_data<Request>(version, from), version, keys);
    case 1:
        return check_merged<Request>(random_data<typename split_api<Request>::response>(version, from),
                                     version, keys, from.flip());
    default: return check_any<Request>(random_data<Request>(version, from), version, from);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    choices from(std::as_bytes(std::span(data, size)));
    const std::size_t wanted = from.below(32);
    std::size_t count = 0, at = 0;
    support::each_split_api([&]<class Request> { ++count; });
    support::each_split_api([&]<class Request> {
        if (at++ == wanted % count) check<Request>(from);
    });
    return 0;
}

/// Version negotiation: the parts of server, client and proxy in ApiVersions.
///
/// A broker:
///     auto answer = kwire::answer_api_versions(request, served);
///     if (!answer) return close(answer.error());
///     send(kwire::encode_response<kwire::api_versions_response>(answer->body, answer->version,
///                                                               request.correlation_id()));
/// A client:
///     if (auto version = kwire::retry_version(answer, asked)) return ask(*version);
///     const kwire::common_versions common(answer);
///     auto version = common.choose<kwire::fetch_request>();   // 17, or an error if the broker has none
/// A proxy:
///     auto offered = kwire::clamp(answer, served);
///     for (const kwire::lowered_feature& feature : offered.lowered) log(feature.name, feature.from, feature.to);
///     send(kwire::encode_response(offered.body, version, correlation_id));
///
/// Brokers since Kafka 4.0 read Produce from version 3 on, but advertise it from 0 on, because librdkafka up
/// to 2.11 does not compress for a broker without version 0. A server's own table should do the same.
#pragma once

#include <kwire/api.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/error_code.hpp>
#include <kwire/expected.hpp>
#include <kwire/messages/api_versions.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/to_data.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kwire::inline KWIRE_ABI {

/// An API and the versions of it that one side supports.
struct api_range {
    /// Which API.
    api_key api{};
    /// The versions of it; empty: none.
    version_range versions;
};

/// The versions of `api` in a table; an empty range if it is not listed, so that `contains` tells whether a
/// request is supported.
[[nodiscard]] constexpr version_range versions_in(std::span<const api_range> table, api_key api) noexcept {
    for (const api_range& one : table)
        if (one.api == api) return one.versions;
    return {};
}

namespace detail {

/// The versions in both ranges; an empty range if there are none.
[[nodiscard]] constexpr version_range intersection(version_range a, version_range b) noexcept {
    const version_range both{std::max(a.first, b.first), std::min(a.last, b.last)};
    return both.empty() ? version_range{} : both;
}

/// The rule of KIP-511 for a client's name and version: letters and digits, and also dots and hyphens except
/// at the ends.
[[nodiscard]] constexpr bool is_software_text(std::string_view text) noexcept {
    const auto is_alphanumeric = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    return !text.empty() && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
           std::ranges::all_of(text, [&](char c) { return is_alphanumeric(c) || c == '.' || c == '-'; });
}

} // namespace detail

/// Every API and version that kwire reads and writes, in ascending order of the keys: what a client or a
/// proxy can handle.
///
/// A broker should not advertise all of them: not the APIs that Kafka 4 removed, nor InitProducerId v6, which
/// is not stable.
inline constexpr auto known_apis = [] {
    std::array<api_range, detail::apis.size()> all{};
    for (std::size_t i = 0; i < all.size(); ++i)
        all[i] = {static_cast<api_key>(i), {detail::apis[i].first_version, detail::apis[i].last_version}};
    return all;
}();

/// A response to ApiVersions, and the version to encode it in, which is not always that of the request.
struct api_versions_answer {
    /// The version to encode the body in.
    std::int16_t version = 0;
    /// What to encode.
    api_versions_response::data body;
};

/// The response of a server that supports `served` to an ApiVersions request of any version.
///
/// If `served` does not have the version, for example one newer than kwire, it is the response that every
/// client understands: version 0, UNSUPPORTED_VERSION and only the range of ApiVersions (KIP-511); the body
/// of the request is not read then. INVALID_REQUEST if the client's name or version is malformed. Otherwise
/// all of `served`; the caller may add features and a throttle time. The body is read as Kafka reads it
/// (parse_options::as_kafka). Errors: as `parse`, for an invalid body.
[[nodiscard]] inline expected<api_versions_answer, error>
answer_api_versions(const request_frame& request, std::span<const api_range> served) {
    api_versions_answer answer;
    const auto add = [&](const api_range& one) {
        answer.body.api_keys.push_back(
            {.api_key = one.api, .min_version = one.versions.first, .max_version = one.versions.last});
    };
    const version_range own = versions_in(served, api_key::api_versions);
    if (!own.contains(request.api_version())) {
        answer.body.error_code = error_code::unsupported_version;
        if (!own.empty()) add({api_key::api_versions, own});
        return answer;
    }
    answer.version = request.api_version();
    const auto asked = parse<api_versions_request>(request, parse_options::as_kafka());
    if (!asked) return unexpected(asked.error());
    const bool has_name = request.api_version() >= 3;
    if (has_name && !(detail::is_software_text(asked->client_software_name()) &&
                      detail::is_software_text(asked->client_software_version())))
        answer.body.error_code = error_code::invalid_request;
    else
        std::ranges::for_each(served, add);
    return answer;
}

/// The version in which a client should repeat ApiVersions on the same connection, after `answer` to a
/// request in version `asked`; nullopt if there is no need to repeat it, or no version left to try.
///
/// There is one only after UNSUPPORTED_VERSION: the highest of `ours` that the broker lists, or 0 if it lists
/// none or the version that it has just refused. Always below `asked`, so the retries end. `answer` is then
/// in version 0, which parse_response_frame detects.
[[nodiscard]] inline std::optional<std::int16_t>
retry_version(const api_versions_response::view& answer, std::int16_t asked,
              version_range ours = api_versions_request::facts.versions) noexcept {
    if (answer.error_code() != error_code::unsupported_version) return std::nullopt;
    const auto worth_asking = [&](std::int16_t version) { return ours.contains(version) && version < asked; };
    for (const auto one : answer.api_keys()) {
        if (one.api_key() != api_key::api_versions) continue;
        const version_range common = detail::intersection(ours, {one.min_version(), one.max_version()});
        if (!common.empty() && worth_asking(common.last)) return common.last;
    }
    return worth_asking(0) ? std::optional<std::int16_t>(0) : std::nullopt;
}

/// The versions of each API that both a broker and we support: what a client looks up before each request.
///
/// A value without allocations, 4 bytes per API. If the broker lists an API twice, the last entry counts.
class common_versions {
public:
    /// Nothing in common yet.
    common_versions() = default;
    explicit common_versions(const api_versions_response::view& answer,
                             std::span<const api_range> ours = known_apis) noexcept {
        for (const auto one : answer.api_keys()) {
            const auto api = one.api_key();
            if (const std::size_t i = index(api); i < ranges_.size())
                ranges_[i] =
                    detail::intersection({one.min_version(), one.max_version()}, versions_in(ours, api));
        }
    }

    /// The versions of `api` on both sides; empty if there are none.
    [[nodiscard]] version_range of(api_key api) const noexcept {
        const std::size_t i = index(api);
        return i < ranges_.size() ? ranges_[i] : version_range{};
    }
    /// The highest version of `api` on both sides.
    [[nodiscard]] std::optional<std::int16_t> highest(api_key api) const noexcept {
        const version_range both = of(api);
        return both.empty() ? std::nullopt : std::optional(both.last);
    }
    /// The same among the versions `wanted`, such as those that know topics by name; nullopt if the broker
    /// has none of them.
    [[nodiscard]] std::optional<std::int16_t> highest(api_key api, version_range wanted) const noexcept {
        const version_range both = detail::intersection(of(api), wanted);
        return both.empty() ? std::nullopt : std::optional(both.last);
    }
    /// The version to send the request `Message` in: the highest on both sides and in `wanted`.
    ///
    /// Error: unsupported_version, with the message's name, if the broker has none of them.
    template <class Message>
        requires(Message::facts.name.ends_with("Request") || Message::facts.name.ends_with("Response"))
    [[nodiscard]] expected<std::int16_t, error>
    choose(version_range wanted = Message::facts.versions) const noexcept {
        if (const auto version = highest(static_cast<api_key>(Message::facts.key), wanted)) return *version;
        return unexpected(
            error{.code = errc::unsupported_version, .message = Message::facts.name, .located = false});
    }

private:
    /// Past the end of the table for unassigned keys.
    static std::size_t index(api_key api) noexcept {
        return static_cast<std::size_t>(static_cast<std::int16_t>(api));
    }

    std::array<version_range, detail::apis.size()> ranges_{};
};

namespace detail {

/// A level of a feature tells clients to use a version of an API from then on, without a look at its range.
struct feature_need {
    std::string_view feature;
    std::int16_t level;
    api_key api;
    std::int16_t version;
};

/// The needs of all features whose level clients act on. The levels of metadata.version and
/// eligible.leader.replicas.version concern brokers and controllers alone; for others see `clamp`.
inline constexpr feature_need feature_needs[] = {
    // KIP-890: with level 2 a producer sends no AddPartitionsToTxn and AddOffsetsToTxn, since these versions
    // of Produce and TxnOffsetCommit add what is missing, and takes its next epoch from EndTxn.
    {"transaction.version", 2, api_key::produce, 12},
    {"transaction.version", 2, api_key::txn_offset_commit, 5},
    {"transaction.version", 2, api_key::end_txn, 5},
    {"group.version", 1, api_key::consumer_group_heartbeat, 0}, // KIP-848
    {"share.version", 1, api_key::share_group_heartbeat, 0},    // KIP-932
    {"share.version", 1, api_key::share_fetch, 0},
    {"share.version", 1, api_key::share_acknowledge, 0},
    {"streams.version", 1, api_key::streams_group_heartbeat, 0}, // KIP-1071
    {"kraft.version", 1, api_key::add_raft_voter, 0},            // KIP-853
    {"kraft.version", 1, api_key::remove_raft_voter, 0},
};

} // namespace detail

/// A feature that `clamp` has lowered.
struct lowered_feature {
    std::string name; ///< "transaction.version"
    /// The level that the broker wrote.
    std::int16_t from = 0;
    std::int16_t to = 0;    ///< 0 if it is left out
    bool finalized = false; ///< what the cluster has in force; else what the broker could have
};

/// A response to ApiVersions with less in it, and what became of the features.
struct clamped_versions {
    /// The response to send.
    api_versions_response::data body;
    std::vector<lowered_feature> lowered; ///< empty if all features are as the broker wrote them
};

/// A broker's response restricted to `ours`, for a proxy to pass on: an API that only one side has is left
/// out, and the others keep the common versions.
///
/// Features that tell clients to use what was taken away are lowered to the highest level that does not, or
/// left out if that is 0: transaction.version, group.version, share.version, streams.version and
/// kraft.version, finalized and supported. `lowered` lists them. An API that the broker itself does not offer
/// lowers nothing. Everything else stays as the broker wrote it, including features that kwire does not know,
/// and unknown tags.
[[nodiscard]] inline clamped_versions clamp(const api_versions_response::view& answer,
                                            std::span<const api_range> ours = known_apis) {
    clamped_versions out{.body = copy_to_data(answer), .lowered = {}};
    // The needs that what is taken away below leaves unmet: found once, since a response may have as many
    // features as APIs.
    std::array<bool, std::size(detail::feature_needs)> unmet{};
    for (const auto one : answer.api_keys()) {
        for (std::size_t i = 0; i < unmet.size(); ++i) {
            const detail::feature_need& need = detail::feature_needs[i];
            if (unmet[i] || one.api_key() != need.api || one.max_version() < need.version) continue;
            unmet[i] =
                detail::intersection({one.min_version(), one.max_version()}, versions_in(ours, need.api))
                    .last < need.version;
        }
    }
    // The highest level of a feature that needs none of them.
    const auto highest_level = [&](std::string_view feature, std::int16_t level) {
        for (std::size_t i = 0; i < unmet.size(); ++i) {
            const detail::feature_need& need = detail::feature_needs[i];
            if (unmet[i] && need.feature == feature && need.level <= level)
                level = static_cast<std::int16_t>(need.level - 1);
        }
        return level;
    };
    // Lowers both ends of a range of levels; true if nothing is left of it.
    const auto lower = [&](const std::string& name, std::int16_t& first, std::int16_t& last, bool finalized) {
        const std::int16_t level = highest_level(name, last);
        if (level == last) return false;
        const bool gone = level <= 0 || (!finalized && level < first);
        out.lowered.push_back(
            {.name = name, .from = last, .to = gone ? std::int16_t{0} : level, .finalized = finalized});
        last = level;
        first = std::min(first, level);
        return gone;
    };
    std::erase_if(out.body.supported_features,
                  [&](auto& one) { return lower(one.name, one.min_version, one.max_version, false); });
    std::erase_if(out.body.finalized_features, [&](auto& one) {
        return lower(one.name, one.min_version_level, one.max_version_level, true);
    });
    std::erase_if(out.body.api_keys, [&](api_versions_response::api_version::data& one) {
        const version_range both =
            detail::intersection({one.min_version, one.max_version}, versions_in(ours, one.api_key));
        one.min_version = both.first;
        one.max_version = both.last;
        return both.empty();
    });
    return out;
}

} // namespace kwire::inline KWIRE_ABI

// ApiVersions: what this broker serves.
#include <kwire/connect/negotiation.hpp>
#include <kwire/messages/api_versions.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "echo_broker/broker.hpp"
#include "echo_broker/cluster/handlers.hpp"

namespace echo_broker {

namespace {

const std::vector<kwire::api_range>& served() {
    static const std::vector<kwire::api_range> ranges = [] {
        std::vector<kwire::api_range> out;
        for (const service& one : all_services()) out.push_back({one.api, one.versions});
        return out;
    }();
    return ranges;
}

/// A feature and the level that is in force, the highest.
struct feature {
    std::string_view name;
    std::int16_t level;
};
/// What clients do at these levels: 2 of transaction.version lets Produce and TxnOffsetCommit add to
/// transactions (KIP-890); 1 of group.version is the new protocol of groups (KIP-848).
constexpr std::array features{feature{"transaction.version", 2}, feature{"group.version", 1}};

void add_features(kwire::api_versions_response::data& answer, std::int16_t version) {
    for (const auto& [name, level] : features) {
        if (version >= 4) // older clients refuse a range that begins with 0 (KIP-1022)
            answer.supported_features.push_back(
                {.name = std::string(name), .min_version = 0, .max_version = level});
        answer.finalized_features.push_back(
            {.name = std::string(name), .max_version_level = level, .min_version_level = level});
    }
    answer.finalized_features_epoch = 0; // they never change
}

} // namespace

kwire::expected<kwire::api_versions_answer, kwire::error>
answer_api_versions(const kwire::request_frame& request) {
    auto answer = kwire::answer_api_versions(request, served());
    if (answer && answer->version >= 3) add_features(answer->body, answer->version);
    return answer;
}

void api_versions(broker& here, kwire::request_frame frame, client&, kwire::responder to,
                  open_request request) {
    const auto response = answer_api_versions(frame);
    if (!response) return to.hang_up(kwire::to_string(response.error()));
    answer_to<kwire::api_versions_response>(std::move(to), here, std::move(request))
        .send_as(response->version, response->body);
}

} // namespace echo_broker

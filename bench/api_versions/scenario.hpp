/// ApiVersions response, version 3: an array of small structs of one width, and tagged arrays.
#pragma once

#include <kwire/messages/api_versions.hpp>

#include "bench/api_versions/by_hand.hpp"
#include "bench/harness/message.hpp"

// In each contender's file on its own, so that the compiler knows all callers.
namespace {

struct api_versions : bench::by_hand::api_versions {
    using message = kwire::api_versions_response;
    static constexpr int version = 3;
    static constexpr const char* cases[] = {"api_versions_v3"};
    static constexpr const char* small = "small_api_versions"; ///< damaged in all ways

    template <class View, class Sink>
    static void visit(const View& view, Sink& sink) noexcept {
        sink.number(view.error_code());
        for (auto api : view.api_keys()) {
            sink.number(api.api_key());
            sink.number(api.min_version());
            sink.number(api.max_version());
        }
        sink.number(view.throttle_time_ms());
        for (auto feature : view.supported_features()) {
            sink.text(feature.name());
            sink.number(feature.min_version());
            sink.number(feature.max_version());
        }
        sink.number(view.finalized_features_epoch());
        for (auto feature : view.finalized_features()) {
            sink.text(feature.name());
            sink.number(feature.max_version_level());
            sink.number(feature.min_version_level());
        }
        sink.number(view.zk_migration_ready());
    }
};

} // namespace

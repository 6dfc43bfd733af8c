/// JoinGroup request, version 9: one small message, strings after strings.
#pragma once

#include <kwire/messages/join_group.hpp>

#include "bench/harness/message.hpp"
#include "bench/join_group/by_hand.hpp"

// In each contender's file on its own, so that the compiler knows all callers.
namespace {

struct join_group : bench::by_hand::join_group {
    using message = kwire::join_group_request;
    static constexpr int version = 9;
    static constexpr const char* cases[] = {"join_group_v9"};
    static constexpr const char* small = "join_group_v9"; ///< damaged in all ways

    template <class View, class Sink>
    static void visit(const View& view, Sink& sink) noexcept {
        sink.text(view.group_id());
        sink.number(view.session_timeout_ms());
        sink.number(view.rebalance_timeout_ms());
        sink.text(view.member_id());
        sink.text(view.group_instance_id());
        sink.text(view.protocol_type());
        for (auto protocol : view.protocols()) {
            sink.text(protocol.name());
            sink.bytes(protocol.metadata());
        }
        sink.text(view.reason());
    }
};

} // namespace

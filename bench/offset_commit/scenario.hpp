/// OffsetCommit requests, version 8: structs that end in a string.
#pragma once

#include <kwire/messages/offset_commit.hpp>

#include "bench/harness/message.hpp"
#include "bench/offset_commit/by_hand.hpp"

// In each contender's file on its own, so that the compiler knows all callers.
namespace {

struct offset_commit : bench::by_hand::offset_commit {
    using message = kwire::offset_commit_request;
    static constexpr int version = 8;
    static constexpr const char* cases[] = {"offset_commit_100x10"};
    static constexpr const char* small = "small_offset_commit"; ///< damaged in all ways

    template <class View, class Sink>
    static void visit(const View& view, Sink& sink) noexcept {
        sink.text(view.group_id());
        sink.number(view.generation_id_or_member_epoch());
        sink.text(view.member_id());
        sink.text(view.group_instance_id());
        for (auto topic : view.topics()) {
            sink.text(topic.name());
            for (auto partition : topic.partitions()) {
                sink.number(partition.partition_index());
                sink.number(partition.committed_offset());
                sink.number(partition.committed_leader_epoch());
                sink.text(partition.committed_metadata());
            }
        }
    }

    template <class View>
    static std::uint64_t two_fields(const View& view) noexcept {
        const auto topic = bench::middle_of(view.topics());
        return static_cast<std::uint64_t>(topic.name().size()) + topic.partitions().size();
    }
};

} // namespace

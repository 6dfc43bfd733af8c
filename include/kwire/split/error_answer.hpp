/// The answer that refuses a whole request: what Kafka's brokers send, per API and version.
///
///     auto answer = kwire::error_answer(request, version, kwire::error_code::not_coordinator);
///     auto out = kwire::encode_response(answer, version, correlation_id);
///
/// Some versions have one error code for the message, some one for each partition of the request, some both.
/// The headers of the APIs, such as split/produce.hpp, make it known for them.
#pragma once

#include <kwire/error_code.hpp>
#include <kwire/split/detail/shape.hpp>

#include <cstdint>

namespace kwire::inline KWIRE_ABI {

namespace detail {

template <class Shape, class Around, class Answered>
void fail_topics(const Around& asked, Answered& answered, error_code code) {
    auto& topics = answered.*Shape::answered_topics;
    for (const auto& topic : asked.*Shape::asked_topics) {
        auto& failed = topics.emplace_back();
        failed.*Shape::answered_name = topic.*Shape::asked_name;
        if constexpr (with_ids<Shape>) failed.*Shape::answered_id = topic.*Shape::asked_id;
        for (const auto& partition : topic.*Shape::asked_partitions)
            (failed.*Shape::answered_partitions)
                .push_back(failed_partition<Shape>(asked_number<Shape>(partition), code));
    }
}

} // namespace detail

/// The answer to `request` at `version` that says `code` wherever that version can say it; the texts of
/// errors stay null. Kafka's `getErrorResponse` is the rule. A Produce request with acks=0 has no answer: its
/// broker closes the connection. If memory runs out, std::bad_alloc passes.
template <class Data>
[[nodiscard]] auto error_answer(const Data& request, int version, error_code code,
                                std::int32_t throttle_time_ms = 0) {
    using api = detail::split_api<typename Data::struct_type>;
    return api::at(version, [&]<class Shape>(Shape) {
        typename api::response::data answer{};
        if constexpr (requires { answer.throttle_time_ms; }) answer.throttle_time_ms = throttle_time_ms;
        const bool covered = detail::error_covers_partitions<Shape>(version);
        if constexpr (detail::with_top_error<Shape>)
            if (version >= Shape::error_above_from) answer.*Shape::top_error = code;
        if constexpr (detail::with_around<Shape>) {
            if (!covered || detail::with_around_error<Shape>)
                for (const auto& around : request.*Shape::asked_around) {
                    auto& failed = (answer.*Shape::answered_around).emplace_back();
                    detail::set_answered_around<Shape>(failed, detail::asked_around_key<Shape>(around));
                    if constexpr (detail::with_around_error<Shape>) failed.*Shape::around_error = code;
                    if (!covered) detail::fail_topics<Shape>(around, failed, code);
                }
        } else if (!covered) {
            detail::fail_topics<Shape>(request, answer, code);
        }
        if constexpr (requires { Shape::answer_whole(request, answer); })
            Shape::answer_whole(request, answer);
        return answer;
    });
}

} // namespace kwire::inline KWIRE_ABI

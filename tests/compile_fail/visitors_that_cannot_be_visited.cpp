/// Visitors of check_and_visit: functions that would never be called, and fields that are not read yet.
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/read/check_and_visit.hpp>

#ifndef KWIRE_MUST_FAIL
#define KWIRE_MUST_FAIL 0
#endif

using kwire::metadata_response;
using topic = metadata_response::topic::view;

/// Correct: some fields before the partitions, the others after them.
std::int64_t use(std::span<const std::byte> body) {
    std::int64_t sum = 0;
    const auto done = kwire::check_and_visit<metadata_response>(
        body, 12,
        kwire::overloaded{
            [&](const kwire::before<"partitions", topic>& front) { sum += front.is_internal() ? 1 : 0; },
            [&](const topic& whole) { sum += whole.topic_authorized_operations(); },
        });
    sum += done.has_value() ? 1 : 0;
    [[maybe_unused]] const auto nothing = [](const topic&) {};

#if KWIRE_MUST_FAIL == 1
    // expect: this field comes after the structs that are handed over next
    (void)kwire::check_and_visit<metadata_response>(
        body, 12,
        [&](const kwire::before<"partitions", topic>& front) { sum += front.topic_authorized_operations(); });
#elif KWIRE_MUST_FAIL == 2
    // expect: this field comes after the structs that are handed over next
    (void)kwire::check_and_visit<metadata_response>(
        body, 12, [&](const kwire::before<"partitions", topic>& front) {
            sum += static_cast<std::int64_t>(front.partitions().size());
        });
#elif KWIRE_MUST_FAIL == 3
    // expect: a function of the visitor is never called
    (void)kwire::check_and_visit<metadata_response>(
        body, 12, kwire::overloaded{nothing, [](const kwire::fetch_response::view&) {}});
#elif KWIRE_MUST_FAIL == 4
    // expect: a function of the visitor is never called
    (void)kwire::check_and_visit<metadata_response, 12>(body, nothing);
#elif KWIRE_MUST_FAIL == 5
    // expect: handed over before fields that hold structs, and this one holds none
    (void)kwire::check_and_visit<metadata_response>(body, 12, [](const kwire::before<"name", topic>&) {});
#elif KWIRE_MUST_FAIL == 6
    // expect: the struct has no such field
    (void)kwire::check_and_visit<metadata_response>(body, 12, [](const kwire::before<"nmae", topic>&) {});
#elif KWIRE_MUST_FAIL == 7
    // expect: use of deleted function|call to deleted function
    (void)kwire::check_and_visit<metadata_response>(std::vector<std::byte>{}, 12, nothing);
#elif KWIRE_MUST_FAIL == 8
    // expect: ignoring return value|nodiscard
    kwire::check_and_visit<metadata_response>(body, 12, nothing);
#elif KWIRE_MUST_FAIL == 9
    // expect: no member named 'topic_id'|constraints not satisfied|constraint failure|no matching function|invalid reference
    (void)kwire::check_and_visit<metadata_response, 9>(
        body, [](const kwire::before<"partitions", metadata_response::topic::basic_view<9>>& front) {
            (void)front.topic_id();
        });
#endif
    return sum;
}

/// A version that is a constant is checked by the compiler: that the message has it, and that it has the
/// field.
#include <kwire/messages/fetch.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/encode.hpp>

#ifndef KWIRE_MUST_FAIL
#define KWIRE_MUST_FAIL 0
#endif

using request = kwire::fetch_request;

std::size_t use(const kwire::shared_buffer& body) {
    std::size_t used = 0;
    const auto message = kwire::parse<request, 12>(body);
    if (!message) return used;
    for (const auto topic : message->topics()) used += topic.topic().size();

    // Correct: code for several versions asks whether the field is there; the general view shows defaults.
    const auto newer = kwire::parse<request>(body, 13);
    if (!newer) return used;
    kwire::visit_version<12, 13>(**newer, [&](const auto& view) {
        for (const auto topic : view.topics()) {
            if constexpr (requires { topic.topic_id(); })
                used += topic.topic_id().bytes.size();
            else
                used += topic.topic().size();
        }
    });

#if KWIRE_MUST_FAIL == 1
    // expect(gcc): int version = 99; int oldest = 0; int newest = 18
    used += kwire::parse<request, 99>(body).has_value();
#elif KWIRE_MUST_FAIL == 2
    // expect(clang): '99 <= 18': the message has no such version
    used += kwire::parse<request, 99>(body).has_value();
#elif KWIRE_MUST_FAIL == 3
    // expect: the message has no such version
    used += kwire::parse_view<request, -2>(body.span()).has_value();
#elif KWIRE_MUST_FAIL == 4
    // expect: in_version<.*since(\(int\))?\(13\)
    for (const auto topic : message->topics()) used += topic.topic_id().bytes.size();
#elif KWIRE_MUST_FAIL == 5
    // expect: in_version<.*between(\(int, int\))?\(0, 12\)
    for (const auto topic : kwire::parse_view<request, 13>(body.span())->topics())
        used += topic.topic().size();
#elif KWIRE_MUST_FAIL == 6
    // expect: the message has no such version
    used += kwire::encode<request, 99>({}).has_value();
#endif
    return used;
}

/// Data structs: a mistake in one is refused with a message that names it.
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/view/fetch.hpp>
#include <kwire/write/encode.hpp>

#ifndef KWIRE_MUST_FAIL
#define KWIRE_MUST_FAIL 0
#endif

bool use() {
    kwire::metadata_request::data asked{.topics = {{.name = "orders"}}, .allow_auto_topic_creation = false};
    kwire::metadata_response::data answer{
        .topics = {{.error_code = kwire::error_code::leader_not_available}}};
    bool done = kwire::encode(asked, 12).has_value() && kwire::encode(answer, 12).has_value();
#if KWIRE_MUST_FAIL == 1
    // expect: has no non-static data member named .topicss|does not refer to any field
    kwire::metadata_request::data misspelt{.topicss = {}};
#elif KWIRE_MUST_FAIL == 2
    // expect(gcc): designator order for field .* does not match declaration order
    kwire::metadata_request::data disordered{.allow_auto_topic_creation = true, .topics = {}};
#elif KWIRE_MUST_FAIL == 3
    // expect: cannot convert .int. to .kwire::(v[0-9_]+::)?error_code.|assigning to .kwire::(v[0-9_]+::)?error_code. from
    answer.topics.front().error_code = 5;
#elif KWIRE_MUST_FAIL == 4
    // expect: no matching function
    done = kwire::encode(asked.topics.front(), 12).has_value(); // part of a message
#elif KWIRE_MUST_FAIL == 5
    // expect: incomplete type
    kwire::fetch_request::data unknown; // defined in <kwire/messages/fetch.hpp>
#endif
    return done;
}

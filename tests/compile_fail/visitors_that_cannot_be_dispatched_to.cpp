/// Visitors of frames: mistakes that would lose a message or read it as another.
#include <kwire/connect/dispatch.hpp>
#include <kwire/messages/metadata.hpp>

#ifndef KWIRE_MUST_FAIL
#define KWIRE_MUST_FAIL 0
#endif

using kwire::overloaded;

kwire::request_frame receive();
kwire::message<kwire::metadata_request> receive_metadata();

/// Correct: one function for each message that matters, and one for everything else.
std::size_t use() {
    std::size_t size = 0;
    const auto done = kwire::dispatch(
        receive(), overloaded{
                       [&](const kwire::message<kwire::metadata_request>& r) { size += r->topics().size(); },
                       [&](const kwire::request_frame& other) { size += other.body().size(); },
                   });
    size += done.has_value() ? 1 : 0;

#if KWIRE_MUST_FAIL == 1
    // expect: the visitor must also accept the frame
    (void)kwire::dispatch(receive(), [&](const kwire::message<kwire::metadata_request>&) {});
#elif KWIRE_MUST_FAIL == 2
    // expect: requests are read from request frames
    (void)kwire::dispatch(receive(), overloaded{
                                         [](const kwire::message<kwire::metadata_response>&) {},
                                         [](const kwire::request_frame&) {},
                                     });
#elif KWIRE_MUST_FAIL == 3
    // expect: ignoring return value|nodiscard
    kwire::dispatch(receive(), [](const kwire::request_frame&) {});
#elif KWIRE_MUST_FAIL == 4
    // expect: use of deleted function|overload resolution selected deleted operator
    size += receive_metadata()->topics().size();
#elif KWIRE_MUST_FAIL == 5
    // expect: the messages that this visitor accepts cannot be deduced
    struct two_functions {
        void operator()(const kwire::message<kwire::metadata_request>&) {}
        void operator()(const kwire::request_frame&) {}
    };
    (void)kwire::dispatch(receive(), two_functions{});
#elif KWIRE_MUST_FAIL == 6
    // expect: the messages that this visitor accepts cannot be deduced
    (void)kwire::dispatch(receive(), [](const auto&) {});
#elif KWIRE_MUST_FAIL == 7
    // expect: use of deleted function|call to deleted member function
    const auto& header = receive().header();
    size += header.bytes().size();
#elif KWIRE_MUST_FAIL == 8
    // expect: (?s)\A(?:(?!error:).)*error: [^\n]*the visitor returns different types
    (void)kwire::dispatch(receive(),
                          overloaded{
                              [](const kwire::message<kwire::metadata_request>&) { return "text"; },
                              [](const kwire::request_frame&) { return 3; },
                          });
#elif KWIRE_MUST_FAIL == 9
    // expect: (?s)\A(?:(?!error:).)*error: [^\n]*the visitor returns different types
    (void)kwire::dispatch(receive(), overloaded{
                                         [](const kwire::message<kwire::metadata_request>&) { return 3; },
                                         [](const kwire::request_frame&) {},
                                     });
#elif KWIRE_MUST_FAIL == 10
    // expect: a function of this visitor is never called
    (void)kwire::dispatch(receive(), overloaded{
                                         [](kwire::metadata_request::view) {},
                                         [](const kwire::request_frame&) {},
                                     });
#endif
    return size;
}

/// Messages, editable messages and frames: mistakes that the compiler must refuse.
#include <kwire/connect/frame.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/read/edit.hpp>
#include <kwire/write/set.hpp>
#include <kwire/write/to_data.hpp>

#include <vector>

using request = kwire::metadata_request;

#ifndef KWIRE_MUST_FAIL
#define KWIRE_MUST_FAIL 0
#endif

kwire::shared_buffer receive();
std::vector<std::byte> read_file();

bool use(kwire::request_frame frame) {
    auto parsed = kwire::parse<request>(std::move(frame));
    if (!parsed) return false;
    auto message = kwire::edit(*std::move(parsed));
    if (!message) return false;
    if (!kwire::set<"allow_auto_topic_creation">(*message, false)) return false;
    const auto frozen = std::move(*message).freeze();
#if KWIRE_MUST_FAIL == 1
    // expect: call parse_view for bytes that you keep alive yourself
    const std::vector<std::byte> file = read_file();
    return kwire::parse<request>(file, 12).has_value();
#elif KWIRE_MUST_FAIL == 2
    // expect: cannot bind rvalue reference|no matching function|no known conversion
    auto copy = frozen;
    return kwire::edit(copy).has_value(); // not moved in: the caller would hold the bytes too
#elif KWIRE_MUST_FAIL == 3
    // expect: requests are read from request frames, responses from response frames
    return kwire::parse<kwire::metadata_response>(kwire::parse_request_frame(receive()).value()).has_value();
#elif KWIRE_MUST_FAIL == 4
    // expect: use of deleted function|overload resolution selected deleted operator
    return kwire::edit(kwire::parse<request>(receive(), 12).value())->allow_auto_topic_creation();
#elif KWIRE_MUST_FAIL == 5
    // expect: use of deleted function|call to deleted member function
    return kwire::parse_request_frame(receive()).value().header().correlation_id() == 0;
#elif KWIRE_MUST_FAIL == 6
    // expect: passing .* discards qualifiers|as .this. argument|expects an rvalue|'this' argument
    return kwire::edit(kwire::parse<request>(receive(), 12).value()).value().bytes().empty();
#elif KWIRE_MUST_FAIL == 7
    // expect: no matching function|no matching constructor
    return kwire::message<request>(*frozen, receive())->allow_auto_topic_creation();
#elif KWIRE_MUST_FAIL == 8
    // expect: encode_response writes the data of a response
    return kwire::encode_response(request::data{}, 12, 7).has_value();
#elif KWIRE_MUST_FAIL == 9
    // expect: encode_request writes the data of a request
    return kwire::encode_request(kwire::metadata_response::data{}, 12, 7).has_value();
#elif KWIRE_MUST_FAIL == 10
    // expect: give to_data the message .to_data\(message\), not to_data\(\*message\)
    return kwire::to_data(*frozen).allow_auto_topic_creation; // a view does not keep its bytes alive
#elif KWIRE_MUST_FAIL == 11
    // expect: an editable message must be their only holder
    auto again = kwire::edit(kwire::message<request>(frozen));
    return again && kwire::to_data(*again).allow_auto_topic_creation;
#elif KWIRE_MUST_FAIL == 12
    // expect: use of deleted function|call to deleted function
    return kwire::to_data(kwire::parse<request>(receive(), 12)).allow_auto_topic_creation;
#endif
    return frozen->allow_auto_topic_creation() && kwire::to_data(frozen).allow_auto_topic_creation;
}

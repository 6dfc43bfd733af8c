/// Views point at bytes that the program must keep alive: mistakes in which it does not.
#include <kwire/connect/frame.hpp>
#include <kwire/embedded/stored_message.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/read/edit.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/reflect/dynamic.hpp>
#include <kwire/write/encode.hpp>

#include <vector>

using request = kwire::metadata_request;

#ifndef KWIRE_MUST_FAIL
#define KWIRE_MUST_FAIL 0
#endif

kwire::shared_buffer receive();
std::vector<std::byte> read_file();
std::span<const std::byte> mapped_file();

/// Correct: the message has a name, and outlives the views that come from it.
std::size_t topics_of(const kwire::held<request::view>& message) {
    std::size_t size = 0;
    for (const auto topic : message->topics()) size += topic.name().value_or("").size();
    return size;
}

std::size_t use() {
    std::size_t size = 0;
    const auto message = kwire::parse<request>(receive(), 12);
    if (message) size += topics_of(*message);
    // Named owners are correct, and so are temporaries that own nothing.
    const std::vector<std::byte> file = read_file();
    if (const auto view = kwire::parse_view<request>(file, 12)) size += view->topics().size();
    if (const auto view = kwire::parse_view<request, 12>(mapped_file())) size += view->topics().size();
    if (const auto stored = kwire::stored_message_of<kwire::consumer_offsets>(file, mapped_file())) size += 1;
    if (const auto view = kwire::parse_view<request>(std::span(file).first(3), 1)) size += 1;
    if (const auto batch = kwire::batch_at(mapped_file())) size += batch->crc();
    if (const auto header = kwire::overlay<kwire::batch_header>(mapped_file())) size += (*header)->crc;

#if KWIRE_MUST_FAIL == 1
    // expect: use of deleted function|attempt to use a deleted function|overload resolution selected deleted operator
    for (const auto topic : (*kwire::parse<request>(receive(), 12))->topics()) size += topic.name()->size();
#elif KWIRE_MUST_FAIL == 2
    // expect: use of deleted function|call to deleted member function
    const auto view = kwire::parse<request>(receive(), 12).value().view();
    size += view.topics().size();
#elif KWIRE_MUST_FAIL == 3
    // expect: use of deleted function|overload resolution selected deleted operator
    const auto view = **kwire::parse<request>(receive(), 12);
    size += view.topics().size();
#elif KWIRE_MUST_FAIL == 4
    // expect: use of deleted function|call to deleted member function
    const auto view = kwire::parse_view<request>(receive().span(), 12);
    size += view->topics().size();
#elif KWIRE_MUST_FAIL == 5
    // expect: deleted
    const auto view = kwire::parse_view<request>(receive(), 12);
    size += view->topics().size();
#elif KWIRE_MUST_FAIL == 6
    // expect: deleted
    const auto view = kwire::parse_view<request, 12>(receive());
    size += view->topics().size();
#elif KWIRE_MUST_FAIL == 7
    // expect: use of deleted function|call to deleted member function
    for (const auto& segment : kwire::encode<request>({}, 12).value().segments()) size += segment.size();
#elif KWIRE_MUST_FAIL == 8
    // expect: use of deleted function|call to deleted member function
    const auto bytes = kwire::parse<request>(receive(), 12).value().bytes();
    size += bytes.size();
#elif KWIRE_MUST_FAIL == 9
    // Only parse makes views: one of arbitrary bytes would trust lengths that were never checked.
    // expect: could not convert|no viable conversion
    const request::view view(receive(), 12);
    size += view.topics().size();
#elif KWIRE_MUST_FAIL == 10
    // expect: use of deleted function|call to deleted function
    const auto view = kwire::parse_view<request>(read_file(), 12);
    size += view->topics().size();
#elif KWIRE_MUST_FAIL == 11
    // expect: use of deleted function|call to deleted function
    const auto view = kwire::parse_view<request, 12>(read_file());
    size += view->topics().size();
#elif KWIRE_MUST_FAIL == 12
    // expect: use of deleted function|call to deleted function
    size += kwire::batch_at(read_file())->crc();
#elif KWIRE_MUST_FAIL == 13
    // expect: use of deleted function|call to deleted function
    size += (*kwire::overlay<kwire::batch_header>(read_file()))->crc;
#elif KWIRE_MUST_FAIL == 14
    // expect: use of deleted function|overload resolution selected deleted operator
    const auto view = kwire::parse<request>(receive(), 12)->view();
    size += view.topics().size();
#elif KWIRE_MUST_FAIL == 15
    // expect: use of deleted function|overload resolution selected deleted operator
    const auto client = kwire::parse_request_frame(receive())->client_id();
    size += client.value_or("").size();
#elif KWIRE_MUST_FAIL == 16
    // expect: use of deleted function|call to deleted member function
    const auto field = kwire::as_dynamic(**message).fields().begin();
    size += (*field).size();
#endif
    return size;
}

#if KWIRE_MUST_FAIL == 17
// expect(clang): reference to stack memory|address of stack memory
const request::view& view_of_a_local() {
    const kwire::held<request::view> message({}, receive());
    return *message;
}
#elif KWIRE_MUST_FAIL == 18
// expect(clang): address of stack memory|reference to stack memory
std::span<const std::byte> bytes_of_a_local() {
    const kwire::held<request::view> message({}, receive());
    return message.bytes();
}
#elif KWIRE_MUST_FAIL == 19
// expect(clang): address of stack memory
request::view copy_of_the_view(kwire::message<request> message) { return *message; }
#elif KWIRE_MUST_FAIL == 20
// expect(clang): address of stack memory
request::view named_copy_of_the_view(kwire::message<request> message) { return message.view(); }
#elif KWIRE_MUST_FAIL == 21
// expect(clang): address of stack memory
request::view view_to_write_to(kwire::editable<request> message) { return *message; }
#elif KWIRE_MUST_FAIL == 22
// expect(clang): address of stack memory
std::span<const std::byte> bytes_of_a_buffer(kwire::shared_buffer buffer) { return buffer.span(); }
#elif KWIRE_MUST_FAIL == 23
// expect: use of deleted function|call to deleted function
auto view_of_a_tool(const kwire::message_info& info) { return kwire::parse_view(info, read_file(), 1); }
#elif KWIRE_MUST_FAIL == 24
// expect: use of deleted function|call to deleted function
auto view_behind_a_version(const kwire::message_info& info) {
    return kwire::parse_versioned_view(info, read_file());
}
#elif KWIRE_MUST_FAIL == 25
// expect: use of deleted function|call to deleted function
auto record_of_a_temporary() {
    return kwire::stored_message_of<kwire::consumer_offsets>(read_file(), std::nullopt);
}
#endif

// Correct: the owner lives on, or a view gives another one.
request::view view_of(const kwire::message<request>& message) { return *message; }
std::string_view name_of(request::topic::view topic) { return topic.name().value_or(""); }
request::view checked(std::span<const std::byte> bytes) {
    const auto view = kwire::parse_view<request>(bytes, 12);
    return view.value();
}

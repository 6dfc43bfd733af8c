/// Temporary buffers give no access to their bytes, and the bytes of a temporary are not static.
#include <kwire/buffer/buffer_chain.hpp>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#ifndef KWIRE_MUST_FAIL
#define KWIRE_MUST_FAIL 0
#endif

using kwire::shared_buffer;

shared_buffer receive();
std::string read_text();
std::vector<std::byte> read_file();
std::array<std::byte, 3> read_three();
std::string_view name_of_program();
std::size_t look(std::span<const std::byte> bytes);

std::size_t use() {
    std::size_t size = 0;
    // Correct: a named buffer, const or not, converts to a span; a loop keeps the temporary that it iterates
    // over; static bytes have a name, or come as a view.
    shared_buffer frame = receive();
    const shared_buffer& same = frame;
    size += look(frame) + look(same);
    for (const std::byte b : receive()) size += std::to_integer<std::size_t>(b);
    for (const auto& segment : kwire::buffer_chain(receive())) size += segment.size();
    static const std::vector<std::byte> table = read_file();
    frame = shared_buffer::from_static(table);
    frame = shared_buffer::from_static("literal");
    frame = shared_buffer::from_static(name_of_program());

#if KWIRE_MUST_FAIL == 1
    // expect: use of deleted function|call to deleted function
    frame = shared_buffer::from_static(read_text());
#elif KWIRE_MUST_FAIL == 2
    // expect: use of deleted function|call to deleted function
    frame = shared_buffer::from_static(read_file());
#elif KWIRE_MUST_FAIL == 3
    // expect: use of deleted function|call to deleted function
    frame = shared_buffer::from_static(read_three());
#elif KWIRE_MUST_FAIL == 4
    // expect: use of deleted function|invokes a deleted function
    size += look(receive());
#elif KWIRE_MUST_FAIL == 5
    // expect: use of deleted function|call to deleted member function
    const std::byte* first = receive().begin();
    size += std::to_integer<std::size_t>(*first);
#elif KWIRE_MUST_FAIL == 6
    // expect: use of deleted function|call to deleted member function
    const std::byte* last = receive().end();
    size += std::to_integer<std::size_t>(*--last);
#elif KWIRE_MUST_FAIL == 7
    // expect: use of deleted function|call to deleted member function
    size += kwire::buffer_chain(receive()).begin()->size();
#elif KWIRE_MUST_FAIL == 8
    // expect: use of deleted function|call to deleted member function
    const std::byte* spare = kwire::unique_buffer::with_capacity(3).data();
    size += spare != nullptr ? 1 : 0;
#elif KWIRE_MUST_FAIL == 9
    // expect: use of deleted function|call to deleted member function
    size += kwire::chain_segment(receive()).bytes().size();
#endif
    return size;
}

/// Records of compressed batches lie in memory that batch_records owns: mistakes that use them after it is
/// destroyed.
#include <kwire/records/read.hpp>

#ifndef KWIRE_MUST_FAIL
#define KWIRE_MUST_FAIL 0
#endif

kwire::expected_records<kwire::batch_records> open();

std::int64_t use() {
    std::int64_t sum = 0;
    // Correct: the result has a name while its records are used.
    const auto records = open();
    if (!records) return 0;
    for (const auto record : *records) sum += record->offset();
    if (const auto found = kwire::find_offset(*records, 7); found && *found) sum += (*found)->timestamp();
    // A buffer that the program keeps.
    const kwire::shared_buffer memory = records->buffer();
    sum += static_cast<std::int64_t>(memory.size());

    // A loop keeps the records of a temporary.
    for (const auto record : *open()) sum += record->offset();

#if KWIRE_MUST_FAIL == 1
    // expect: use of deleted function|call to deleted member function
    for (auto i = open().value().begin(); i != std::default_sentinel; ++i) sum += (*i).offset();
#elif KWIRE_MUST_FAIL == 2
    // expect: use of deleted function|call to deleted function
    sum += (*kwire::find_offset(open().value(), 7))->offset();
#elif KWIRE_MUST_FAIL == 3
    // expect: use of deleted function|call to deleted function
    sum += (*kwire::find_timestamp(open().value(), 7))->offset();
#elif KWIRE_MUST_FAIL == 4
    // expect: use of deleted function|call to deleted member function
    const auto& gone = open().value().buffer();
    sum += static_cast<std::int64_t>(gone.size());
#endif
    return sum;
}

#if KWIRE_MUST_FAIL == 5
// expect(clang): reference to stack memory|address of stack memory
const kwire::shared_buffer& buffer_of_a_local() {
    const auto records = open().value();
    return records.buffer();
}
#endif

/// Visitors of the records of Kafka's own topics: mistakes that would lose a record or read it as another.
#include <kwire/embedded/visit_record.hpp>
#include <kwire/messages/view/group_metadata_record.hpp>
#include <kwire/messages/view/offset_commit_record.hpp>
#include <kwire/messages/view/topic_record.hpp>
#include <kwire/messages/view/transaction_log_record.hpp>

#ifndef KWIRE_MUST_FAIL
#define KWIRE_MUST_FAIL 0
#endif

using kwire::consumer_offsets;
using kwire::overloaded;

kwire::record_view receive();

/// Correct: one function for each type of record that matters, and one for everything else.
std::size_t use() {
    std::size_t size = 0;
    const auto done = kwire::visit_record<consumer_offsets>(
        receive(),
        overloaded{
            [&](kwire::offset_commit_key::view key, std::optional<kwire::offset_commit_value::view> value) {
                size += key.topic().size() + (value ? 1 : 0);
            },
            [&](kwire::stored_message<consumer_offsets> other) { size += other.key_bytes().size(); },
        });
    size += done.has_value() ? 1 : 0;

    [[maybe_unused]] const auto rest = [](kwire::stored_message<consumer_offsets>) {};
#if KWIRE_MUST_FAIL == 1
    // expect: the visitor must also accept stored_message<Topic>
    (void)kwire::visit_record<consumer_offsets>(
        receive(), [](kwire::offset_commit_key::view, std::optional<kwire::offset_commit_value::view>) {});
#elif KWIRE_MUST_FAIL == 2
    // expect: the second parameter is not the value of this key
    (void)kwire::visit_record<consumer_offsets>(
        receive(),
        overloaded{[](kwire::offset_commit_key::view, std::optional<kwire::group_metadata_value::view>) {},
                   rest});
#elif KWIRE_MUST_FAIL == 3
    // expect: the first parameter is not a key of this topic
    (void)kwire::visit_record<consumer_offsets>(
        receive(),
        overloaded{[](kwire::transaction_log_key::view, std::optional<kwire::transaction_log_value::view>) {},
                   rest});
#elif KWIRE_MUST_FAIL == 4
    // expect: the value may be a tombstone
    (void)kwire::visit_record<consumer_offsets>(
        receive(), overloaded{[](kwire::offset_commit_key::view, kwire::offset_commit_value::view) {}, rest});
#elif KWIRE_MUST_FAIL == 5
    // expect: a function of this topic has two parameters
    (void)kwire::visit_record<consumer_offsets>(receive(),
                                                overloaded{[](kwire::offset_commit_value::view) {}, rest});
#elif KWIRE_MUST_FAIL == 6
    // expect: the records of this topic do not hold this message
    (void)kwire::visit_record<kwire::cluster_metadata>(
        receive(), overloaded{[](kwire::offset_commit_value::view) {},
                              [](kwire::stored_message<kwire::cluster_metadata>) {}});
#elif KWIRE_MUST_FAIL == 7
    // expect: a function of this visitor is never called
    (void)kwire::visit_record<consumer_offsets>(
        receive(), overloaded{[](kwire::offset_commit_key::view, auto) {}, rest});
#elif KWIRE_MUST_FAIL == 8
    // expect: a function of this visitor is never called
    (void)kwire::visit_record<consumer_offsets>(
        receive(), overloaded{[](const kwire::message<kwire::offset_commit_value>&) {}, rest});
#elif KWIRE_MUST_FAIL == 9
    // expect: the messages that this visitor accepts cannot be deduced
    struct two_functions {
        void operator()(kwire::offset_commit_key::view, std::optional<kwire::offset_commit_value::view>) {}
        void operator()(kwire::stored_message<consumer_offsets>) {}
    };
    (void)kwire::visit_record<consumer_offsets>(receive(), two_functions{});
#endif
    return size;
}

/// Changes in place: setting a field of variable length, or a field of a shared message, does not compile.
#include <kwire/messages/metadata.hpp>
#include <kwire/reflect/set.hpp>

using response = kwire::metadata_response;

#ifndef KWIRE_MUST_FAIL
#define KWIRE_MUST_FAIL 0
#endif

bool use(kwire::editable<response>& message, const kwire::message<response>& shared) {
    bool done = kwire::set<"controller_id">(message, 3).has_value() && !shared.buffer().is_unique();
    for (const auto broker : message->brokers()) done = kwire::set<"port">(message, broker, 9092).has_value();
#if KWIRE_MUST_FAIL == 1
    // expect: only what has a fixed width can be set in place
    for (const auto broker : message->brokers()) done = kwire::set<"host">(message, broker, "a").has_value();
#elif KWIRE_MUST_FAIL == 2
    // expect: (?s)\A(?:(?!error:).)*error: [^\n]*the struct has no field of this name
    done = kwire::set<"controler_id">(message, 3).has_value();
#elif KWIRE_MUST_FAIL == 3
    // expect: set_element sets one element of an array
    for (const auto topic : message->topics())
        for (const auto partition : topic.partitions())
            done = kwire::set<"isr_nodes">(message, partition, 3).has_value();
#elif KWIRE_MUST_FAIL == 4
    // expect: no matching function for call to
    done = kwire::set<"controller_id">(shared, 3).has_value();
#elif KWIRE_MUST_FAIL == 5
    // expect: use of deleted function|call to deleted member function|selected deleted operator
    done = kwire::edit(kwire::message<response>(shared)).value()->controller_id() == 3;
    done = (*kwire::edit(kwire::message<response>(shared)))->controller_id() == 3;
#elif KWIRE_MUST_FAIL == 6
    // expect: cannot bind|no matching function
    done = kwire::edit(shared).has_value();
#elif KWIRE_MUST_FAIL == 7
    // expect: (?s)\A(?:(?!error:).)*error: [^\n]*the struct has no field of this name
    for (const auto broker : message->brokers()) done = kwire::set<"prot">(message, broker, 9092).has_value();
#elif KWIRE_MUST_FAIL == 8
    // expect: (?s)\A(?:(?!error:).)*error: [^\n]*the struct has no field of this name
    for (const auto topic : message->topics())
        for (const auto partition : topic.partitions())
            done = kwire::set_element<"isr">(message, partition, 0, 3).has_value();
#endif
    return done;
}

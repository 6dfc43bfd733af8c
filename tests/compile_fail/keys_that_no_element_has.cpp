/// Look-ups by key: an array without a key, or a key of another type, is refused with a message that says
/// why.
#include <kwire/messages/controlled_shutdown.hpp>
#include <kwire/messages/create_acls.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/read/index.hpp>

using response = kwire::metadata_response;

#ifndef KWIRE_MUST_FAIL
#define KWIRE_MUST_FAIL 0
#endif

bool use(const response::view& view, const kwire::controlled_shutdown_response::view& shutdown,
         const kwire::create_acls_request::view& acls) {
    bool found = kwire::find(view.topics(), "orders").has_value();
    found = found || kwire::find(shutdown.remaining_partitions(), "orders", 3).has_value();
    const auto topics = kwire::indexed(view.topics());
    for (const auto& topic : topics.all("orders")) found = found || topic.is_internal();
    for (const auto topic : view.topics()) found = found || kwire::find(topic.partitions(), 3).has_value();
    found = found || !acls.creations().empty();
#if KWIRE_MUST_FAIL == 1
    // expect: these elements have no key
    found = kwire::find(acls.creations(), 3).has_value();
#elif KWIRE_MUST_FAIL == 2
    // expect: give one value for each field that is documented as a key
    found = kwire::find(shutdown.remaining_partitions(), "orders").has_value();
#elif KWIRE_MUST_FAIL == 3
    // expect: a key is an integer or enumerator, a string, or a uuid, as its field is
    found = kwire::find(view.brokers(), "1").has_value();
#elif KWIRE_MUST_FAIL == 4
    // expect: only structs have keys
    for (const auto topic : view.topics())
        for (const auto partition : topic.partitions())
            found = kwire::find(partition.isr_nodes(), 3).has_value();
#elif KWIRE_MUST_FAIL == 5
    // expect: these elements have no key
    found = kwire::indexed(acls.creations()).find(3).has_value();
#elif KWIRE_MUST_FAIL == 6
    // expect: use of deleted function|call to deleted member function
    for (const auto& topic : kwire::indexed(view.topics()).all("orders")) found = topic.is_internal();
#elif KWIRE_MUST_FAIL == 7
    // expect: use of deleted function|call to deleted member function
    found = kwire::indexed(view.topics()).begin()->is_internal();
#endif
    return found;
}

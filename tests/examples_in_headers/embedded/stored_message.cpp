#include <kwire/embedded/stored_message.hpp>
#include <kwire/messages/offset_commit_record.hpp>

void reject(const kwire::error& why);
template <class Key, class Value>
void committed(const Key& key, const Value& value);

void example(const kwire::record_view& record) {
    // example 1
}

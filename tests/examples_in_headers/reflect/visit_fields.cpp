#include <kwire/messages/metadata.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/reflect/visit_fields.hpp>

template <class Value>
void show(std::string_view name, const Value& value);

void example(const kwire::metadata_request::view& view) {
    // example 1
}

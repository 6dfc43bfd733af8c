#include <kwire/wire/uuid_text.hpp>

#include <array>

void print(std::string_view text);

void example(const kwire::uuid& topic_id) {
    // example 1
}

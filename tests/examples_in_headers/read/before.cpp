#include <kwire/messages/metadata.hpp>
#include <kwire/read/before.hpp>

void print(std::optional<std::string_view> name, const kwire::uuid& id);

auto example() {
    // example 1
    return begin;
}

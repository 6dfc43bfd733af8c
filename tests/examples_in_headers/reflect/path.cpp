#include <kwire/reflect/path.hpp>

void print(std::string_view text);

void show(const kwire::dynamic_view& view) {
    // example 1
}

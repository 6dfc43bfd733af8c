#include <kwire/reflect/splice.hpp>

void proxy(const kwire::result<kwire::message<kwire::dynamic>>& message, const kwire::dynamic_view& view) {
    // example 1
}

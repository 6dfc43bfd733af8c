#include <kwire/detail/forward_iterator.hpp>
#include <kwire/records/record.hpp>

namespace kwire {
struct range {
    // example 1
};
} // namespace kwire

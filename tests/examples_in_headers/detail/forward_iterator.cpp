#include <kwire/detail/forward_iterator.hpp>
#include <kwire/records/record.hpp>

namespace kwire::inline KWIRE_ABI {
struct range {
    // example 1
};
} // namespace kwire::inline KWIRE_ABI

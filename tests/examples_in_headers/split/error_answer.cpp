#include <kwire/connect/frame.hpp>
#include <kwire/split/error_answer.hpp>
#include <kwire/split/offset_fetch.hpp>

void refuse(const kwire::offset_fetch_request::data& request, std::int16_t version,
            std::int32_t correlation_id) {
    // example 1
}

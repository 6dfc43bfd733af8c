#include <kwire/buffer/streamed_bytes.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/connect/outbox.hpp>
#include <kwire/messages/fetch.hpp>

#include <memory>

struct source_type {
    kwire::shared_buffer read(std::size_t most);
};

void example(std::shared_ptr<source_type> source, std::size_t size,
             kwire::fetch_response::partition_data::data& partition,
             const kwire::fetch_response::data& answer, std::int16_t version, std::int32_t correlation_id,
             kwire::outbox& out) {
    // example 1
}

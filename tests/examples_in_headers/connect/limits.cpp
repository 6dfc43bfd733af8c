#include <kwire/connect/frame_reader.hpp>
#include <kwire/connect/limits.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/records/read.hpp>

void example(kwire::shared_buffer frame, kwire::batch_view batch, const kwire::codec_set& codecs,
             const kwire::message<kwire::metadata_response>& metadata_message) {
    const auto* const metadata = &metadata_message;
    // example 1
}

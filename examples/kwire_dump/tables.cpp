/// All that needs the tables of all messages, which take the compiler a while.
#include <kwire/connect/sniff.hpp>
#include <kwire/messages/registry.hpp>
#include <kwire/wire/endian.hpp>

#include "message.hpp"
#include "recognise.hpp"

namespace dump {

const kwire::message_info* request_info(kwire::api_key api) noexcept { return kwire::find_request(api); }
const kwire::message_info* response_info(kwire::api_key api) noexcept { return kwire::find_response(api); }

std::optional<std::size_t> find_request_in(std::span<const std::byte> chunk, bool starts_segment,
                                           bool anywhere, bool to_broker) {
    if (starts_segment) {
        const kwire::sniffed found = kwire::sniff(chunk);
        const auto least = to_broker ? kwire::certainty::possible : kwire::certainty::likely;
        if (found.kind == kwire::frame_kind::request && found.certainty >= least) return 0;
    }
    if (!anywhere) return std::nullopt;
    const auto found = kwire::resync(chunk);
    if (!found) return std::nullopt;
    return found->offset;
}

std::optional<std::size_t>
find_response_in(std::span<const std::byte> chunk, bool starts_segment,
                 const std::function<std::optional<kwire::request_start>(std::int32_t)>& waiting) {
    const auto awaited = [&](std::int32_t id) -> std::optional<kwire::expected_response> {
        const auto request = waiting(id);
        if (!request) return std::nullopt;
        return kwire::expected_response{id, request->api, request->api_version};
    };
    constexpr std::size_t least = 8;
    if (starts_segment && chunk.size() >= least)
        if (const auto request = awaited(kwire::wire::load_be<std::int32_t>(chunk.data() + 4)))
            if (kwire::sniff_response(chunk, *request).certainty >= kwire::certainty::likely) return 0;
    const auto found = kwire::resync_responses(chunk, awaited);
    if (!found) return std::nullopt;
    return found->offset;
}

bool begins_request_of_any_kind(std::span<const std::byte> frame) noexcept {
    constexpr std::int16_t most_apis = 256, most_versions = 32;
    const auto api = kwire::wire::load_be<std::int16_t>(frame.data());
    const auto version = kwire::wire::load_be<std::int16_t>(frame.data() + 2);
    return api >= 0 && api < most_apis && version >= 0 && version < most_versions;
}

} // namespace dump

/// The body of a request or response in a frame, for functions that take one.
#pragma once

#include <kwire/connect/rewrite.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace support {

/// What is before the body: a header that says nothing of its own.
inline std::vector<std::byte> header_before(kwire::api_key api, std::int16_t version, bool is_request) {
    const auto key = static_cast<unsigned>(api), number = static_cast<unsigned>(version);
    std::vector<std::byte> header;
    if (is_request)
        for (const unsigned byte : {key >> 8, key, number >> 8, number})
            header.push_back(static_cast<std::byte>(byte));
    header.resize(header.size() + 4); // the correlation id
    if (!is_request) {
        header.resize(header.size() + (kwire::response_header_version(api, version) == 1 ? 1 : 0));
    } else if (const int form = kwire::request_header_version(api, version); form != 0) {
        header.insert(header.end(), 2, std::byte{0xff}); // no client id
        header.resize(header.size() + (form == 2 ? 1 : 0));
    }
    return header;
}

/// `rewrite` of a frame with this body, and what it makes of the body alone. nullopt for messages that are in
/// no frame, and for bodies that a frame shows at another version.
template <class Map>
std::optional<kwire::expected<std::vector<std::byte>, kwire::error>>
rewrite_framed(const kwire::message_info& info, std::span<const std::byte> body, int version,
               kwire::entity_set wanted, Map&& map, const kwire::rewrite_options& options) {
    const bool is_request = info.facts.name.ends_with("Request");
    const auto api = static_cast<kwire::api_key>(info.facts.key);
    const kwire::message_info* const known =
        is_request ? kwire::find_request(api) : kwire::find_response(api);
    if (known == nullptr || known->facts.name != info.facts.name) return std::nullopt;
    const auto number = static_cast<std::int16_t>(version);
    std::vector<std::byte> bytes = header_before(api, number, is_request);
    const std::size_t before = bytes.size();
    bytes.insert(bytes.end(), body.begin(), body.end());
    const auto rewritten =
        [&](const auto& frame) -> std::optional<kwire::expected<std::vector<std::byte>, kwire::error>> {
        if (!frame || frame->api_version() != version) return std::nullopt;
        const auto made = kwire::rewrite(*frame, wanted, map, options);
        if (!made) return kwire::unexpected(made.error());
        const auto all = made->to_bytes();
        return std::vector<std::byte>(all.begin() + static_cast<std::ptrdiff_t>(before), all.end());
    };
    auto buffer = kwire::shared_buffer::copy_of(bytes);
    if (is_request) return rewritten(kwire::parse_request_frame(std::move(buffer)));
    return rewritten(kwire::parse_response_frame(std::move(buffer), api, number));
}

} // namespace support

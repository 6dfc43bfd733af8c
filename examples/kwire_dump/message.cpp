#include "message.hpp"

#include <kwire/connect/frame.hpp>
#include <kwire/messages/view/list_offsets.hpp>

#include <algorithm>
#include <array>

namespace dump {

namespace {

bool holds_secrets(const kwire::struct_info& structure) noexcept {
    return std::ranges::any_of(structure, [](const kwire::field_info& field) {
        if (field.secret == kwire::secrecy::always || field.secret == kwire::secrecy::flagged) return true;
        return field.structure != nullptr && holds_secrets(*field.structure);
    });
}

seen_message begin(const frame_copy& frame) {
    seen_message out;
    out.frame = frame.bytes.span();
    out.frame_size = frame.size;
    return out;
}

/// A header that is cut is not an error.
void keep_error(seen_message& out, const kwire::error& what) {
    if (out.whole() || what.code != kwire::errc::truncated) out.refusal = what;
}

} // namespace

bool may_hold_secrets(const kwire::message_info& info) noexcept { return holds_secrets(*info.structure); }

bool asks_for_offset(const kwire::field_info& field) noexcept {
    const auto fields = kwire::info_of<kwire::list_offsets_request::partition>.fields;
    const auto same = [&](const kwire::field_info& one) { return &one == &field; };
    return field.name == "timestamp" && std::ranges::any_of(fields, same);
}

std::string_view offset_name(std::int64_t timestamp) noexcept {
    static constexpr std::array<std::string_view, 6> names{
        "latest",        "earliest",
        "max-timestamp", "earliest-local",
        "latest-tiered", "earliest-pending-upload"}; // KIP-79, KIP-734, KIP-405, KIP-1005, KIP-1023
    if (timestamp >= 0 || timestamp < -static_cast<std::int64_t>(names.size())) return {};
    return names[static_cast<std::size_t>(-timestamp - 1)];
}

seen_message read_request(const kwire::request_start& start, const frame_copy& frame) {
    seen_message out = begin(frame);
    out.header = &kwire::message_info_of<kwire::request_header>;
    out.header_version = kwire::request_header_version(start.api, start.api_version);
    out.version = start.api_version;
    out.info = request_info(start.api);
    const auto header = kwire::parse_request_frame(frame.bytes, kwire::parse_options::lenient());
    if (header)
        out.header_size = frame.bytes.size() - header->body().size();
    else
        keep_error(out, header.error());
    return out;
}

seen_message read_response(const kwire::request_start& start, const frame_copy& frame) {
    seen_message out = begin(frame);
    out.header = &kwire::message_info_of<kwire::response_header>;
    out.header_version = kwire::response_header_version(start.api, start.api_version);
    out.version = start.api_version;
    out.info = response_info(start.api);
    const auto header = kwire::parse_response_frame(frame.bytes, start.api, start.api_version,
                                                    kwire::parse_options::lenient());
    if (header) {
        out.header_size = frame.bytes.size() - header->body().size();
        out.version = header->api_version();
    } else {
        keep_error(out, header.error());
    }
    return out;
}

} // namespace dump

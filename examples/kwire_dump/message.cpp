#include "message.hpp"

#include <kwire/connect/frame.hpp>

#include <algorithm>

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

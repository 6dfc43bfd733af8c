/// A request or response of a capture, as far as it can be read.
#pragma once

#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/schema/parse_options.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "exchange.hpp"
#include "visit.hpp"

namespace dump {

/// Where header and body lie, and what is wrong. Refers to the bytes of the frame.
struct seen_message {
    const kwire::message_info* header = nullptr; ///< RequestHeader or ResponseHeader
    const kwire::message_info* info = nullptr;   ///< of the body; nullptr for an API that kwire does not know
    std::int16_t header_version = 0;
    std::int16_t version = 0;
    std::span<const std::byte> frame;    ///< what is there of it, without its length
    std::uint32_t frame_size = 0;        ///< of all of it
    std::size_t header_size = 0;         ///< 0 if not all of the header is there
    std::optional<kwire::error> refusal; ///< of header or body; its offset counts from there

    [[nodiscard]] bool whole() const noexcept { return frame.size() == frame_size; }
    [[nodiscard]] std::span<const std::byte> body() const noexcept {
        return header_size == 0 ? std::span<const std::byte>() : frame.subspan(header_size);
    }
    /// Whether what is there of it could be read.
    [[nodiscard]] bool readable() const noexcept { return !refusal; }
};

/// The message of an API as tables; nullptr if kwire does not know it.
[[nodiscard]] const kwire::message_info* request_info(kwire::api_key api) noexcept;
[[nodiscard]] const kwire::message_info* response_info(kwire::api_key api) noexcept;
/// Whether a message of this kind may hold secrets, in any of its structs.
[[nodiscard]] bool may_hold_secrets(const kwire::message_info& info) noexcept;

/// Whether this is the time in a ListOffsets request, which says what offset is asked for.
[[nodiscard]] bool asks_for_offset(const kwire::field_info& field) noexcept;
/// What a number in place of that time asks for, as Kafka's own tools call it: "latest" for -1. Empty for
/// times, and for numbers that Kafka gives no meaning.
[[nodiscard]] std::string_view offset_name(std::int64_t timestamp) noexcept;

[[nodiscard]] seen_message read_request(const kwire::request_start& start, const frame_copy& frame);
[[nodiscard]] seen_message read_response(const kwire::request_start& start, const frame_copy& frame);

/// Calls `visitor` for the fields of the header, then for those of the body (visit.hpp). What
/// Kafka's classes accept is accepted. Keeps an error in `message`.
template <class Visitor>
void visit_body(seen_message& message, Visitor&& visitor) {
    if (message.info == nullptr || message.header_size == 0) return;
    const auto seen = visit_fields_of(
        *message.info, message.body(), message.version,
        {.tolerate = kwire::parse_options::lenient(), .whole_size = message.frame_size - message.header_size},
        visitor);
    if (!seen) message.refusal = seen.error();
}
template <class Visitor>
void visit_header(const seen_message& message, Visitor&& visitor) {
    const auto header = message.header_size == 0 ? message.frame : message.frame.first(message.header_size);
    static_cast<void>(visit_fields_of(*message.header, header, message.header_version,
                                      {.tolerate = kwire::parse_options::lenient()}, visitor));
}

} // namespace dump

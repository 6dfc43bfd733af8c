// --verbose: a line for each request.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/reflect/dynamic.hpp>

#include <cstdint>
#include <string>

namespace echo_broker {

struct open_request;

/// "Fetch v11 of client \"rdkafka\"".
[[nodiscard]] std::string request_name(const kwire::request_frame& request);

/// "12:00:01.000042 127.0.0.1:40312 Fetch v11 \"rdkafka\": 81 B in, 52 B out, 12 us, OFFSET_OUT_OF_RANGE".
/// `answer` is the frame of a `response` of this version; empty if there is none.
[[nodiscard]] std::string request_line(const open_request& request, const kwire::message_info& response,
                                       std::int16_t version, const kwire::buffer_chain& answer);

} // namespace echo_broker

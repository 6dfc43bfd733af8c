#include "echo_broker/observe/request_line.hpp"

#include <kwire/api.hpp>
#include <kwire/connect/request_start.hpp>
#include <kwire/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "echo_broker/report.hpp"
#include "echo_broker/service.hpp"

namespace echo_broker {

namespace {

using error_counts = std::map<std::int64_t, std::size_t>;

/// Counts the error codes of a struct, and of the structs in it.
void count_errors(const kwire::dynamic_view& view, error_counts& out) {
    for (const kwire::dynamic_value value : view.fields()) {
        if (!value.present() || value.is_null()) continue;
        if (value.kind() == kwire::field_kind::int16 && value.info().name.ends_with("error_code")) {
            if (value.number() != 0) ++out[value.number()];
        } else if (value.kind() == kwire::field_kind::structure) {
            count_errors(value.structure(), out);
        } else if (value.kind() == kwire::field_kind::array &&
                   value.info().element == kwire::field_kind::structure) {
            for (const kwire::dynamic_view& element : value.structs()) count_errors(element, out);
        }
    }
}

error_counts errors_in(const kwire::message_info& response, std::int16_t version,
                       const kwire::buffer_chain& answer) {
    std::vector<std::byte> bytes;
    bytes.reserve(answer.size());
    for (const kwire::chain_segment& each : answer)
        bytes.insert(bytes.end(), each.bytes().begin(), each.bytes().end());
    const auto api = static_cast<kwire::api_key>(response.facts.key);
    // Length, correlation id and, in the longer header, an empty section of tags.
    const std::size_t header = kwire::response_header_version(api, version) == 0 ? 8 : 9;
    error_counts out;
    if (bytes.size() < header) return out;
    if (const auto view = kwire::parse_view(response, std::span(bytes).subspan(header), version))
        count_errors(*view, out);
    return out;
}

std::string time_of_day() {
    const auto now = std::chrono::system_clock::now();
    const std::time_t second = std::chrono::system_clock::to_time_t(now);
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
    std::tm parts{};
    localtime_r(&second, &parts);
    char out[32];
    const int n = std::snprintf(out, sizeof out, "%02d:%02d:%02d.%06d", parts.tm_hour, parts.tm_min,
                                parts.tm_sec, static_cast<int>(micros % 1'000'000));
    return {out, static_cast<std::size_t>(n)};
}

} // namespace

std::string request_name(const kwire::request_frame& request) {
    const kwire::api_facts facts = kwire::facts_of(request.api());
    const std::string api =
        facts.assigned ? std::string(facts.name) : "API " + std::to_string(static_cast<int>(request.api()));
    return api + " v" + std::to_string(request.api_version()) + " of client " +
           in_quotes(request.client_id().value_or(""));
}

std::string request_line(const open_request& request, const kwire::message_info& response,
                         std::int16_t version, const kwire::buffer_chain& answer) {
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() -
                                                                            request.since);
    constexpr std::size_t length_size = 4;
    std::string out = time_of_day() + ' ' + request.address.address().to_string() + ':' +
                      std::to_string(request.address.port()) + ' ' +
                      std::string(kwire::facts_of(request.api).name) + " v" +
                      std::to_string(request.version) + ' ' + in_quotes(request.client_id) + ": " +
                      std::to_string(length_size + request.size) + " B in, " +
                      (answer.empty() ? "no answer" : std::to_string(answer.size()) + " B out") + ", " +
                      std::to_string(took.count()) + " us";
    if (answer.empty()) return out;
    for (const auto& [code, count] : errors_in(response, version, answer)) {
        const auto named = static_cast<kwire::error_code>(code);
        out += ", " + (kwire::is_known(named) ? std::string(kwire::name_of(named))
                                              : "error " + std::to_string(code));
        if (count > 1) out += " (" + std::to_string(count) + " times)";
    }
    return out;
}

} // namespace echo_broker

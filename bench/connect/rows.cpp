// A request of one partition from its frame to the handler, header included; and a response that is checked
// and passed on.
#include <kwire/connect/dispatch.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/heartbeat.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/write/to_data.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "bench/harness/contenders.hpp"
#include "bench/harness/corpus.hpp"

namespace {

void add_dispatch() {
    const auto& body = bench::corpus::get().at("fetch_request_1x1").bytes;
    const auto request =
        kwire::to_data(kwire::parse<kwire::fetch_request>(kwire::shared_buffer::copy_of(body), 12).value());
    const auto chain = kwire::encode_request<kwire::fetch_request>(request, 12, 7, "bench-client").value();
    const auto frame = kwire::without_length(chain.to_bytes()).value();
    const auto once = [](const kwire::shared_buffer& bytes) {
        return kwire::dispatch(bytes, kwire::overloaded{
                                          [](const kwire::message<kwire::fetch_request>& fetch) {
                                              return fetch->max_bytes() + fetch.correlation_id();
                                          },
                                          [](const kwire::message<kwire::heartbeat_request>&) { return -1; },
                                          [](const kwire::request_frame&) { return -2; },
                                      });
    };
    bench::add(
        "dispatch_fetch", "dispatch", "kwire",
        [frame, once, expected = request.max_bytes + 7] { return once(frame) == expected; },
        [frame, once]() mutable {
            bench::keep(frame);
            return once(frame);
        });
    bench::add(
        "dispatch_fetch", "header", "kwire",
        [frame] { return kwire::parse_request_frame(frame).has_value(); },
        [frame]() mutable {
            bench::keep(frame);
            return kwire::parse_request_frame(frame);
        });
}

void add_forward() {
    const auto& body = bench::corpus::get().at("metadata_100x10").bytes;
    std::vector<std::byte> bytes{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{7}, std::byte{0}};
    bytes.insert(bytes.end(), body.begin(), body.end()); // after a header of version 1
    const auto frame = kwire::shared_buffer::copy_of(bytes);
    const auto once = [](const kwire::shared_buffer& whole) {
        auto header = kwire::parse_response_frame(whole, kwire::api_key::metadata, 12);
        auto response = kwire::parse<kwire::metadata_response>(*std::move(header));
        return kwire::with_length(std::move(*response).frame());
    };
    bench::add(
        "forward_metadata_100x10", "forward", "kwire",
        [frame, once] { return once(frame).value().size() == frame.size() + 4; },
        [frame, once]() mutable {
            bench::keep(frame);
            return once(frame);
        });
}

const bench::scenario rows([] {
    add_dispatch();
    add_forward();
});

} // namespace

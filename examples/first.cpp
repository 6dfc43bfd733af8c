/// Writes a request, reads it back, and shows what a defect looks like: the program of "Start in five
/// minutes".
#include <kwire/kwire.hpp>
#include <kwire/messages/metadata.hpp>

#include <cstdio>
#include <string>

int main() {
    // A message to write is a plain struct. The bytes come as a list of buffers, with their length in front.
    const kwire::metadata_request::data wanted{.topics = {{{.name = "orders"}, {.name = "payments"}}}};
    const auto sent = kwire::encode_request(wanted, 9, 1, "first-client"); // version 9, correlation id 1
    if (!sent) return std::puts(kwire::to_string(sent.error()).c_str()), 1;

    // What a frame reader gives of what comes from a socket: the frame without its length.
    const kwire::shared_buffer frame = kwire::without_length(sent->to_bytes()).value();

    // The header first, then the body. Every length is checked here, and accessors cannot fail afterwards.
    auto request = kwire::parse<kwire::metadata_request>(kwire::parse_request_frame(frame).value());
    if (!request) return std::puts(kwire::to_string(request.error()).c_str()), 1;
    for (auto topic : request->topics()) std::printf("topic %s\n", std::string(*topic.name()).c_str());

    // The same bytes, cut short: an error with its place, and never a crash.
    const auto cut = frame.slice(0, frame.size() - 3).value();
    const auto refused = kwire::parse<kwire::metadata_request>(kwire::parse_request_frame(cut).value());
    if (!refused) std::printf("%s\n", kwire::to_string(refused.error()).c_str());
}

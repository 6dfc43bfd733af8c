/// Prints a line for each request that it reads from the standard input, as a client sends them: no
/// exceptions, no run-time type information, no Asio. Compile it with -fno-exceptions -fno-rtti.
///
///     no_exceptions < requests
///
/// An error is a value: every call that can fail returns a kwire::expected. Lack of memory aborts.
#include <kwire/connect/posix.hpp>
#include <kwire/kwire.hpp>
#include <kwire/messages/registry.hpp>

#include <cstdio>
#include <string>
#include <utility>

namespace {

int complain(const kwire::error& why) {
    const kwire::error_text text = kwire::describe(why); // in a buffer of its own, so this allocates nothing
    std::fprintf(stderr, "%.*s\n", static_cast<int>(text.view().size()), text.view().data());
    return 1;
}

// The request as one line, whatever it is, without secrets.
kwire::expected<std::string, kwire::error> line_of(kwire::shared_buffer bytes) {
    auto frame = kwire::parse_request_frame(std::move(bytes), kwire::parse_options::as_kafka());
    if (!frame) return kwire::unexpected(frame.error());
    const kwire::message_info* const info = kwire::find_request(frame->api());
    if (info == nullptr) return "unknown API";
    const auto request = kwire::parse(*info, *std::move(frame), kwire::parse_options::as_kafka());
    if (!request) return kwire::unexpected(request.error());
    return kwire::to_text(**request);
}

} // namespace

int main() {
    constexpr int input = 0;
    kwire::request_reader reader(kwire::frame_limits::before_authentication()); // refuses long ones
    for (;;) {
        auto frame = reader.next();
        if (!frame) return complain(frame.error());
        if (*frame) {
            const auto line = line_of(**std::move(frame));
            if (!line) return complain(line.error());
            std::puts(line->c_str());
            continue;
        }
        const auto bytes = kwire::read_some(input, reader);
        if (!bytes) return std::perror("no_exceptions"), 1;
        if (*bytes == 0) break; // the end
    }
    const auto rest = reader.end_of_stream();
    return rest ? complain(*rest) : 0;
}

/// libFuzzer: any bytes as the first of a stream. What is taken for a request begins as one; a request that
/// parse takes, from a client with a name, is taken for one; and no byte after those that are there is read.
#include <kwire/connect/frame.hpp>
#include <kwire/connect/sniff.hpp>

#include <algorithm>

#include "fuzz/insist.hpp"
#include "support/bytes.hpp"

namespace {

using kwire::certainty;
using support::insist;

void check(std::span<const std::byte> stream) {
    const kwire::sniffed found = kwire::sniff(stream);
    if (found.certainty >= certainty::likely && found.kind == kwire::frame_kind::request)
        insist(kwire::detail::begins_known_request(stream.subspan(4), found.size),
               "a request begins with a known API and version");
    if (found.certainty == certainty::none)
        insist(found.size == 0 || found.foreign.empty(), "nothing is told");
    const std::int32_t id = stream.size() < 8 ? 0 : kwire::wire::load_be<std::int32_t>(stream.data() + 4);
    for (std::int16_t api = 0; api < 96; api = static_cast<std::int16_t>(api + 5)) {
        const auto answer = kwire::sniff_response(stream, {id, static_cast<kwire::api_key>(api), 2});
        insist(answer.certainty == certainty::none || answer.correlation_id == id,
               "the id is the response's");
    }
    if (stream.size() < 12 || kwire::wire::load_be<std::uint32_t>(stream.data()) != stream.size() - 4) return;
    const auto frame = kwire::parse_request_frame(kwire::shared_buffer::copy_of(stream.subspan(4)));
    if (!frame || frame->api() == kwire::api_key::metadata || frame->api() == kwire::api_key::produce) return;
    const kwire::message_info* const info = kwire::find_request(frame->api());
    if (info == nullptr || !info->facts.versions.contains(frame->api_version())) return;
    const auto header = frame->headers();
    static_cast<void>(header);
    if (kwire::parse_view(*info, frame->body().span(), frame->api_version()))
        insist(found.kind == kwire::frame_kind::request || found.client_id.empty(), "a sound request is one");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto input = std::as_bytes(std::span(data, size));
    for (std::size_t end = std::min<std::size_t>(size, 72);; end = size) {
        check(kwire::test::exact_bytes(input.first(end)).span());
        if (end == size) return 0;
    }
}

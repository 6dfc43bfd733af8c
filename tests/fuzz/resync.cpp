/// libFuzzer: any bytes as the middle of a stream. What is found lies in it and is a frame by itself; the
/// bytes before it make no difference.
#include <kwire/connect/sniff.hpp>

#include <optional>

#include "fuzz/insist.hpp"
#include "support/bytes.hpp"

namespace {

using kwire::certainty;
using support::insist;

template <class Find>
void check(std::span<const std::byte> stream, kwire::frame_kind kind, Find find) {
    const std::optional<kwire::resynced> found = find(stream);
    if (!found) return;
    insist(found->offset < stream.size() && found->frame.kind == kind, "a frame of the right kind is found");
    insist(found->frame.certainty >= certainty::likely, "and it is likely one");
    const auto again = find(stream.subspan(found->offset));
    insist(again && again->offset == 0 && again->frame.size == found->frame.size,
           "the bytes before it make no difference");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size == 0) return -1;
    const auto input = std::as_bytes(std::span(data, size));
    const kwire::test::exact_bytes stream(input.subspan(1));
    check(stream.span(), kwire::frame_kind::request,
          [](std::span<const std::byte> in) { return kwire::resync(in); });
    const auto api = static_cast<kwire::api_key>(data[0] % 96);
    const auto awaited = [api](std::int32_t id) -> std::optional<kwire::expected_response> {
        if (id < 0 || id > 1'000) return std::nullopt;
        return kwire::expected_response{id, api, static_cast<std::int16_t>(id % 12)};
    };
    check(stream.span(), kwire::frame_kind::response,
          [&](std::span<const std::byte> in) { return kwire::resync_responses(in, awaited); });
    return 0;
}

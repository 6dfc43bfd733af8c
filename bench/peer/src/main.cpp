/// Decodes a Metadata response v12 of 1000 topics with 10 partitions into owned memory: kwire's to_data
/// compared with the crate kafka-protocol, alternately in one process. See run.sh.
#include <kwire/messages/metadata.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/to_data.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <vector>

#include "bench/metadata_response.hpp"

extern "C" {
struct peer_body;
peer_body* peer_take(const std::byte* data, std::size_t size);
void peer_release(peer_body* body);
std::size_t peer_decode_metadata(const peer_body* body, std::int16_t version);
std::size_t peer_rewrite_metadata(const peer_body* body, std::int16_t version, std::byte* out,
                                  std::size_t room);
}

namespace {

using clock_type = std::chrono::steady_clock;
constexpr std::int16_t version = 12;

/// Returns the number of topics, so that the compiler cannot omit the work.
[[gnu::noinline]] std::size_t decode(std::span<const std::byte> body) {
    const auto view = kwire::parse_view<kwire::metadata_response>(body, version);
    if (!view) std::abort();
    const auto data = kwire::copy_to_data(*view);
    return data.topics.size();
}

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "the contenders disagree: %s\n", what);
    std::exit(1);
}

/// Both must decode the bytes and encode the same bytes again.
void compare(std::span<const std::byte> body, const peer_body* theirs) {
    std::vector<std::byte> again(body.size());
    require(peer_rewrite_metadata(theirs, version, again.data(), again.size()) == body.size(),
            "size, kafka-protocol");
    require(std::ranges::equal(again, body), "bytes, kafka-protocol");
    const auto view = kwire::parse_view<kwire::metadata_response>(body, version);
    require(view.has_value(), "kwire refuses the body");
    const auto written = kwire::encode<kwire::metadata_response>(kwire::copy_to_data(*view), version);
    require(written.has_value(), "kwire does not write it");
    const kwire::shared_buffer bytes = written->to_bytes();
    require(std::ranges::equal(bytes.span(), body), "bytes, kwire");
    require(decode(body) == 1000 && peer_decode_metadata(theirs, version) == 1000, "topics");
}

double median(std::vector<double> all) {
    std::ranges::sort(all);
    return all[all.size() / 2];
}

template <class Work>
double microseconds(Work work) {
    constexpr int turns = 4;
    const auto start = clock_type::now();
    for (int i = 0; i < turns; ++i) work();
    return std::chrono::duration<double, std::micro>(clock_type::now() - start).count() / turns;
}

} // namespace

int main() {
    const bench::input subject = bench::make_metadata_response(12, 1000, 10);
    const std::span<const std::byte> body = subject.bytes;
    peer_body* const theirs = peer_take(body.data(), body.size());
    compare(body, theirs);
    std::size_t topics = 0;
    std::vector<double> ours, peers;
    for (int i = 0; i < 220; ++i) {
        const double mine = microseconds([&] { topics += decode(body); });
        const double other = microseconds([&] { topics += peer_decode_metadata(theirs, version); });
        if (i < 20) continue; // caches and the allocator warm up
        ours.push_back(mine);
        peers.push_back(other);
    }
    peer_release(theirs);
    require(topics == 220 * 8 * 1000, "topics");
    const double mine = median(ours), other = median(peers);
    std::printf("Metadata v12, 1000 x 10, %zu bytes, decoded and dropped, medians of %zu\n", body.size(),
                ours.size());
    std::printf("kwire to_data       %9.1f us\nkafka-protocol      %9.1f us\nratio               %9.2f "
                "(reach: 0.50 or less)\n",
                mine, other, mine / other);
    return 0;
}

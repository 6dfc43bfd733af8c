/// The code of docs/buffers.md.
#include <kwire/messages/fetch.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/to_data.hpp>

#include <cstddef>
#include <span>
#include <vector>

#include "catch.hpp"

namespace {

std::vector<std::size_t> written;
void write(std::span<const std::byte> bytes) { written.push_back(bytes.size()); }
void reject(const kwire::error&) {}

void answer_with(kwire::unique_buffer& out, const kwire::fetch_response::data& answer) {
    out.clear();
    auto size =
        kwire::encode_into<kwire::fetch_response, 12>(out, answer); // or encode_into(out, answer, version)
    if (!size) return reject(size.error());
    write(out.span());
}

} // namespace

TEST_CASE("docs/buffers.md: one buffer holds one answer after the other, and each is read back from it") {
    kwire::unique_buffer out = kwire::unique_buffer::with_capacity(256);
    const auto* const memory = out.data();
    for (const int topics : {1, 2, 1}) {
        kwire::fetch_response::data answer;
        for (int i = 0; i < topics; ++i)
            answer.responses.push_back(
                {.topic = "orders", .partitions = {{.records = kwire::shared_buffer::copy_of("batch")}}});
        written.clear();
        answer_with(out, answer);
        REQUIRE(written == std::vector<std::size_t>{out.size()});
        CHECK(out.data() == memory);
        const auto view = kwire::parse_view<kwire::fetch_response, 12>(out.span());
        REQUIRE(view.has_value());
        CHECK(kwire::copy_to_data(*view).responses.size() == answer.responses.size());
    }
}

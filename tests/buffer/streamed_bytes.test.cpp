#include <kwire/buffer/streamed_bytes.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/connect/outbox.hpp>
#include <kwire/connect/posix.hpp>
#include <kwire/messages/fetch.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <thread>

#include "catch.hpp"
#include <sys/socket.h>
#include <unistd.h>

namespace {

/// A payload of letters in order, in pieces of at most `step` bytes.
struct letters {
    std::size_t size, step, given = 0;
    std::size_t largest = 0; ///< piece that was asked for

    [[nodiscard]] char at(std::size_t i) const { return static_cast<char>('a' + i % 26); }
    [[nodiscard]] std::string all() const {
        std::string out(size, ' ');
        for (std::size_t i = 0; i < size; ++i) out[i] = at(i);
        return out;
    }
    kwire::shared_buffer operator()(std::size_t most) {
        largest = std::max(largest, most);
        std::string piece(std::min({most, step, size - given}), ' ');
        for (char& c : piece) c = at(given++);
        return kwire::shared_buffer::adopt(std::move(piece));
    }
};

/// All that an outbox gives, in pieces of at most `most` bytes a write.
std::string sent(kwire::outbox& out, std::size_t most = 1 << 20) {
    std::string bytes;
    while (!out.empty()) {
        std::array<iovec, 4> pieces;
        const std::size_t count = out.gather(pieces);
        if (count == 0) return bytes + "!";
        std::size_t n = 0;
        for (std::size_t i = 0; i < count && n < most; ++i) {
            const std::size_t some = std::min(pieces[i].iov_len, most - n);
            bytes.append(static_cast<const char*>(pieces[i].iov_base), some);
            n += some;
        }
        out.sent(n);
    }
    return bytes;
}

kwire::buffer_chain response_with(kwire::shared_buffer records) {
    kwire::fetch_response::data answer;
    auto& topic = answer.responses.emplace_back();
    topic.topic = "orders";
    topic.partitions.push_back({.partition_index = 3, .high_watermark = 9, .records = std::move(records)});
    return kwire::encode_response(answer, 12, 5).value();
}

} // namespace

TEST_CASE("a field that is streamed leaves as if its bytes had been there") {
    for (const std::size_t size : {1U, 1000U, 1'000'000U}) {
        auto source = std::make_shared<letters>(letters{.size = size, .step = 70'000});
        kwire::outbox expected, streamed;
        expected.push(response_with(kwire::shared_buffer::adopt(source->all())));
        streamed.push(response_with(
            kwire::streamed_bytes(size, [source](std::size_t most) { return (*source)(most); })));
        streamed.push(kwire::shared_buffer::copy_of("what follows"));
        CHECK(streamed.size() == expected.size() + 12);
        CHECK(source->given == 0); // not before it is its turn
        const bool same = sent(streamed, 10'001) == sent(expected) + "what follows";
        CHECK(same);
        CHECK(source->given == size);
        CHECK(source->largest <= 256 * 1024);
        CHECK(source.use_count() == 1);
    }
}

TEST_CASE("a streamed field passes a socket in flat memory") {
    int sockets[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    const std::size_t size = 5'000'000;
    auto source = std::make_shared<letters>(letters{.size = size, .step = 100'000});
    kwire::outbox out;
    out.push(
        response_with(kwire::streamed_bytes(size, [source](std::size_t most) { return (*source)(most); })));
    const auto all = out.size();
    std::uint64_t received = 0;
    std::thread peer([&] {
        std::string buffer(100'000, ' ');
        for (ssize_t n = 0; (n = ::read(sockets[1], buffer.data(), buffer.size())) > 0;)
            received += static_cast<std::uint64_t>(n);
    });
    CHECK(kwire::write_some(sockets[0], out).value() == all);
    ::close(sockets[0]);
    peer.join();
    ::close(sockets[1]);
    CHECK(received == all);
}

TEST_CASE("a streamed field that ends early breaks the connection") {
    kwire::outbox out;
    out.push(kwire::streamed_bytes(100, [](std::size_t) { return kwire::shared_buffer(); }));
    CHECK_FALSE(out.broken());
    CHECK(sent(out) == "!");
    CHECK(out.broken());
}

TEST_CASE("a streamed field is sent once and whole, or not at all") {
    const auto make = [] {
        return kwire::streamed_bytes(10, [](std::size_t most) {
            return kwire::shared_buffer::copy_of(std::string_view("0123456789").substr(0, most));
        });
    };
    const kwire::shared_buffer bytes = make();
    kwire::outbox first, second, part;
    first.push(bytes);
    CHECK(sent(first) == "0123456789");
    second.push(bytes);
    CHECK(second.broken());
    part.push(make().slice(0, 5).value());
    CHECK(part.broken());
    CHECK(kwire::streamed_bytes(0, [](std::size_t) { return kwire::shared_buffer(); }).empty());
}

TEST_CASE("what is streamed has addresses and no memory") {
    const auto large =
        kwire::streamed_bytes(std::size_t{1} << 30, [](std::size_t) { return kwire::shared_buffer(); });
    CHECK(large.size() == std::size_t{1} << 30);
    CHECK(large.is_read_only());
}

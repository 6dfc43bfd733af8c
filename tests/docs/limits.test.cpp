// needs: asio zstd
/// The code of docs/limits.md.
#include <kwire/asio.hpp>
#include <kwire/compression/zstd.hpp>
#include <kwire/kwire.hpp>
#include <kwire/messages/produce.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace asio = boost::asio;

namespace {

using socket_type = asio::local::stream_protocol::socket;

constexpr kwire::limits allowed{
    .frame_bytes = 16 << 20,
    .decompressed_bytes = 32 << 20,
    .requests_in_flight = 8,
};

kwire::buffer_chain answer_of(char c) {
    kwire::buffer_chain out;
    out.put_u32(1);
    out.put_u8(static_cast<std::uint8_t>(c));
    return out;
}
kwire::buffer_chain accept() { return answer_of('y'); }
kwire::buffer_chain refusal(const kwire::error& /*why*/) { return answer_of('n'); }

kwire::buffer_chain refuse(const kwire::error& why, kwire::counting_metrics& counted);

kwire::buffer_chain answer_to(kwire::request_frame request, kwire::counting_metrics& counted) {
    auto produce = kwire::parse<kwire::produce_request>(std::move(request), kwire::parse_options::as_kafka());
    if (!produce) return refuse(produce.error(), counted);
    kwire::zstd_codec zstd(kwire::zstd_codec::default_level, allowed.zstd_window_log);
    const kwire::codec_set codecs(zstd);
    for (auto topic : produce->topic_data())
        for (auto partition : topic.partition_data())
            if (auto content = kwire::check_batches(partition.records(), codecs, allowed.decompressed_bytes);
                !content)
                return refuse(content.error(), counted);
    return accept();
}
kwire::buffer_chain refuse(const kwire::error& why, kwire::counting_metrics& counted) {
    counted.refused(why.code);
    return refusal(why);
}

asio::awaitable<kwire::serve_report> serve(socket_type& socket, kwire::counting_metrics& counted) {
    const auto options = kwire::serve_options::within(allowed.before_authentication());
    const auto handler = [&](kwire::request_frame request, kwire::responder answer) {
        if (request.api() == kwire::api_key::sasl_authenticate)
            answer.set_max_frame_bytes(allowed.frame_bytes);
        answer.send(answer_to(std::move(request), counted));
    };
    co_return co_await kwire::async_serve(socket, handler, options, counted, asio::use_awaitable);
}

std::string metrics_page(const kwire::counting_metrics& counted) { return kwire::prometheus_text(counted); }

/// A Produce request with one batch, of `bytes` zeros compressed by zstd.
std::string produce_of(std::size_t bytes) {
    kwire::zstd_codec zstd;
    kwire::batch_builder builder({.max_bytes = std::size_t{64} << 20});
    const std::string zeros(bytes, '\0');
    REQUIRE(builder.append({.timestamp = 1, .value = std::as_bytes(std::span(zeros))}));
    auto batch = std::move(builder).finish(zstd);
    REQUIRE(batch);
    kwire::produce_request::data request;
    request.acks = 1;
    request.topic_data = {{.name = "t", .partition_data = {{.index = 0, .records = *std::move(batch)}}}};
    const auto frame = kwire::encode_request(request, 9, 1, "page").value().to_bytes();
    return {reinterpret_cast<const char*>(frame.data()), frame.size()};
}

} // namespace

TEST_CASE("the server of the page refuses what is above its limits, answers the rest, and counts both") {
    asio::io_context context;
    socket_type ours(context), theirs(context);
    asio::local::connect_pair(ours, theirs);
    kwire::counting_metrics counted;
    std::optional<kwire::serve_report> end;
    asio::co_spawn(context, serve(ours, counted),
                   [&](std::exception_ptr failure, kwire::serve_report report) {
                       CHECK(failure == nullptr);
                       end = std::move(report);
                   });
    for (const std::size_t bytes : {std::size_t{1000}, std::size_t{31} << 20, std::size_t{33} << 20})
        asio::write(theirs, asio::buffer(produce_of(bytes)));
    std::string too_long(4 + 14, '\0');
    kwire::wire::store_be(std::as_writable_bytes(std::span(too_long)).data(), std::uint32_t{600'000});
    asio::write(theirs, asio::buffer(too_long));
    theirs.shutdown(asio::socket_base::shutdown_send);
    context.run_for(std::chrono::seconds(30));

    REQUIRE(end);
    CHECK(end->why == kwire::serve_stop::refused);
    std::string answers(15, '\0');
    asio::read(theirs, asio::buffer(answers));
    CHECK(answers[4] == 'y');
    CHECK(answers[9] == 'y');
    CHECK(answers[14] == 'n');
    CHECK(counted.refusals(kwire::errc::decompressed_too_large) == 1);
    CHECK(counted.refusals(kwire::errc::frame_too_large) == 1); // 600'000 before authentication
    CHECK(counted.latency(kwire::api_key::produce).count() == 3);

    const std::string page = metrics_page(counted);
    CHECK(page.find("\nkwire_refused_total{reason=\"decompressed_too_large\"} 1\n") != page.npos);
    CHECK(page.find("\nkwire_request_duration_seconds_count{api=\"Produce\"} 3\n") != page.npos);
}

TEST_CASE("the layers of a client have the limits of the page") {
    kwire::response_reader reader(allowed.frames());
    kwire::correlator<> pending(allowed.correlation());
    kwire::outbox out(allowed.unsent);
    kwire::wire::store_be(reader.prepare().data(), std::uint32_t{(16 << 20) + 1});
    reader.commit(4);
    CHECK(reader.failure().value() == kwire::errc::frame_too_large);
    CHECK_FALSE(pending.full());
    CHECK_FALSE(out.congested());
}

#include "stats.hpp"

#include <kwire/api.hpp>
#include <kwire/reflect/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "text.hpp"

namespace dump {

namespace {

constexpr std::uint64_t length_size = 4;

std::string name_of_api(std::int16_t key) {
    const kwire::api_facts facts = kwire::facts_of(static_cast<kwire::api_key>(key));
    return facts.assigned ? std::string(facts.name) : fmt::format("API {}", key);
}

std::string versions_text(std::int16_t first, std::int16_t last) {
    return first == last ? fmt::format("v{}", first) : fmt::format("v{}-{}", first, last);
}

/// Member after member of one JSON object.
class object_writer {
public:
    explicit object_writer(std::string& out) : out_(out) { out_ += '{'; }
    void put(std::string_view name, std::uint64_t value) { key(name) += std::to_string(value); }
    std::string& key(std::string_view name) {
        out_ += first_ ? "\"" : ",\"";
        first_ = false;
        return (out_ += name) += "\":";
    }
    void end() { out_ += '}'; }

private:
    std::string& out_;
    bool first_ = true;
};

void put_totals(std::string& out, const input_counts& counts) {
    const connection_counts& kafka = counts.kafka;
    object_writer to(out);
    to.put("packets", counts.packets);
    to.put("tcp_segments", counts.segments);
    to.put("other_packets", counts.other_packets);
    to.put("fragments", counts.fragments);
    to.put("broken_packets", counts.broken_packets);
    to.put("payload_bytes", counts.payload_bytes);
    to.put("connections", kafka.connections);
    to.put("kafka_bytes", kafka.stream.delivered);
    to.put("retransmitted_bytes", kafka.stream.retransmitted);
    to.put("lost_bytes", kafka.stream.lost);
    to.put("cut_bytes", kafka.stream.cut);
    to.put("frames", kafka.frames.frames);
    to.put("framed_bytes", kafka.frames.framed_bytes);
    to.put("skipped_bytes", kafka.frames.skipped_bytes);
    to.put("cut_frames", kafka.frames.cut_frames);
    to.put("resyncs", kafka.frames.resyncs);
    to.put("requests", kafka.requests);
    to.put("responses", kafka.responses);
    to.put("responses_of_nothing", kafka.responses_of_nothing);
    to.put("sasl_tokens", kafka.tokens);
    to.end();
}

} // namespace

void stats_printer::print(report& one) {
    auto& slot = apis_[static_cast<std::int16_t>(one.of.start.api)];
    if (!slot) slot = std::make_unique<api_stats>();
    api_stats& to = *slot;
    ++to.requests;
    to.request_bytes += one.of.request.size + length_size;
    to.first_version = std::min(to.first_version, one.of.start.api_version);
    to.last_version = std::max(to.last_version, one.of.start.api_version);
    to.records += static_cast<std::uint64_t>(std::max<std::int64_t>(one.says.records, 0));
    to.errors += one.says.has_error() ? 1 : 0;
    if (!one.of.response) return;
    ++to.responses;
    to.response_bytes += one.of.response->size + length_size;
    to.latency.add(static_cast<std::uint64_t>(std::max<std::int64_t>(one.of.latency_ns(), 0)));
    to.unreadable += one.response->readable() ? 0 : 1;
}

std::string stats_printer::text(const input_counts& counts, bool json, bool colours) const {
    std::string out;
    const auto into = std::back_inserter(out);
    const auto micros = [](const api_stats& one, double part) { return one.latency.quantile(part) / 1000; };
    if (json) {
        out += "{\"apis\":[";
        bool first = true;
        for (const auto& [key, one] : apis_) {
            if (!first) out += ',';
            first = false;
            object_writer to(out);
            kwire::append_json(name_of_api(key), to.key("api"));
            to.key("first_version") += std::to_string(one->first_version);
            to.key("last_version") += std::to_string(one->last_version);
            to.put("requests", one->requests);
            to.put("responses", one->responses);
            to.put("request_bytes", one->request_bytes);
            to.put("response_bytes", one->response_bytes);
            to.put("records", one->records);
            to.put("errors", one->errors);
            to.put("unreadable", one->unreadable);
            to.put("p50_us", micros(*one, 0.5));
            to.put("p99_us", micros(*one, 0.99));
            to.put("max_us", one->latency.largest() / 1000);
            to.end();
        }
        out += "],\"capture\":";
        put_totals(out, counts);
        out += "}\n";
        return out;
    }
    painter paint(out, colours);
    paint.put(fmt::format("{:<28} {:>8} {:>9} {:>9} {:>10} {:>10} {:>9} {:>9} {:>7} {:>9}\n", "API",
                          "versions", "requests", "responses", "sent", "received", "p50", "p99", "errors",
                          "records"),
              colour::bold);
    for (const auto& [key, one] : apis_) {
        const bool answered = one->latency.count() != 0;
        // Columns of "µs" count characters, not bytes.
        const auto time = [&](double part) {
            const std::string text =
                answered ? duration_text(static_cast<std::int64_t>(one->latency.quantile(part))) : "-";
            const std::size_t width = text.find("µ") == std::string::npos ? 9 : 10;
            return fmt::format("{:>{}}", text, width);
        };
        fmt::format_to(into, "{:<28} {:>8} {:>9} {:>9} {:>10} {:>10} {} {} ", name_of_api(key),
                       versions_text(one->first_version, one->last_version), one->requests, one->responses,
                       size_text(one->request_bytes), size_text(one->response_bytes), time(0.5), time(0.99));
        paint.put(fmt::format("{:>7}", one->errors), one->errors != 0 ? colour::red : colour::plain);
        fmt::format_to(into, " {:>9}\n", one->records);
    }
    const connection_counts& kafka = counts.kafka;
    fmt::format_to(into, "\n{} packets, {} of TCP, {} bytes of payload; {:.3f} s\n", counts.packets,
                   counts.segments, counts.payload_bytes,
                   static_cast<double>(counts.last_ns - counts.first_ns) / 1e9);
    fmt::format_to(into, "connections of Kafka: {}; {} bytes, of which {} in {} frames and {} in none\n",
                   kafka.connections, kafka.stream.delivered, kafka.frames.framed_bytes, kafka.frames.frames,
                   kafka.frames.skipped_bytes);
    if (kafka.stream.lost + kafka.stream.cut + kafka.stream.retransmitted != 0)
        fmt::format_to(into,
                       "not in the capture: {} bytes of lost segments, {} bytes cut off; twice: {} bytes\n",
                       kafka.stream.lost, kafka.stream.cut, kafka.stream.retransmitted);
    if (kafka.frames.cut_frames + kafka.responses_of_nothing + kafka.frames.resyncs != 0)
        fmt::format_to(into, "{} frames are not whole, {} responses have no request, {} times out of step\n",
                       kafka.frames.cut_frames, kafka.responses_of_nothing, kafka.frames.resyncs);
    if (kafka.tokens != 0) fmt::format_to(into, "{} frames of SASL without a header\n", kafka.tokens);
    return out;
}

} // namespace dump

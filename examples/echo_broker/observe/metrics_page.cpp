#include "echo_broker/observe/metrics_page.hpp"

#include <kwire/connect/prometheus.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../metrics_http.hpp"
#include "echo_broker/broker.hpp"
#include "echo_broker/report.hpp"

namespace echo_broker {

namespace {

constexpr std::size_t most_topics = 1000; ///< of the page

std::vector<metrics_http::figure> figures(const broker& here) {
    std::uint64_t partitions = 0;
    for (const auto& [name, topic] : here.topics.all()) partitions += topic->partitions.size();
    const auto up = std::chrono::steady_clock::now() - here.started;
    return {
        {"uptime_seconds", "gauge", "Time since the start.",
         static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(up).count())},
        {"connections", "gauge", "Connections that are open.", here.connections},
        {"topics", "gauge", "Topics.", here.topics.all().size()},
        {"partitions", "gauge", "Partitions of all topics.", partitions},
        {"groups", "gauge", "Consumer groups of both protocols.",
         here.classic_groups.all().size() + here.consumer_groups.list().size()},
        {"log_bytes", "gauge", "Memory that the records of all partitions keep.", here.records.bytes()},
        {"requests_total", "counter", "Requests.", here.done.requests},
        {"batches_total", "counter", "Batches that were appended.", here.done.batches},
        {"batch_bytes_in_total", "counter", "Bytes of these batches.", here.done.bytes_in},
        {"batch_bytes_out_total", "counter", "Bytes of batches in answers to Fetch.", here.done.bytes_out},
        {"batch_bytes_copied_total", "counter", "Bytes of batches that did not keep their frames.",
         here.done.copied_to_free},
    };
}

/// Topics have names that mean nothing to HTML: topic_table::valid_name.
std::string page(const broker& here) {
    std::string out = "<!DOCTYPE html>\n<html lang=\"en\"><title>echo_broker</title>\n<h1>echo_broker</h1>\n"
                      "<p><a href=\"/metrics\">/metrics</a> has all numbers, for Prometheus.</p>\n<table>\n";
    for (const metrics_http::figure& one : figures(here))
        out += "<tr><td>" + std::string(one.help) + "<td align=right>" + std::to_string(one.value) + '\n';
    out += "</table>\n<h2>Topics</h2>\n<table>\n<tr><th>topic<th>partition<th>first offset<th>next offset\n";
    std::size_t left = most_topics;
    for (const auto& [name, topic] : here.topics.all())
        for (std::size_t i = 0; i < topic->partitions.size() && left != 0; ++i, --left)
            out += "<tr><td>" + name + "<td align=right>" + std::to_string(i) + "<td align=right>" +
                   std::to_string(topic->partitions[i].start_offset()) + "<td align=right>" +
                   std::to_string(topic->partitions[i].end_offset()) + '\n';
    out += "</table>\n";
    if (left == 0) out += "<p>There may be more.</p>\n";
    return out + "</html>\n";
}

metrics_http::answer page_at(const broker& here, std::string_view path) {
    if (path == "/metrics")
        return metrics_http::of_prometheus(kwire::prometheus_text(here.metrics) +
                                           metrics_http::prometheus("echo_broker_", figures(here)));
    if (path == "/") return {"200 OK", "text/html; charset=utf-8", page(here)};
    return metrics_http::refusal("404 Not Found", "there are / and /metrics\n");
}

} // namespace

boost::asio::awaitable<void> serve_metrics(boost::asio::ip::tcp::acceptor acceptor, broker& here) {
    return metrics_http::serve(
        std::move(acceptor), [&here](std::string_view path) { return page_at(here, path); },
        report_end_of_coroutine);
}

} // namespace echo_broker

#include "metrics_page.hpp"

#include <kwire/connect/prometheus.hpp>

#include <exception>
#include <string_view>
#include <utility>

#include "../metrics_http.hpp"

namespace proxy {

namespace {

metrics_http::answer page_at(std::string_view path, const kwire::counting_metrics& counted,
                             const totals& all) {
    if (path != "/metrics") return metrics_http::refusal("404 Not Found", "there is /metrics\n");
    const metrics_http::figure figures[] = {
        {"connections", "gauge", "Clients that are connected.", all.open},
        {"connections_total", "counter", "Clients that have connected.", all.connections},
        {"requests_total", "counter", "Requests that were passed on.", all.requests},
        {"unknown_requests_total", "counter", "Requests of APIs and versions that kwire does not know.",
         all.unknown},
        {"tokens_total", "counter", "Raw SASL tokens, of both sides.", all.tokens},
        {"addresses_replaced_total", "counter", "Addresses of brokers that were replaced.", all.redirected},
        {"names_changed_total", "counter", "Names that got a prefix or lost it.", all.renamed},
        {"hidden_total", "counter", "Elements of answers that are of other tenants.", all.hidden},
    };
    return metrics_http::of_prometheus(kwire::prometheus_text(counted) +
                                       metrics_http::prometheus("proxy_", figures));
}

} // namespace

boost::asio::awaitable<void> serve_metrics(boost::asio::ip::tcp::acceptor acceptor,
                                           const kwire::counting_metrics& counted, const totals& all) {
    return metrics_http::serve(
        std::move(acceptor), [&counted, &all](std::string_view path) { return page_at(path, counted, all); },
        [](const std::exception_ptr&) {}); // such as std::bad_alloc
}

} // namespace proxy

#include "report.hpp"

#include <kwire/connect/frame.hpp>
#include <kwire/connect/learn_topics.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace dump {

bool reporter::passes_before_reading(const exchange& one) const {
    if (!options_.apis.empty() && std::ranges::find(options_.apis, one.start.api) == options_.apis.end())
        return false;
    if (options_.slower_ns != 0 && one.latency_ns() <= options_.slower_ns) return false;
    if (options_.clients.empty()) return true;
    const std::string address = to_text(one.client);
    return std::ranges::any_of(options_.clients, [&](const std::string& wanted) {
        return one.client_id.find(wanted) != std::string::npos || address.find(wanted) != std::string::npos;
    });
}

bool reporter::passes(const report& one) const {
    if (options_.errors && !one.has_error()) return false;
    return options_.topics.empty() || std::ranges::any_of(options_.topics, [&](const std::string& wanted) {
               return std::ranges::find(one.says.topics, wanted, &topic_facts::name) != one.says.topics.end();
           });
}

void reporter::learn_topics(const exchange& one) {
    if (!one.response || !one.response->whole() || kwire::response_with_topics(one.start.api) == nullptr)
        return;
    if (const auto response =
            kwire::parse_response_frame(one.response->bytes, one.start.api, one.start.api_version))
        static_cast<void>(kwire::learn_topics(topics_, *response, kwire::parse_options::lenient()));
}

void reporter::take(const exchange& one) {
    // All answers teach the names of topics, those that are not shown too.
    if (!sums_only_) learn_topics(one);
    if (done() || !passes_before_reading(one)) return;

    report made{.of = one, .request = {}, .response = {}, .says = {}};
    if (!sums_only_) made.request = read_request(one.start, one.request);
    if (!one.request.bytes.empty()) summarize(made.request, topics_, made.says);
    if (one.response) {
        made.response = read_response(one.start, *one.response);
        if (sums_only_ && made.response->whole())
            tally_.add(*made.response, made.says);
        else
            summarize(*made.response, topics_, made.says);
    }
    if (!passes(made)) return;
    ++shown_;
    to_.print(made);
}

} // namespace dump

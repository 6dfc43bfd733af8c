/// A JSON object for each exchange, on a line of its own.
#pragma once

#include <string>

#include "options.hpp"
#include "report.hpp"

namespace dump {

/// Members: time, client, broker, connection, client_id, api, api_key, version, correlation_id, latency_us,
/// outcome, topics, errors, records, request, response, and what is wrong. `request` and `response` have
/// `bytes`, `captured` and `body`, with the fields as Kafka's JSON names them. A cut message has what is
/// there.
class json_printer final : public printer {
public:
    explicit json_printer(const options& chosen) : options_(chosen) {}
    ~json_printer() override;

    void print(report& one) override;

private:
    const options& options_;
    std::string text_;
};

} // namespace dump

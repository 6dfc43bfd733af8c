/// One line for each exchange, and below it what was asked for: fields, records, bytes.
#pragma once

#include <string>

#include "options.hpp"
#include "report.hpp"
#include "text.hpp"

namespace dump {

/// Writes to standard output; flushes after each exchange if `options.follow`.
class line_printer final : public printer {
public:
    explicit line_printer(const options& chosen) : options_(chosen) {}
    ~line_printer() override;

    void print(report& one) override;

private:
    const options& options_;
    std::string text_;
};

/// The line, without what may follow it.
void put_line(painter& out, const report& one);

} // namespace dump

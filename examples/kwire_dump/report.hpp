/// An exchange with what its bytes say: what printers show and filters ask about.
#pragma once

#include <kwire/reflect/topic_directory.hpp>

#include <cstdint>
#include <memory>
#include <optional>

#include "exchange.hpp"
#include "message.hpp"
#include "options.hpp"
#include "summary.hpp"
#include "tally.hpp"

namespace dump {

/// Refers to the exchange.
struct report {
    const exchange& of;
    seen_message request;
    std::optional<seen_message> response;
    summary says;

    [[nodiscard]] bool has_error() const noexcept {
        return says.has_error() || of.result == outcome::closed ||
               (!request.frame.empty() && !request.readable()) || (response && !response->readable());
    }
    [[nodiscard]] bool cut() const noexcept {
        return (!request.frame.empty() && !request.whole()) || (response && !response->whole());
    }
};

/// Shows reports.
class printer {
public:
    printer() = default;
    printer(const printer&) = delete;
    printer& operator=(const printer&) = delete;
    virtual ~printer() = default;

    virtual void print(report& one) = 0;
};

/// Makes reports, learns the names of topics, and gives on what passes the filters.
class reporter final : public sink {
public:
    /// With `sums_only` reports say of topics and partitions nothing, of errors whether there is one, and of
    /// requests no more than their sizes.
    reporter(const options& chosen, printer& to, bool sums_only = false)
        : options_(chosen), to_(to), sums_only_(sums_only) {}

    void take(const exchange& one) override;
    /// Whether as many were shown as were wanted.
    [[nodiscard]] bool done() const noexcept override {
        return options_.count != 0 && shown_ >= options_.count;
    }

private:
    [[nodiscard]] bool passes_before_reading(const exchange& one) const;
    [[nodiscard]] bool passes(const report& one) const;

    const options& options_;
    printer& to_;
    void learn_topics(const exchange& one);

    kwire::topic_directory topics_;
    tally tally_;
    bool sums_only_;
    std::uint64_t shown_ = 0;
};

} // namespace dump

/// A picture of the bytes of one exchange: each byte a cell, in the colour of what it is, with the names of
/// the fields beside them.
#pragma once

#include <string>

#include "options.hpp"
#include "report.hpp"

namespace dump {

/// Draws the first exchange that it is given.
class svg_printer final : public printer {
public:
    explicit svg_printer(const options& chosen) : options_(chosen) {}

    void print(report& one) override;
    /// The picture; empty if there was nothing to draw.
    [[nodiscard]] const std::string& picture() const noexcept { return picture_; }

private:
    const options& options_;
    std::string picture_;
};

} // namespace dump

/// Internal header, part of <kwire/records/read.hpp>: the result type of records().
#pragma once

#include <kwire/error.hpp>
#include <kwire/expected.hpp>

#include <utility>

namespace kwire {

/// A kwire::expected whose temporaries give their records by value.
///
///     for (auto record : *kwire::records(batch, codecs, cap)) ...   // of a batch that is known to be valid
///
/// With a plain kwire::expected such a loop would keep a reference to a temporary that is destroyed before it
/// begins: only compilers of 2025 implement the rule of C++23 that extends its life. In all other respects
/// this is a kwire::expected, and converts to one.
template <class Records>
class expected_records : public expected<Records, error> {
    using base = expected<Records, error>;

public:
    using base::base;
    expected_records(base other) noexcept : base(std::move(other)) {}

    using base::operator*;
    using base::value;

    /// The records, by value. Precondition: has_value().
    [[nodiscard]] Records operator*() && noexcept { return *static_cast<base&&>(*this); }
    [[nodiscard]] Records operator*() const&& noexcept { return *static_cast<const base&>(*this); }
    /// The same, but checked as in kwire::expected.
    [[nodiscard]] Records value() && { return static_cast<base&&>(*this).value(); }
    [[nodiscard]] Records value() const&& { return static_cast<const base&>(*this).value(); }
};

} // namespace kwire

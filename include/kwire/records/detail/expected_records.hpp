/// What records() returns where it can fail: a std::expected that a loop may take its records from at once.
#pragma once

#include <kwire/error.hpp>

#include <expected>
#include <utility>

namespace kwire {

/// A std::expected whose records leave a temporary by value.
///
///     for (auto record : *kwire::records(batch, codecs, cap)) ...   // of a batch that is known to be sound
///
/// Of a plain std::expected such a loop keeps a reference, to what has gone before it begins: only compilers
/// of 2025 know the rule of C++23 by which temporaries stay. Here it keeps the records. In all else this is a
/// std::expected, and converts to one.
template <class Records>
class expected_records : public std::expected<Records, error> {
    using base = std::expected<Records, error>;

public:
    using base::base;
    expected_records(base other) noexcept : base(std::move(other)) {}

    using base::operator*;
    using base::value;

    /// The records; undefined if there are none, as with std::expected.
    [[nodiscard]] Records operator*() && noexcept { return *static_cast<base&&>(*this); }
    [[nodiscard]] Records operator*() const&& noexcept { return *static_cast<const base&>(*this); }
    /// The same, checked as std::expected does it.
    [[nodiscard]] Records value() && { return static_cast<base&&>(*this).value(); }
    [[nodiscard]] Records value() const&& { return static_cast<const base&>(*this).value(); }
};

} // namespace kwire

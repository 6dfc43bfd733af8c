/// The TCP connections of a capture, each by its two endpoints; the least recently used ones make place for
/// others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <utility>
#include <vector>

#include "connection.hpp"

namespace dump {

class connection_table {
public:
    static constexpr std::size_t most_connections = 16'384;

    /// Connections to other ports than these are not looked at; none: all are.
    connection_table(connection_context& context, std::vector<std::uint16_t> ports)
        : context_(context), ports_(std::move(ports)) {}

    void add(const segment& one);
    /// The capture ends.
    void end();

private:
    using key = std::pair<endpoint, endpoint>;

    [[nodiscard]] bool is_listed(std::uint16_t port) const noexcept;
    [[nodiscard]] bool is_wanted(const segment& one) const noexcept;
    connection& find(const segment& one);

    connection_context& context_;
    std::vector<std::uint16_t> ports_;
    std::list<std::pair<key, connection>> used_; ///< the most recently used first
    std::map<key, decltype(used_)::iterator> by_ends_;
    std::uint64_t numbers_ = 0;
};

} // namespace dump

/// JoinGroup requests, written byte by byte.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "bench/corpus/byte_writer.hpp"

namespace bench {

inline input make_join_group_request() {
    std::array<std::byte, 60> subscription{};
    for (std::size_t i = 0; i < subscription.size(); ++i)
        subscription[i] = static_cast<std::byte>(i * 7 & 0xff);
    byte_writer out;
    out.text("billing-consumers");
    out.number(std::int32_t{45000});
    out.number(std::int32_t{300000});
    out.text("billing-1-7e0a5c4e-7a4b-4a39-9d4f-0d9fb1a6f0f3");
    out.text("billing-1");
    out.text("consumer");
    out.count(2);
    for (const char* name : {"range", "cooperative-sticky"}) {
        out.text(std::string_view(name));
        out.bytes(subscription);
        out.empty_tag_section();
    }
    out.text("rebalance enforced by user");
    out.empty_tag_section();
    return std::move(out).finish();
}

} // namespace bench

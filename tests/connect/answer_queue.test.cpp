#include <kwire/connect/answer_queue.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/aborts.hpp"
#include "support/counted_bytes.hpp"
#include "support/fail_allocations.hpp"
#include <sys/uio.h>

using kwire::answer_queue;
using kwire::buffer_chain;
using kwire::outbox;
using kwire::shared_buffer;
using support::aborts;

namespace {

buffer_chain chain(std::string text) {
    return buffer_chain::from_bytes(shared_buffer::adopt(std::move(text)));
}
std::string content(outbox& out) {
    std::array<iovec, 512> pieces;
    std::string text;
    for (const iovec& each : std::span(pieces).first(out.gather(pieces)))
        text.append(static_cast<const char*>(each.iov_base), each.iov_len);
    return text;
}

} // namespace

TEST_CASE("answers leave in the order of their requests, in whatever order they are ready") {
    std::vector<std::size_t> order(6);
    std::iota(order.begin(), order.end(), 0U);
    do {
        answer_queue answers;
        outbox out;
        std::vector<answer_queue::ticket> tickets;
        for (int i = 0; i < 6; ++i) tickets.push_back(answers.expect());
        CHECK(answers.waiting() == 6);
        std::vector<bool> ready(6);
        for (const std::size_t i : order) {
            answers.put(tickets[i], chain(std::string(1, static_cast<char>('a' + i))), out);
            ready[i] = true;
            const auto due =
                static_cast<std::size_t>(std::find(ready.begin(), ready.end(), false) - ready.begin());
            REQUIRE(content(out) == std::string("abcdef").substr(0, due));
            REQUIRE(answers.waiting() == 6 - due);
        }
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("a request without a response takes its place in the order all the same") {
    answer_queue answers;
    outbox out;
    const auto first = answers.expect(), second = answers.expect(), third = answers.expect();
    answers.put(third, chain("3"), out);
    answers.put(second, {}, out);
    CHECK(out.empty());
    CHECK(answers.waiting() == 3);
    answers.put(first, {}, out);
    CHECK(answers.waiting() == 0);
    CHECK(content(out) == "3");
    answers.put(answers.expect(), {}, out);
    CHECK(out.size() == 1);
    CHECK(answers.waiting() == 0);
}

TEST_CASE("requests may be expected while others wait") {
    std::mt19937 random(1);
    answer_queue answers;
    outbox out;
    std::vector<std::pair<answer_queue::ticket, std::string>> open;
    std::string expected, seen;
    for (int i = 0; i < 20'000; ++i) {
        if (open.empty() || (open.size() < 20 && random() % 2 == 0)) {
            std::string text = std::to_string(i) + ' ';
            expected += text;
            open.emplace_back(answers.expect(), std::move(text));
        } else {
            const auto chosen = open.begin() + static_cast<std::ptrdiff_t>(random() % open.size());
            answers.put(chosen->first, chain(chosen->second), out);
            open.erase(chosen);
        }
        seen += content(out);
        out.sent(out.size());
        REQUIRE(expected.starts_with(seen));
        REQUIRE((answers.waiting() == 0) == open.empty());
    }
    for (auto& [ticket, text] : open) answers.put(ticket, chain(text), out);
    seen += content(out);
    CHECK(seen == expected);
    CHECK(answers.waiting() == 0);
}

TEST_CASE("answers that wait are kept alive, and by nothing after they were sent") {
    int live = 0;
    answer_queue answers;
    outbox out;
    const auto first = answers.expect(), second = answers.expect();
    answers.put(second, buffer_chain::from_bytes(support::counted_bytes("second", live)), out);
    CHECK(live == 1);
    answers.put(first, chain("first"), out);
    CHECK(live == 1);
    out.sent(out.size());
    CHECK(live == 0);
    {
        answer_queue another;
        std::ignore = another.expect();
        another.put(another.expect(), buffer_chain::from_bytes(support::counted_bytes("lost", live)), out);
        CHECK(live == 1);
    }
    CHECK(live == 0);
}

TEST_CASE("to answer a request twice, or one that was not expected, aborts") {
    answer_queue answers;
    outbox out;
    const auto first = answers.expect(), second = answers.expect();
    CHECK(aborts([&] { answers.put(second + 1, chain("x"), out); }));
    CHECK(aborts([&] { answers.put(first - 1, chain("x"), out); }));
    answers.put(second, {}, out); // an empty answer is an answer
    CHECK(aborts([&] { answers.put(second, chain("x"), out); }));
    answers.put(first, chain("x"), out);
    CHECK(aborts([&] { answers.put(first, chain("x"), out); }));
    CHECK(aborts([&] { answers.put(second, chain("x"), out); }));
}

TEST_CASE("if memory runs out neither the queue nor the outbox has changed") {
    struct state {
        answer_queue answers;
        outbox out;
        std::vector<answer_queue::ticket> tickets;
        buffer_chain answer = chain("a");
    };
    // The first answer is due together with two that waited, of so many segments each.
    const std::size_t segments = GENERATE(1U, 6U, 20U);
    CHECK(support::fail_each_allocation(support::fallible{
              .prepare =
                  [segments] {
                      auto s = std::make_unique<state>();
                      for (int i = 0; i < 4; ++i) s->tickets.push_back(s->answers.expect());
                      for (const std::size_t i : {1U, 2U}) {
                          buffer_chain waits;
                          for (std::size_t k = 0; k < segments; ++k)
                              waits.put_bytes(shared_buffer::from_static(k % 2 == 0 ? "b" : "c"));
                          s->answers.put(s->tickets[i], std::move(waits), s->out);
                      }
                      return s;
                  },
              .change = [](auto& s) { s->answers.put(s->tickets[0], std::move(s->answer), s->out); },
              .unchanged =
                  [](const auto& s) {
                      return s->out.empty() && s->answers.waiting() == 4 && s->answer.size() == 1;
                  },
              .changed =
                  [segments](const auto& s) {
                      return s->out.size() == 1 + 2 * segments && s->answers.waiting() == 1;
                  },
          }) == support::kept_promise(1));

    CHECK(support::fail_each_allocation(
              support::fallible{
                  .prepare =
                      [] {
                          auto s = std::make_unique<state>();
                          s->tickets.reserve(100);
                          return s;
                      },
                  .change =
                      [](auto& s) {
                          while (s->tickets.size() < 100) s->tickets.push_back(s->answers.expect());
                      },
                  .unchanged = [](const auto& s) { return s->answers.waiting() == s->tickets.size(); },
                  .changed =
                      [](const auto& s) {
                          for (std::size_t i = 0; i < 100; ++i)
                              if (s->tickets[i] != i) return false;
                          return s->answers.waiting() == 100;
                      },
              })
              .broken.empty());
}

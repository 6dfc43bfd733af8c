// needs: gzip snappy lz4 zstd
// What writes and reads records when memory runs out: each allocation is refused once, nothing changes then,
// and a second attempt succeeds.
#include <kwire/records/builder.hpp>
#include <kwire/records/check_content.hpp>
#include <kwire/records/control_builder.hpp>
#include <kwire/records/down_convert.hpp>
#include <kwire/records/legacy_builder.hpp>
#include <kwire/records/list_offsets.hpp>
#include <kwire/records/patch.hpp>
#include <kwire/records/read.hpp>
#include <kwire/records/renumber.hpp>
#include <kwire/records/select.hpp>
#include <kwire/records/stamp.hpp>
#include <kwire/records/transform.hpp>

#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/every_codec.hpp"
#include "support/fail_allocations.hpp"
#include "support/record_sets.hpp"

using kwire::buffer_chain;
using kwire::shared_buffer;
using namespace kwire::test;

namespace {

constexpr std::size_t cap = 16 << 20;

/// Refuses each allocation of `act`, which makes a result out of a state that `prepare` made; the state must
/// be `intact` after a failure.
template <class Prepare, class Act, class Intact>
support::promise each_failure(Prepare prepare, Act act, Intact intact) {
    using state_type = decltype(prepare());
    using made_type = decltype(act(std::declval<state_type&>()));
    struct both {
        state_type state;
        std::optional<made_type> made;
    };
    return support::fail_each_allocation(support::fallible{
        .prepare = [&] { return both{prepare(), std::nullopt}; },
        .change = [&](both& b) { b.made.emplace(act(b.state)); },
        .unchanged = [&](const both& b) { return !b.made && intact(b.state); },
        .changed = [](const both& b) { return b.made && static_cast<bool>(*b.made); },
    });
}
template <class Act>
support::promise each_failure(Act act) {
    return each_failure([] { return 0; }, [&](int&) { return act(); }, [](int) { return true; });
}
void holds(const support::promise& kept, std::size_t least = 1) {
    CHECK(kept.broken == "");
    if (support::counts_allocations) CHECK(kept.refused >= least);
}

const std::vector<std::byte> value(3000, std::byte{'v'});
const shared_buffer attached = shared_buffer::copy_of(value);

kwire::batch_builder filled(int attachments) {
    kwire::batch_builder builder({.expected_bytes = 100});
    for (int i = 0; i != 3; ++i)
        if (!builder.append({.timestamp = 5, .value = std::span(value).first(100)})) std::abort();
    for (int i = 0; i != attachments; ++i)
        if (!builder.append({.timestamp = 6}, attached)) std::abort();
    return builder;
}
kwire::legacy_builder filled_set(std::int8_t magic) {
    kwire::legacy_builder builder({.magic = magic, .base_offset = 77});
    for (int i = 0; i != 3; ++i)
        if (!builder.append({.timestamp = 5, .value = value})) std::abort();
    return builder;
}
/// A finished batch or set as a value that tells whether it is right.
struct finished {
    shared_buffer bytes;
    std::size_t records;
    explicit operator bool() const {
        static every_codec codecs;
        const auto summary = kwire::check_batches(bytes, codecs.set, cap);
        return summary && (summary->lowest_magic < 2 || summary->records == records);
    }
};
shared_buffer batches(kwire::codec* codec) {
    buffer_chain chain;
    for (int i = 0; i != 9; ++i) {
        kwire::batch_builder builder({.base_offset = 20 * i, .producer_id = i});
        for (int k = 0; k != 20; ++k)
            if (!builder.append({.timestamp = 5, .value = std::span(value).first(100)})) std::abort();
        chain.put_bytes(codec == nullptr ? std::move(builder).finish().to_bytes()
                                         : std::move(builder).finish(*codec).value());
    }
    return chain.to_bytes();
}

} // namespace

TEST_CASE("out of memory: a batch builder keeps its records, whichever way it is finished") {
    for (const int attachments : {0, 1, 2, 3, 5, 12}) {
        CAPTURE(attachments);
        const std::size_t records = 3 + static_cast<std::size_t>(attachments);
        const auto size = filled(attachments).size();
        const auto intact = [&](const kwire::batch_builder& b) {
            return b.record_count() == static_cast<std::int32_t>(records) && b.size() == size;
        };
        const auto prepare = [&] { return filled(attachments); };
        holds(each_failure(
                  prepare,
                  [&](kwire::batch_builder& b) {
                      const buffer_chain chain = std::move(b).finish();
                      const auto least = chain.size(); // the joined copy is this test's own
                      return least == size;
                  },
                  intact),
              attachments > 2 ? 1 : 0);
        holds(each_failure(
                  prepare,
                  [&](kwire::batch_builder& b) { return std::move(b).finish_writable().size() == size; },
                  intact),
              attachments > 0 ? 1 : 0);
        every_codec codecs;
        for (kwire::codec* codec :
             {static_cast<kwire::codec*>(&codecs.gzip), static_cast<kwire::codec*>(&codecs.snappy),
              static_cast<kwire::codec*>(&codecs.lz4), static_cast<kwire::codec*>(&codecs.zstd)})
            holds(each_failure(
                prepare, [&](kwire::batch_builder& b) { return std::move(b).finish(*codec).has_value(); },
                intact));
    }
}

TEST_CASE("out of memory: what a builder has after a failure is a valid batch with all its records") {
    if (!support::counts_allocations) return;
    every_codec codecs;
    for (std::size_t nth = 1; nth != 12; ++nth) {
        CAPTURE(nth);
        auto builder = filled(5);
        support::refused_allocation = nth;
        bool failed = false;
        try {
            (void)std::move(builder).finish(codecs.snappy);
        } catch (const std::bad_alloc&) {
            failed = true;
        }
        support::refused_allocation = 0;
        if (!failed) break;
        CHECK(finished{std::move(builder).finish().to_bytes(), 8});
    }
}

TEST_CASE("out of memory: appending to a builder changes nothing") {
    holds(each_failure([] { return kwire::batch_builder({.expected_bytes = 100}); },
                       [](kwire::batch_builder& b) { return b.append({.value = value}).has_value(); },
                       [](const kwire::batch_builder& b) { return b.empty(); }));
    holds(each_failure([] { return filled(2); },
                       [](kwire::batch_builder& b) {
                           if (b.record_count() != 5) return false;
                           return b.append({.value = value}).has_value();
                       },
                       [](const kwire::batch_builder& b) { return b.record_count() == 5; }));
    holds(each_failure([] { return filled(0); },
                       [](kwire::batch_builder& b) { return b.append({}, attached).has_value(); },
                       [](const kwire::batch_builder& b) { return b.record_count() == 3; }));
    for (const std::int8_t magic : {std::int8_t{0}, std::int8_t{1}})
        holds(each_failure([&] { return kwire::legacy_builder({.magic = magic}); },
                           [](kwire::legacy_builder& b) { return b.append({.value = value}).has_value(); },
                           [](const kwire::legacy_builder& b) { return b.empty(); }));
}

TEST_CASE("out of memory: a legacy builder keeps its messages with their offsets") {
    every_codec codecs;
    for (const std::int8_t magic : {std::int8_t{0}, std::int8_t{1}}) {
        auto whole = filled_set(magic);
        const auto expected = std::move(whole).finish();
        for (kwire::codec* codec :
             {static_cast<kwire::codec*>(&codecs.gzip), static_cast<kwire::codec*>(&codecs.snappy),
              static_cast<kwire::codec*>(&codecs.lz4)})
            holds(each_failure([&] { return filled_set(magic); },
                               [&](kwire::legacy_builder& b) {
                                   if (b.record_count() != 3) return false;
                                   return std::move(b).finish(*codec).has_value();
                               },
                               [](const kwire::legacy_builder& b) { return b.record_count() == 3; }));
        if (!support::counts_allocations) continue;
        for (std::size_t nth = 1; nth != 4; ++nth) {
            auto builder = filled_set(magic);
            support::refused_allocation = nth;
            bool failed = false;
            try {
                (void)std::move(builder).finish(codecs.snappy);
            } catch (const std::bad_alloc&) {
                failed = true;
            }
            support::refused_allocation = 0;
            if (failed) CHECK(std::move(builder).finish() == expected); // the offsets are absolute again
        }
    }
}

TEST_CASE("out of memory: markers, conversions and selections of batches either succeed or leave nothing") {
    every_codec codecs;
    const auto plain = batches(nullptr), packed = batches(&codecs.snappy);
    holds(each_failure([&] {
        return !kwire::build_marker(
                    {.type = kwire::control_type::commit, .producer_id = 1, .producer_epoch = 0})
                    .empty();
    }));
    for (const auto& set : {plain, packed})
        for (const std::int8_t magic : {std::int8_t{0}, std::int8_t{1}})
            holds(each_failure(
                [&] { return kwire::down_convert(set, {.magic = magic}, codecs.set).has_value(); }));
    const auto odd = [](const kwire::batch_view& batch) { return batch.producer_id() % 2 == 1; };
    holds(each_failure([&] { return kwire::select_batches(plain, odd).has_value(); }), 0);
    holds(each_failure([&] {
        return kwire::rewrite_batches(plain,
                                      [](const kwire::batch_view&) {
                                          return std::optional<kwire::batch_patch>({.producer_id = 5});
                                      })
            .has_value();
    }));
    holds(each_failure([&] { return kwire::renumber(plain, {.base_offset = 5}).has_value(); }));
    for (const auto& set : {plain, packed})
        holds(each_failure([&] {
            return kwire::transform_records(set, codecs.set, cap,
                                            [](const kwire::record_view& record, kwire::record_edit& edit) {
                                                if (record.offset() % 3 == 0) return edit.drop();
                                                edit.add_header("h", std::nullopt);
                                                edit.set_key(kwire::bytes_of_text("a new key"));
                                                (void)edit.write_value(700);
                                            })
                .has_value();
        }));
    if (support::counts_allocations) {
        // The sum of a huge size and what is before the value is not a small one.
        bool refused = false;
        (void)kwire::transform_records(plain, [&](const kwire::record_view&, kwire::record_edit& edit) {
            (void)edit.write_value(1); // there is a block of memory, then
            support::refused_allocation = 1;
            try {
                (void)edit.write_value(SIZE_MAX);
            } catch (const std::bad_alloc&) {
                refused = true;
            }
            support::refused_allocation = 0;
        });
        CHECK(refused);
    }
    holds(each_failure([&] { return shared_buffer::copy_of(plain.span()); },
                       [](shared_buffer& bytes) {
                           const shared_buffer other = bytes;
                           return kwire::stamp(bytes, {.base_offset = 3}, kwire::if_shared::copy).has_value();
                       },
                       [&](const shared_buffer& bytes) { return bytes == plain; }));
}

TEST_CASE("out of memory: what is decompressed, checked or looked up is not there, and codecs work again") {
    every_codec codecs;
    for (kwire::codec* codec :
         {static_cast<kwire::codec*>(&codecs.gzip), static_cast<kwire::codec*>(&codecs.snappy),
          static_cast<kwire::codec*>(&codecs.lz4), static_cast<kwire::codec*>(&codecs.zstd)}) {
        const auto set = batches(codec);
        const auto batch = kwire::batch_at(set.span()).value();
        holds(each_failure([&] { return kwire::records(batch, codecs.set, cap).has_value(); }));
        holds(each_failure([&] { return kwire::check_batches(set, codecs.set, cap).has_value(); }));
        holds(each_failure([&] { return kwire::offset_at_time(batch, 5, codecs.set, cap).has_value(); }));
        const auto packed = codec->compress(value).value();
        holds(each_failure(
            [] {
                auto out = kwire::unique_buffer::with_capacity(4);
                out.append(std::span(value).first(4));
                return out;
            },
            [&](kwire::unique_buffer& out) {
                return out.size() == 4 && codec->decompress_into(out, packed.span(), cap).has_value();
            },
            [](const kwire::unique_buffer& out) { return out.size() == 4; }));
    }
}

/// libFuzzer: any bytes as a records field, and as a stream of frames that arrives in pieces.
#include <kwire/connect/correlator.hpp>
#include <kwire/connect/dispatch.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/records/check.hpp>
#include <kwire/records/control.hpp>
#include <kwire/records/read.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

#include "support/bytes.hpp"
#include "support/every_codec.hpp"

namespace {

void insist(bool truth, const char* claim) {
    if (truth) return;
    std::fprintf(stderr, "not true: %s\n", claim);
    std::abort();
}

void check_records(std::span<const std::byte> input) {
    kwire::test::exact_bytes exact(input);
    const auto batches = kwire::record_batches(exact.span());
    std::size_t covered = 0;
    std::uint32_t count = 0;
    std::int64_t seen = 0;
    for (const auto entry : batches) {
        if (!entry) break;
        const auto batch = *entry;
        covered += bytes_of(batch).size();
        ++count;
        seen ^= batch.last_offset() ^ batch.next_offset() ^ batch.max_timestamp() ^ batch.producer_id() ^
                batch.producer_epoch() ^ batch.last_sequence() ^ batch.partition_leader_epoch() ^
                batch.delete_horizon().value_or(0) ^ (kwire::crc_matches(batch) ? 1 : 0) ^
                static_cast<std::int64_t>(kwire::records_bytes(batch).size());
        insist(bytes_of(batch).size() == static_cast<std::uint64_t>(batch.batch_length()) + 12,
               "batches have the length they say");
    }
    insist(seen != std::numeric_limits<std::int64_t>::min() || count != 0, "no batches show nothing");
    const auto tail = batches.tail();
    insist(tail.offset == covered && tail.offset + tail.left == input.size(),
           "batches and tail cover the bytes");
    insist((tail.left == 0) == (!tail.truncated() && !tail.defect), "a tail has its reason");
    const auto summary = kwire::check_batches(exact.span(), kwire::crc_policy::skip);
    if (summary) insist(tail.left == 0 && summary->batches == count, "the check has seen all batches");
    if (!summary) insist(summary.error().offset <= input.size(), "errors lie within the field");
    static_cast<void>(kwire::check_batches(exact.span()));
    for (const auto entry : kwire::mutable_record_batches(exact.writable())) {
        if (!entry) break;
        const auto batch = *entry;
        batch.set_base_offset(seen);
        batch.set_partition_leader_epoch(7);
        insist(kwire::batch_view(batch).base_offset() == seen, "stamps stay");
    }
}

/// Every record of every batch, compressed or not, shows bytes that can be read.
void read_records(std::span<const std::byte> input) {
    static kwire::test::every_codec codecs;
    constexpr std::size_t cap = 1 << 16;
    kwire::test::exact_bytes exact(input);
    for (const auto entry : kwire::record_batches(exact.span())) {
        if (!entry) break;
        const auto batch = *entry;
        const auto records = kwire::records(batch, codecs.set, cap, kwire::crc_policy::skip);
        if (!records) continue;
        insist(bytes_of(*records).size() <= std::max(cap, input.size()), "the cap holds");
        std::uint64_t count = 0;
        std::size_t sum = 0;
        const auto touch = [&sum](std::span<const std::byte> bytes) {
            for (const std::byte b : bytes) sum += std::to_integer<std::size_t>(b);
        };
        auto i = records->begin();
        bool defective = false;
        for (; i != records->end(); ++i) {
            insist(!defective, "a defect is the last element");
            const auto found = *i;
            if (!found) {
                defective = true;
                insist(found.error().code == records->defect().value().code, "one reason");
                continue;
            }
            ++count;
            const kwire::record_view record = *found;
            if (record.key()) touch(*record.key());
            if (record.value()) touch(*record.value());
            for (const auto header : record.headers()) {
                touch(std::as_bytes(std::span(header.name)));
                if (header.value) touch(*header.value);
            }
            if (const auto control = kwire::control_of(record)) sum += name_of(control->type()).size();
        }
        insist(sum != ~std::size_t{0}, "sums stay small");
        const bool sound = !records->defect(i);
        insist(sound != defective, "a loop sees a defect");
        insist(!sound || count == records->count(), "sound records are all seen");
        insist(!sound || count_records(*records) == count, "hops count as steps do");
        insist(!sound || last_record_offset(*records), "sound records have a last one, or none");
    }
}

/// The frames of a stream that arrives `step` bytes at a time.
std::vector<kwire::shared_buffer> frames_of(std::span<const std::byte> stream, std::size_t step) {
    kwire::request_reader reader({.max_frame_bytes = 100'000});
    std::vector<kwire::shared_buffer> frames;
    for (;;) {
        auto frame = reader.next();
        if (!frame) return frames;
        if (*frame) {
            frames.push_back(**std::move(frame));
            continue;
        }
        const auto room = reader.prepare();
        const std::size_t n = std::min({room.size(), stream.size(), step});
        if (n == 0) return frames;
        std::memcpy(room.data(), stream.data(), n);
        reader.commit(n);
        stream = stream.subspan(n);
    }
}

/// The short look at acks agrees with the whole message wherever there is one.
void check_produce(const kwire::shared_buffer& frame, bool has_header) {
    const auto expected = kwire::expects_response(kwire::test::exact_bytes(frame.span()).span());
    if (!has_header)
        return insist(!expected || kwire::peek_request(frame.span())->api != kwire::api_key::produce,
                      "only a request with a header has acks");
    (void)kwire::dispatch(frame,
                          kwire::overloaded{
                              [&](const kwire::message<kwire::produce_request>& r) {
                                  insist(expected == (r->acks() != 0), "acks are read where they are");
                              },
                              [](const kwire::request_frame&) {},
                          },
                          {.trailing_bytes = true});
}

void check_frames(std::span<const std::byte> input) {
    const auto frames = frames_of(input, input.size());
    insist(frames == frames_of(input, 1) && frames == frames_of(input, 3), "pieces make no difference");
    kwire::correlator<> pending;
    for (const kwire::shared_buffer& frame : frames) {
        const auto request = kwire::parse_request_frame(frame);
        if (request)
            insist(bytes_of(request->header()).size() + request->body().size() == frame.size(),
                   "header and body cover the frame");
        check_produce(frame, request.has_value());
        const std::size_t before = pending.in_flight();
        const auto noted = pending.sent(frame.span());
        insist(pending.in_flight() <= before + (noted ? 1 : 0), "what is refused leaves no trace");
        const auto asked = pending.received(frame.span()); // as if it were a response
        if (asked && *asked) (void)kwire::parse_response_frame(frame, (*asked)->api, (*asked)->api_version);
    }
    while (pending.abandon()) {}
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto input = std::as_bytes(std::span(data, size));
    check_records(input);
    read_records(input);
    check_frames(input);
    return 0;
}

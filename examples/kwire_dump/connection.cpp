#include "connection.hpp"

#include <kwire/connect/frame.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include "recognise.hpp"

namespace dump {

/// One side as the target of its stream of bytes, and as the owner of its frames.
struct connection::side_target {
    connection& self;
    unsigned side;
    connection_context& context;

    void bytes(std::span<const std::byte> chunk, bool starts_segment, std::int64_t time_ns) const {
        half& mine = self.halves_[side];
        if (!mine.begun && !mine.frames.in_step() && self.saw_syn_ && self.from_client(side)) {
            if (!mine.first.empty() || !is_enough(chunk)) {
                mine.first.insert(mine.first.end(), chunk.begin(), chunk.end());
                mine.first_ns = time_ns;
                if (is_enough(mine.first)) give_first();
                return;
            }
        }
        mine.begun = true;
        give(chunk, starts_segment, time_ns);
    }
    /// Whether the first bytes of a stream tell what it is.
    [[nodiscard]] static bool is_enough(std::span<const std::byte> first) noexcept {
        constexpr std::size_t length_size = 4;
        if (first.size() >= enough_to_recognise) return true;
        return first.size() >= length_size &&
               first.size() - length_size >= kwire::wire::load_be<std::uint32_t>(first.data());
    }
    /// The first bytes of the stream, which came in pieces.
    void give_first() const {
        const std::vector<std::byte> first = std::exchange(self.halves_[side].first, {});
        self.halves_[side].begun = true;
        if (!first.empty()) give(first, true, self.halves_[side].first_ns);
    }
    void give(std::span<const std::byte> chunk, bool starts_segment, std::int64_t time_ns) const {
        constexpr std::size_t first_bytes = 4096;
        const bool much = context.collected > context.wanted.collected_in_all;
        frame_stream& frames = self.halves_[side].frames;
        context.collected -= frames.collected();
        frames.bytes(chunk, starts_segment, time_ns, much ? first_bytes : context.wanted.collected,
                     self.frames_counted_, *this);
        context.collected += frames.collected();
    }
    void missing(std::uint64_t count) const {
        give_first();
        frame_stream& frames = self.halves_[side].frames;
        context.collected -= frames.collected();
        frames.missing(count, self.frames_counted_, *this);
        context.collected += frames.collected();
    }

    std::size_t find_start(std::span<const std::byte> chunk, bool starts_segment) const {
        return self.find_start(side, chunk, starts_segment);
    }
    bool may_begin(std::span<const std::byte> chunk) const { return self.may_begin(side, chunk); }
    bool frame(const seen_frame& one) const {
        return self.from_client(side) ? self.take_request(one, context) : self.take_response(one, context);
    }
};

namespace {

void add(stream_counts& to, const stream_counts& from) {
    to.segments += from.segments;
    to.delivered += from.delivered;
    to.retransmitted += from.retransmitted;
    to.cut += from.cut;
    to.lost += from.lost;
}
void add(frame_counts& to, const frame_counts& from) {
    to.frames += from.frames;
    to.cut_frames += from.cut_frames;
    to.framed_bytes += from.framed_bytes;
    to.skipped_bytes += from.skipped_bytes;
    to.resyncs += from.resyncs;
}

} // namespace

void connection::add(const segment& one, connection_context& context) {
    const unsigned side = one.source == ends_[0] ? 0 : 1;
    half& mine = halves_[side];
    half& other = halves_[1 - side];
    const side_target target{*this, side, context};
    if (one.syn) {
        if (!one.ack) {
            saw_syn_ = true;
            if (client_ < 0 || !kafka_) client_ = static_cast<int>(side);
        }
        mine.tcp.begin(one.sequence, target);
        return;
    }
    // The peer has received what is awaited here: it passed, and is not in the capture.
    if (one.ack && other.tcp.was_received(one.acknowledged) && one.size != 0)
        other.tcp.give_up(side_target{*this, 1 - side, context}, other.counts);
    if (one.size != 0) {
        has_data_ = true;
        mine.tcp.add(one.sequence, one.payload, one.size, one.time_ns, mine.counts, target);
    }
    if ((one.fin || one.rst) && !ended_[1 - side] && kafka_ && !from_client(side)) broker_closed_ = true;
    ended_[side] = ended_[side] || one.fin;
    if (kafka_ && (one.rst || (ended_[0] && ended_[1]))) end(context);
}

void connection::end(connection_context& context) {
    for (const unsigned side : {0U, 1U}) {
        const unsigned in_order = client_ == 1 ? 1 - side : side; // requests before their responses
        const side_target target{*this, in_order, context};
        half& one = halves_[in_order];
        one.tcp.give_up(target, one.counts);
        target.give_first();
        context.collected -= one.frames.collected();
        one.frames.end(frames_counted_, target);
        context.collected += one.frames.collected();
    }
    while (pairs_.in_flight() != 0) abandon_one(broker_closed_ ? outcome::closed : outcome::waiting, context);
    if (!kafka_) return;
    if (!std::exchange(counted_, true)) ++context.counts.connections;
    for (half& one : halves_) {
        dump::add(context.counts.stream, one.counts);
        lost_before_ = lost_before_ || one.counts.lost != 0;
        one.counts = {};
    }
    dump::add(context.counts.frames, std::exchange(frames_counted_, {}));
}

std::size_t connection::find_start(unsigned side, std::span<const std::byte> chunk, bool starts_segment) {
    std::optional<std::size_t> found;
    if (client_ < 0 || from_client(side)) {
        // Other protocols are looked through for a while only.
        const bool anywhere = kafka_ || (tries_ != 0 && tries_-- != 0);
        found = find_request_in(chunk, starts_segment, anywhere, known_broker_);
        if (found) {
            client_ = static_cast<int>(side);
            kafka_ = true;
            half& answers = halves_[1 - side];
            if (saw_syn_ && !std::exchange(answers.begun, true)) answers.frames.begin();
        }
    } else if (kafka_ && pairs_.in_flight() != 0) {
        // A response is known by the request that it answers.
        found =
            find_response_in(chunk, starts_segment, [this](std::int32_t id) { return pairs_.waiting(id); });
    }
    return found.value_or(frame_stream::npos);
}

bool connection::may_begin(unsigned side, std::span<const std::byte> chunk) const noexcept {
    const auto size = kwire::wire::load_be<std::uint32_t>(chunk.data());
    if (size > longest_frame) return false;
    if (pairs_.token_may_arrive()) return true;
    if (!from_client(side)) return size >= 4;
    if (size < 8) return false;
    const auto start = chunk.subspan(4, std::min<std::size_t>(chunk.size() - 4, size));
    return start.size() < 4 || begins_request_of_any_kind(start);
}

bool connection::take_request(const seen_frame& frame, connection_context& context) {
    while (pairs_.full()) abandon_one(outcome::skipped, context);
    const auto header = kwire::parse_request_frame(kwire::shared_buffer::from_static(frame.bytes));
    auto one = std::make_unique<asked>();
    if (header)
        if (const auto id = header->client_id()) one->client_id = *id;
    one->request = {{}, frame.size, frame.first_ns, frame.last_ns};
    if (context.wanted.requests) {
        constexpr std::size_t first_bytes = 4096;
        const bool much = context.kept + frame.bytes.size() > context.wanted.kept_in_all;
        const auto kept = much ? frame.bytes.first(std::min(frame.bytes.size(), first_bytes)) : frame.bytes;
        one->request.bytes = kwire::shared_buffer::copy_of(kept);
        context.kept += kept.size();
    }

    const auto start = kwire::peek_request(frame.bytes);
    auto noted = pairs_.sent(frame.bytes, std::move(one));
    if (!noted && start) noted = pairs_.sent(*start, std::move(one)); // cut before acks, or not valid
    if (!noted) {
        if (one) context.kept -= one->request.bytes.size();
        return false;
    }
    if (noted->is_token) {
        ++context.counts.tokens;
        context.kept -= one->request.bytes.size();
        return true;
    }
    ++context.counts.requests;
    if (!noted->awaits_response) show(*start, *one, nullptr, outcome::not_expected, context);
    return true;
}

bool connection::take_response(const seen_frame& frame, connection_context& context) {
    constexpr unsigned most_strangers = 3;
    const bool has_id = frame.bytes.size() >= 4;
    const std::int32_t id = has_id ? kwire::wire::load_be<std::int32_t>(frame.bytes.data()) : 0;
    const bool waited_for = has_id && pairs_.waiting(id).has_value();
    // Brokers answer in order. Where nothing is missing the order tells, as some old brokers answer with ids
    // of their own.
    const bool nothing_missing =
        saw_syn_ && !lost_before_ && halves_[0].counts.lost == 0 && halves_[1].counts.lost == 0;
    while (waited_for || pairs_.token_may_arrive() || (nothing_missing && pairs_.in_flight() != 0)) {
        auto answered = pairs_.received(frame.bytes);
        if (!answered) break;
        strangers_ = 0;
        if (!*answered) {
            ++context.counts.tokens;
            return true;
        }
        const bool skipped = waited_for && !(*answered)->id_matches;
        show(**answered, *(*answered)->value, skipped ? nullptr : &frame,
             skipped ? outcome::skipped : outcome::answered, context);
        if (skipped) continue;
        ++context.counts.responses;
        return true;
    }
    if (++strangers_ > most_strangers) {
        strangers_ = 0;
        return false;
    }
    ++context.counts.responses_of_nothing;
    return true;
}

void connection::abandon_one(outcome result, connection_context& context) {
    if (auto oldest = pairs_.abandon()) show(*oldest, *oldest->value, nullptr, result, context);
}

void connection::show(const kwire::request_start& start, asked& request, const seen_frame* response,
                      outcome result, connection_context& context) {
    context.kept -= request.request.bytes.size();
    const auto client = static_cast<unsigned>(client_);
    exchange one{.client = ends_[client],
                 .broker = ends_[1 - client],
                 .connection = number_,
                 .start = start,
                 .client_id = std::move(request.client_id),
                 .request = std::move(request.request),
                 .response = {},
                 .result = result};
    if (response != nullptr)
        one.response = frame_copy{kwire::shared_buffer::from_static(response->bytes), response->size,
                                  response->first_ns, response->last_ns};
    context.to.take(one);
}

} // namespace dump

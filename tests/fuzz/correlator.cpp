/// libFuzzer: programs of requests sent, responses received, tokens and abandoned requests on one connection,
/// against a model that is a plain queue. Every answer, every value that comes back and every refusal must be
/// the model's; what is refused leaves no trace and its value with the caller.
#include <kwire/connect/correlator.hpp>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/choices.hpp"
#include "fuzz/insist.hpp"
#include "support/bytes.hpp"

namespace {

using kwire::api_key;
using kwire::errc;
using support::choices;
using support::insist;
using byte_vector = std::vector<std::byte>;
using carried = std::unique_ptr<std::uint32_t>; // a leak, or a value that is dropped, shows

std::string text_of(const kwire::error& e) { return std::string(kwire::describe(e)); }

void put(byte_vector& out, std::uint64_t value, std::size_t width) {
    while (width-- != 0) out.push_back(static_cast<std::byte>(value >> (8 * width) & 0xff));
}

/// A request frame, and whether the broker answers it where that is known.
struct made_request {
    byte_vector bytes;
    std::optional<bool> answered;
};

made_request random_request(choices& from, std::int32_t id) {
    made_request made;
    constexpr api_key keys[] = {api_key::produce,        api_key::fetch,        api_key::metadata,
                                api_key::sasl_handshake, api_key::api_versions, api_key::sasl_handshake};
    auto api = static_cast<std::int16_t>(keys[from.below(std::size(keys))]);
    if (from.once_in(10)) api = static_cast<std::int16_t>(from.number(2));
    std::int16_t version =
        static_cast<std::int16_t>(from.below(static_cast<api_key>(api) == api_key::sasl_handshake ? 2 : 14));
    if (from.once_in(20)) version = static_cast<std::int16_t>(from.number(2));
    put(made.bytes, static_cast<std::uint16_t>(api), 2);
    put(made.bytes, static_cast<std::uint16_t>(version), 2);
    put(made.bytes, static_cast<std::uint32_t>(id), 4);
    const int header = kwire::request_header_version(static_cast<api_key>(api), version);
    if (header >= 1) {
        const std::string_view client = from.flip() ? "rdkafka" : "";
        put(made.bytes, client.size(), 2);
        for (const char c : client) made.bytes.push_back(static_cast<std::byte>(c));
    }
    if (header >= 2) put(made.bytes, 0, 1);
    if (static_cast<api_key>(api) != api_key::produce) {
        made.answered = true;
        for (const std::byte b : from.take(from.below(6))) made.bytes.push_back(b);
        if (from.once_in(12)) {
            made.bytes.resize(from.below(made.bytes.size() + 1));
            made.answered.reset();
        }
        return made;
    }
    if (version >= 3) {
        const std::size_t size = from.below(4);
        const bool null = from.flip();
        if (version >= 9)
            put(made.bytes, null ? 0 : size + 1, 1);
        else
            put(made.bytes, null ? 0xffff : size, 2);
        if (!null) put(made.bytes, 0x616161, size);
    }
    const std::uint64_t acks = from.flip() ? 0 : from.flip() ? 1 : 0xffff;
    put(made.bytes, acks, 2);
    made.answered = acks != 0;
    put(made.bytes, 0, from.below(5));
    if (from.once_in(12)) {
        made.bytes.resize(from.below(made.bytes.size() + 1));
        made.answered.reset();
    }
    return made;
}

struct waiting {
    kwire::request_start start;
    std::uint32_t value = 0;
};

class connection {
public:
    explicit connection(choices& from) : from_(from), options_(options_of(from)), real_(options_) {}

    void run() {
        for (int steps = 0; steps < 300 && !from_.empty(); ++steps) {
            switch (from_.below(16)) {
            case 0: abandon(); break;
            case 1:
                real_.end_of_tokens();
                phase_ = phase::headers;
                break;
            case 2: send_start(); break;
            case 3:
            case 4: send_token(); break;
            case 5:
            case 6:
            case 7:
            case 8: receive(); break;
            default: send_request();
            }
            check();
        }
        if (from_.flip())
            while (!model_.empty()) abandon();
    }

private:
    enum class phase {
        headers,
        tokens,
        last_token
    };

    static kwire::correlator_options options_of(choices& from) {
        kwire::correlator_options options;
        if (from.flip()) options.most_in_flight = from.below(20);
        options.strict_ids = from.flip();
        return options;
    }

    [[nodiscard]] static bool is_raw_handshake(const kwire::request_start& start) {
        return start.api == api_key::sasl_handshake && start.api_version == 0;
    }
    [[nodiscard]] bool handshakes() const { return !model_.empty() && is_raw_handshake(model_.back().start); }
    [[nodiscard]] bool full() const { return model_.size() >= options_.most_in_flight || handshakes(); }
    [[nodiscard]] bool waits(std::int32_t id) const {
        return std::ranges::any_of(model_,
                                   [id](const waiting& one) { return one.start.correlation_id == id; });
    }
    std::int32_t next_id() {
        switch (from_.below(6)) {
        case 0: return static_cast<std::int32_t>(from_.below(8));
        case 1: return static_cast<std::int32_t>(from_.number(4));
        case 2: return id_ = 0x7ffffff0;
        default: return id_ = static_cast<std::int32_t>(static_cast<std::uint32_t>(id_) + 1);
        }
    }

    void request_was_sent() {
        if (phase_ == phase::tokens) phase_ = unanswered_ ? phase::last_token : phase::headers;
    }

    /// What the model says of a request that is answered; the same in both forms of sent().
    void compare_noted(const kwire::expected<kwire::sent_frame, kwire::error>& noted,
                       const kwire::request_start& start, const carried& value) {
        const bool repeats = waits(start.correlation_id);
        if (full() || (repeats && options_.strict_ids)) {
            const errc why = full() ? errc::too_many_in_flight : errc::duplicate_correlation_id;
            insist(!noted && noted.error() == why, "a request is refused for its reason",
                   noted ? "" : text_of(noted.error()));
            return insist(value != nullptr, "what is refused stays with the caller");
        }
        insist(noted && noted->awaits_response && !noted->is_token, "a request waits for its response",
               noted ? "" : text_of(noted.error()));
        insist(noted->repeats_id == repeats, "an id that waits already is told");
        insist(value == nullptr, "the value was taken");
        model_.push_back({start, number_});
        request_was_sent();
    }

    void send_frame(const byte_vector& bytes, const std::optional<bool>& known) {
        const kwire::test::exact_bytes exact(bytes);
        const bool token = real_.is_token(exact.span());
        insist(!token || phase_ == phase::tokens, "tokens come only while they are exchanged");
        const auto answered = kwire::expects_response(exact.span(), options_.parse);
        if (known) insist(answered == *known, "acks are read where they are");
        auto value = std::make_unique<std::uint32_t>(++number_);
        const auto noted = real_.sent(exact.span(), std::move(value));
        if (token) {
            insist(noted && noted->is_token && !noted->awaits_response && value, "a token waits for nothing");
            unanswered_ = true;
        } else if (!answered) {
            insist(!noted && noted.error().code == answered.error().code && value,
                   "a broken request is refused");
        } else if (*answered) {
            compare_noted(noted, *kwire::peek_request(exact.span()), value);
        } else if (handshakes()) {
            insist(!noted && noted.error() == errc::too_many_in_flight && value,
                   "nothing follows a handshake");
        } else {
            insist(noted && !noted->awaits_response && !noted->is_token && value, "acks=0 waits for nothing");
            request_was_sent();
        }
    }
    void send_request() {
        const made_request made = random_request(from_, next_id());
        send_frame(made.bytes, made.answered);
    }
    void send_token() {
        const auto token = from_.take(from_.below(12));
        send_frame({token.begin(), token.end()}, std::nullopt);
    }
    void send_start() {
        const kwire::request_start start{static_cast<api_key>(from_.below(30)),
                                         static_cast<std::int16_t>(from_.below(3)), next_id()};
        auto value = std::make_unique<std::uint32_t>(++number_);
        compare_noted(real_.sent(start, std::move(value)), start, value);
    }

    void receive() {
        byte_vector bytes;
        const std::size_t choice = from_.below(8);
        std::int32_t id = model_.empty() ? 7 : model_.front().start.correlation_id;
        if (choice == 0) id = static_cast<std::int32_t>(from_.number(4));
        if (choice == 1 && !model_.empty()) id = model_[from_.below(model_.size())].start.correlation_id;
        put(bytes, static_cast<std::uint32_t>(id), 4);
        put(bytes, from_.flip() ? 0 : 33, 2);
        if (from_.once_in(8)) bytes.resize(from_.below(bytes.size() + 1));
        const kwire::test::exact_bytes exact(bytes);
        const auto answered = real_.received(exact.span());

        const bool has_id = bytes.size() >= 4;
        const bool matches = has_id && !model_.empty() && model_.front().start.correlation_id == id;
        if (phase_ == phase::tokens || (phase_ == phase::last_token && !matches)) {
            insist(answered && !*answered, "a token answers no request");
            unanswered_ = false;
            if (phase_ == phase::last_token) phase_ = phase::headers;
            return;
        }
        if (!has_id) return insist(!answered && answered.error() == errc::truncated, "a response has an id");
        if (model_.empty() || (options_.strict_ids && !matches)) {
            const errc why =
                !model_.empty() && waits(id) ? errc::response_out_of_order : errc::unknown_correlation_id;
            return insist(!answered && answered.error() == why, "a response is refused for its reason",
                          answered ? "" : text_of(answered.error()));
        }
        insist(answered && *answered, "a response answers the oldest request",
               answered ? "" : text_of(answered.error()));
        const auto& got = **answered;
        const waiting& oldest = model_.front();
        insist(got.api == oldest.start.api && got.api_version == oldest.start.api_version &&
                   got.correlation_id == oldest.start.correlation_id && got.value &&
                   *got.value == oldest.value,
               "it brings back the request and its value");
        insist(got.id_matches == matches, "an id of another is told");
        const bool accepted = bytes.size() >= 6 && bytes[4] == std::byte{0} && bytes[5] == std::byte{0};
        phase_ = is_raw_handshake(oldest.start) && accepted ? phase::tokens : phase::headers;
        unanswered_ = false;
        model_.pop_front();
    }

    void abandon() {
        const auto oldest = real_.abandon();
        insist(oldest.has_value() == !model_.empty(), "requests that wait can be abandoned");
        if (!oldest) return;
        insist(oldest->correlation_id == model_.front().start.correlation_id &&
                   *oldest->value == model_.front().value,
               "the oldest is abandoned first");
        model_.pop_front();
    }

    void check() const {
        insist(real_.in_flight() == model_.size(), "all that wait are counted");
        insist(real_.full() == full(), "it is full when the model is");
        insist(real_.exchanges_tokens() == (phase_ == phase::tokens),
               "tokens are exchanged when the model says so");
        insist(real_.token_may_arrive() == (phase_ != phase::headers), "the last token may still come");
    }

    choices& from_;
    kwire::correlator_options options_;
    kwire::correlator<carried> real_;
    std::deque<waiting> model_;
    phase phase_ = phase::headers;
    bool unanswered_ = false; ///< the client's last token has no answer yet
    std::int32_t id_ = 0;
    std::uint32_t number_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    choices from(std::as_bytes(std::span(data, size)));
    connection(from).run();
    return 0;
}

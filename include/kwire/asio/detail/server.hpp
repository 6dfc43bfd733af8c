/// Internal: the state of a connection that async_serve serves.
#pragma once

#include <kwire/asio/detail/library.hpp>
#include <kwire/asio/detail/native.hpp>
#include <kwire/asio/read.hpp>
#include <kwire/asio/responder.hpp>
#include <kwire/asio/serve_budget.hpp>
#include <kwire/asio/serve_options.hpp>
#include <kwire/asio/write.hpp>
#include <kwire/connect/answer_queue.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/connect/metrics.hpp>
#include <kwire/connect/outbox.hpp>
#include <kwire/error_text.hpp>
#include <kwire/expected.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kwire::inline KWIRE_ABI::detail {

/// One connection. Its timer keeps it alive until it completes, or until its context is gone; then operations
/// do that are still to end.
///
/// Everything happens in step(), which goes as far as it can and starts what it must wait for.
template <class Stream, class Handler, class Completion, class Metrics>
class server final : public answers_to,
                     public budget_waiter,
                     public std::enable_shared_from_this<server<Stream, Handler, Completion, Metrics>> {
    using clock = std::chrono::steady_clock;

public:
    server(Stream& stream, Handler&& handler, const serve_options& options, Metrics& metrics,
           Completion&& completion)
        : stream_(stream),
          handler_(std::in_place, std::move(handler)),
          options_(options),
          completion_(std::move(completion)),
          reader_(options.frames),
          out_(options.water),
          meter_(metrics),
          work_(net::get_associated_executor(*completion_, stream.get_executor())),
          executor_(stream.get_executor()),
          timer_(std::in_place, executor_) {}

    ~server() { leave_budget(budgeted_requests_, budgeted_bytes_); }

    void start() {
        if (auto slot = net::get_associated_cancellation_slot(*completion_); slot.is_connected())
            slot.assign([self = this->weak_from_this()](net::cancellation_type) {
                if (const auto alive = self.lock()) alive->cancel();
            });
        wait_for(options_.patience.first_request);
        watch();
        step_later();
    }

    void answer(answer_queue::ticket request, std::size_t size, buffer_chain&& bytes) override {
        bytes_in_flight_ -= size;
        forget_call(request);
        if (budgeted_requests_ != 0) leave_budget(1, size);
        if (completion_) meter_.answered(request, bytes.size()); // later the sink may be gone
        if (!broken_) try {
                answers_.put(request, std::move(bytes), out_);
                ++report_.answers;
            } catch (const std::bad_alloc&) {
                fail(net::error::no_memory);
            }
        if (!stepping_) step();
    }
    void hang_up(answer_queue::ticket request, std::string&& reason) override {
        forget_call(request);
        stop(serve_stop::hung_up, std::move(reason));
        abandoned_ = true;
        if (!stepping_) step();
    }
    void lose_answer(answer_queue::ticket request) noexcept override {
        forget_call(request);
        if (!stopping_) lost_ = true;
        abandoned_ = true;
        if (stepping_ || !completion_) return;
        try {
            step_later();
        } catch (...) {
            lost_ = true; // then the timer steps
        }
    }
    [[nodiscard]] bool peer_has_left() const noexcept override { return stopping_; }
    void set_max_frame_bytes(std::uint32_t n) noexcept override { reader_.set_max_frame_bytes(n); }
    void on_peer_left(answer_queue::ticket request, std::unique_ptr<one_call> call) override {
        forget_call(request);
        calls_.emplace_back(request, std::move(call));
        if (stopping_) make_calls();
    }

    void room_is_there() override {
        net::post(executor_, [self = this->shared_from_this()] {
            self->waits_for_budget_ = false;
            self->step();
            self->options_.budget->pass_on();
        });
    }

private:
    static constexpr int turns = 64; ///< of one step, before other connections have theirs

    void step_later() {
        if (step_waits_) return;
        net::post(executor_, [self = this->shared_from_this()] {
            self->step_waits_ = false;
            self->step();
        });
        step_waits_ = true; // only now, since that may throw
    }
    /// Takes requests, writes answers, starts reading and writing, and completes at the end.
    void step() {
        if (!completion_) return;
        stepping_ = true;
        or_fail([this] {
            bool more = true;
            for (int turn = 0; more && turn < turns; ++turn) {
                more = take_requests();
                write();
                more = read() || more;
            }
            if (more && !stopping_) step_later();
        });
        if (lost_) stop(serve_stop::hung_up, "a request was not answered");
        if (stopping_) {
            make_calls();
            if (reading_) cancel_read_.emit(net::cancellation_type::terminal);
            or_fail([this] { write(); });
        }
        meter_.progressed(reader_, out_);
        stepping_ = false;
        if (finished()) complete();
    }

    /// If memory runs out, or the function of a streamed payload throws, the connection ends.
    template <class Work>
    void or_fail(Work work) {
        try {
            work();
        } catch (const std::bad_alloc&) {
            fail(net::error::no_memory);
        } catch (const std::exception& e) {
            fail(system_error(std::errc::io_error), e.what());
        } catch (...) {
            fail(system_error(std::errc::io_error));
        }
    }

    /// Hands requests over. Returns whether there were some.
    bool take_requests() {
        bool some = false;
        while (!stopping_ && !lost_ && may_take()) {
            if (options_.budget && !(reader_.has_frame_or_failed() && enter_budget())) break;
            expected<std::optional<shared_buffer>, error> frame = reader_.next();
            if (!frame) {
                leave_budget(budgeted_requests_ != 0 ? 1 : 0, 0);
                refuse(frame.error());
                break;
            }
            if (!*frame) break;
            some = true;
            take(**std::move(frame));
        }
        return some;
    }
    void take(shared_buffer frame) {
        const std::size_t size = frame.size();
        auto request = parse_request_frame(std::move(frame), options_.parsing, options_.headers);
        if (!request) return refuse(request.error());
        if (options_.budget) {
            options_.budget->add(size);
            budgeted_bytes_ += size;
        }
        const answer_queue::ticket ticket = answers_.expect();
        ++report_.requests;
        bytes_in_flight_ += size;
        try {
            meter_.handed_over(ticket, request->api(), request->api_version(), size);
            (*handler_)(*std::move(request), responder(this->weak_from_this(), ticket, size));
        } catch (const std::exception& e) {
            handler_failed(e.what());
        } catch (...) {
            handler_failed("a handler failed");
        }
    }
    void handler_failed(std::string&& reason) {
        if (std::exchange(stopping_, true) && report_.why != serve_stop::hung_up) return;
        report_.why = serve_stop::hung_up; // perhaps its responder has hung up for another reason
        report_.reason = std::move(reason);
        abandoned_ = true;
    }
    /// Takes one request of the budget that connections share, or waits for it.
    [[nodiscard]] bool enter_budget() {
        waits_for_budget_ = !options_.budget->begin(this->weak_from_this());
        if (!waits_for_budget_) ++budgeted_requests_;
        return !waits_for_budget_;
    }
    void leave_budget(std::size_t requests, std::uint64_t bytes) {
        if (requests == 0) return;
        budgeted_requests_ -= requests;
        budgeted_bytes_ -= bytes;
        options_.budget->end(requests, bytes);
    }
    [[nodiscard]] bool may_take() const noexcept {
        return !waits_for_budget_ && answers_.waiting() < options_.max_in_flight && !out_.congested() &&
               (bytes_in_flight_ == 0 || bytes_in_flight_ < options_.max_bytes_in_flight);
    }

    /// Writes what is there; if the stream takes no more, waits until it does.
    void write() {
        if (writing_ || out_.empty() || broken_) return;
        burst_from_ = out_.sent_bytes();
        if constexpr (native_stream<Stream>) {
            asio_error ec;
            write_now(stream_, out_, ec);
            if (ec && !would_block(ec)) return fail(ec);
            if (out_.empty()) return;
        }
        async_flush(stream_, out_,
                    net::bind_cancellation_slot(cancel_write_.slot(),
                                                [self = this->shared_from_this()](asio_error ec) {
                                                    self->writing_ = false;
                                                    if (ec) self->fail(ec);
                                                    if (self->broken_) self->out_.clear();
                                                    self->step();
                                                }));
        writing_ = true; // only now, since that may throw
    }

    /// Reads if the next request is not there yet. Returns whether it is now.
    bool read() {
        if (reading_ || stopping_ || lost_ || out_.congested()) return false;
        if (reader_.has_frame_or_failed()) return may_take(); // that may have been congested before the write
        if constexpr (native_stream<Stream>) {
            if (reader_.more_may_wait()) {
                asio_error ec;
                read_now(stream_, reader_, ec);
                if (ec && !would_block(ec)) end(ec);
                if (reader_.has_frame_or_failed()) return true;
                if (stopping_) return false;
            }
        }
        async_fill(stream_, reader_,
                   net::bind_cancellation_slot(cancel_read_.slot(),
                                               [self = this->shared_from_this()](asio_error ec) {
                                                   self->reading_ = false;
                                                   if (ec && !self->stopping_) self->end(ec);
                                                   self->step();
                                               }));
        reading_ = true;
        return false;
    }

    /// No more bytes come.
    void end(const asio_error& ec) {
        const bool by_peer = ec == net::error::eof || ec.category() == error_category();
        const std::optional<error> refusal = by_peer ? reader_.end_of_stream() : std::nullopt;
        if (refusal)
            refuse(*refusal);
        else if (by_peer)
            stop(serve_stop::end_of_stream, "");
        else
            fail(ec);
    }
    void refuse(const error& why) {
        if (!stopping_) {
            report_.refusal = why;
            meter_.refused(why.code);
        }
        stop(serve_stop::refused, to_string(why));
    }
    /// Nothing can be written any more.
    void fail(const asio_error& ec, const char* reason = nullptr) {
        if (!stopping_ || report_.why == serve_stop::end_of_stream) report_.code = ec;
        std::string words;
        try {
            words = reason != nullptr ? reason : ec.message();
        } catch (const std::bad_alloc&) {
            words.clear(); // the code says it too
        }
        stop(serve_stop::failed, std::move(words));
        broken_ = true;
        drop_output();
    }
    /// What is being written stays until that has ended: the stream may look at it, and may have taken it.
    void drop_output() {
        if (writing_)
            cancel_write_.emit(net::cancellation_type::terminal);
        else
            out_.clear();
    }
    /// Takes no more requests. The first reason counts, but for an end of the stream after which the peer did
    /// not get its answers.
    void stop(serve_stop why, std::string&& reason) {
        const bool first = !std::exchange(stopping_, true);
        if (!first && (report_.why != serve_stop::end_of_stream || why == serve_stop::hung_up)) return;
        report_.why = why;
        report_.reason = std::move(reason);
    }
    void cancel() {
        const bool first = !stopping_ || report_.why == serve_stop::end_of_stream;
        fail(net::error::operation_aborted);
        if (first) report_.why = serve_stop::cancelled;
        give_up();
    }
    /// Ends what is waited for; the handlers of that call step().
    void give_up() {
        broken_ = abandoned_ = true;
        drop_output();
        if (reading_) cancel_read_.emit(net::cancellation_type::terminal);
        if (!stepping_) step();
    }
    void forget_call(answer_queue::ticket request) noexcept {
        for (auto i = calls_.begin(); i != calls_.end(); ++i)
            if (i->first == request) {
                const auto last =
                    std::move(i->second); // goes after the list is in order: it may own responders
                calls_.erase(i);
                return;
            }
    }
    void make_calls() {
        for (auto all = std::exchange(calls_, {}); auto& [request, what] : all) try {
                what->call();
            } catch (...) {
                abandoned_ = true; // perhaps it was to answer
            }
    }

    [[nodiscard]] bool finished() const noexcept {
        return stopping_ && !reading_ && !writing_ && (out_.empty() || broken_) &&
               (answers_.waiting() == 0 || abandoned_ || broken_);
    }
    void complete() {
        report_.reads = reader_.reads();
        report_.moved_bytes = reader_.moved_bytes();
        report_.bytes_in = reader_.bytes();
        report_.writes = out_.writes();
        report_.bytes_out = out_.sent_bytes();
        leave_budget(budgeted_requests_, budgeted_bytes_);
        if (timer_) timer_->cancel();
        if (auto slot = net::get_associated_cancellation_slot(*completion_); slot.is_connected())
            slot.clear();
        auto completion = *std::move(completion_);
        completion_.reset();
        net::post(work_.get_executor(), [c = std::move(completion), report = std::move(report_)]() mutable {
            std::move(c)(std::move(report));
        });
        work_.reset();
    }

    // Deadlines: what is waited for, since when there was no progress, and for how long that may be.
    void wait_for(std::chrono::milliseconds patience) {
        patience_ = patience;
        const auto now = clock::now();
        const bool for_ever =
            patience >= std::chrono::floor<std::chrono::milliseconds>(clock::time_point::max() - now);
        deadline_ = for_ever ? clock::time_point::max() : now + patience;
    }

    void watch() {
        const std::chrono::milliseconds all[] = {options_.patience.first_request, options_.patience.idle,
                                                 options_.patience.read, options_.patience.write};
        std::chrono::milliseconds tick{1000};
        for (const auto each : all)
            if (each / 4 < tick) tick = each / 4;
        if (tick.count() < 1) tick = std::chrono::milliseconds(1);
        timer_->expires_after(tick);
        timer_->async_wait(clock_tick(this->shared_from_this()));
    }
    /// The context is being destroyed. What needs its services goes now: Boost 1.81 drops operations on
    /// io_uring, which keep the server, only when these are gone.
    void lose_context() noexcept {
        timer_.reset();
        handler_.reset();
        const auto calls = std::exchange(calls_, {}); // may have responders, which forget their calls
    }
    /// The handler of the timer, which a context drops while its services work.
    class clock_tick {
    public:
        explicit clock_tick(std::shared_ptr<server> of) noexcept : of_(std::move(of)) {}
        clock_tick(clock_tick&&) = default;
        clock_tick& operator=(clock_tick&&) = delete;
        ~clock_tick() {
            if (of_) of_->lose_context();
        }
        void operator()(asio_error ec) {
            const std::shared_ptr<server> self = std::move(of_);
            if (ec || !self->completion_) return;
            self->look_at_clock();
            if (self->lost_) self->step();
            if (self->completion_) self->watch();
        }

    private:
        std::shared_ptr<server> of_;
    };
    /// Compares with what there was at the last tick.
    void look_at_clock() {
        const state now = current_state();
        if (now != seen_) {
            seen_ = now;
            if (now.waiting == waiting_for::answer_taken)
                wait_for(options_.patience.write);
            else if (now.waiting == waiting_for::rest)
                wait_for(options_.patience.read);
            else if (now.waiting == waiting_for::request)
                wait_for(now.requests == 0 ? options_.patience.first_request : options_.patience.idle);
            else
                deadline_ = clock::time_point::max();
        } else if (clock::now() > deadline_) {
            if (!stopping_) meter_.timed_out(deadline_of(now));
            stop(serve_stop::silent, what_is_missing(now));
            give_up();
        }
    }
    [[nodiscard]] std::string what_is_missing(const auto& now) const {
        const std::string patience = shortened(std::chrono::duration<double>(patience_).count()) + " s";
        const auto part = [&](const char* verb, std::uint64_t done, std::uint64_t all, const char* of) {
            return std::string("it ") + verb + ' ' + std::to_string(done) + " of " + std::to_string(all) +
                   " bytes of " + of + ", and none for " + patience;
        };
        if (now.waiting == waiting_for::answer_taken) {
            const std::uint64_t taken = out_.sent_bytes() - burst_from_;
            return part("took", taken, taken + out_.size(), "an answer");
        }
        if (const std::optional<error> cut = reader_.end_of_stream())
            return part("sent", cut->left, cut->needed, cut->needed == 4 ? "a length" : "a request");
        return (now.requests == 0 ? "no request within " : "idle for ") + patience;
    }
    static std::string shortened(double seconds) {
        std::string text = std::to_string(seconds);
        while (text.ends_with('0')) text.pop_back();
        if (text.ends_with('.')) text.pop_back();
        return text;
    }
    enum class waiting_for : std::uint8_t {
        request,
        rest,
        answer_taken,
        handler
    };
    struct state {
        waiting_for waiting = waiting_for::request;
        std::uint64_t requests = 0, bytes_in = 0, bytes_out = 0;
        bool operator==(const state&) const = default;
    };
    /// What passes if nothing changes in this state.
    [[nodiscard]] static deadline deadline_of(const state& now) noexcept {
        if (now.waiting == waiting_for::answer_taken) return deadline::write;
        if (now.waiting == waiting_for::rest) return deadline::read;
        return now.requests == 0 ? deadline::first_request : deadline::idle;
    }
    [[nodiscard]] state current_state() const noexcept {
        if (!out_.empty()) // what the peer sends meanwhile does not count
            return {.waiting = waiting_for::answer_taken, .bytes_out = out_.sent_bytes()};
        state now{.requests = report_.requests, .bytes_in = reader_.bytes(), .bytes_out = out_.sent_bytes()};
        if (answers_.waiting() != 0 || waits_for_budget_)
            now.waiting = waiting_for::handler;
        else if (reader_.end_of_stream())
            now.waiting = waiting_for::rest;
        return now;
    }

    Stream& stream_;
    std::optional<Handler> handler_; ///< as the timer
    serve_options options_;
    std::optional<Completion> completion_; ///< empty once it was called
    request_reader reader_;
    outbox out_;
    answer_queue answers_;
    KWIRE_NO_UNIQUE_ADDRESS connection_meter<Metrics> meter_;
    serve_report report_;
    std::vector<std::pair<answer_queue::ticket, std::unique_ptr<one_call>>> calls_; ///< if the peer leaves
    net::cancellation_signal cancel_read_, cancel_write_;
    net::executor_work_guard<net::associated_executor_t<Completion, typename Stream::executor_type>> work_;
    typename Stream::executor_type executor_;
    std::optional<net::steady_timer> timer_; ///< while its context lives
    clock::time_point deadline_;
    std::chrono::milliseconds patience_{};
    std::uint64_t burst_from_ = 0; ///< what was sent before the answers that wait
    state seen_;
    std::size_t bytes_in_flight_ = 0;
    std::size_t budgeted_requests_ = 0; ///< of the budget, that this connection has now
    std::uint64_t budgeted_bytes_ = 0;
    bool waits_for_budget_ = false;
    bool reading_ = false, writing_ = false;
    bool stepping_ = false;
    bool step_waits_ = false; ///< one was posted
    bool lost_ = false;       ///< a responder was destroyed without an answer
    bool stopping_ = false;   ///< no more requests are taken
    bool abandoned_ = false;  ///< the answers that are missing do not come
    bool broken_ = false;     ///< nothing more can be written
};

} // namespace kwire::inline KWIRE_ABI::detail

/// A connection as a model: frames arrive in pieces, are dropped, kept or changed, and are answered in any
/// order; the answers leave in pieces. All of it is compared with plain strings, and allocations fail now and
/// then.
///
/// A test chooses by chance, a fuzz target by its input: `Choices` is support::choices or the like. Include
/// it in one source file of a program.
#pragma once

#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/connect/answer_queue.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/connect/outbox.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzz/insist.hpp"
#include "support/count_allocations.hpp"
#include <sys/uio.h>

namespace support {

/// What a model run is like.
struct io_profile {
    std::uint32_t read_ahead = 65'536;
    std::size_t usual = 120;    ///< bytes of a frame, at most, as a rule
    std::size_t largest = 3000; ///< and now and then
    std::size_t chunk = 20'000; ///< bytes of a read, at most
    std::size_t in_flight = 8;
    std::size_t kept = 20;          ///< frames that are kept at a time
    std::size_t refuse_once_in = 0; ///< an allocation; 0: never
};

template <class Choices>
class io_model {
public:
    io_model(Choices& choose, const io_profile& profile)
        : choose_(choose), profile_(profile), reader_({.read_ahead_bytes = profile.read_ahead}) {
        for (std::size_t i = 0; i < letters_.size(); ++i)
            letters_[i] = static_cast<char>(i * 2'654'435'761U >> 24);
    }

    /// Carries `count` frames, then what is left of their answers.
    void run(std::uint64_t count) {
        while (taken_ < count) {
            receive();
            take(count);
            if (choose_.once_in(3)) send();
            if (choose_.once_in(40)) reader_.release_memory();
            if (choose_.once_in(8)) look_at_kept();
        }
        while (!open_.empty()) answer(choose_.below(open_.size()));
        while (!out_.empty()) send();
        insist(answers_.waiting() == 0 && due_.empty(), "every request was answered");
        while (!kept_.empty()) look_at_kept();
    }
    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }
    [[nodiscard]] const kwire::request_reader& reader() const noexcept { return reader_; }
    [[nodiscard]] const kwire::outbox& out() const noexcept { return out_; }

private:
    struct kept_frame {
        kwire::shared_buffer frame;
        std::string content;
    };
    struct request {
        kwire::answer_queue::ticket ticket;
        kwire::buffer_chain answer;
    };

    /// Calls `f`, which changes nothing if an allocation in it fails, until it succeeds.
    template <class F>
    void attempt(F f) {
        if (counts_allocations && profile_.refuse_once_in != 0 && choose_.once_in(profile_.refuse_once_in)) {
            refused_allocation = 1 + choose_.below(2);
            try {
                f();
                refused_allocation = 0;
                return;
            } catch (const std::bad_alloc&) {
                refused_allocation = 0;
                ++refused_;
            }
        }
        f();
    }

    /// One more frame that the peer sends.
    void make_frame() {
        const std::size_t most = choose_.once_in(50) ? profile_.largest : profile_.usual;
        const std::size_t size = 8 + choose_.below(most);
        std::string content(size, '\0');
        for (std::size_t at = 0, from = made_ % 1000; at < size; from = 0) {
            const std::size_t n = std::min(size - at, letters_.size() - from);
            std::memcpy(content.data() + at, letters_.data() + from, n);
            at += n;
        }
        std::memcpy(content.data(), "\0\3\0\1", 4); // a request of Kafka's, and no token
        std::memcpy(content.data() + 4, &made_, 4);
        ++made_;
        for (const unsigned shift : {24U, 16U, 8U, 0U}) stream_ += static_cast<char>(size >> shift);
        stream_ += content;
        expected_.push_back(std::move(content));
    }

    void receive() {
        std::span<std::byte> room;
        attempt([&] { room = reader_.prepare(); });
        insist(!room.empty(), "there is room when no frame waits");
        const std::size_t wanted = std::min(room.size(), 1 + choose_.below(profile_.chunk));
        while (stream_.size() - arrived_ < wanted) {
            if (arrived_ > 100'000) stream_.erase(0, std::exchange(arrived_, 0));
            make_frame();
        }
        std::memcpy(room.data(), stream_.data() + arrived_, wanted);
        reader_.commit(wanted);
        arrived_ += wanted;
    }

    void take(std::uint64_t count) {
        while (taken_ < count) {
            std::optional<kwire::shared_buffer> frame;
            attempt([&] {
                auto next = reader_.next();
                insist(next.has_value(), "no frame is refused");
                frame = *std::move(next);
            });
            if (!frame) return;
            ++taken_;
            std::string content = std::move(expected_.front());
            expected_.pop_front();
            insist(same(*frame, content), "a frame has the bytes that were sent");
            insist(frame->is_unique(), "a frame has one owner");
            const std::size_t ahead = profile_.read_ahead;
            insist(frame->size() + 4 > ahead / 4 || frame->pinned_bytes() <= ahead + ahead / 4 + 8,
                   "a small frame keeps no more than the read-ahead alive");
            use(*std::move(frame), std::move(content));
            if (open_.size() > choose_.below(profile_.in_flight)) answer(choose_.below(open_.size()));
        }
    }
    void use(kwire::shared_buffer frame, std::string content) {
        kwire::buffer_chain reply;
        switch (choose_.below(4)) {
        case 0: break;
        case 1: keep(std::move(frame), std::move(content)); break;
        case 2: {
            auto writable = std::move(frame).try_into_unique();
            insist(writable.has_value(), "the last owner may write");
            std::memset(writable->data(), 'z', writable->size());
            keep(std::move(*writable).freeze(), std::string(content.size(), 'z'));
            break;
        }
        default:
            const std::size_t from = choose_.below(frame.size());
            reply.put_bytes(*frame.slice(from, frame.size() - from));
            expect_sent_ += content.substr(from);
            break;
        }
        if (choose_.flip()) {
            reply.put_bytes(kwire::shared_buffer::from_static("answer"));
            expect_sent_ += "answer";
        }
        kwire::answer_queue::ticket ticket = 0;
        attempt([&] { ticket = answers_.expect(); });
        due_.push_back({reply.size(), false});
        open_.push_back({ticket, std::move(reply)});
    }
    void keep(kwire::shared_buffer frame, std::string content) {
        if (kept_.size() >= profile_.kept) look_at_kept();
        kept_.push_back({std::move(frame), std::move(content)});
    }
    void look_at_kept() {
        if (kept_.empty()) return;
        kept_frame& chosen = kept_[choose_.below(kept_.size())];
        insist(same(chosen.frame, chosen.content), "a frame that is kept does not change");
        insist(chosen.frame.is_unique(), "and has one owner still");
        chosen = std::move(kept_.back());
        kept_.pop_back();
    }

    void answer(std::size_t chosen) {
        request& one = open_[chosen];
        attempt([&] { answers_.put(one.ticket, std::move(one.answer), out_); });
        due_[static_cast<std::size_t>(one.ticket - first_)].second = true;
        one = std::move(open_.back());
        open_.pop_back();
        for (; !due_.empty() && due_.front().second; ++first_) {
            waiting_ += due_.front().first;
            due_.pop_front();
        }
        insist(out_.size() == waiting_, "answers are pushed when they are due, and not before");
        insist(answers_.waiting() == due_.size(), "requests without an answer are counted");
    }
    void send() {
        std::array<::iovec, 32> pieces;
        const std::size_t n = out_.gather(std::span(pieces).first(1 + choose_.below(pieces.size())));
        insist((n == 0) == out_.empty(), "what waits is shown");
        std::size_t shown = 0;
        for (const ::iovec& piece : std::span(pieces).first(n)) shown += piece.iov_len;
        if (shown == 0) return;
        const std::size_t wanted = choose_.flip() ? shown : 1 + choose_.below(shown);
        std::size_t left = wanted;
        for (const ::iovec& piece : std::span(pieces).first(n)) {
            const std::size_t some = std::min(left, piece.iov_len);
            insist(std::memcmp(piece.iov_base, expect_sent_.data() + sent_, some) == 0,
                   "answers leave as they are, in order");
            sent_ += some;
            left -= some;
        }
        out_.sent(wanted);
        waiting_ -= wanted;
        insist(out_.size() == waiting_, "what was sent does not wait any more");
        if (sent_ > 100'000) expect_sent_.erase(0, std::exchange(sent_, 0));
    }

    static bool same(const kwire::shared_buffer& frame, std::string_view content) {
        return frame.size() == content.size() &&
               std::memcmp(frame.data(), content.data(), content.size()) == 0;
    }

    Choices& choose_;
    io_profile profile_;
    std::array<char, 4096> letters_{};

    std::string stream_; ///< what the peer sends; `arrived_` bytes of it were read
    std::size_t arrived_ = 0;
    std::uint32_t made_ = 0;
    std::deque<std::string> expected_; ///< frames that were not taken
    std::uint64_t taken_ = 0, refused_ = 0;
    std::vector<kept_frame> kept_;

    std::vector<request> open_;
    std::deque<std::pair<std::uint64_t, bool>>
        due_; ///< size of each answer from first_ on, and whether it was given
    kwire::answer_queue::ticket first_ = 0;
    std::uint64_t waiting_ = 0;
    std::string expect_sent_; ///< all answers in order; `sent_` bytes of it were sent
    std::size_t sent_ = 0;

    kwire::request_reader reader_;
    kwire::answer_queue answers_;
    kwire::outbox out_;
};

} // namespace support

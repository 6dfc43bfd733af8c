/// The duty to answer one request.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/connect/answer_queue.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace kwire::inline KWIRE_ABI {

namespace detail {

/// Something to call once.
struct one_call {
    one_call() = default;
    one_call(const one_call&) = delete;
    one_call& operator=(const one_call&) = delete;
    virtual ~one_call() = default;
    virtual void call() = 0;
};
template <class Function>
struct one_call_of final : one_call {
    Function function;
    explicit one_call_of(Function&& f) : function(std::move(f)) {}
    void call() override { function(); }
};

/// What a responder needs of its connection.
class answers_to {
public:
    answers_to() = default;
    answers_to(const answers_to&) = delete;
    answers_to& operator=(const answers_to&) = delete;

    /// `size` is that of the request.
    virtual void answer(answer_queue::ticket request, std::size_t size, buffer_chain&& bytes) = 0;
    virtual void hang_up(answer_queue::ticket request, std::string&& reason) = 0;
    /// The same for a responder that is destroyed, perhaps with the stream and its context: acts later.
    virtual void lose_answer(answer_queue::ticket request) noexcept = 0;
    [[nodiscard]] virtual bool peer_has_left() const noexcept = 0;
    virtual void set_max_frame_bytes(std::uint32_t n) noexcept = 0;
    virtual void on_peer_left(answer_queue::ticket request, std::unique_ptr<one_call> call) = 0;

protected:
    ~answers_to() = default;
};

} // namespace detail

/// Answers one request of async_serve, once. Move-only.
///
/// May be kept, and answered later on the executor of the connection; after the end of the connection it has
/// no effect, and may outlive the stream and its context. A responder that is destroyed without an answer
/// ends the connection, since the peer would wait for ever.
class responder {
public:
    responder() noexcept : open_(false) {}
    responder(std::weak_ptr<detail::answers_to> connection, answer_queue::ticket request,
              std::size_t size) noexcept
        : connection_(std::move(connection)), request_(request), size_(size) {}
    responder(responder&& other) noexcept
        : connection_(std::move(other.connection_)),
          request_(other.request_),
          size_(other.size_),
          open_(std::exchange(other.open_, false)) {}
    responder& operator=(responder&& other) noexcept {
        responder taken(std::move(other));
        std::swap(connection_, taken.connection_);
        std::swap(request_, taken.request_);
        std::swap(size_, taken.size_);
        std::swap(open_, taken.open_);
        return *this;
    }
    ~responder() {
        if (const auto connection = take()) connection->lose_answer(request_);
    }

    /// Sends a response frame with its length, as encode_response makes it. No effect after the first answer.
    /// The next request may be handed to the handler before this returns.
    void send(buffer_chain answer) {
        if (const auto connection = take()) connection->answer(request_, size_, std::move(answer));
    }
    /// The request has no response: Produce with acks=0.
    void send_nothing() { send({}); }
    /// Ends the connection after what was answered before is sent.
    void hang_up(std::string reason) {
        if (const auto connection = take()) connection->hang_up(request_, std::move(reason));
    }
    /// Sets how long the requests that follow may be, for example when the peer has authenticated. Before the
    /// answer: no effect after it.
    void set_max_frame_bytes(std::uint32_t n) noexcept {
        if (!open_) return;
        if (const auto connection = connection_.lock()) connection->set_max_frame_bytes(n);
    }
    /// Whether the peer has closed its side, or the connection failed: perhaps no one reads the answer, so
    /// who waits for something to happen should not.
    [[nodiscard]] bool peer_has_left() const noexcept {
        if (!open_) return false;
        const auto connection = connection_.lock();
        return !connection || connection->peer_has_left();
    }
    /// Calls `function` when that happens, at once if it has, unless the request is answered or given up
    /// before. One for each request; it may answer it.
    template <std::invocable Function>
    void on_peer_left(Function function) {
        if (!open_) return;
        if (const auto connection = connection_.lock())
            connection->on_peer_left(request_,
                                     std::make_unique<detail::one_call_of<Function>>(std::move(function)));
        else
            function();
    }

private:
    /// The connection, if it is there and the request was not answered.
    [[nodiscard]] std::shared_ptr<detail::answers_to> take() noexcept {
        return std::exchange(open_, false) ? std::exchange(connection_, {}).lock() : nullptr;
    }

    // Weak, so that what waits for an answer does not keep a connection whose context is gone.
    std::weak_ptr<detail::answers_to> connection_;
    answer_queue::ticket request_ = 0;
    std::size_t size_ = 0;
    bool open_ = true; ///< it was not answered
};

} // namespace kwire::inline KWIRE_ABI

// What an API is to the broker: its versions, and the function that answers it.
#pragma once

#include <kwire/api.hpp>
#include <kwire/asio/responder.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/connect/negotiation.hpp>
#include <kwire/error_text.hpp>
#include <kwire/read/message.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/reflect/dynamic.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

namespace echo_broker {

class broker;
struct client;

/// A request that waits for its answer: what the answer needs, and what the broker shows of it.
struct open_request {
    kwire::api_key api{};
    std::int16_t version = 0;
    std::int32_t correlation_id = 0;
    std::size_t size = 0;                     ///< bytes of the frame
    boost::asio::ip::tcp::endpoint address{}; ///< of the client
    std::uint64_t connection = 0;             ///< its number

    // Filled only for a broker that shows its requests.
    std::chrono::steady_clock::time_point since{};
    std::string client_id{};
};

/// Shows one answered request (--verbose, --dump). `answer` is the frame of a `response` of this version;
/// empty if there is none.
void show(broker& here, const open_request& request, const kwire::message_info& response,
          std::int16_t version, const kwire::buffer_chain& answer);
/// Answers a request, once everything that was written for it may be acknowledged, and shows it. `answer` is
/// the frame of a `response` of this version; empty if there is none.
void finish(broker& here, open_request request, kwire::responder to, const kwire::message_info& response,
            std::int16_t version, kwire::buffer_chain answer);

/// The duty to answer one request with a `Response`, at once or later. Move-only; may outlive its connection.
template <class Response>
class answer_to {
public:
    answer_to(kwire::responder to, broker& here, open_request request)
        : to_(std::move(to)), here_(&here), request_(std::move(request)) {}

    [[nodiscard]] std::int16_t version() const noexcept { return request_.version; }

    /// Sends the response in the version of the request.
    void send(const typename Response::data& response) { send_as(request_.version, response); }
    /// Sends the response in another version: ApiVersions.
    void send_as(std::int16_t version, const typename Response::data& response) {
        auto frame = kwire::encode_response(response, version, request_.correlation_id);
        if (!frame) return hang_up(kwire::to_string(frame.error()));
        finish(*here_, std::move(request_), std::move(to_), kwire::message_info_of<Response>, version,
               *std::move(frame));
    }
    /// For Produce with acks=0.
    void send_nothing() {
        const std::int16_t version = request_.version;
        finish(*here_, std::move(request_), std::move(to_), kwire::message_info_of<Response>, version, {});
    }
    /// Closes the connection, since there is no response that could say `why`.
    void hang_up(std::string why) { to_.hang_up(std::move(why)); }

    [[nodiscard]] bool peer_has_left() const noexcept { return to_.peer_has_left(); }
    template <std::invocable Function>
    void on_peer_left(Function function) {
        to_.on_peer_left(std::move(function));
    }

private:
    kwire::responder to_;
    broker* here_;
    open_request request_;
};

/// An API that the broker serves, in these versions.
struct service {
    kwire::api_key api{};
    kwire::version_range versions{};
    void (*handle)(broker& here, kwire::request_frame frame, client& from, kwire::responder to,
                   open_request request) = nullptr;
};

namespace detail {

template <class Function>
struct handler_facts;
/// A handler that answers at once.
template <class Request, class Data>
struct handler_facts<Data (*)(broker&, const kwire::message<Request>&, client&)> {
    using request = Request;
    using response = typename Data::struct_type;
    static constexpr bool at_once = true;
};
/// A handler that may answer later, or changes the request.
template <class Request, class Response>
struct handler_facts<void (*)(broker&, kwire::message<Request>, client&, answer_to<Response>)> {
    using request = Request;
    using response = Response;
    static constexpr bool at_once = false;
};

template <auto Function>
void handle(broker& here, kwire::request_frame frame, client& from, kwire::responder to,
            open_request request) {
    using facts = handler_facts<decltype(Function)>;
    auto parsed = kwire::parse<typename facts::request>(std::move(frame), kwire::parse_options::as_kafka());
    if (!parsed) return to.hang_up(kwire::to_string(parsed.error()));
    answer_to<typename facts::response> answer(std::move(to), here, std::move(request));
    if constexpr (facts::at_once)
        answer.send(Function(here, *parsed, from));
    else
        Function(here, *std::move(parsed), from, std::move(answer));
}

} // namespace detail

/// The service of a function of one of these forms:
///
///     kwire::heartbeat_response::data heartbeat(broker&, const kwire::message<kwire::heartbeat_request>&, client&);
///     void join_group(broker&, kwire::message<kwire::join_group_request>, client&,
///                     answer_to<kwire::join_group_response>);
///
/// `serves<heartbeat>({0, 4})`. A request that is malformed closes its connection before the function is
/// called.
template <auto Function>
constexpr service serves(kwire::version_range versions) {
    using request = typename detail::handler_facts<decltype(Function)>::request;
    return {static_cast<kwire::api_key>(request::facts.key), versions, &detail::handle<Function>};
}

} // namespace echo_broker

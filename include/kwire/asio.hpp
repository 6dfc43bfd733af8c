/// kwire on Asio: reads frames from a stream and writes answers to it, with any completion token.
///
///     kwire::request_reader reader; // response_reader for what a broker sends
///     kwire::outbox out;
///     for (;;) {
///         co_await kwire::async_fill(socket, reader, use_awaitable);
///         while (auto frame = reader.next().value()) out.push(answer_to(*frame));
///         co_await kwire::async_flush(socket, out, use_awaitable);
///     }
///
/// Component kwire::asio, which requires Boost 1.81 or later; with KWIRE_STANDALONE_ASIO defined, component
/// kwire::standalone_asio, which requires Asio 1.22.
#pragma once

#include <kwire/asio/read.hpp>
#include <kwire/asio/serve.hpp>
#include <kwire/asio/write.hpp>

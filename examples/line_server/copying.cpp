#include "copying.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstddef>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "limits.hpp"
#include "protocol.hpp"

namespace line_server::copying {

namespace asio = boost::asio;

namespace {

constexpr auto quiet = asio::as_tuple(asio::use_awaitable); // errors as values

std::string read_whole(const std::string& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    std::string content(file ? static_cast<std::size_t>(file.tellg()) : 0, '\0');
    file.seekg(0);
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    return content;
}

std::string answer(const request& asked, const std::string& line, const canned_file& file) {
    switch (asked.what) {
    case command::echo: break;
    case command::get:
        if (!file.path.empty() && asked.name == file.name) {
            const std::string content = read_whole(file.path);
            return "file " + std::to_string(content.size()) + "\n" + content;
        }
        return std::string(no_such_file);
    case command::quit: return std::string(bye);
    }
    return std::string(ok) + line;
}

/// As asio::async_write, and notes the progress.
asio::awaitable<bool> write(connection& client, std::string& out) {
    std::size_t written = 0;
    while (written < out.size()) {
        const auto [failure, n] = co_await client.socket.async_write_some(asio::buffer(out) + written, quiet);
        if (failure) co_return false;
        written += n;
        client.sent += n;
    }
    out.clear();
    co_return true;
}

} // namespace

asio::awaitable<void> serve(connection& client, service shared) {
    std::vector<char> chunk(read_at_once);
    std::string pending, out;
    std::size_t done = 0; // bytes of `pending`
    for (bool open = true; open;) {
        std::size_t newline = pending.find('\n', done);
        if (newline == pending.npos && pending.size() - done < longest_line) {
            const auto [failure, n] = co_await client.socket.async_read_some(asio::buffer(chunk), quiet);
            if (failure) co_return;
            client.received += n;
            pending.erase(0, done);
            done = 0;
            pending.append(chunk.data(), n);
            newline = pending.find('\n');
        }

        std::vector<std::string> taken;
        taken.reserve(lines_at_once);
        while (open && newline != pending.npos && taken.size() < lines_at_once && out.size() < marks.high) {
            const std::string line = pending.substr(done, newline + 1 - done);
            done = newline + 1;
            newline = pending.find('\n', done);
            if (line.size() > longest_line) {
                out += too_long;
                open = false;
                break;
            }
            const request asked = parse(line);
            out += answer(asked, line, shared.file);
            open = asked.what != command::quit;
            taken.push_back(line);
        }
        if (open && newline == pending.npos && pending.size() - done >= longest_line) {
            out += too_long;
            open = false;
        }
        if (!taken.empty()) co_await shared.consumer.send(std::move(taken));
        if (!co_await write(client, out)) co_return;
    }
}

} // namespace line_server::copying

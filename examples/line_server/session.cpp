#include "session.hpp"

#include <kwire/connect/outbox.hpp>

#include <string_view>
#include <utility>
#include <vector>

#include "limits.hpp"
#include "line_reader.hpp"
#include "protocol.hpp"
#include "transport.hpp"

namespace line_server {

namespace {

kwire::shared_buffer fixed(std::string_view text) { return kwire::shared_buffer::from_static(text); }

std::string_view text_of(const kwire::shared_buffer& line) {
    return {reinterpret_cast<const char*>(line.data()), line.size()};
}

/// Puts the answer to a line into `out`, by reference. Returns whether the client may go on.
bool answer(const kwire::shared_buffer& line, const canned_file& file, kwire::outbox& out) {
    const request asked = parse(text_of(line));
    switch (asked.what) {
    case command::echo:
        out.push(fixed(ok));
        out.push(line);
        break;
    case command::get:
        if (file.path.empty() || asked.name != file.name) {
            out.push(fixed(no_such_file));
            break;
        }
        out.push(file.heading);
        out.push(file.content);
        break;
    case command::quit: out.push(fixed(bye)); return false;
    }
    return true;
}

} // namespace

boost::asio::awaitable<void> serve(connection& client, service shared) {
    line_reader lines(shared.pool);
    kwire::outbox out(marks);
    for (bool open = true; open;) {
        if (!lines.has_line() && !lines.overflows() && !co_await read(client, lines)) co_return;

        std::vector<kwire::shared_buffer> taken;
        taken.reserve(lines_at_once);
        while (open && lines.has_line() && taken.size() < lines_at_once && !out.congested()) {
            kwire::shared_buffer line = *lines.next();
            if (line.size() > longest_line) {
                out.push(fixed(too_long));
                open = false;
                break;
            }
            open = answer(line, shared.file, out);
            taken.push_back(std::move(line));
        }
        if (open && !lines.has_line() && lines.overflows()) {
            out.push(fixed(too_long));
            open = false;
        }
        if (!taken.empty()) co_await shared.consumer.send(std::move(taken));
        if (!co_await write(client, out)) co_return;
    }
}

} // namespace line_server

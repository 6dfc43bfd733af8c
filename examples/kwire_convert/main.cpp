/// kwire-convert: bytes of Kafka messages to JSON and back, and from version to version; one JSON object a
/// line.
///
///     {"message":"FetchRequest","version":12,"hex":"..."}            ->
///     {"json":{...},"hex":"...","data_hex":"...","size":N}
///     {"message":"FetchRequest","version":12,"json":{...}}           -> {"hex":"...","size":N}
///     {"message":"FetchRequest","version":12,"hex":"...","to":4}     -> {"hex":"..."}
///     {"records":"..."}                            -> {"batches":[...],"truncated_tail":N}
///     {"records":"...","patch":{"base_offset":9}}  -> {"records":"..."}
///     anything that is wrong  ->
///     {"error":{"code":"truncated","offset":41,"path":"topics[3].partitions[0]","text":"..."}}
///
/// `hex` is the body without header and frame. In the first answer `hex` is written from the view, `data_hex`
/// from the data struct. `records` are record sets of any format; a batch with a wrong checksum is shown as
/// far as it can be read, any other defect ends the set with an error. The `offset` of an error is always a
/// byte of the line's own hex; where `text` counts bytes of decompressed records, it is where the compressed
/// ones begin. The patch is for the first batch. `"lenient":true` lets everything pass that
/// kwire::parse_options has a name for: `hex` and `size` are then of all that came, bytes behind the body
/// too, and `data_hex` is what a correct peer would have sent. Answers come in the order of the lines, and
/// none is held back while the program waits for input.
#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>

#include "convert.hpp"
#include <unistd.h>

namespace {

bool write_all(std::string& out) {
    std::string_view left = out;
    while (!left.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, left.data(), left.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        left.remove_prefix(static_cast<std::size_t>(written));
    }
    out.clear();
    return true;
}

/// Answers all whole lines of `in` and takes them away.
bool answer_lines(std::string& in, std::string& out) {
    constexpr std::size_t enough = 1 << 16;
    std::size_t start = 0;
    for (std::size_t end; (end = in.find('\n', start)) != std::string::npos; start = end + 1) {
        convert::answer(std::string_view(in).substr(start, end - start), out);
        out += '\n';
        if (out.size() > enough && !write_all(out)) return false;
    }
    in.erase(0, start);
    return write_all(out);
}

} // namespace

int main() {
    std::string in, out;
    static std::array<char, 1 << 16> chunk;
    for (;;) {
        const ssize_t size = ::read(STDIN_FILENO, chunk.data(), chunk.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return 1;
        if (size == 0) break;
        in.append(chunk.data(), static_cast<std::size_t>(size));
        if (std::string_view(chunk.data(), static_cast<std::size_t>(size)).find('\n') ==
            std::string_view::npos)
            continue; // a long line is looked through once
        if (!answer_lines(in, out)) return 1;
    }
    if (in.empty()) return 0;
    in += '\n';
    return answer_lines(in, out) ? 0 : 1;
}

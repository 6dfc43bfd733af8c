/// kwire-convert: converts Kafka messages between bytes, JSON and versions; one JSON object per line.
///
///     {"message":"FetchRequest","version":12,"hex":"..."}            ->
///     {"json":{...},"hex":"...","data_hex":"...","size":N}
///     {"message":"FetchRequest","version":12,"json":{...}}           -> {"hex":"...","size":N}
///     {"message":"FetchRequest","version":12,"hex":"...","to":4}     -> {"hex":"..."}
///     {"message":"FetchRequest","version":12,"hex":"...","to":4,"by_schema":true}     (transcode_by_schema)
///     {"records":"..."}                            -> {"batches":[...],"truncated_tail":N}
///     {"records":"...","patch":{"base_offset":9}}  -> {"records":"..."}
///     any invalid line  ->
///     {"error":{"code":"truncated","offset":41,"path":"topics[3].partitions[0]","text":"..."}}
///
/// `hex` is the body without header and frame. In the first answer `hex` is written from the view, `data_hex`
/// from the data struct. `records` are record sets of any format; a batch with a wrong checksum is shown as
/// far as it can be read, any other defect ends the set with an error. The `offset` of an error is always a
/// byte of the line's own hex; if `text` counts decompressed bytes, it is the first of the compressed bytes.
/// The patch applies to the first batch. `"lenient":true` reads record sets as Kafka does (record_options and
/// decompress_options), and sets all of kwire::parse_options for messages: `hex` and `size` then cover all
/// received bytes, including those after the body, and `data_hex` is what a correct peer would have sent.
/// Answers are written in the order of the lines, and before the program waits for more input.
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

/// Answers all complete lines of `in` and removes them.
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
            continue; // so that a long line is searched only once
        if (!answer_lines(in, out)) return 1;
    }
    if (in.empty()) return 0;
    in += '\n';
    return answer_lines(in, out) ? 0 : 1;
}

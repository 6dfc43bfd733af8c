/// Errors: a code, a byte offset and a field path, without allocation.
///
///     auto request = kwire::parse<kwire::produce_request>(body, 9);
///     if (!request) std::cerr << kwire::describe(request.error()) << '\n';
///     // ProduceRequest v9 topic_data[3].index: truncated at byte 1266, needs 4 bytes, 3 left
#pragma once

#include <kwire/detail/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kwire::inline KWIRE_ABI {

/// Every reason for which kwire refuses bytes or values.
enum class errc : std::uint8_t {
    truncated,  ///< a value needs more bytes than are left: wait for more, or the length before it is wrong
    bad_length, ///< a length or count below -1, or one that no correct peer writes
    null_not_allowed,        ///< a null where the field is not nullable in this version
    string_too_long,         ///< a string of more than 32767 bytes, Kafka's limit in both encodings
    count_exceeds_input,     ///< an array or tag count for which the bytes left cannot suffice
    bad_varint,              ///< a varint without an end, or with more bits than its type has
    tag_order,               ///< a tag section that is not in ascending order
    duplicate_tag,           ///< a tag that occurs twice in one section
    tag_size_mismatch,       ///< a known tag whose size is not the size of its value
    tag_not_in_version,      ///< a tag that the schema knows, but not at this version
    trailing_bytes,          ///< bytes left after the end of the message
    unsupported_version,     ///< a version outside the message's range
    absent,                  ///< no bytes at all in place of a message with its version in front
    unknown_api,             ///< an API key that Kafka has not assigned
    api_mismatch,            ///< a frame of another API than the message to be read
    field_not_in_version,    ///< a value that the target version lacks, in a field that is not ignorable
    meaning_differs,         ///< a value that means something else in the target version
    value_unknown,           ///< a value that the target version says and the source version does not
    too_large,               ///< a value too large for its length field, or a message above the limit
    bad_frame_length,        ///< a frame length below zero or below the smallest header
    frame_too_large,         ///< a frame length above the limit in force
    not_a_kafka_peer,        ///< the first bytes are another protocol's, which `message` names
    field_absent,            ///< a change in place to a field that the bytes do not contain
    buffer_shared,           ///< a change in place to bytes that have another holder
    buffer_read_only,        ///< a change in place to bytes that were lent for reading only, such as literals
    bad_batch_length,        ///< a record batch length that is too small for its format
    unknown_magic,           ///< a record format other than 0, 1 and 2
    crc_mismatch,            ///< a checksum that does not match its bytes
    bad_record,              ///< a record whose lengths do not add up
    unsupported_compression, ///< a compression type that is not assigned or not built in
    bad_value,               ///< a value outside its range, in text or in JSON
    bad_compressed_data,     ///< compressed bytes that their format forbids, or that fail its own checks
    decompressed_too_large,  ///< compressed bytes that decompress to more than the cap in force
    dictionary_needed,       ///< compressed bytes that need a dictionary, which Kafka does not use
    out_of_memory,           ///< a compression library that could not allocate its state
    memory_limit_exceeded,   ///< a message whose `data` would take more memory than the limit in force
    unknown_correlation_id,  ///< a response without a request, or to one that was already answered
    response_out_of_order,   ///< a response before the one to an earlier request; Kafka answers in order
    duplicate_correlation_id, ///< a request with the id of another one that still waits for its response
    too_many_in_flight,       ///< a request while the maximum number of requests waits for responses
};

/// The code as an identifier, for logs, metrics and tests: "truncated".
[[nodiscard]] constexpr std::string_view name_of(errc code) noexcept {
    switch (code) {
    case errc::truncated: return "truncated";
    case errc::bad_length: return "bad_length";
    case errc::null_not_allowed: return "null_not_allowed";
    case errc::string_too_long: return "string_too_long";
    case errc::count_exceeds_input: return "count_exceeds_input";
    case errc::bad_varint: return "bad_varint";
    case errc::tag_order: return "tag_order";
    case errc::duplicate_tag: return "duplicate_tag";
    case errc::tag_size_mismatch: return "tag_size_mismatch";
    case errc::tag_not_in_version: return "tag_not_in_version";
    case errc::trailing_bytes: return "trailing_bytes";
    case errc::unsupported_version: return "unsupported_version";
    case errc::absent: return "absent";
    case errc::unknown_api: return "unknown_api";
    case errc::api_mismatch: return "api_mismatch";
    case errc::field_not_in_version: return "field_not_in_version";
    case errc::meaning_differs: return "meaning_differs";
    case errc::value_unknown: return "value_unknown";
    case errc::too_large: return "too_large";
    case errc::bad_frame_length: return "bad_frame_length";
    case errc::frame_too_large: return "frame_too_large";
    case errc::not_a_kafka_peer: return "not_a_kafka_peer";
    case errc::field_absent: return "field_absent";
    case errc::buffer_shared: return "buffer_shared";
    case errc::buffer_read_only: return "buffer_read_only";
    case errc::bad_batch_length: return "bad_batch_length";
    case errc::unknown_magic: return "unknown_magic";
    case errc::crc_mismatch: return "crc_mismatch";
    case errc::bad_record: return "bad_record";
    case errc::unsupported_compression: return "unsupported_compression";
    case errc::bad_value: return "bad_value";
    case errc::bad_compressed_data: return "bad_compressed_data";
    case errc::decompressed_too_large: return "decompressed_too_large";
    case errc::dictionary_needed: return "dictionary_needed";
    case errc::out_of_memory: return "out_of_memory";
    case errc::memory_limit_exceeded: return "memory_limit_exceeded";
    case errc::unknown_correlation_id: return "unknown_correlation_id";
    case errc::response_out_of_order: return "response_out_of_order";
    case errc::duplicate_correlation_id: return "duplicate_correlation_id";
    case errc::too_many_in_flight: return "too_many_in_flight";
    }
    return "unknown";
}

/// One step of a field path: a field's name and, inside an array, the element's position.
struct path_step {
    std::string_view field;  ///< static storage: the schema's name in snake_case
    std::int64_t index = -1; ///< -1 if the field is not an array, or the error is in its count
};

/// A refusal: the code, the byte at which it was noticed, and the field that was being read or written.
///
/// Owns nothing and refers only to static names, so it may outlive the bytes that it describes.
struct error {
    static constexpr std::size_t max_depth = 6; ///< the deepest path of all messages has six steps

    /// What is wrong.
    errc code{};
    std::uint64_t offset = 0;   ///< bytes from the start of what was read; 0 unless `located`
    std::uint64_t needed = 0;   ///< bytes that the value needs, if known; else 0
    std::uint64_t left = 0;     ///< bytes that were left at `offset`, if `needed` is known
    std::string_view message{}; ///< the schema's name of the message or API, static storage; may be empty
    std::int16_t version = -1;  ///< the version that was read or written; -1 if there is none
    std::uint8_t depth = 0;     ///< the number of steps of `path` in use
    bool located = true; ///< whether `offset` is meaningful; false in errors of writing, which read nothing
    std::array<path_step, max_depth> path{}; ///< outermost first

    /// Adds an enclosing field at the outer end; steps beyond `max_depth` are dropped at the inner end.
    constexpr void enter(path_step outer) noexcept {
        if (depth < max_depth) ++depth;
        for (std::size_t i = depth - 1U; i != 0; --i) path[i] = path[i - 1];
        path[0] = outer;
    }

    friend constexpr bool operator==(const error& e, errc expected) noexcept { return e.code == expected; }
};

/// Text of bounded length, stored in the object: no allocation, convertible to std::string_view, and
/// streamable.
class error_text {
public:
    /// The characters; valid while this object exists.
    [[nodiscard]] constexpr std::string_view view() const& noexcept KWIRE_LIFETIMEBOUND {
        return {chars_.data(), size_};
    }
    std::string_view view() const&& = delete;
    /// For use within one expression: `log(describe(e))` where `log` has a std::string_view parameter.
    [[nodiscard]] constexpr operator std::string_view() const& noexcept KWIRE_LIFETIMEBOUND { return view(); }

    /// Writes to any stream that accepts a std::string_view.
    template <class Stream>
        requires requires(Stream& out, std::string_view text) { out << text; }
    friend Stream& operator<<(Stream& out, const error_text& text) {
        out << text.view();
        return out;
    }

    /// Appends text; what does not fit is left out.
    constexpr void add(std::string_view text) noexcept {
        for (char c : text) put(c);
    }
    /// Appends text; what does not fit is left out.
    constexpr void add(std::int64_t number) noexcept {
        // cost: <charconv> takes 49 M instructions of the compiler, 1.1 % of a program that parses and visits
        // a message.
        if (number < 0) put('-');
        std::uint64_t left =
            number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
        std::uint64_t power = 1;
        while (left / power >= 10) power *= 10;
        for (; power != 0; power /= 10) put(static_cast<char>('0' + left / power % 10));
    }

private:
    constexpr void put(char c) noexcept {
        if (size_ < chars_.size()) chars_[size_++] = c;
    }

    std::array<char, 256> chars_{};
    std::size_t size_ = 0;
};

/// Appends the field path of `e` in the form `topics[3].partitions[0].partition_id`.
inline void add_path(error_text& text, const error& e) noexcept {
    for (std::size_t i = 0; i < e.depth; ++i) {
        if (i != 0) text.add(".");
        text.add(e.path[i].field);
        if (e.path[i].index >= 0) {
            text.add("[");
            text.add(e.path[i].index);
            text.add("]");
        }
    }
}

/// The field path alone: `topics[3].partitions[0].partition_id`; empty if the error has none.
[[nodiscard]] inline error_text path_of(const error& e) noexcept {
    error_text text;
    add_path(text, e);
    return text;
}

/// One human-readable line: message, version, field path, code, offset (if there is one) and sizes; at most
/// 256 characters.
[[nodiscard]] inline error_text describe(const error& e) noexcept {
    error_text text;
    if (!e.message.empty()) {
        text.add(e.message);
        if (e.version >= 0) {
            text.add(" v");
            text.add(e.version);
        }
        text.add(e.depth != 0 ? " " : ": ");
    }
    if (e.depth != 0) {
        add_path(text, e);
        text.add(": ");
    }
    text.add(name_of(e.code));
    if (e.located) {
        text.add(" at byte ");
        text.add(static_cast<std::int64_t>(e.offset));
    }
    if (e.needed != 0) {
        text.add(", needs ");
        text.add(static_cast<std::int64_t>(e.needed));
        text.add(e.needed == 1 ? " byte, " : " bytes, ");
        text.add(static_cast<std::int64_t>(e.left));
        text.add(" left");
    }
    return text;
}

} // namespace kwire::inline KWIRE_ABI

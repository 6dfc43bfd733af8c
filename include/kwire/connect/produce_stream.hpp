/// Takes a large Produce request apart while it arrives: records go to their partitions chunk by chunk, and
/// at the end the request is there without them.
///
///     kwire::produce_stream large;
///     for (;;) {
///         auto piece = reader.next_piece();
///         if (!piece) return close(piece.error());
///         if (!*piece) break; // read more
///         if ((*piece)->is_whole()) { handle((*piece)->bytes); continue; }
///         auto rest = large.add(**piece, [&](const kwire::produce_chunk& chunk) {
///             file_of(chunk.topic, chunk.partition).append(chunk.bytes);
///         });
///         if (!rest) return close(rest.error());
///         if (*rest) answer(**rest); // the last piece: the request, whose records are empty
///     }
#pragma once

#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/connect/frame.hpp>
#include <kwire/connect/frame_reader.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/messages/view/produce.hpp>
#include <kwire/read/message.hpp>
#include <kwire/wire/uuid.hpp>
#include <kwire/wire/varint.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kwire::inline KWIRE_ABI {

/// Some of the bytes of one partition's records, in order.
struct produce_chunk {
    /// These bytes of the records of the partition.
    shared_buffer bytes;
    std::string_view topic;         ///< empty from v13 on; valid until the function returns
    uuid topic_id{};                ///< from v13 on
    std::int32_t partition = 0;     ///< its index
    std::uint32_t offset = 0;       ///< of these bytes in the records
    std::uint32_t records_size = 0; ///< of all bytes of the records

    /// Whether the records of the partition begin here, and whether they end here.
    [[nodiscard]] bool is_first() const noexcept { return offset == 0; }
    [[nodiscard]] bool is_last() const noexcept { return offset + bytes.size() == records_size; }
};

/// One Produce request after the other, on one connection.
///
/// Memory does not grow with the records: what is kept is the request without them, of at most 1 MiB. All
/// records are given away; empty ones and null stay. Nothing is checked of the records themselves. One thread
/// at a time.
class produce_stream {
public:
    produce_stream() noexcept = default;
    explicit produce_stream(parse_options options) noexcept : options_(options) {}

    /// Takes the next piece of a frame; `sink(const produce_chunk&)` is called for the records in it.
    ///
    /// Returns the request when the piece is the last one, with empty records where they went to `sink`: look
    /// at it before what the sink took counts, since a request that turns out to be malformed has given
    /// chunks before. Errors are those of parse_request_frame and parse, whose offsets are then in the
    /// request without records; bad_value if it is not a Produce request; truncated if records do not fit
    /// into their frame; frame_too_large if more than 1 MiB is not records. After an error the connection
    /// cannot go on. Throws std::bad_alloc, and what `sink` throws.
    template <class Sink>
    [[nodiscard]] expected<std::optional<message<produce_request>>, error> add(const frame_piece& piece,
                                                                               Sink&& sink) {
        if (piece.is_first()) begin(piece.frame_size);
        shared_buffer rest = piece.bytes;
        for (;;) {
            if (left_of_records_ != 0) {
                if (rest.empty()) break;
                give(take(rest, left_of_records_), sink);
                continue;
            }
            const expected<std::size_t, error> lacking = walk();
            if (!lacking) return unexpected(lacking.error());
            if (left_of_records_ != 0) continue;
            if (rest.empty()) break;
            const shared_buffer some = take(rest, *lacking);
            if (some.size() > most_of_shell - shell_.size())
                return unexpected(error{.code = errc::frame_too_large,
                                        .needed = shell_.size() + some.size(),
                                        .left = most_of_shell});
            shell_.insert(shell_.end(), some.begin(), some.end());
        }
        if (!piece.is_last()) return std::optional<message<produce_request>>{};
        return whole();
    }

private:
    static constexpr std::size_t most_of_shell = std::size_t{1} << 20;

    /// What comes next in the shell.
    enum class place : std::uint8_t {
        header,
        client_id,
        header_tags,
        transactional_id,
        acks_and_timeout,
        topic_count,
        topic,
        partition_count,
        partition,
        records,
        partition_tags,
        topic_tags,
        request_tags,
        end
    };

    void begin(std::uint32_t frame_size) {
        shell_.clear();
        at_ = left_of_records_ = 0;
        tags_.reset();
        left_of_frame_ = frame_size;
        next_ = place::header;
    }
    /// At most `most` bytes off the front of what came.
    [[nodiscard]] shared_buffer take(shared_buffer& rest, std::size_t most) noexcept {
        shared_buffer some = rest.split_to(rest.size() < most ? rest.size() : most).value_or(shared_buffer());
        left_of_frame_ -= static_cast<std::uint32_t>(some.size());
        return some;
    }

    // The walk. Each of these takes something at `at_` out of the shell, or notes in `lacking_` how many
    // bytes are missing, without which nothing has changed. So the shell never has bytes that are not needed
    // yet.
    [[nodiscard]] bool has(std::size_t n) noexcept {
        if (n <= shell_.size() - at_) return true;
        lacking_ = n - (shell_.size() - at_);
        return false;
    }
    /// A number of `size` bytes at `from` bytes after `at_`, which are there.
    template <class T>
    [[nodiscard]] T number(std::size_t from = 0) const noexcept {
        return wire::load_be<T>(shell_.data() + at_ + from);
    }
    /// An unsigned varint at `from`, and the bytes that it takes; none if it is not there, or malformed.
    struct varint {
        std::uint64_t value = 0;
        std::size_t size = 0;
    };
    [[nodiscard]] std::optional<varint> varint_at(std::size_t from) noexcept {
        varint out;
        for (;;) {
            if (!has(from + out.size + 1)) return std::nullopt;
            const auto byte = std::to_integer<std::uint64_t>(shell_[at_ + from + out.size]);
            out.value |= (byte & 0x7f) << (7 * out.size);
            ++out.size;
            if ((byte & 0x80) == 0) return out;
            if (out.size == wire::max_varint32_size) {
                malformed_ = true;
                return std::nullopt;
            }
        }
    }
    /// The length or count at `from`: -1 for null.
    struct length {
        std::int64_t value = 0;
        std::size_t size = 0;
    };
    [[nodiscard]] std::optional<length> length_at(std::size_t from, std::size_t classic) noexcept {
        if (flexible()) {
            const std::optional<varint> compact = varint_at(from);
            if (!compact) return std::nullopt;
            return length{static_cast<std::int64_t>(compact->value) - 1, compact->size};
        }
        if (!has(from + classic)) return std::nullopt;
        return length{classic == 2 ? number<std::int16_t>(from) : number<std::int32_t>(from), classic};
    }
    [[nodiscard]] bool pass(std::size_t n, place next) noexcept {
        if (!has(n)) return false;
        at_ += n;
        next_ = next;
        return true;
    }
    [[nodiscard]] bool pass_string(std::optional<length> of, place next) noexcept {
        return of && pass(of->size + static_cast<std::size_t>(of->value < 0 ? 0 : of->value), next);
    }
    /// One tag at a time, so that none is walked again when the next one is lacking.
    [[nodiscard]] bool pass_tags(place next) noexcept {
        if (!tags_) {
            const std::optional<varint> count = varint_at(0);
            if (!count) return false;
            tags_ = count->value;
            at_ += count->size;
        }
        for (; *tags_ != 0; --*tags_) {
            const std::optional<varint> tag = varint_at(0);
            if (!tag) return false;
            const std::optional<varint> size = varint_at(tag->size);
            if (!size || !pass(tag->size + size->size + static_cast<std::size_t>(size->value), next_))
                return false;
        }
        tags_.reset();
        next_ = next;
        return true;
    }
    [[nodiscard]] bool flexible() const noexcept { return version_ >= produce_request::facts.first_flexible; }

    /// Goes as far as the shell has bytes. Returns how many are lacking; records begin if there are some
    /// left.
    [[nodiscard]] expected<std::size_t, error> walk() {
        malformed_ = false;
        while (step())
            if (left_of_records_ != 0) return std::size_t{0};
        if (malformed_) return unexpected(defect());
        if (next_ == place::header && shell_.size() >= 8) return unexpected(defect());
        return lacking_;
    }
    [[nodiscard]] bool step() {
        switch (next_) {
        case place::header:
            if (!has(8)) return false;
            version_ = number<std::int16_t>(2);
            if (number<std::int16_t>() != static_cast<std::int16_t>(api_key::produce) ||
                !produce_request::facts.versions.contains(version_))
                return false;
            return pass(8, place::client_id);
        case place::client_id: { // never compact
            if (!has(2)) return false;
            const length id{number<std::int16_t>(), 2};
            return pass_string(id, flexible() ? place::header_tags : after_header());
        }
        case place::header_tags: return pass_tags(after_header());
        case place::transactional_id: return pass_string(length_at(0, 2), place::acks_and_timeout);
        case place::acks_and_timeout: return pass(6, place::topic_count);
        case place::topic_count: return pass_count(topics_, place::topic, place::request_tags);
        case place::topic: return pass_topic();
        case place::partition_count: return pass_count(partitions_, place::partition, place::topic_tags);
        case place::partition:
            if (!has(4)) return false;
            chunk_.partition = number<std::int32_t>();
            return pass(4, place::records);
        case place::records: return pass_records();
        case place::partition_tags:
            if (flexible() && !pass_tags(next_)) return false;
            next_ = --partitions_ != 0 ? place::partition : place::topic_tags;
            return true;
        case place::topic_tags:
            if (flexible() && !pass_tags(next_)) return false;
            next_ = --topics_ != 0 ? place::topic : place::request_tags;
            return true;
        case place::request_tags:
            if (flexible()) return pass_tags(place::end);
            next_ = place::end;
            return true;
        case place::end: break; // what follows is for parse to judge
        }
        at_ = shell_.size();
        lacking_ = SIZE_MAX;
        return false;
    }
    [[nodiscard]] place after_header() const noexcept {
        return version_ >= 3 ? place::transactional_id : place::acks_and_timeout;
    }
    [[nodiscard]] bool pass_count(std::int64_t& count, place some, place none) noexcept {
        const std::optional<length> found = length_at(0, 4);
        if (!found) return false;
        count = found->value;
        return pass(found->size, count > 0 ? some : none);
    }
    [[nodiscard]] bool pass_topic() {
        if (version_ >= 13) {
            if (!has(16)) return false;
            chunk_.topic_id = uuid::from_halves(number<std::uint64_t>(), number<std::uint64_t>(8));
            return pass(16, place::partition_count);
        }
        const std::optional<length> name = length_at(0, 2);
        if (!name || !pass_string(name, place::partition_count)) return false;
        const std::size_t size = name->value < 0 ? 0 : static_cast<std::size_t>(name->value);
        topic_.assign(reinterpret_cast<const char*>(shell_.data() + at_ - size), size);
        return true;
    }
    /// Records that are there leave their place to records of no bytes.
    [[nodiscard]] bool pass_records() {
        const std::optional<length> found = length_at(0, 4);
        if (!found || !pass(found->size, place::partition_tags)) return false;
        if (found->value <= 0) return true;
        if (found->value > left_of_frame_) {
            malformed_ = true;
            return false;
        }
        left_of_records_ = static_cast<std::size_t>(found->value);
        chunk_.offset = 0;
        chunk_.records_size = static_cast<std::uint32_t>(found->value);
        shell_.resize(at_ - found->size);
        shell_.insert(shell_.end(), flexible() ? 1 : 4, flexible() ? std::byte{1} : std::byte{0});
        at_ = shell_.size();
        return true;
    }

    template <class Sink>
    void give(shared_buffer bytes, Sink& sink) {
        const auto n = static_cast<std::uint32_t>(bytes.size());
        chunk_.topic = version_ < 13 ? std::string_view(topic_) : std::string_view();
        chunk_.bytes = std::move(bytes);
        left_of_records_ -= n;
        sink(std::as_const(chunk_));
        chunk_.bytes = {};
        chunk_.offset += n;
    }

    /// Why the walk cannot go on.
    [[nodiscard]] error defect() const noexcept {
        if (next_ == place::header) {
            if (number<std::int16_t>() != static_cast<std::int16_t>(api_key::produce))
                return {.code = errc::bad_value, .message = produce_request::facts.name};
            return {.code = errc::unsupported_version,
                    .message = produce_request::facts.name,
                    .version = version_};
        }
        error out{.code = errc::bad_varint,
                  .offset = at_,
                  .message = produce_request::facts.name,
                  .version = version_};
        if (next_ == place::partition_tags) { // of records, whose length was taken
            out.code = errc::truncated;
            out.left = left_of_frame_;
            out.needed = std::uint64_t{left_of_frame_} + 1;
        }
        return out;
    }
    [[nodiscard]] expected<std::optional<message<produce_request>>, error> whole() {
        auto frame = parse_request_frame(shared_buffer::adopt(std::exchange(shell_, {})), options_);
        if (!frame) return unexpected(frame.error());
        auto request = parse<produce_request>(*std::move(frame), options_);
        if (!request) return unexpected(request.error());
        return std::optional(*std::move(request));
    }

    parse_options options_ = parse_options::as_kafka();
    std::vector<std::byte> shell_; ///< the frame without the records that were given away
    std::size_t at_ = 0;           ///< how far the walk has come
    std::size_t lacking_ = 0;
    std::size_t left_of_records_ = 0;
    std::int64_t topics_ = 0, partitions_ = 0; ///< that are still to come, the current one included
    std::optional<std::uint64_t> tags_;        ///< of the section that is being walked, still to come
    std::uint32_t left_of_frame_ = 0;
    std::int16_t version_ = 0;
    place next_ = place::header;
    bool malformed_ = false;
    std::string topic_;
    produce_chunk chunk_;
};

} // namespace kwire::inline KWIRE_ABI

/// What a function does to one record: see transform.hpp.
#pragma once

#include <kwire/buffer/detail/memory.hpp>
#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/detail/config.hpp>
#include <kwire/error.hpp>
#include <kwire/records/batch.hpp>
#include <kwire/records/detail/batch_pieces.hpp>
#include <kwire/records/detail/parse_record.hpp>
#include <kwire/records/detail/record_iterator.hpp>
#include <kwire/records/detail/record_to_write.hpp>
#include <kwire/records/record.hpp>
#include <kwire/wire/detail/put_short.hpp>
#include <kwire/wire/varint.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace kwire::inline KWIRE_ABI {

namespace detail {
class batch_transformer;
}

/// The changes to one record. Without a call the record is kept as it is; the last call for a part decides.
///
/// Spans and header_views that are given (not of what write_value returned) are copied at once and need not
/// outlive the call, whose bytes are counted in copied_bytes(); buffers are attached by reference if they
/// have 512 bytes or more, but a key before a value of write_value or set_value(span) is always copied. Valid
/// during the call that it is given to.
class record_edit {
public:
    record_edit(const record_edit&) = delete;
    record_edit& operator=(const record_edit&) = delete;
    ~record_edit() = default;

    /// The batch of the record, with its header as it was. Its bytes are compressed if the batch is.
    [[nodiscard]] batch_view batch() const noexcept { return batch_; }

    /// Leaves the record out. Its offset stays unused, as after compaction.
    void drop() noexcept { dropped_ = changed_ = true; }

    /// Replaces the key; nullopt is null.
    void set_key(std::optional<std::span<const std::byte>> key) {
        changed_ = true;
        key_.is = key ? part::copied : part::null;
        copied_key_.clear();
        if (key) copied_key_.append(*key);
    }
    /// The same with a buffer of the caller's.
    void set_key(shared_buffer key) noexcept { set(key_, std::move(key)); }
    void set_key(unique_buffer&& key) noexcept { set(key_, std::move(key).freeze()); }

    /// Replaces the value; nullopt is null, which marks the key as deleted.
    void set_value(std::optional<std::span<const std::byte>> value) {
        if (!value) {
            changed_ = true;
            value_.is = part::null;
            return;
        }
        const auto to = write_value(value->size());
        detail::copy_bytes(to.data(), value->data(), value->size());
    }
    /// The same with a buffer of the caller's.
    void set_value(shared_buffer value) noexcept { set(value_, std::move(value)); }
    void set_value(unique_buffer&& value) noexcept { set(value_, std::move(value).freeze()); }

    /// Replaces the value by the `size` bytes that the caller writes to the returned memory, which is
    /// uninitialised, and is part of the result: no byte is copied again. Valid until the next call for the
    /// value, and until the function returns.
    ///
    /// Key and headers are best set before, for the value comes after the one and before the other: otherwise
    /// it may be moved by a few bytes. Reading the old value while writing is fine, they do not overlap.
    [[nodiscard]] std::span<std::byte> write_value(std::size_t size) {
        const std::size_t front = measure(size).front;
        const std::size_t reserved = detail::saturating_add(front, size);
        std::byte* const room = pieces_.room(reserved); // before the change, as memory may run out
        changed_ = true;
        value_.is = part::written;
        written_size_ = size;
        written_at_ = front;
        reserved_ = reserved;
        return {room + front, size};
    }
    /// Keeps the first `size` bytes of what write_value returned last, for a value whose size is only known
    /// when it is written. No effect if it has no more.
    void trim_value(std::size_t size) noexcept {
        if (value_.is == part::written && size < written_size_) written_size_ = size;
    }

    /// Replaces all headers.
    void set_headers(std::span<const header_view> headers) {
        changed_ = true;
        own_headers_ = true;
        more_headers_.clear();
        more_count_ = 0;
        for (const header_view& header : headers) append_header(header);
    }
    /// Adds a header after the others; the same name may be there already.
    void add_header(const header_view& header) {
        changed_ = true;
        append_header(header);
    }
    void add_header(std::string_view name, std::optional<std::span<const std::byte>> value) {
        add_header({name, value});
    }
    /// Removes all headers with that name; returns how many there were.
    std::size_t remove_headers(std::string_view name) {
        unique_buffer kept;
        std::int64_t count = 0;
        std::size_t removed = 0;
        const auto keep = [&](header_range headers) {
            for (const header_view header : headers) {
                if (header.name == name) {
                    ++removed;
                    continue;
                }
                put_header(kept, header);
                ++count;
            }
        };
        if (!own_headers_) keep(record_->headers());
        keep(added_headers());
        if (removed == 0) return 0;
        changed_ = own_headers_ = true;
        more_headers_.swap(kept);
        more_count_ = count;
        return removed;
    }

private:
    friend class detail::batch_transformer;

    /// Buffers and old parts that are shorter are copied: an entry in a list costs more than that.
    static constexpr std::size_t least_attached = 512;
    static constexpr std::uint64_t largest = std::numeric_limits<std::int32_t>::max();

    enum class part : std::uint8_t {
        old,
        null,
        copied,
        buffer,
        written
    };
    struct change {
        part is = part::old;
        shared_buffer buffer{};
    };

    /// The sizes of a record that is to be written.
    struct measured {
        std::uint64_t body;      ///< what its length counts
        std::size_t front;       ///< bytes before the value
        std::size_t to_key;      ///< bytes before the key
        std::int64_t key, value; ///< -1 is null
    };

    explicit record_edit(detail::batch_pieces& pieces) noexcept : pieces_(pieces) {}

    /// Makes this the edit of a record whose bytes end at `end`.
    void begin(batch_view batch, const record_view& record, const std::byte* end) noexcept {
        batch_ = batch;
        record_ = &record;
        end_ = end;
        if (!changed_) return;
        changed_ = dropped_ = own_headers_ = false;
        key_ = {};
        value_ = {};
        more_headers_.clear();
        more_count_ = 0;
    }
    [[nodiscard]] const detail::parsed_record& old() const noexcept {
        return detail::record_access::parts(*record_);
    }
    /// The old headers in their wire form, without their count.
    [[nodiscard]] std::span<const std::byte> old_headers() const noexcept {
        if (own_headers_ || old().header_count == 0) return {};
        return {old().headers, end_};
    }
    [[nodiscard]] std::int64_t header_count() const noexcept {
        return (own_headers_ ? 0 : std::int64_t{old().header_count}) + more_count_;
    }
    [[nodiscard]] header_range added_headers() const noexcept {
        detail::parsed_record parts;
        parts.headers = more_headers_.data();
        parts.header_count = static_cast<std::int32_t>(more_count_);
        return detail::record_access::make({}, parts).headers();
    }

    void set(change& which, shared_buffer bytes) noexcept {
        changed_ = true;
        which = {part::buffer, std::move(bytes)};
    }
    void append_header(const header_view& header) {
        put_header(more_headers_, header);
        ++more_count_;
    }
    static void put_header(unique_buffer& out, const header_view& header) {
        put_size(out, header.name.size());
        out.append(bytes_of_text(header.name));
        if (!header.value) {
            const std::byte null{1};
            out.append({&null, 1});
            return;
        }
        put_size(out, header.value->size());
        out.append(*header.value);
    }
    static void put_size(unique_buffer& out, std::size_t size) {
        std::byte bytes[wire::max_varint64_size];
        const std::byte* const end = detail::put_short_varint(bytes, static_cast<std::int64_t>(size));
        out.append({bytes, end});
    }

    /// The bytes of a varint, and with a size those that it counts; -1 is null.
    [[nodiscard]] static std::size_t varint(std::int64_t value) noexcept { return wire::varint_size(value); }
    [[nodiscard]] static std::uint64_t sized(std::int64_t size) noexcept {
        return varint(size) + (size < 0 ? 0 : static_cast<std::uint64_t>(size));
    }
    [[nodiscard]] std::int64_t key_size() const noexcept {
        switch (key_.is) {
        case part::null: return -1;
        case part::copied: return static_cast<std::int64_t>(copied_key_.size());
        case part::buffer: return static_cast<std::int64_t>(key_.buffer.size());
        default: return old().key_size < 0 ? -1 : old().key_size;
        }
    }
    [[nodiscard]] std::int64_t value_size() const noexcept {
        switch (value_.is) {
        case part::null: return -1;
        case part::written: return static_cast<std::int64_t>(written_size_);
        case part::buffer: return static_cast<std::int64_t>(value_.buffer.size());
        default: return old().value_size < 0 ? -1 : old().value_size;
        }
    }
    [[nodiscard]] measured measure() const noexcept { return measure_with(value_size()); }
    [[nodiscard]] measured measure(std::size_t value) const noexcept {
        return measure_with(static_cast<std::int64_t>(value));
    }
    [[nodiscard]] measured measure_with(std::int64_t value) const noexcept {
        const std::int64_t key = key_size();
        const std::size_t deltas = 1 + varint(old().timestamp_delta) + varint(old().offset_delta);
        const std::uint64_t headers =
            varint(header_count()) + old_headers().size() + std::uint64_t{more_headers_.size()};
        const std::uint64_t body = deltas + sized(key) + sized(value) + headers;
        const std::size_t to_key = varint(static_cast<std::int64_t>(body)) + deltas + varint(key);
        const auto front = to_key + (key < 0 ? 0 : static_cast<std::size_t>(key)) + varint(value);
        return {body, front, to_key, key, value};
    }

    [[nodiscard]] std::byte* put_front(std::byte* p, const measured& sizes) const noexcept {
        p = detail::put_short_varint(p, static_cast<std::int64_t>(sizes.body));
        *p++ = static_cast<std::byte>(old().attributes);
        p = detail::put_short_varint(p, old().timestamp_delta);
        p = detail::put_short_varint(p, std::int64_t{old().offset_delta});
        return detail::put_short_varint(p, sizes.key);
    }
    [[nodiscard]] std::span<const std::byte> key_bytes() const noexcept {
        switch (key_.is) {
        case part::null: return {};
        case part::copied: return copied_key_.span();
        case part::buffer: return key_.buffer.span();
        default: return detail::nullable_bytes(old().key, old().key_size).value_or(no_bytes());
        }
    }
    [[nodiscard]] static std::span<const std::byte> no_bytes() noexcept { return {}; }

    /// Adds the changed record to the pieces; false if it is too large for its length fields.
    [[nodiscard]] bool write() {
        const measured sizes = measure();
        if (sizes.body > largest) return false;
        if (value_.is == part::written) {
            write_around_value(sizes);
        } else {
            std::byte* const front = pieces_.room(sizes.to_key);
            pieces_.written(static_cast<std::size_t>(put_front(front, sizes) - front));
            put_part(key_, key_bytes());
            put_number(sizes.value);
            if (value_.is == part::buffer)
                put_buffer(std::move(value_.buffer));
            else if (value_.is == part::old && sizes.value > 0)
                put_old({old().value, static_cast<std::size_t>(sizes.value)});
        }
        put_number(header_count());
        put_old(old_headers());
        pieces_.copy(std::as_const(more_headers_).span());
        return true;
    }
    /// What is before the value, which is in the last room already; the record goes on after it.
    void write_around_value(const measured& sizes) {
        const std::size_t value = written_size_;
        std::byte* room = pieces_.larger_room(sizes.front + value, reserved_);
        if (sizes.front != written_at_) [[unlikely]]
            std::memmove(room + sizes.front, room + written_at_, value);
        std::byte* p = put_front(room, sizes);
        const auto key = key_bytes();
        detail::copy_bytes(p, key.data(), key.size());
        detail::put_short_varint(p + key.size(), sizes.value);
        pieces_.written(sizes.front + value);
    }
    void put_number(std::int64_t number) {
        std::byte* const p = pieces_.room(wire::max_varint64_size);
        pieces_.written(static_cast<std::size_t>(detail::put_short_varint(p, number) - p));
    }
    void put_part(change& which, std::span<const std::byte> bytes) {
        if (which.is == part::buffer)
            put_buffer(std::move(which.buffer));
        else if (which.is == part::old)
            put_old(bytes);
        else
            pieces_.copy(bytes);
    }
    void put_buffer(shared_buffer bytes) {
        if (bytes.size() >= least_attached)
            pieces_.attach(std::move(bytes));
        else
            pieces_.copy(bytes.span());
    }
    void put_old(std::span<const std::byte> bytes) {
        if (bytes.size() >= least_attached)
            pieces_.keep(static_cast<std::size_t>(bytes.data() - pieces_.old().data()), bytes.size());
        else
            pieces_.copy(bytes);
    }

    detail::batch_pieces& pieces_;
    batch_view batch_;
    const record_view* record_ = nullptr;
    const std::byte* end_ = nullptr;
    change key_, value_;
    unique_buffer copied_key_;
    unique_buffer more_headers_; ///< in wire form, after the old ones
    std::int64_t more_count_ = 0;
    std::size_t written_size_ = 0, written_at_ = 0, reserved_ = 0;
    bool changed_ = false, dropped_ = false;
    bool own_headers_ = false; ///< the old headers are replaced by more_headers_
};

} // namespace kwire::inline KWIRE_ABI

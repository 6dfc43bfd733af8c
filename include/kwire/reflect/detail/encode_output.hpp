/// Internal: where the encoder of dynamic values writes to.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/wire/uuid.hpp>
#include <kwire/wire/varint.hpp>
#include <kwire/write/payload.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace kwire::detail {

/// Counts what an encoder writes.
class measuring_output {
public:
    static constexpr bool checks =
        true; ///< the first pass finds what cannot be written, the second trusts it

    std::uint64_t own = 0;      ///< bytes that go into the scratch slab
    std::uint64_t attached = 0; ///< bytes that are only referred to
    std::size_t segments = 1;   ///< at most so many pieces

    [[nodiscard]] std::uint64_t size() const noexcept { return own + attached; }

    template <class T>
    void number(T) noexcept {
        own += sizeof(T);
    }
    void number(const uuid&) noexcept { own += 16; }
    template <class T>
    void numbers(std::span<const T> values) noexcept {
        own += values.size_bytes();
    }
    void varint(std::uint32_t value) noexcept { own += wire::uvarint_size(value); }
    void text(std::string_view chars) noexcept { own += chars.size(); }
    void attach(const shared_buffer& bytes) noexcept {
        attached += bytes.size();
        segments += bytes.empty() ? 0 : 2; // itself, and what was written before it
    }
    void attach(const payload& bytes) noexcept {
        if (bytes.empty()) return;
        attached += bytes.size();
        segments += bytes.segment_count() + 1;
    }
};

/// Writes into one slab of the measured size, and attaches payloads between its slices.
class writing_output {
public:
    static constexpr bool checks = false;

    explicit writing_output(const measuring_output& measured)
        : slab_(unique_buffer::with_capacity(static_cast<std::size_t>(measured.own))),
          at_(slab_.spare().data()),
          written_to_(at_) {
        chain_.reserve_segments(measured.segments);
    }

    template <class T>
    void number(const T& value) noexcept {
        store(at_, value);
        at_ += sizeof(T);
    }
    template <class T>
    void numbers(std::span<const T> values) noexcept {
        std::byte* to = at_;
        for (const T& value : values) {
            store(to, value);
            to += sizeof(T);
        }
        at_ = to;
    }
    void varint(std::uint32_t value) noexcept { at_ = wire::write_uvarint(at_, value); }
    void text(std::string_view chars) noexcept {
        for (const char c : chars) *at_++ = static_cast<std::byte>(c);
    }
    void attach(const shared_buffer& bytes) {
        if (bytes.empty()) return;
        flush();
        chain_.put_bytes(bytes);
    }
    void attach(const payload& bytes) {
        if (bytes.empty()) return;
        flush();
        bytes.each_buffer([this](shared_buffer one) { chain_.put_bytes(std::move(one)); });
    }

    [[nodiscard]] buffer_chain finish() && {
        flush();
        return std::move(chain_);
    }

private:
    template <class T>
    static void store(std::byte* to, const T& value) noexcept {
        if constexpr (std::is_same_v<T, bool>)
            *to = static_cast<std::byte>(value ? 1 : 0);
        else if constexpr (std::is_same_v<T, uuid>)
            std::memcpy(to, value.bytes.data(), value.bytes.size());
        else if constexpr (std::is_enum_v<T>)
            wire::store_be(to, static_cast<std::underlying_type_t<T>>(value));
        else
            wire::store_be(to, value);
    }

    void flush() {
        if (at_ == written_to_) return;
        slab_.commit(static_cast<std::size_t>(at_ - written_to_));
        chain_.put_bytes(slab_.split().freeze());
        at_ = written_to_ = slab_.spare().data();
    }

    buffer_chain chain_;
    unique_buffer slab_;
    std::byte* at_;
    std::byte* written_to_;
};

} // namespace kwire::detail

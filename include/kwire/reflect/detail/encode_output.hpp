/// Internal: where the encoder of dynamic values writes to.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/wire/detail/put_short.hpp>
#include <kwire/wire/text.hpp>
#include <kwire/wire/uuid.hpp>
#include <kwire/wire/varint.hpp>
#include <kwire/write/detail/write_data.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace kwire::inline KWIRE_ABI::detail {

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
    void varint(std::uint32_t value) noexcept { own += wire::uvarint_size(value); }
    void text(std::string_view chars) noexcept { own += chars.size(); }
    void attach(const shared_buffer& bytes) noexcept {
        attached += bytes.size();
        segments += bytes.empty() ? 0 : 2; // itself, and what was written before it
    }
};

/// Writes into one block of the measured size, and attaches payloads between its slices.
class writing_output {
public:
    static constexpr bool checks = false;

    explicit writing_output(const measuring_output& measured)
        : builder_(chain_, static_cast<std::size_t>(measured.own), measured.segments),
          at_(builder_.begin()) {}
    ~writing_output() {
        if (at_ != nullptr) builder_.give_up(); // memory ran out for the copy of a payload
    }
    writing_output(const writing_output&) = delete;
    writing_output& operator=(const writing_output&) = delete;

    template <class T>
    void number(const T& value) noexcept {
        at_ = put_number(at_, value);
    }
    void varint(std::uint32_t value) noexcept { at_ = put_uvarint(at_, value); }
    void text(std::string_view chars) noexcept {
        at_ = put_short_bytes(at_, bytes_of_text(chars).data(), chars.size());
    }
    void attach(shared_buffer&& bytes) noexcept { at_ = builder_.attach(at_, std::move(bytes)); }

    [[nodiscard]] buffer_chain finish() && {
        builder_.finish(std::exchange(at_, nullptr), true);
        return std::move(chain_);
    }

private:
    buffer_chain chain_;
    chain_builder builder_;
    std::byte* at_;
};

/// Writes into memory of the measured size what has no payloads.
class plain_output {
public:
    static constexpr bool checks = false;

    explicit plain_output(std::byte* at) noexcept : at_(at) {}

    template <class T>
    void number(const T& value) noexcept {
        at_ = put_number(at_, value);
    }
    void varint(std::uint32_t value) noexcept { at_ = put_uvarint(at_, value); }
    void text(std::string_view chars) noexcept {
        at_ = put_short_bytes(at_, bytes_of_text(chars).data(), chars.size());
    }
    void attach(const shared_buffer&) noexcept {} // only empty ones

private:
    std::byte* at_;
};

} // namespace kwire::inline KWIRE_ABI::detail

/// A message type as a value, so that tests need no templates. `describe<M>()` makes one.
#pragma once

#include <kwire/read/parse.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/to_data.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "messages/show.hpp"

namespace support {

/// The result of converting a message to `data` and encoding it again.
struct rewritten {
    kwire::buffer_chain body;
    std::uint64_t announced_size = 0; ///< the result of encoded_size
};

/// Callbacks before and after a step that is observed, for example to count allocations; either may be
/// nullptr.
struct watch {
    void (*begin)() = nullptr;
    void (*end)() = nullptr;
};

using fixed_reader = std::optional<kwire::error> (*)(std::span<const std::byte> body, sink& out,
                                                     kwire::parse_options options);

/// Which versions are compiled as separate view types.
enum class fixed_versions {
    some,  ///< the first, the first flexible one and the last: where the encoding changes
    every, ///< all of them
};

struct message_type {
    kwire::message_facts facts;
    const kwire::struct_info* info = nullptr;

    /// Parses the body and shows everything to `out`; returns the error if that fails.
    std::optional<kwire::error> (*read)(std::span<const std::byte> body, int version, sink& out,
                                        kwire::parse_options options) = nullptr;
    /// The same through the view of a version that is known at compile time; nullptr for versions that are
    /// not compiled that way, to save time.
    fixed_reader (*fixed_reader_of)(int version) = nullptr;
    /// bytes -> held view -> data -> bytes; `watched` is called around the creation of data.
    std::expected<rewritten, kwire::error> (*rewrite)(const kwire::shared_buffer& body, int version,
                                                      watch watched) = nullptr;
    /// The encoding of a default-constructed data struct.
    std::expected<kwire::buffer_chain, kwire::error> (*encode_default)(int version) = nullptr;
    /// As `rewrite`, with a limit on the memory that the data takes.
    std::expected<rewritten, kwire::error> (*rewrite_within)(const kwire::shared_buffer& body, int version,
                                                             std::uint64_t limit, watch watched) = nullptr;
    /// bytes at one version -> data -> bytes at another.
    std::expected<kwire::buffer_chain, kwire::error> (*convert)(const kwire::shared_buffer& body, int from,
                                                                int to) = nullptr;
};

template <class M>
std::optional<kwire::error> read(std::span<const std::byte> body, int version, sink& out,
                                 kwire::parse_options options) {
    const auto view = kwire::parse_view<M>(body, version, options);
    if (!view) return view.error();
    show(*view, out);
    return std::nullopt;
}

template <class M, int V>
std::optional<kwire::error> read_at(std::span<const std::byte> body, sink& out,
                                    kwire::parse_options options) {
    const auto view = kwire::parse_view<M, V>(body, options);
    if (!view) return view.error();
    show(*view, out);
    return std::nullopt;
}

template <class M, fixed_versions Which, int V>
constexpr fixed_reader reader_at() {
    if constexpr (Which == fixed_versions::every || V == M::facts.versions.first ||
                  V == M::facts.versions.last || V == M::facts.first_flexible)
        return &read_at<M, V>;
    else
        return nullptr;
}

template <class M, fixed_versions Which, int... I>
constexpr auto readers(std::integer_sequence<int, I...>) {
    return std::array<fixed_reader, sizeof...(I)>{reader_at<M, Which, M::facts.versions.first + I>()...};
}

template <class M, fixed_versions Which>
fixed_reader fixed_reader_of(int version) {
    constexpr kwire::version_range versions = M::facts.versions;
    static constexpr auto all =
        readers<M, Which>(std::make_integer_sequence<int, versions.last - versions.first + 1>{});
    return all.at(static_cast<std::size_t>(M::facts.canonical(version) - versions.first));
}

template <class M>
std::expected<rewritten, kwire::error> encode_again(const typename M::data& data, int version) {
    const auto size = kwire::encoded_size<M>(data, version);
    if (!size) return std::unexpected(size.error());
    auto encoded = kwire::encode<M>(data, version);
    if (!encoded) return std::unexpected(encoded.error());
    std::vector<std::byte> memory(static_cast<std::size_t>(*size)); // not one byte more
    const auto written = kwire::encode_into<M>(memory, data, version);
    if (!written) return std::unexpected(written.error());
    if (const kwire::shared_buffer chained = encoded->to_bytes(); !std::ranges::equal(memory, chained))
        encoded = kwire::buffer_chain(kwire::shared_buffer::copy_of("encode and encode_into differ"));
    return rewritten{*std::move(encoded), *size};
}

template <class M>
std::expected<rewritten, kwire::error> rewrite(const kwire::shared_buffer& body, int version, watch watched) {
    const auto message = kwire::parse<M>(body, version);
    if (!message) return std::unexpected(message.error());
    if (watched.begin != nullptr) watched.begin();
    const typename M::data data = kwire::to_data(*message);
    if (watched.end != nullptr) watched.end();
    return encode_again<M>(data, version);
}

template <class M>
std::expected<rewritten, kwire::error> rewrite_within(const kwire::shared_buffer& body, int version,
                                                      std::uint64_t limit, watch watched) {
    const auto message = kwire::parse<M>(body, version);
    if (!message) return std::unexpected(message.error());
    if (watched.begin != nullptr) watched.begin();
    const auto data = kwire::to_data(*message, {.memory_limit = limit});
    if (watched.end != nullptr) watched.end();
    if (!data) return std::unexpected(data.error());
    return encode_again<M>(*data, version);
}

template <class M>
std::expected<kwire::buffer_chain, kwire::error> convert(const kwire::shared_buffer& body, int from, int to) {
    const auto message = kwire::parse<M>(body, from);
    if (!message) return std::unexpected(message.error());
    return kwire::encode<M>(kwire::to_data(*message), to);
}

template <class M, fixed_versions Which = fixed_versions::some>
constexpr message_type describe() {
    return {M::facts,           &kwire::info_of<M>,
            &read<M>,           &fixed_reader_of<M, Which>,
            &rewrite<M>,        [](int version) { return kwire::encode<M>({}, version); },
            &rewrite_within<M>, &convert<M>};
}

} // namespace support

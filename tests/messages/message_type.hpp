/// A message type as a value, so that tests need no templates. `describe<M>()` makes one.
#pragma once

#include <kwire/expected.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/to_data.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "messages/show.hpp"
#include "messages/visits.hpp"

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

/// What was handed over, and the error if there is one.
struct visited {
    visits seen;
    std::optional<kwire::error> error;
};
/// Both ways to read a message once.
/// They take the compiler a third of its time for the tables, so builds that do not test them leave them out.
#if defined(KWIRE_WITHOUT_VISITS)
inline constexpr bool with_visits = false;
#else
inline constexpr bool with_visits = true;
#endif

struct visited_twice {
    visited at_once; ///< by check_and_visit
    visited parsed;  ///< by parse_view and a loop
};
using visiting_reader = visited_twice (*)(std::span<const std::byte> body, int version,
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
    kwire::expected<rewritten, kwire::error> (*rewrite)(const kwire::shared_buffer& body, int version,
                                                        watch watched) = nullptr;
    /// The encoding of a default-constructed data struct.
    kwire::expected<kwire::buffer_chain, kwire::error> (*encode_default)(int version) = nullptr;
    /// As `rewrite`, with a limit on the memory that the data takes.
    kwire::expected<rewritten, kwire::error> (*rewrite_within)(const kwire::shared_buffer& body, int version,
                                                               std::uint64_t limit, watch watched) = nullptr;
    /// bytes at one version -> data -> bytes at another.
    kwire::expected<kwire::buffer_chain, kwire::error> (*convert)(const kwire::shared_buffer& body, int from,
                                                                  int to) = nullptr;
    /// All structs by check_and_visit and by a loop over the view; of the structs without structs in them.
    /// nullptr unless `with_visits`.
    visiting_reader visit = nullptr;
    visiting_reader visit_leaves = nullptr;
    /// The same as `visit` for a version that is known at compile time; nullptr as in `fixed_reader_of`.
    visiting_reader (*fixed_visitor_of)(int version) = nullptr;
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

template <class M, class Visitor>
visited_twice visit(std::span<const std::byte> body, int version, kwire::parse_options options) {
    visited_twice result;
    const auto view = kwire::parse_view<M>(body, version, options);
    if (view)
        visit_parsed<Visitor, M>(*view, Visitor{result.parsed.seen});
    else
        result.parsed.error = view.error();
    const auto checked = kwire::check_and_visit<M>(body, version, Visitor{result.at_once.seen}, options);
    if (!checked) result.at_once.error = checked.error();
    return result;
}

template <class M, int V>
visited_twice visit_at(std::span<const std::byte> body, int, kwire::parse_options options) {
    visited_twice result;
    const auto view = kwire::parse_view<M, V>(body, options);
    if (view)
        visit_parsed<visitor_of_all, M>(*view, visitor_of_all{result.parsed.seen});
    else
        result.parsed.error = view.error();
    const auto checked = kwire::check_and_visit<M, V>(body, visitor_of_all{result.at_once.seen}, options);
    if (!checked) result.at_once.error = checked.error();
    return result;
}

template <class M, fixed_versions Which, int V>
inline constexpr bool is_compiled = Which == fixed_versions::every || V == M::facts.versions.first ||
                                    V == M::facts.versions.last || V == M::facts.first_flexible;

template <class M, fixed_versions Which, int V>
constexpr fixed_reader reader_at() {
    if constexpr (is_compiled<M, Which, V>)
        return &read_at<M, V>;
    else
        return nullptr;
}
template <class M, int V>
constexpr visiting_reader visitor_at() {
    // One version of each message: every one more takes the compiler 5 s for each table.
    if constexpr (with_visits && V == M::facts.versions.last)
        return &visit_at<M, V>;
    else
        return nullptr;
}

template <class M, fixed_versions Which, int... I>
constexpr auto readers(std::integer_sequence<int, I...>) {
    return std::array{std::pair{reader_at<M, Which, M::facts.versions.first + I>(),
                                visitor_at<M, M::facts.versions.first + I>()}...};
}

template <class M, fixed_versions Which>
auto fixed_readers_of(int version) {
    constexpr kwire::version_range versions = M::facts.versions;
    static constexpr auto all =
        readers<M, Which>(std::make_integer_sequence<int, versions.last - versions.first + 1>{});
    return all.at(static_cast<std::size_t>(M::facts.canonical(version) - versions.first));
}

template <class M>
kwire::expected<rewritten, kwire::error> encode_again(const typename M::data& data, int version) {
    const auto size = kwire::encoded_size<M>(data, version);
    if (!size) return kwire::unexpected(size.error());
    auto encoded = kwire::encode<M>(data, version);
    if (!encoded) return kwire::unexpected(encoded.error());
    std::vector<std::byte> memory(static_cast<std::size_t>(*size)); // not one byte more
    const auto written = kwire::encode_into<M>(memory, data, version);
    if (!written) return kwire::unexpected(written.error());
    if (const kwire::shared_buffer chained = encoded->to_bytes(); !std::ranges::equal(memory, chained))
        encoded = kwire::buffer_chain(kwire::shared_buffer::copy_of("encode and encode_into differ"));
    return rewritten{*std::move(encoded), *size};
}

template <class M>
kwire::expected<rewritten, kwire::error> rewrite(const kwire::shared_buffer& body, int version,
                                                 watch watched) {
    const auto message = kwire::parse<M>(body, version);
    if (!message) return kwire::unexpected(message.error());
    if (watched.begin != nullptr) watched.begin();
    const typename M::data data = kwire::to_data(*message);
    if (watched.end != nullptr) watched.end();
    return encode_again<M>(data, version);
}

template <class M>
kwire::expected<rewritten, kwire::error> rewrite_within(const kwire::shared_buffer& body, int version,
                                                        std::uint64_t limit, watch watched) {
    const auto message = kwire::parse<M>(body, version);
    if (!message) return kwire::unexpected(message.error());
    if (watched.begin != nullptr) watched.begin();
    const auto data = kwire::to_data(*message, {.memory_limit = limit});
    if (watched.end != nullptr) watched.end();
    if (!data) return kwire::unexpected(data.error());
    return encode_again<M>(*data, version);
}

template <class M>
kwire::expected<kwire::buffer_chain, kwire::error> convert(const kwire::shared_buffer& body, int from,
                                                           int to) {
    const auto message = kwire::parse<M>(body, from);
    if (!message) return kwire::unexpected(message.error());
    return kwire::encode<M>(kwire::to_data(*message), to);
}

template <class M, class Visitor>
constexpr visiting_reader visitor() {
    if constexpr (with_visits)
        return &visit<M, Visitor>;
    else
        return nullptr;
}

template <class M, fixed_versions Which = fixed_versions::some>
constexpr message_type describe() {
    return {.facts = M::facts,
            .info = &kwire::info_of<M>,
            .read = &read<M>,
            .fixed_reader_of = [](int version) { return fixed_readers_of<M, Which>(version).first; },
            .rewrite = &rewrite<M>,
            .encode_default = [](int version) { return kwire::encode<M>({}, version); },
            .rewrite_within = &rewrite_within<M>,
            .convert = &convert<M>,
            .visit = visitor<M, visitor_of_all>(),
            .visit_leaves = visitor<M, visitor_of_leaves>(),
            .fixed_visitor_of = [](int version) { return fixed_readers_of<M, Which>(version).second; }};
}

} // namespace support

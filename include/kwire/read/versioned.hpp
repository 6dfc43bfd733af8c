/// Messages with their version in front: the metadata and assignments of consumer groups, the values of
/// Kafka's own topics, and other messages that are stored as bytes.
///
///     auto subscription = kwire::parse_versioned<kwire::consumer_protocol_subscription>(bytes);
///     if (!subscription) return reject(subscription.error());
///     for (auto topic : subscription->topics()) ...
///
/// embedded/consumer_protocol.hpp finds such bytes in the group requests, embedded/visit_record.hpp in
/// records. encode_versioned (write/versioned.hpp) writes them.
#pragma once

#include <kwire/detail/cxx23.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/wire/endian.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

namespace kwire {

namespace detail {

/// The bytes that a version takes.
inline constexpr std::size_t version_size = sizeof(std::int16_t);

/// Why no version can be read from the beginning of `bytes`, or `found`, if it can.
[[nodiscard]] inline expected<int, error> read_version(const message_facts& facts,
                                                       std::span<const std::byte> bytes) noexcept {
    error refusal{.code = errc::absent, .message = facts.name};
    if (bytes.size() < version_size) {
        if (!bytes.empty()) {
            refusal.code = errc::truncated;
            refusal.needed = version_size;
            refusal.left = bytes.size();
        }
        return unexpected(refusal);
    }
    const auto version = wire::load_be<std::int16_t>(bytes.data());
    if (facts.canonical(version) >= facts.versions.first) return version;
    refusal.code = errc::unsupported_version;
    refusal.version = version;
    return unexpected(refusal);
}

/// What `parse(body, version, options)` returns for the body after a version, by the rules of
/// parse_versioned.
template <class Parse>
[[nodiscard]] auto parse_after_version(const message_facts& facts, std::span<const std::byte> bytes,
                                       parse_options options, Parse parse) noexcept
    -> decltype(parse(bytes, 0, options)) {
    const auto found = read_version(facts, bytes);
    if (!found) return unexpected(found.error());
    const std::span<const std::byte> body = bytes.subspan(version_size);
    const int newest = facts.versions.last;
    int version = facts.canonical(*found);
    parse_options of_body = options;
    if (version > newest) {
        version = newest;
        of_body.trailing_bytes = true;
    }
    auto view = parse(body, version, of_body);
    if (view) [[likely]]
        return view;
    if (options.missing_newer_fields && view.error() == errc::truncated) {
        options.trailing_bytes = false; // a field that is cut in two is not a field that is missing
        while (--version >= facts.versions.first)
            if (auto older = parse(body, version, options)) return older;
    }
    view.error().offset += version_size;
    return view;
}

} // namespace detail

/// Checks a message `M` with its version before it, an int16, and shows it, without keeping the bytes alive.
///
/// A version newer than the newest that kwire knows is read as that one, and the bytes after its fields are
/// ignored: the senders of such messages only add fields at the end (so do Kafka's consumers). Thus
/// version_of(view) may be lower than the version in the bytes. `bytes` must outlive the view.
/// `options.trailing_bytes` tolerates spare bytes in known versions too, as Kafka does;
/// `options.missing_newer_fields` what is too short for its version. Errors, with offsets from the first byte
/// of the version: absent for no bytes at all, which some senders mean as "none" (a member of a group without
/// an assignment); unsupported_version below the lowest version; those of parse_view.
template <class M>
[[nodiscard]] expected<typename M::view, error> parse_versioned_view(std::span<const std::byte> bytes,
                                                                     parse_options options = {}) noexcept {
    return detail::parse_after_version(
        M::facts, bytes, options,
        [](std::span<const std::byte> body, int version, parse_options of_body) noexcept {
            return parse_view<M>(body, version, of_body);
        });
}
/// Not for temporary owners, whose bytes are gone before the view is looked at: `parse_versioned` keeps them.
template <class M, detail::temporary_owner Owner>
expected<typename M::view, error> parse_versioned_view(Owner&& bytes, parse_options options = {}) = delete;

/// The same, with the bytes kept alive by the message. Its own bytes are those after the version. Copies
/// nothing.
template <class M>
[[nodiscard]] result<message<M>> parse_versioned(shared_buffer bytes, parse_options options = {}) noexcept {
    const auto view = parse_versioned_view<M>(bytes.span(), options);
    if (!view) return unexpected(view.error());
    auto body = bytes.slice(detail::version_size, bytes.size() - detail::version_size);
    return detail::message_access::make<M, any_version>(*view, std::move(body).value_or(shared_buffer()));
}
/// Not for bytes without an owner: does not compile, and says what to call.
template <class M, class Bytes>
    requires(!std::is_convertible_v<Bytes, shared_buffer>) &&
            (std::is_convertible_v<Bytes, std::span<const std::byte>>)
result<message<M>> parse_versioned(Bytes&&, parse_options = {}) {
    static_assert(std::is_void_v<Bytes>,
                  "parse_versioned keeps the bytes alive, so it takes a shared_buffer: call "
                  "parse_versioned_view for bytes that you keep alive yourself");
    kwire::detail::unreachable();
}

} // namespace kwire

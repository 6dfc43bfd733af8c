/// libFuzzer: hostile bytes for every codec, and what the codecs themselves have written. The cap holds to
/// the byte, what was there before stays, an error leaves no trace, and compressing is undone by
/// decompressing. The two codecs of gzip read the same.
#include <kwire/compression/libdeflate.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/choices.hpp"
#include "fuzz/insist.hpp"
#include "support/bytes.hpp"
#include "support/every_codec.hpp"

namespace {

using kwire::codec;
using kwire::errc;
using kwire::test::exact_bytes;
using support::choices;
using support::insist;
using byte_vector = std::vector<std::byte>;

std::string text_of(const kwire::error& e) { return std::string(kwire::describe(e)); }

bool is_of_decompressing(errc code) {
    using enum errc;
    return code == decompressed_too_large || code == truncated || code == trailing_bytes ||
           code == bad_compressed_data || code == bad_length || code == dictionary_needed;
}

/// The content, or nothing if it is refused; checks what must hold in both cases.
std::optional<byte_vector> decompressed(codec& one, std::span<const std::byte> compressed, std::size_t cap,
                                        std::int8_t magic, std::optional<kwire::error>* why = nullptr) {
    const exact_bytes exact(compressed);
    const byte_vector before{std::byte{1}, std::byte{2}, std::byte{3}};
    kwire::unique_buffer out = kwire::unique_buffer::with_capacity(4);
    out.append(before);
    const auto done = one.decompress_into(out, exact.span(), cap, magic);
    const std::span<const std::byte> all = std::as_const(out).span();
    insist(all.size() >= 3 && std::ranges::equal(all.first(3), before), "what was there before stays");
    insist(out.capacity() <= cap + 4 || out.capacity() == 4, "memory keeps to the cap");
    if (!done) {
        insist(all.size() == 3, "an error leaves no content");
        insist(is_of_decompressing(done.error().code), "an error has one of its reasons",
               text_of(done.error()));
        insist(done.error().offset <= compressed.size(), "an error lies in the bytes", text_of(done.error()));
        if (why != nullptr) *why = done.error();
        return std::nullopt;
    }
    insist(*done <= cap && all.size() == 3 + *done, "the cap holds, and the size is what was written");
    return byte_vector(all.begin() + 3, all.end());
}

/// libdeflate refuses what zlib refuses, with the same error, but for symbols that RFC 1951 reserves.
void check_libdeflate(codec& zlib, std::span<const std::byte> compressed, std::size_t cap) {
    static kwire::libdeflate_codec libdeflate;
    std::optional<kwire::error> why, expected_why;
    const auto content = decompressed(libdeflate, compressed, cap, 2, &why);
    const auto expected = decompressed(zlib, compressed, cap, 2, &expected_why);
    if (content && !expected && *expected_why == errc::bad_compressed_data) return;
    insist(content == expected, "libdeflate reads what zlib reads");
    if (!content)
        insist(why->code == expected_why->code && why->offset == expected_why->offset,
               "libdeflate refuses it as zlib does", text_of(*why));
}

void check_hostile(codec& one, std::span<const std::byte> compressed, std::size_t cap, std::int8_t magic) {
    const auto content = decompressed(one, compressed, cap, magic);
    insist(decompressed(one, compressed, cap, magic) == content, "the same bytes give the same again");
    if (one.type() == kwire::compression_type::gzip) check_libdeflate(one, compressed, cap);
    if (!content) return;
    const auto lenient = one.decompress(compressed, cap, magic, kwire::decompress_options::as_kafka());
    insist(lenient && std::ranges::equal(lenient->span(), *content), "leniency changes no right content");
    if (!content->empty()) {
        std::optional<kwire::error> why;
        insist(!decompressed(one, compressed, content->size() - 1, magic, &why) &&
                   *why == errc::decompressed_too_large,
               "a byte less than the content is too little", why ? text_of(*why) : "accepted");
    }
    // liblz4 refuses some blocks that no encoder writes unless there is room after the content.
    if (one.type() != kwire::compression_type::lz4)
        insist(decompressed(one, compressed, content->size(), magic) == content,
               "a cap of the very size is enough");
}

void check_own(codec& one, std::span<const std::byte> plain, std::int8_t magic, choices& from) {
    const auto compressed = one.compress(plain, magic);
    insist(compressed.has_value(), "anything can be compressed",
           compressed ? "" : text_of(compressed.error()));
    const auto bytes = compressed->span();
    const auto same = [&](const std::optional<byte_vector>& content) {
        return content && std::ranges::equal(*content, plain);
    };
    insist(same(decompressed(one, bytes, plain.size(), magic)), "what was compressed comes back");
    insist(same(decompressed(one, bytes, plain.size() + 1 + from.below(100'000), magic)),
           "with more room too");
    std::optional<kwire::error> why;
    if (!plain.empty())
        insist(!decompressed(one, bytes, from.below(plain.size()), magic, &why) &&
                   *why == errc::decompressed_too_large,
               "with less room it is refused", why ? text_of(*why) : "accepted");
    if (const std::size_t n = from.below(bytes.size()); n != 0)
        insist(!decompressed(one, bytes.first(n), plain.size(), magic) ||
                   one.type() == kwire::compression_type::snappy,
               "what is cut short is refused");

    // Damaged and put together, it is hostile.
    byte_vector damaged(bytes.begin(), bytes.end());
    for (std::size_t n = from.between(1, 4); n != 0; --n)
        damaged[from.below(damaged.size())] ^= static_cast<std::byte>(from.between(1, 255));
    check_hostile(one, damaged, plain.size() + from.below(1000), magic);
    byte_vector twice(bytes.begin(), bytes.end());
    twice.insert(twice.end(), bytes.begin(), bytes.end());
    check_hostile(one, twice, 2 * plain.size() + 100, magic);
    insist(same(decompressed(one, bytes, plain.size(), magic)), "damage leaves the codec as it was");
}

/// Runs, copies and noise, as the choices say.
byte_vector made_up(choices& from) {
    byte_vector plain;
    const std::size_t pieces = from.below(12);
    for (std::size_t piece = 0; piece < pieces && plain.size() < 150'000; ++piece) {
        const std::size_t n = from.once_in(5) ? from.below(70'000) : from.below(100);
        switch (from.below(3)) {
        case 0: plain.resize(plain.size() + n, static_cast<std::byte>(from.byte())); break;
        case 1:
            if (plain.empty()) break;
            for (std::size_t i = 0, at = from.below(plain.size()); i < n; ++i)
                plain.push_back(plain[at + i % (plain.size() - at)]);
            break;
        default: {
            std::uint32_t noise = static_cast<std::uint32_t>(from.number(4));
            for (std::size_t i = 0; i < n; ++i)
                plain.push_back(static_cast<std::byte>((noise = noise * 1664525 + 1013904223) >> 24));
        }
        }
    }
    return plain;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    static kwire::test::every_codec codecs;
    choices from(std::as_bytes(std::span(data, size)));
    const auto which = static_cast<kwire::compression_type>(from.between(1, 4));
    codec& one = *codecs.set.find(which);
    const auto magic = static_cast<std::int8_t>(from.below(3));
    const bool own = from.flip();
    const std::size_t cap = from.once_in(4) ? from.below(300'000) : from.below(2'000);
    if (own) {
        const byte_vector plain = made_up(from);
        check_own(one, plain, magic, from);
    } else {
        check_hostile(one, from.rest(), cap, magic);
    }
    return 0;
}

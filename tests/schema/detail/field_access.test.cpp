#include <kwire/read/parse.hpp>
#include <kwire/schema/detail/field_access.hpp>

#include <utility>

#include "catch.hpp"
#include "support/bytes.hpp"
#include "support/changing.hpp"

namespace {

using kwire::errc;
using kwire::test::exact_bytes;
using kwire::test::from_hex;
using support::changing;

/// Calls `f` with the result of reading as a view whose version is known at run time, then as one of a
/// constant.
template <class F>
void read_both_ways(std::span<const std::byte> body, int version, kwire::parse_options options, F&& f) {
    f(kwire::parse_view<changing>(body, version, options));
    [&]<int... V>(std::integer_sequence<int, V...>) {
        ((version == V ? f(kwire::parse_view<changing, V>(body, options)) : void()), ...);
    }(std::make_integer_sequence<int, changing::facts.versions.last + 1>{});
}

} // namespace

TEST_CASE("a field is read as its version has it, and shows its default in versions without it") {
    for (const support::changing_body& body : support::changing_bodies) {
        const exact_bytes bytes(from_hex(body.hex));
        CAPTURE(body.version, body.hex);
        read_both_ways(bytes.span(), body.version, {.null_as_empty = body.lenient}, [&](const auto& view) {
            REQUIRE(view);
            CHECK(kwire::bytes_of(*view).size() == bytes.span().size());
            support::line line;
            support::show(*view, line);
            CHECK(line.written() == body.shown);
        });
    }
}

TEST_CASE("null is refused in the versions whose field is never null") {
    for (const support::changing_body& body : support::changing_bodies) {
        if (!body.lenient) continue;
        const exact_bytes bytes(from_hex(body.hex));
        CAPTURE(body.version, body.hex);
        read_both_ways(bytes.span(), body.version, {}, [](const auto& view) {
            REQUIRE_FALSE(view);
            CHECK(view.error().code == errc::null_not_allowed);
        });
    }
}

TEST_CASE("a body that ends early is refused in every version, wherever it ends") {
    for (const support::changing_body& body : support::changing_bodies) {
        const auto whole = from_hex(body.hex);
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const exact_bytes bytes(std::span<const std::byte>(whole).first(size));
            CAPTURE(body.version, body.hex, size);
            read_both_ways(bytes.span(), body.version, {.null_as_empty = body.lenient},
                           [](const auto& view) { CHECK_FALSE(view); });
        }
    }
}

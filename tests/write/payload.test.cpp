#include <kwire/buffer/unique_buffer.hpp>
#include <kwire/write/payload.hpp>

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "catch.hpp"

using kwire::buffer_chain;
using kwire::payload;
using kwire::shared_buffer;

namespace {

static_assert(std::is_constructible_v<payload, std::nullptr_t> && !std::is_convertible_v<int, payload>);
static_assert(sizeof(payload) == 20 && alignof(payload) == 4);
static_assert(std::is_nothrow_default_constructible_v<payload> && std::is_nothrow_destructible_v<payload>);
static_assert(std::is_nothrow_move_constructible_v<payload> && std::is_nothrow_move_assignable_v<payload>);

shared_buffer text(char c) { return shared_buffer::copy_of(std::string(10, c)); }

/// Whether `one` is all of `buffer`, at its place.
bool is_at(const payload& one, const shared_buffer& buffer) {
    const shared_buffer kept = one.to_bytes();
    return kept.data() == buffer.data() && kept.size() == buffer.size();
}

buffer_chain chain_of(const shared_buffer& a, const shared_buffer& b) {
    buffer_chain chain;
    chain.put_bytes(a);
    chain.put_bytes(b);
    return chain;
}

} // namespace

TEST_CASE("a payload is empty at first, and null if that is assigned, and the two are not equal") {
    payload bytes;
    CHECK(bytes.empty());
    CHECK_FALSE(bytes.is_null());
    bytes = nullptr;
    CHECK(bytes.is_null());
    CHECK(bytes.empty());
    CHECK(bytes.size() == 0);
    CHECK(bytes != payload());
    CHECK(bytes == payload(std::nullopt));
    CHECK(bytes.to_bytes().empty());
    CHECK(bytes.chain().empty());
    const payload copy = bytes;
    CHECK(copy.is_null());
    bytes = {};
    CHECK_FALSE(bytes.is_null());
    bytes = shared_buffer();
    CHECK_FALSE(bytes.is_null());
    bytes = buffer_chain();
    CHECK_FALSE(bytes.is_null());
    CHECK(bytes.segment_count() == 0);
}

TEST_CASE("one buffer is kept by reference, and given back as it is") {
    const shared_buffer buffer = text('a');
    const auto before = kwire::copied_bytes();
    {
        const payload one = buffer;
        const payload of_chain = buffer_chain(buffer);
        const payload copy = one;
        CHECK_FALSE(buffer.is_unique());
        CHECK(one.size() == 10);
        CHECK(one.segment_count() == 1);
        CHECK(is_at(copy, buffer));
        CHECK(is_at(of_chain, buffer));
        CHECK(one == of_chain);
        CHECK(one == buffer);
        CHECK(one != payload(text('b')));
        CHECK(one.chain() == buffer_chain(buffer));
    }
    CHECK(buffer.is_unique());                   // nothing holds it any longer
    CHECK(kwire::copied_bytes() == before + 10); // text('b')
}

TEST_CASE("static bytes and what a unique_buffer was frozen to are payloads too") {
    payload bytes = shared_buffer::from_static("static");
    CHECK(bytes.size() == 6);
    CHECK(bytes.to_bytes() == shared_buffer::from_static("static"));
    kwire::unique_buffer own = kwire::unique_buffer::with_capacity(10);
    own.append(text('c'));
    const shared_buffer frozen = std::move(own).freeze();
    bytes = frozen;
    CHECK(is_at(bytes, frozen));
}

TEST_CASE("the buffers of a chain are kept by reference, in their order") {
    const shared_buffer first = text('1');
    const shared_buffer second = text('2');
    const auto before = kwire::copied_bytes();
    {
        payload bytes = chain_of(first, second);
        CHECK(bytes.size() == 20);
        CHECK(bytes.segment_count() == 2);
        const payload copy = bytes;
        payload moved = std::move(bytes);
        CHECK(bytes.empty()); // NOLINT(bugprone-use-after-move): that is what is checked
        CHECK(moved == copy);
        std::string seen;
        moved.each_buffer([&](const shared_buffer& one) {
            seen += static_cast<char>(one.span().front());
            CHECK((one.data() == first.data() || one.data() == second.data()));
        });
        CHECK(seen == "12");
        CHECK(moved.chain() == chain_of(first, second));
        CHECK(moved != payload(chain_of(second, first)));
        moved = nullptr;
        CHECK_FALSE(first.is_unique());
    }
    CHECK(first.is_unique());
    CHECK(second.is_unique());
    CHECK(kwire::copied_bytes() == before);
}

TEST_CASE("content is compared, however it is cut") {
    const shared_buffer whole = shared_buffer::copy_of(std::string(10, '1') + std::string(10, '2'));
    const payload cut = chain_of(text('1'), text('2'));
    CHECK(cut == payload(whole));
    CHECK(payload(whole) == cut);
    CHECK(cut.to_bytes() == whole);
}

TEST_CASE("payloads are swapped whatever they hold") {
    payload one = text('a');
    payload list = chain_of(text('1'), text('2'));
    payload null = nullptr;
    swap(one, list);
    swap(list, null);
    CHECK(one.segment_count() == 2);
    CHECK(list.is_null());
    CHECK(null.segment_count() == 1);
    const payload& same = one;
    one = same;
    CHECK(one.segment_count() == 2);
}

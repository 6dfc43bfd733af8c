/// The rows of one message: every operation, by kwire (version known to the compiler, and at run time) and by
/// hand.
///
/// A scenario `S` describes its message:
///     using message = kwire::metadata_response;          static constexpr int version = 12;
///     visit(view, sink)                                  all fields, in the order of the wire
///     two_fields(view)                                   two fields of the topic in the middle, as a number
///     read_by_hand(bytes, sink)                          one pass, all checks, returns an answer
///     write_by_hand(data, at), size_by_hand(data)        without checks, into memory that is large enough
#pragma once

#include <kwire/read/parse.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/to_data.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bench/hand/read.hpp"
#include "bench/harness/contenders.hpp"
#include "bench/harness/corpus.hpp"
#include "bench/harness/sinks.hpp"

namespace bench {

using bytes_view = std::span<const std::byte>;

/// The element in the middle of an array, which is found by walking.
template <class Array>
auto middle_of(const Array& elements) noexcept {
    auto at = elements.begin();
    for (std::size_t left = elements.size() / 2; left != 0; --left) ++at;
    return *at;
}

/// Calls `f` with every truncation of `bytes` and every copy with one byte replaced by 00, 01, 7f, 80 or ff.
template <class F>
void each_damage(const std::vector<std::byte>& bytes, F&& f) {
    for (std::size_t size = 0; size < bytes.size(); ++size)
        f(std::vector<std::byte>(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)));
    for (std::size_t at = 0; at < bytes.size(); ++at)
        for (const unsigned value : {0x00U, 0x01U, 0x7fU, 0x80U, 0xffU}) {
            std::vector<std::byte> damaged = bytes;
            damaged[at] = static_cast<std::byte>(value);
            f(std::move(damaged));
        }
}

/// The whole message written by kwire into memory that is used again; its size.
template <class M, int V>
std::size_t encode_again(std::span<std::byte> out, const typename M::data& data) {
    return kwire::encode_into<M>(out, data, V).value();
}

template <class S>
struct by_kwire {
    using message = typename S::message;
    static constexpr int version = S::version;

    struct run_time {
        static auto parse(bytes_view body) noexcept { return kwire::parse_view<message>(body, version); }
    };
    struct compile_time {
        static auto parse(bytes_view body) noexcept { return kwire::parse_view<message, version>(body); }
    };

    template <class Version, class Sink>
    static answer read(bytes_view body, Sink& result) noexcept {
        const auto view = Version::parse(body);
        if (!view) return refused;
        Sink sink = result; // a local copy stays in registers
        S::visit(*view, sink);
        result = sink;
        return {true, result.result()};
    }
};

/// Whether `read` (any reader) answers for the input as the corpus says.
template <class Read>
bool reads_as_written(const input& subject, Read read) {
    ordered_hash hash;
    plain_sum sum;
    return read(bytes_view(subject.bytes), hash) == answer{true, subject.hash} &&
           read(bytes_view(subject.bytes), sum) == answer{true, subject.sum};
}
/// Whether two readers judge damaged copies of `small` alike, so that neither can omit a check.
template <class A, class B>
bool agree_on_damage(const input& small, A a, B b) {
    bool same = reads_as_written(small, a) && reads_as_written(small, b);
    each_damage(small.bytes, [&](const std::vector<std::byte>& damaged) {
        ordered_hash of_a, of_b;
        same = same && a(bytes_view(damaged), of_a) == b(bytes_view(damaged), of_b);
    });
    return same;
}

template <class S, class Read>
void add_reader(const std::string& name, const std::string& contender, const input& subject,
                const input& small, Read read) {
    add(
        name, "visit", contender,
        [&small, &subject, read] {
            return reads_as_written(subject, read) &&
                   agree_on_damage(small, read, [](bytes_view body, auto& sink) noexcept {
                       return S::read_by_hand(body, sink);
                   });
        },
        [body = bytes_view(subject.bytes), read]() mutable {
            keep(body);
            plain_sum sink;
            return read(body, sink).value;
        });
}

template <class S, class Version>
void add_kwire_reader(const std::string& name, const std::string& contender, const input& subject,
                      const input& small) {
    using kwire_reader = by_kwire<S>;
    add_reader<S>(name, contender, subject, small, [](bytes_view body, auto& sink) noexcept {
        return kwire_reader::template read<Version>(body, sink);
    });
    add(
        name, "check", contender,
        [body = bytes_view(subject.bytes)] { return Version::parse(body).has_value(); },
        [body = bytes_view(subject.bytes)]() mutable {
            keep(body);
            return Version::parse(body).has_value();
        });
    if constexpr (requires(const typename S::message::view& view) { S::two_fields(view); })
        add(
            name, "two_fields", contender,
            [body = bytes_view(subject.bytes)] {
                const auto view = kwire_reader::run_time::parse(body);
                const auto other = Version::parse(body);
                return view && other && S::two_fields(*view) == S::two_fields(*other);
            },
            [body = bytes_view(subject.bytes)]() mutable {
                keep(body);
                const auto view = Version::parse(body);
                return view ? S::two_fields(*view) : 0;
            });
}

/// Adds all rows of `S` for the input `name`; `small` is one of the same version that is damaged in all ways.
template <class S>
void add_message(const std::string& name, const std::string& small_name) {
    using message = typename S::message;
    using data_type = typename message::data;
    const input& subject = corpus::get().at(name);
    const input& small = corpus::get().at(small_name);

    // Reading
    using versions = by_kwire<S>;
    add_reader<S>(name, "by_hand", subject, small,
                  [](bytes_view body, auto& sink) noexcept { return S::read_by_hand(body, sink); });
    add(
        name, "check", "by_hand", [] { return true; },
        [body = bytes_view(subject.bytes)]() mutable {
            keep(body);
            no_sink sink;
            return S::read_by_hand(body, sink).accepted;
        });
    add_kwire_reader<S, typename versions::compile_time>(name, "kwire_static", subject, small);
    add_kwire_reader<S, typename versions::run_time>(name, "kwire", subject, small);

    // Owned data, and back
    const auto shared = kwire::shared_buffer::copy_of(subject.bytes);
    const auto data =
        std::make_shared<data_type>(kwire::to_data(kwire::parse<message>(shared, S::version).value()));
    const auto memory = std::make_shared<std::vector<std::byte>>(subject.bytes.size() + 64);
    const auto written = [&subject, memory](std::size_t size) {
        return size == subject.bytes.size() &&
               std::equal(subject.bytes.begin(), subject.bytes.end(), memory->begin());
    };
    add(
        name, "decode", "kwire",
        [written, memory, shared] {
            const auto again = kwire::to_data(kwire::parse<message>(shared, S::version).value());
            return written(encode_again<message, S::version>(*memory, again));
        },
        [shared]() mutable {
            keep(shared);
            return kwire::to_data(*kwire::parse<message>(shared, S::version));
        });
    add(
        name, "decode", "kwire_static",
        [written, memory, shared] {
            const auto again = kwire::to_data(kwire::parse<message, S::version>(shared).value());
            return written(encode_again<message, S::version>(*memory, again));
        },
        [shared]() mutable {
            keep(shared);
            return kwire::to_data(*kwire::parse<message, S::version>(shared));
        });
    add(
        name, "encode", "kwire",
        [written, memory, data] { return written(encode_again<message, S::version>(*memory, *data)); },
        [memory, from = data.get(), data, into = std::span<std::byte>(*memory)]() mutable {
            keep(from);
            keep(into);
            return encode_again<message, S::version>(into, *from);
        });
    add(
        name, "encode_chain", "kwire",
        [&subject, data] {
            const auto bytes = kwire::encode<message>(*data, S::version).value().to_bytes();
            return std::ranges::equal(bytes.span(), subject.bytes);
        },
        [data, from = data.get()]() mutable {
            keep(from);
            return kwire::encode<message>(*from, S::version);
        });
    add(
        name, "size", "kwire",
        [&subject, data] { return kwire::encoded_size<message>(*data, S::version) == subject.bytes.size(); },
        [data, from = data.get()]() mutable {
            keep(from);
            return *kwire::encoded_size<message>(*from, S::version);
        });
    add(
        name, "encode", "by_hand",
        [written, memory, data] {
            return written(
                static_cast<std::size_t>(S::write_by_hand(*data, memory->data()) - memory->data()));
        },
        [memory, data, from = data.get(), into = memory->data()]() mutable {
            keep(from);
            keep(into);
            return S::write_by_hand(*from, into);
        });
    add(
        name, "size", "by_hand", [&subject, data] { return S::size_by_hand(*data) == subject.bytes.size(); },
        [data, from = data.get()]() mutable {
            keep(from);
            return S::size_by_hand(*from);
        });
}

} // namespace bench

/// The rows of one message: every operation, by kwire (version known to the compiler, and at run time) and by
/// hand.
///
/// A scenario `S` describes its message:
///     using message = kwire::metadata_response;          static constexpr int version = 12;
///     visit(view, sink)                                  all fields, in the order of the wire
///     two_fields(view)                                   two fields of the topic in the middle, as a number
///     read_by_hand(bytes, sink)                          one pass, all checks, returns an answer
///     visitor<V, Sink>{sink}                             the same by check_and_visit; some have it
///     write_by_hand(data, at), size_by_hand(data)        without checks, into memory that is large enough
#pragma once

#include <kwire/read/check_and_visit.hpp>
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

#include "bench/hand/gather.hpp"
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
    using data_type = typename message::data;
    static constexpr int version = S::version;

    struct run_time {
        static constexpr int constant = kwire::any_version;
        static auto parse(bytes_view body) noexcept { return kwire::parse_view<message>(body, version); }
        static auto parse_shared(const kwire::shared_buffer& body) noexcept {
            return kwire::parse<message>(body, version);
        }
        template <class Visitor>
        KWIRE_ALWAYS_INLINE static auto visit(bytes_view body, Visitor&& visitor) noexcept {
            return kwire::check_and_visit<message>(body, version, visitor);
        }
        static auto encode_into(std::span<std::byte> out, const data_type& data) {
            return kwire::encode_into<message>(out, data, version);
        }
        static auto encode(const data_type& data) { return kwire::encode<message>(data, version); }
        static auto size(const data_type& data) { return kwire::encoded_size<message>(data, version); }
    };
    struct compile_time {
        static constexpr int constant = version;
        static auto parse(bytes_view body) noexcept { return kwire::parse_view<message, version>(body); }
        static auto parse_shared(const kwire::shared_buffer& body) noexcept {
            return kwire::parse<message, version>(body);
        }
        template <class Visitor>
        KWIRE_ALWAYS_INLINE static auto visit(bytes_view body, Visitor&& visitor) noexcept {
            return kwire::check_and_visit<message, version>(body, visitor);
        }
        static auto encode_into(std::span<std::byte> out, const data_type& data) {
            return kwire::encode_into<message, version>(out, data);
        }
        static auto encode(const data_type& data) { return kwire::encode<message, version>(data); }
        static auto size(const data_type& data) { return kwire::encoded_size<message, version>(data); }
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

    template <class Version, class Sink>
    static answer check_and_visit(bytes_view body, Sink& result) noexcept {
        typename S::template visitor<Version::constant, Sink> visitor{result};
        if (!Version::visit(body, visitor)) return refused;
        result = visitor.sink;
        return {true, result.result()};
    }
};

/// Whether a scenario has a visitor for check_and_visit.
template <class S>
concept has_visitor = requires { typename S::template visitor<S::version, plain_sum>; };

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
void add_reader(const std::string& name, const std::string& operation, const std::string& contender,
                const input& subject, const input& small, Read read) {
    add(
        name, operation, contender,
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
    add_reader<S>(name, "visit", contender, subject, small, [](bytes_view body, auto& sink) noexcept {
        return kwire_reader::template read<Version>(body, sink);
    });
    if constexpr (has_visitor<S>)
        add_reader<S>(name, "check_and_visit", contender, subject, small,
                      [](bytes_view body, auto& sink) noexcept {
                          return kwire_reader::template check_and_visit<Version>(body, sink);
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

/// A case of the scenario `S`: its input, the small one that is damaged in all ways, and what the input says
/// as owned data.
template <class S>
struct message_case {
    using message = typename S::message;

    std::string name;
    const input& subject;
    const input& small;
    kwire::shared_buffer shared;
    std::shared_ptr<typename message::data> data;
    std::shared_ptr<std::vector<std::byte>> memory; ///< for encoders, used again and again

    explicit message_case(const char* which)
        : name(which),
          subject(corpus::get().at(which)),
          small(corpus::get().at(S::small)),
          shared(kwire::shared_buffer::copy_of(subject.bytes)),
          data(std::make_shared<typename message::data>(
              kwire::to_data(kwire::parse<message>(shared, S::version).value()))),
          memory(std::make_shared<std::vector<std::byte>>(subject.bytes.size() + 64)) {}
};

/// Whether an encoder has written the input again.
inline bool written(const input& subject, const std::vector<std::byte>& memory, std::size_t size) {
    return size == subject.bytes.size() &&
           std::equal(subject.bytes.begin(), subject.bytes.end(), memory.begin());
}

template <class S, class Version>
void add_kwire_decoder(const message_case<S>& which, const std::string& contender) {
    add(
        which.name, "decode", contender,
        [&subject = which.subject, memory = which.memory, shared = which.shared] {
            const auto again = kwire::to_data(Version::parse_shared(shared).value());
            return written(subject, *memory, encode_again<typename S::message, S::version>(*memory, again));
        },
        [shared = which.shared]() mutable {
            keep(shared);
            return kwire::to_data(*Version::parse_shared(shared));
        });
}

template <class S, class Version>
void add_kwire_writer(const message_case<S>& which, const std::string& contender) {
    const auto& [name, subject, small, shared, data, memory] = which;
    add(
        name, "encode", contender,
        [&subject, memory, data] {
            return written(subject, *memory, Version::encode_into(*memory, *data).value_or(0));
        },
        [memory, from = data.get(), data, into = std::span<std::byte>(*memory)]() mutable {
            keep(from);
            keep(into);
            return Version::encode_into(into, *from).value();
        });
    add(
        name, "encode_chain", contender,
        [&subject, data] {
            const auto bytes = Version::encode(*data).value().to_bytes();
            return std::ranges::equal(bytes.span(), subject.bytes);
        },
        [data, from = data.get()]() mutable {
            keep(from);
            return Version::encode(*from);
        });
    add(
        name, "size", contender, [&subject, data] { return Version::size(*data) == subject.bytes.size(); },
        [data, from = data.get()]() mutable {
            keep(from);
            return *Version::size(*from);
        });
}

template <class S, class Version>
void add_kwire_rows(const std::string& contender) {
    for (const char* name : S::cases) {
        const message_case<S> which(name);
        add_kwire_reader<S, Version>(name, contender, which.subject, which.small);
        add_kwire_decoder<S, Version>(which, contender);
        add_kwire_writer<S, Version>(which, contender);
    }
}

// Each contender has files of its own: what one of them needs does not change what the compiler inlines for
// another.

/// Adds the rows of kwire with the version known at run time.
template <class S>
void add_kwire() {
    add_kwire_rows<S, typename by_kwire<S>::run_time>("kwire");
}

/// Adds the rows of kwire with the version known at compile time.
template <class S>
void add_kwire_static() {
    add_kwire_rows<S, typename by_kwire<S>::compile_time>("kwire_static");
}

/// Adds the rows of the reader and writer by hand.
template <class S>
void add_by_hand() {
    for (const char* name : S::cases) {
        const message_case<S> which(name);
        const auto& [_, subject, small, shared, data, memory] = which;
        const auto read = [](bytes_view body, auto& sink) noexcept { return S::read_by_hand(body, sink); };
        add_reader<S>(name, "visit", "by_hand", subject, small, read);
        if constexpr (has_visitor<S>) add_reader<S>(name, "check_and_visit", "by_hand", subject, small, read);
        add(
            name, "check", "by_hand", [] { return true; },
            [body = bytes_view(subject.bytes)]() mutable {
                keep(body);
                no_sink sink;
                return S::read_by_hand(body, sink).accepted;
            });
        add(
            name, "encode", "by_hand",
            [&subject, memory, data] {
                return written(
                    subject, *memory,
                    static_cast<std::size_t>(S::write_by_hand(*data, memory->data()) - memory->data()));
            },
            [memory, data, from = data.get(), into = memory->data()]() mutable {
                keep(from);
                keep(into);
                return S::write_by_hand(*from, into);
            });
        add(
            name, "encode_chain", "by_hand",
            [&subject, data] { return by_hand::holds(by_hand::gather<S>(*data), subject.bytes); },
            [data, from = data.get()]() mutable {
                keep(from);
                return by_hand::gather<S>(*from);
            });
        add(
            name, "size", "by_hand",
            [&subject, data] { return S::size_by_hand(*data) == subject.bytes.size(); },
            [data, from = data.get()]() mutable {
                keep(from);
                return S::size_by_hand(*from);
            });
    }
}

} // namespace bench

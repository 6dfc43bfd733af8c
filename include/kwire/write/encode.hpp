/// From a `data` struct to bytes: the exact size first, then one allocation; payloads go out by reference.
///
///     auto body = kwire::encode<kwire::metadata_request>({.topics = {{.name = "orders"}}}, 12);
///     if (!body) return fail(body.error());
///     asio::write(socket, *body);
///
/// Frames with their length prefix and header are made by frame.hpp.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/read/unknown_tags.hpp>
#include <kwire/schema/detail/data.hpp>
#include <kwire/write/payload.hpp>
#include <kwire/write/unknown_tag_list.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <span>
#include <string_view>

namespace kwire {

namespace detail {

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

/// The tagged fields of `S` by ascending number, as field positions.
template <class S>
inline constexpr auto tag_order = [] {
    constexpr std::size_t count = [] {
        std::size_t tagged = 0;
        for (const field_info& field : tables_of<S>::fields)
            tagged += field.tag >= 0 && !field.name.empty() ? 1 : 0;
        return tagged;
    }();
    std::array<std::size_t, count> order{};
    for (std::size_t i = 0; i < field_count<S>; ++i)
        if (tables_of<S>::fields[i].tag >= 0)
            order[static_cast<std::size_t>(tables_of<S>::fields[i].tag)] = i;
    return order;
}();

/// Whether a member has the schema's default, which is what tags leave out and other versions cannot miss.
template <class S, std::size_t I, class Member>
bool is_default(const Member& member) noexcept;

template <class S>
bool all_default(const typename S::data& data) noexcept {
    if constexpr (keeps_tags<S>)
        if (!data.unknown_tags.empty()) return false;
    return each_member<S>(data, []<std::size_t I>(std::integral_constant<std::size_t, I>,
                                                  const auto& member) { return is_default<S, I>(member); });
}

template <class S, std::size_t I, class Member>
bool is_default(const Member& member) noexcept {
    static constexpr const field_info& field = tables_of<S>::fields[I];
    const auto value_is_default = [](const auto& value) noexcept {
        if constexpr (field.kind == field_kind::array || field.kind == field_kind::bytes)
            return value.empty();
        else if constexpr (field.kind == field_kind::string)
            return value == field.default_text;
        else if constexpr (field.kind == field_kind::structure)
            return all_default<child_of<S, I>>(value);
        else if constexpr (field.kind == field_kind::uuid)
            return value == uuid{};
        else
            return value == static_cast<std::remove_cvref_t<decltype(value)>>(field.default_number);
    };
    if constexpr (field.kind == field_kind::records)
        return member.empty(); // or null
    else if constexpr (field.nullable.empty())
        return value_is_default(member);
    else if constexpr (field.null_default)
        return member_is_null(member);
    else
        return !member_is_null(member) && value_is_default(member_value(member));
}

/// Writes (or measures) `data` structs at one version.
template <class Out>
class data_encoder {
public:
    data_encoder(Out& out, int version, bool flexible, error& failure) noexcept
        : out_(out), version_(version), flexible_(flexible), failure_(failure) {}

    template <class S>
    [[nodiscard]] bool put_struct(const typename S::data& data) {
        const bool fields = each_member<S>(
            data, [this]<std::size_t I>(std::integral_constant<std::size_t, I>, const auto& member) {
                static constexpr const field_info& field = tables_of<S>::fields[I];
                if (!field.versions.contains(version_)) {
                    if constexpr (Out::checks)
                        if (!field.ignorable.contains(version_) && !is_default<S, I>(member))
                            return refuse(errc::field_not_in_version, field.name);
                    return true;
                }
                if constexpr (field.tag >= 0)
                    return true; // put_tags
                else
                    return put_field<S, I>(member);
            });
        if constexpr (!keeps_tags<S>)
            return fields;
        else
            return fields && put_tags<S>(data);
    }

private:
    bool refuse(errc code, std::string_view field, std::int64_t index = -1) noexcept {
        failure_.code = code;
        failure_.depth = 0;
        failure_.enter({field, index});
        return false;
    }

    [[nodiscard]] bool compact(const field_info& field) const noexcept {
        return flexible_ && !field.never_compact;
    }

    void put_null(const field_info& field) {
        if (field.kind == field_kind::structure)
            field.tag >= 0 ? out_.varint(0) : out_.number(std::int8_t{-1});
        else if (compact(field))
            out_.varint(0);
        else if (field.kind == field_kind::string)
            out_.number(std::int16_t{-1});
        else
            out_.number(std::int32_t{-1});
    }

    template <class S, std::size_t I, class Member>
    bool put_field(const Member& member) {
        static constexpr const field_info& field = tables_of<S>::fields[I];
        if (member_is_null(member)) {
            if constexpr (Out::checks)
                if (!field.nullable.contains(version_)) return refuse(errc::null_not_allowed, field.name);
            put_null(field);
            return true;
        }
        if constexpr (field.kind == field_kind::structure && !field.nullable.empty())
            if (field.nullable.contains(version_))
                field.tag >= 0 ? out_.varint(1) : out_.number(std::int8_t{1});
        return put_value<S, I>(member_value(member));
    }

    /// The length of a string, then its bytes; false if it is longer than Kafka allows.
    bool put_string(const std::string& value, bool compact) {
        if (value.size() > wire::max_string_length) return false;
        if (compact)
            out_.varint(static_cast<std::uint32_t>(value.size() + 1));
        else
            out_.number(static_cast<std::int16_t>(value.size()));
        out_.text(value);
        return true;
    }
    /// The length of bytes or the count of an array; false if no length field can hold it.
    bool put_count(std::uint64_t count, bool compact) {
        if (count > wire::max_length) return false;
        if (compact)
            out_.varint(static_cast<std::uint32_t>(count + 1));
        else
            out_.number(static_cast<std::int32_t>(count));
        return true;
    }

    template <class S, std::size_t I, class Value>
    bool put_value(const Value& value) {
        static constexpr const field_info& field = tables_of<S>::fields[I];
        if constexpr (field.kind == field_kind::string) {
            if (!put_string(value, compact(field))) return refuse(errc::string_too_long, field.name);
        } else if constexpr (field.kind == field_kind::bytes || field.kind == field_kind::records) {
            if (!put_count(value.size(), compact(field))) return refuse(errc::too_large, field.name);
            out_.attach(value);
        } else if constexpr (field.kind == field_kind::array) {
            if (!put_count(value.size(), compact(field))) return refuse(errc::too_large, field.name);
            if constexpr (width_of(field.element) != 0)
                out_.numbers(std::span(value.data(), value.size()));
            else
                return put_elements<S, I>(value);
        } else if constexpr (field.kind == field_kind::structure) {
            if (!put_struct<child_of<S, I>>(value)) {
                failure_.enter({field.name, -1});
                return false;
            }
        } else {
            out_.number(value);
        }
        return true;
    }

    template <class S, std::size_t I, class Elements>
    bool put_elements(const Elements& elements) {
        static constexpr const field_info& field = tables_of<S>::fields[I];
        std::int64_t index = 0;
        for (const auto& element : elements) {
            if constexpr (field.element == field_kind::structure) {
                if (!put_struct<child_of<S, I>>(element)) {
                    failure_.enter({field.name, index});
                    return false;
                }
            } else {
                if (!put_string(element, compact(field)))
                    return refuse(errc::string_too_long, field.name, index);
            }
            ++index;
        }
        return true;
    }

    template <class S, std::size_t I>
    bool tag_is_due(const typename S::data& data) const noexcept {
        bool due = false;
        each_member<S>(
            data, [&]<std::size_t At>(std::integral_constant<std::size_t, At>, const auto& member) {
                if constexpr (At == I)
                    due = tables_of<S>::fields[I].versions.contains(version_) && !is_default<S, I>(member);
                return At != I;
            });
        return due;
    }

    template <class S, std::size_t I>
    bool put_tag(const typename S::data& data) {
        return each_member<S>(
            data, [&]<std::size_t At>(std::integral_constant<std::size_t, At>, const auto& member) {
                if constexpr (At != I) {
                    return true;
                } else {
                    measuring_output payload;
                    if (!data_encoder<measuring_output>(payload, version_, flexible_, failure_)
                             .template put_field<S, I>(member))
                        return false;
                    if (payload.size() > wire::max_length)
                        return refuse(errc::too_large, tables_of<S>::fields[I].name);
                    out_.varint(static_cast<std::uint32_t>(tables_of<S>::fields[I].tag));
                    out_.varint(static_cast<std::uint32_t>(payload.size()));
                    return put_field<S, I>(member);
                }
            });
    }

    template <class S>
    bool put_tags(const typename S::data& data) {
        constexpr std::string_view unknown = "unknown_tags";
        if (!flexible_) {
            if constexpr (Out::checks)
                if (!data.unknown_tags.empty()) return refuse(errc::field_not_in_version, unknown);
            return true;
        }
        constexpr const auto& order = tag_order<S>;
        std::array<bool, order.size() + 1> due{};
        std::size_t count = data.unknown_tags.size();
        [&]<std::size_t... T>(std::index_sequence<T...>) {
            ((due[T] = tag_is_due<S, order[T]>(data)), ...);
        }(std::make_index_sequence<order.size()>{});
        for (const bool one : due) count += one ? 1 : 0;
        if (count > wire::max_length) return refuse(errc::too_large, unknown);
        out_.varint(static_cast<std::uint32_t>(count));
        if (count == 0) return true;

        std::size_t next = 0; // the unknown tag that comes next
        const auto put_unknown_below = [&](std::int64_t number) {
            for (; next < data.unknown_tags.size(); ++next) {
                const unknown_tag& tag = data.unknown_tags[next];
                if (tag.number >= number) break;
                if constexpr (Out::checks) {
                    if (tag.payload.size() > wire::max_length)
                        return refuse(errc::too_large, unknown, static_cast<std::int64_t>(next));
                    if (next != 0 && data.unknown_tags[next - 1].number >= tag.number)
                        return refuse(errc::tag_order, unknown, static_cast<std::int64_t>(next));
                }
                out_.varint(tag.number);
                out_.varint(static_cast<std::uint32_t>(tag.payload.size()));
                out_.attach(tag.payload);
            }
            return true;
        };
        const bool known = [&]<std::size_t... T>(std::index_sequence<T...>) {
            [[maybe_unused]] const auto one = [&]<std::size_t At>(std::integral_constant<std::size_t, At>) {
                constexpr std::int64_t number = tables_of<S>::fields[order[At]].tag;
                if (!tables_of<S>::fields[order[At]].versions.contains(version_)) return true;
                if (!put_unknown_below(number)) return false;
                if (next < data.unknown_tags.size() && data.unknown_tags[next].number == number)
                    return refuse(errc::duplicate_tag, unknown,
                                  static_cast<std::int64_t>(next)); // not unknown at all
                return !due[At] || put_tag<S, order[At]>(data);
            };
            return (one(std::integral_constant<std::size_t, T>{}) && ...);
        }(std::make_index_sequence<order.size()>{});
        return known && put_unknown_below(std::int64_t{1} << 32);
    }

    template <class>
    friend class data_encoder;

    Out& out_;
    int version_;
    bool flexible_;
    error& failure_;
};

/// The measuring pass over one message; false and a filled-in error if the version cannot carry it.
template <class M>
bool measure(const typename M::data& message, int version, measuring_output& out, error& failure) {
    failure.message = M::facts.name;
    failure.version = static_cast<std::int16_t>(version);
    failure.located = false;
    version = M::facts.canonical(version);
    if (!M::facts.versions.contains(version)) {
        failure.code = errc::unsupported_version;
        return false;
    }
    if (!data_encoder<measuring_output>(out, version, M::facts.flexible(version), failure)
             .template put_struct<M>(message))
        return false;
    if (out.size() > wire::max_length) { // no reader accepts it, and 32 bits may not hold it
        failure.code = errc::too_large;
        return false;
    }
    return true;
}

/// The writing pass; `measure` said that it is possible.
template <class M>
void write(const typename M::data& message, int version, writing_output& out) {
    error unused;
    version = M::facts.canonical(version);
    static_cast<void>(data_encoder<writing_output>(out, version, M::facts.flexible(version), unused)
                          .template put_struct<M>(message));
}

} // namespace detail

/// The exact size in bytes of a message's body at `version`, payloads included.
///
/// Errors: unsupported_version; field_not_in_version for a value that is not the default, not ignorable and
/// not part of that version; null_not_allowed; string_too_long; too_large for a value that no length field
/// can hold, and without a path for a body of 2 GiB or more; tag_order and duplicate_tag in unknown tags.
template <class M>
[[nodiscard]] std::expected<std::uint64_t, error> encoded_size(const typename M::data& message, int version) {
    detail::measuring_output size;
    error failure;
    if (!detail::measure<M>(message, version, size, failure)) return std::unexpected(failure);
    return size.size();
}
/// The same for a struct that has a name: its type says which message it is.
template <detail::message_data Data>
[[nodiscard]] std::expected<std::uint64_t, error> encoded_size(const Data& message, int version) {
    return encoded_size<typename Data::struct_type>(message, version);
}

/// The body of a message at `version`, without frame and header.
///
/// One allocation for everything that is not a payload; bytes and records are attached by reference and stay
/// valid while the chain exists. Errors: as `encoded_size`.
template <class M>
[[nodiscard]] std::expected<buffer_chain, error> encode(const typename M::data& message, int version) {
    detail::measuring_output size;
    error failure;
    if (!detail::measure<M>(message, version, size, failure)) return std::unexpected(failure);
    detail::writing_output out(size);
    detail::write<M>(message, version, out);
    return std::move(out).finish();
}
/// The same for a struct that has a name: its type says which message it is.
template <detail::message_data Data>
[[nodiscard]] std::expected<buffer_chain, error> encode(const Data& message, int version) {
    return encode<typename Data::struct_type>(message, version);
}

} // namespace kwire

/// Internal: names the protocol of a peer that does not speak Kafka's, by the first bytes of its stream.
#pragma once

#include <kwire/connect/request_start.hpp>
#include <kwire/wire/endian.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace kwire::inline KWIRE_ABI::detail {

/// What a stream looks like if it is not one of Kafka frames.
struct foreign_peer {
    std::string_view name{}; ///< static storage; empty if it looks like nothing that is known here
    /// Whether there were enough bytes that no Kafka frame begins like this. (A response begins with any
    /// number; but a frame of that very length whose id and first field are that very text does not exist.)
    bool sure = false;
};

/// How many bytes of a stream foreign_peer_of looks at.
inline constexpr std::size_t foreign_peer_bytes = 16;

[[nodiscard]] inline std::uint8_t octet(std::span<const std::byte> bytes, std::size_t i) noexcept {
    return std::to_integer<std::uint8_t>(bytes[i]);
}

[[nodiscard]] constexpr bool is_line_text(std::uint8_t c) noexcept {
    return (c >= 0x20 && c < 0x7f) || c == '\r' || c == '\n' || c == '\t';
}

/// A protocol of text lines, by its first characters.
[[nodiscard]] inline foreign_peer text_peer_of(std::span<const std::byte> start) noexcept {
    struct banner {
        std::string_view text; ///< of four characters at least: those are all that a refused length shows
        std::string_view name;
    };
    static constexpr banner banners[] = {
        {"HTTP/", "HTTP response"},
        {"GET ", "HTTP request"},
        {"POST ", "HTTP request"},
        {"HEAD ", "HTTP request"},
        {"PUT ", "HTTP request"},
        {"DELETE ", "HTTP request"},
        {"OPTIONS ", "HTTP request"},
        {"CONNECT ", "HTTP request"},
        {"PATCH ", "HTTP request"},
        {"TRACE ", "HTTP request"},
        {"PRI * HTTP/2", "HTTP/2 request"},
        {"SSH-", "SSH"},
        {"PROXY ", "PROXY protocol, version 1"},
        {"PING\r\n", "Redis request"},
        {"INFO\r\n", "Redis request"},
        {"AUTH ", "Redis request"},
        {"HELLO ", "Redis request"},
        {"+PONG", "Redis response"},
        {"+OK\r\n", "Redis response"},
        {"-ERR ", "Redis response"},
        {"-NOAUTH ", "Redis response"},
    };
    constexpr std::size_t decisive = 12;
    const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
    const auto named = [&](std::string_view name) {
        const std::size_t seen = text.size() < decisive ? text.size() : decisive;
        for (std::size_t i = 0; i < seen; ++i)
            if (!is_line_text(octet(start, i))) return foreign_peer{};
        return foreign_peer{name, seen == decisive};
    };
    for (const banner& one : banners)
        if (one.text.starts_with(text.substr(0, one.text.size()))) return named(one.name);
    // A Redis array of bulk strings: *1\r\n$4\r\nPING\r\n
    const auto is_digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
    if (text[0] == '*' && is_digit(1) && (text[2] == '\r' || is_digit(2))) return named("Redis request");
    return {};
}

/// A TLS record, or the hello of SSL 2 with which old libraries begin.
[[nodiscard]] inline foreign_peer tls_peer_of(std::span<const std::byte> start) noexcept {
    enum : std::uint8_t {
        change_cipher_spec = 20,
        alert,
        handshake,
        application_data,
        heartbeat
    };
    enum : std::uint8_t {
        client_hello = 1,
        server_hello = 2
    };
    constexpr std::uint8_t newest_minor_version = 4;
    const auto type = octet(start, 0);
    const auto has = [&](std::size_t bytes) { return start.size() >= bytes; };
    if ((type & 0x80) != 0) // two bytes of length, client hello, version 2 or 3
        return {octet(start, 2) == client_hello && (octet(start, 3) == 0 || octet(start, 3) == 3) &&
                        octet(start, 0) == 0x80 && octet(start, 1) >= 0x1c
                    ? std::string_view("TLS handshake")
                    : std::string_view(),
                false};
    if (type < change_cipher_spec || type > heartbeat || octet(start, 1) != 3 ||
        octet(start, 2) > newest_minor_version)
        return {};
    constexpr std::size_t largest_record = 16'384 + 2'048;
    const std::size_t record = has(5) ? wire::load_be<std::uint16_t>(start.data() + 3) : 1;
    if (record == 0 || record > largest_record) return {};
    switch (type) {
    case alert:
        if (has(5) && record != 2) return {}; // encrypted ones are never the first record
        if (has(6) && octet(start, 5) != 1 && octet(start, 5) != 2) return {};
        return {"TLS alert", has(7)};
    case handshake: {
        if (!has(6)) return {"TLS handshake"};
        if (octet(start, 5) != client_hello && octet(start, 5) != server_hello) return {};
        if (has(9) && octet(start, 6) != 0) return {}; // hellos have less than 64 KiB
        if (has(10) && octet(start, 9) != 3) return {};
        if (has(11) && octet(start, 10) > newest_minor_version) return {};
        return {"TLS handshake", has(16)};
    }
    case change_cipher_spec:
        if (has(6) && (record != 1 || octet(start, 5) != 1)) return {};
        return {"TLS change cipher spec"};
    case application_data: return {"TLS application data"};
    default: return {"TLS heartbeat"};
    }
}

/// The first token of GSSAPI: a tag, its length, then the mechanism's object identifier (RFC 2743, 3.1).
[[nodiscard]] inline foreign_peer gssapi_peer_of(std::span<const std::byte> start) noexcept {
    if (octet(start, 0) != 0x60 || octet(start, 1) == 0x80 || octet(start, 1) > 0x82) return {};
    const std::size_t oid = octet(start, 1) < 0x80 ? 2 : octet(start, 1) == 0x81 ? 3 : 4;
    const auto differs = [&](std::size_t i, std::uint8_t least, std::uint8_t most) {
        return i < start.size() && (octet(start, i) < least || octet(start, i) > most);
    };
    constexpr std::uint8_t tag = 6, shortest = 5, longest = 15, iso_member = 0x2a, iso_organisation = 0x2b;
    if (differs(oid, tag, tag) || differs(oid + 1, shortest, longest) ||
        differs(oid + 2, iso_member, iso_organisation))
        return {};
    return {"GSSAPI token", start.size() >= 12};
}

/// What the first bytes of a stream look like, four at least: the name is of all protocols that the bytes
/// given agree with, so more bytes can only take it away.
[[nodiscard]] inline foreign_peer foreign_peer_of(std::span<const std::byte> start) noexcept {
    if (const foreign_peer text = text_peer_of(start); !text.name.empty()) return text;
    if (const foreign_peer tls = tls_peer_of(start); !tls.name.empty()) return tls;
    const auto begins_with = [&](std::string_view signature) {
        const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
        return signature.starts_with(text.substr(0, signature.size()));
    };
    using namespace std::string_view_literals;
    constexpr auto proxy_2 = "\r\n\r\n\0\r\nQUIT\n"sv;
    if (begins_with(proxy_2)) return {"PROXY protocol, version 2", start.size() >= proxy_2.size()};
    return gssapi_peer_of(start);
}

/// The same for a client's stream alone, and never sure: a version, a command and a port, or the methods
/// offered, and no more bytes before there is an answer.
[[nodiscard]] inline std::string_view socks_client_of(std::span<const std::byte> start) noexcept {
    if (start.size() < 3 || start.size() >= foreign_peer_bytes) return {};
    const auto command = octet(start, 1), methods = command;
    if (octet(start, 0) == 4 && start.size() >= 4 && (command == 1 || command == 2)) return "SOCKS 4 request";
    constexpr std::uint8_t last_method = 9, most_methods = 4;
    if (octet(start, 0) != 5 || methods == 0 || methods > most_methods) return {};
    for (std::size_t i = 2; i < start.size() && i < 2U + methods; ++i)
        if (octet(start, i) > last_method) return {};
    return start.size() >= 4 || methods == 1 ? "SOCKS 5 request" : "";
}

/// Whether a first frame of `size` bytes that begins with `start` is a request of Kafka's after all, although
/// its length looks like another protocol: a known request whose client id is text.
[[nodiscard]] inline bool is_request_after_all(std::span<const std::byte> start, std::size_t size) noexcept {
    if (!begins_known_request(start, size)) return false;
    constexpr std::size_t client_id = 8 + 2;
    if (start.size() <= client_id) return true;
    const auto length = wire::load_be<std::int16_t>(start.data() + client_id - 2);
    const auto end = length < 0 ? client_id : client_id + static_cast<std::size_t>(length);
    for (std::size_t i = client_id; i < end && i < start.size(); ++i)
        if (octet(start, i) < 0x20 || octet(start, i) == 0x7f) return false;
    return true;
}

/// The name of a SASL token in a frame of its own, as clients of Kafka 0.9 sent it without a handshake; empty
/// for anything else, and for every request of an API that Kafka has assigned.
[[nodiscard]] inline std::string_view token_name(std::span<const std::byte> frame) noexcept {
    if (frame.size() < 4 || begins_known_request(frame, frame.size())) return {};
    const std::string_view text(reinterpret_cast<const char*>(frame.data()), frame.size());
    const foreign_peer bare =
        foreign_peer_of(frame.first(frame.size() < foreign_peer_bytes ? frame.size() : foreign_peer_bytes));
    if (bare.sure && bare.name == "GSSAPI token") return bare.name;
    for (const std::string_view channel_binding : {"n,", "y,", "p="}) // RFC 5801, 4
        if (text.starts_with(channel_binding) && text.find(',', 2) != std::string_view::npos)
            return "SASL token";
    // PLAIN (RFC 4616): identity, NUL, user, NUL, password
    const std::size_t user = text.find('\0');
    const std::size_t password = user == std::string_view::npos ? user : text.find('\0', user + 1);
    constexpr std::size_t longest = std::size_t{3} * 255;
    if (password == std::string_view::npos || password == user + 1 || text.size() > longest) return {};
    for (const char c : text)
        if (static_cast<unsigned char>(c) < 0x20 && c != '\0') return {};
    if (text.find('\0', password + 1) != std::string_view::npos) return {};
    return "SASL/PLAIN token";
}

} // namespace kwire::inline KWIRE_ABI::detail

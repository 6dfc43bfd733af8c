/// The typed functions of a message that kwire-convert calls, as a value.
#pragma once

#include <kwire/expected.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/encode.hpp>
#include <kwire/write/to_data.hpp>

#include <span>
#include <string_view>

namespace convert {

/// Bytes -> view -> `data` struct -> bytes, for one message.
struct typed_message {
    std::string_view name;
    kwire::expected<kwire::buffer_chain, kwire::error> (*rewrite)(const kwire::shared_buffer& body,
                                                                  int version, kwire::parse_options options);
};

template <class M>
kwire::expected<kwire::buffer_chain, kwire::error> rewrite(const kwire::shared_buffer& body, int version,
                                                           kwire::parse_options options) {
    const auto message = kwire::parse<M>(body, version, options);
    if (!message) return kwire::unexpected(message.error());
    return kwire::encode<M>(kwire::to_data(*message), version);
}

template <class M>
inline constexpr typed_message typed{M::facts.name, &rewrite<M>};

} // namespace convert

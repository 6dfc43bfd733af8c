// --encrypt-values: the brokers store values that only holders of the key can read.
#pragma once

#include <kwire/compression/gzip.hpp>
#include <kwire/compression/lz4.hpp>
#include <kwire/compression/snappy.hpp>
#include <kwire/compression/zstd.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include "value_filter.hpp"

struct evp_cipher_ctx_st;

namespace proxy {

/// AES-256-GCM for each value on its own: 12 bytes of nonce, the value, and 16 bytes that prove that it is
/// what was encrypted. Null values, which delete keys in compacted topics, stay null; keys and headers stay
/// readable. Compressed batches are compressed again, to little effect, for encrypted bytes do not compress.
///
/// A nonce is 4 random bytes of this process, and 8 that count from a random number on: what two processes
/// count with the same four bytes does not meet.
class value_cipher : public value_filter {
public:
    /// Reads the key, 64 hexadecimal digits, from a file. Throws std::runtime_error with the reason if it
    /// cannot be used.
    explicit value_cipher(const std::string& key_file);

    result to_broker(const kwire::shared_buffer& records) override;
    /// A value that was not encrypted with this key is an error: it could be forged.
    result to_client(const kwire::shared_buffer& records) override;

private:
    static constexpr std::size_t nonce_size = 12, tag_size = 16;
    using key = std::array<unsigned char, 32>;

    struct frees {
        void operator()(evp_cipher_ctx_st* context) const noexcept;
    };
    using context = std::unique_ptr<evp_cipher_ctx_st, frees>;
    static context make(const key& with, bool encrypts);

    kwire::gzip_codec gzip_;
    kwire::snappy_codec snappy_;
    kwire::lz4_codec lz4_;
    kwire::zstd_codec zstd_;
    kwire::codec_set codecs_{gzip_, snappy_, lz4_, zstd_};
    context encrypt_, decrypt_;
    std::array<unsigned char, nonce_size> next_nonce_{};
};

} // namespace proxy

#include "value_cipher.hpp"

#include <kwire/error_text.hpp>
#include <kwire/records/transform.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/rand.h>

namespace proxy {

namespace {

constexpr std::size_t most_decompressed = std::size_t{64} << 20; // of a batch; and of a partition's values

const unsigned char* chars(std::span<const std::byte> bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* chars(std::span<std::byte> bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }
int length(std::span<const std::byte> bytes) {
    return static_cast<int>(bytes.size()); // a value is below 2 GiB
}

void require(int done) {
    if (done != 1) throw std::runtime_error("OpenSSL refuses AES-256-GCM");
}

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

kwire::unexpected<std::string> because(const kwire::error& why) {
    return kwire::unexpected("records: " + kwire::to_string(why));
}

} // namespace

void value_cipher::frees::operator()(evp_cipher_ctx_st* context) const noexcept {
    EVP_CIPHER_CTX_free(context);
}

value_cipher::context value_cipher::make(const key& with, bool encrypts) {
    context made(EVP_CIPHER_CTX_new());
    if (made == nullptr) throw std::bad_alloc();
    require(
        EVP_CipherInit_ex(made.get(), EVP_aes_256_gcm(), nullptr, with.data(), nullptr, encrypts ? 1 : 0));
    return made;
}

value_cipher::value_cipher(const std::string& key_file) {
    std::ifstream file(key_file);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    if (!file) throw std::runtime_error("cannot read " + key_file);
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    key bytes{};
    bool valid = text.size() == 2 * bytes.size();
    for (std::size_t i = 0; valid && i < bytes.size(); ++i) {
        const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
        valid = high >= 0 && low >= 0;
        bytes[i] = static_cast<unsigned char>(high << 4 | low);
    }
    if (!valid) throw std::runtime_error(key_file + " does not have 64 hexadecimal digits");
    encrypt_ = make(bytes, true);
    decrypt_ = make(bytes, false);
    require(RAND_bytes(next_nonce_.data(), static_cast<int>(nonce_size)));
}

value_cipher::result value_cipher::to_broker(const kwire::shared_buffer& records) {
    std::size_t left = std::max(most_decompressed, records.size()); // encrypted values do not compress again
    const auto seal = [this, &left](const kwire::record_view& record,
                                    kwire::record_edit& edit) -> kwire::expected<void, kwire::error> {
        const auto value = record.value();
        if (!value) return {};
        const std::size_t size = nonce_size + value->size() + tag_size;
        if (size > left)
            return kwire::unexpected(
                kwire::error{.code = kwire::errc::too_large, .needed = size, .left = left});
        left -= size;
        const std::span<std::byte> out = edit.write_value(size);
        std::ranges::copy(next_nonce_, chars(out));
        const auto content = out.subspan(nonce_size, value->size());
        int written = 0;
        require(EVP_EncryptInit_ex(encrypt_.get(), nullptr, nullptr, nullptr, next_nonce_.data()));
        require(EVP_EncryptUpdate(encrypt_.get(), chars(content), &written, chars(*value), length(*value)));
        require(EVP_EncryptFinal_ex(encrypt_.get(), chars(content) + written, &written));
        require(EVP_CIPHER_CTX_ctrl(encrypt_.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(tag_size),
                                    chars(out.last(tag_size))));
        for (std::size_t i = nonce_size; i-- > 4 && ++next_nonce_[i] == 0;) {} // a number of 8 bytes
        return {};
    };
    auto sealed = kwire::transform_records(records, codecs_, most_decompressed, seal,
                                           {.expected_bytes = records.size() + records.size() / 8});
    if (!sealed) return because(sealed.error());
    return std::move(sealed->records);
}

value_cipher::result value_cipher::to_client(const kwire::shared_buffer& records) {
    const auto open = [this](const kwire::record_view& record,
                             kwire::record_edit& edit) -> kwire::expected<void, kwire::error> {
        const auto value = record.value();
        if (!value) return {};
        const kwire::unexpected forged(kwire::error{.code = kwire::errc::bad_value});
        if (value->size() < nonce_size + tag_size) return forged;
        const auto content = value->subspan(nonce_size, value->size() - nonce_size - tag_size);
        std::array<unsigned char, tag_size> tag{};
        std::copy_n(chars(value->last(tag_size)), tag_size, tag.begin());
        const std::span<std::byte> out = edit.write_value(content.size());
        int written = 0;
        require(EVP_DecryptInit_ex(decrypt_.get(), nullptr, nullptr, nullptr, chars(*value)));
        require(EVP_DecryptUpdate(decrypt_.get(), chars(out), &written, chars(content), length(content)));
        require(EVP_CIPHER_CTX_ctrl(decrypt_.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(tag_size),
                                    tag.data()));
        unsigned char end = 0; // GCM writes nothing more
        if (EVP_DecryptFinal_ex(decrypt_.get(), &end, &written) != 1) return forged;
        return {};
    };
    auto plain = kwire::transform_records(records, codecs_, most_decompressed, open,
                                          {.expected_bytes = records.size()});
    if (!plain) return because(plain.error());
    return std::move(plain->records);
}

} // namespace proxy

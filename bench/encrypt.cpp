/// What it costs to encrypt each value of a record batch with AES-256-GCM, of OpenSSL, beside the cipher
/// alone.
///
///     build/bench/bench/encrypt [rounds]
///
/// Both contenders encrypt the same values of 1 KiB with the same calls: a nonce of 12 bytes before, a tag of
/// 16 after. One writes them to one buffer again and again, the other through transform_records to batches of
/// 1 MiB that could be sent. The rounds alternate, so that what else the machine does meets both; the best of
/// each counts.
#include <kwire/records/builder.hpp>
#include <kwire/records/check.hpp>
#include <kwire/records/transform.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include <openssl/evp.h>

namespace {

constexpr std::size_t value_size = 1024, count = 960, nonce_size = 12, tag_size = 16;
constexpr std::size_t overhead = nonce_size + tag_size;

void must(bool truth, const char* what) {
    if (truth) return;
    std::fprintf(stderr, "bench/encrypt: %s\n", what);
    std::exit(1);
}

unsigned char* raw(std::byte* p) { return reinterpret_cast<unsigned char*>(p); }
const unsigned char* raw(const std::byte* p) { return reinterpret_cast<const unsigned char*>(p); }

/// AES-256-GCM with a key of its own, and a nonce that counts.
class cipher {
public:
    cipher() {
        must(context_ != nullptr, "no cipher");
        const std::array<unsigned char, 32> key{1, 2, 3};
        must(EVP_EncryptInit_ex(context_.get(), EVP_aes_256_gcm(), nullptr, key.data(), nullptr) == 1,
             "no AES-256-GCM");
    }
    /// Writes nonce, encrypted value and tag to `to`, which has the size of `value` and `overhead` bytes
    /// more.
    void encrypt(std::span<const std::byte> value, std::span<std::byte> to) {
        ++nonce_;
        std::memset(to.data(), 0, nonce_size);
        std::memcpy(to.data(), &nonce_, sizeof nonce_);
        int size = 0, rest = 0;
        std::byte* const out = to.data() + nonce_size;
        must(EVP_EncryptInit_ex(context_.get(), nullptr, nullptr, nullptr, raw(to.data())) == 1 &&
                 EVP_EncryptUpdate(context_.get(), raw(out), &size, raw(value.data()),
                                   static_cast<int>(value.size())) == 1 &&
                 EVP_EncryptFinal_ex(context_.get(), raw(out + size), &rest) == 1 &&
                 EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(tag_size),
                                     out + value.size()) == 1,
             "a value was not encrypted");
    }

private:
    struct release {
        void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
    };
    std::unique_ptr<EVP_CIPHER_CTX, release> context_{EVP_CIPHER_CTX_new()};
    std::uint64_t nonce_ = 0;
};

kwire::shared_buffer make_batch() {
    kwire::batch_builder builder({.max_bytes = 2 << 20, .expected_bytes = 2 << 20});
    std::vector<std::byte> value(value_size);
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t j = 0; j < value.size(); ++j) value[j] = static_cast<std::byte>(i * 31 + j * 7);
        const std::array<std::byte, 8> key{static_cast<std::byte>(i), static_cast<std::byte>(i >> 8)};
        must(builder.append({.timestamp = static_cast<std::int64_t>(i), .key = key, .value = value})
                 .has_value(),
             "the batch is full");
    }
    return std::move(builder).finish().to_bytes();
}

template <class F>
double seconds_of(F f) {
    const auto start = std::chrono::steady_clock::now();
    f();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct contender {
    const char* name;
    double best = 1e9; ///< seconds for the values of one batch
};

} // namespace

int main(int arguments, char** argument) {
    const int rounds = arguments > 1 ? std::atoi(argument[1]) : 400;
    const kwire::shared_buffer batch = make_batch();
    std::vector<std::span<const std::byte>> values;
    for (const auto record : kwire::record_range(kwire::batch_at(batch.span()).value()))
        values.push_back(*record->value());

    cipher one, other;
    std::vector<std::byte> room(value_size + overhead);
    const auto alone = [&] {
        for (const auto value : values) one.encrypt(value, room);
    };
    const auto filtered = [&](kwire::crc_policy policy) {
        return kwire::transform_records(batch,
                                        [&](const kwire::record_view& record, kwire::record_edit& edit) {
                                            const auto value = *record.value();
                                            other.encrypt(value, edit.write_value(value.size() + overhead));
                                        },
                                        {.read = {.crc = policy}});
    };

    // Before the clock runs: the result is a valid batch, and what the cipher alone writes is in it.
    const auto made = filtered(kwire::crc_policy::verify);
    must(made.has_value() && made->changed_records == count, "not all records changed");
    const kwire::shared_buffer sealed = made->records.to_bytes();
    must(kwire::check_records(kwire::batch_at(sealed.span()).value()).has_value(), "the batch is not valid");
    std::size_t i = 0;
    for (const auto record : kwire::record_range(kwire::batch_at(sealed.span()).value())) {
        one.encrypt(values[i++], room);
        must(std::ranges::equal(*record->value(), room), "contenders disagree");
    }

    contender cipher_alone{"OpenSSL alone"}, verified{"transform_records, checksum compared"},
        trusted{"transform_records, checksum not compared"};
    for (int round = 0; round < rounds; ++round) {
        cipher_alone.best = std::min(cipher_alone.best, seconds_of(alone));
        verified.best =
            std::min(verified.best,
                     seconds_of([&] { must(filtered(kwire::crc_policy::verify).has_value(), "refused"); }));
        trusted.best =
            std::min(trusted.best,
                     seconds_of([&] { must(filtered(kwire::crc_policy::skip).has_value(), "refused"); }));
    }
    std::printf("AES-256-GCM over %zu values of %zu bytes, best of %d rounds\n", count, value_size, rounds);
    for (const contender& each : {cipher_alone, verified, trusted})
        std::printf("%-42s %6.2f GB/s  %4.2f of the cipher alone\n", each.name,
                    static_cast<double>(count * value_size) / each.best / 1e9, cipher_alone.best / each.best);
}

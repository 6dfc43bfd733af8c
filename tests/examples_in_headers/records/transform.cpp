#include <kwire/records/transform.hpp>

struct cipher {
    std::optional<std::span<const std::byte>> id() const;
    std::size_t overhead() const;
    void encrypt(std::span<const std::byte> value, std::span<std::byte> to);
};
void refuse(const kwire::error& why);
void send(kwire::buffer_chain&& records);

void example(const kwire::shared_buffer& fetched, const kwire::shared_buffer& produced,
             const kwire::codec_set& codecs, cipher& key) {
    // example 1
}

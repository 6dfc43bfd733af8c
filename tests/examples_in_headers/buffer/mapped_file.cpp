#include <kwire/buffer/mapped_file.hpp>

struct partition_type {
    std::optional<kwire::shared_buffer> records;
};

void example(int fd, std::size_t size, partition_type& partition, std::size_t from, std::size_t bytes) {
    // example 1
}

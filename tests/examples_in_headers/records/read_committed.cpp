#include <kwire/records/read_committed.hpp>

void refuse(const kwire::error& why);
void consume(kwire::batch_view batch);

struct partition_of_response {
    std::optional<std::span<const std::byte>> records() const;
    std::vector<kwire::aborted_transaction> aborted_transactions() const;
};

void example(const partition_of_response& partition, std::int64_t position) {
    // example 1
}
void example(const partition_of_response& partition) {
    // example 2
}

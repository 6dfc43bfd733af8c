#include "echo_broker/services.hpp"

#include <array>

#include "echo_broker/transactions/handlers.hpp"

namespace echo_broker {

std::span<const service> transaction_services() noexcept {
    static constexpr std::array all{
        serves<init_producer_id>({0, 5}),   serves<add_partitions_to_txn>({0, 5}),
        serves<add_offsets_to_txn>({0, 4}), serves<end_txn>({0, 5}),
        serves<describe_producers>({0, 0}), serves<describe_transactions>({0, 0}),
        serves<list_transactions>({0, 2}),
    };
    return all;
}

} // namespace echo_broker

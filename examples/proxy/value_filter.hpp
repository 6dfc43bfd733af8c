// What a proxy may do to the records that pass through it.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/expected.hpp>

#include <string>

namespace proxy {

/// Changes the values of records on their way. `records` is what a partition of Produce or Fetch has.
class value_filter {
public:
    /// The records, or why the connection must be closed.
    using result = kwire::expected<kwire::buffer_chain, std::string>;

    virtual ~value_filter() = default;
    virtual result to_broker(const kwire::shared_buffer& records) = 0;
    virtual result to_client(const kwire::shared_buffer& records) = 0;
};

} // namespace proxy

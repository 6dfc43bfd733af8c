// The heap of a process that is a broker: large pages for the batches that it keeps.
#pragma once

#include <cstdint>

namespace echo_broker {

/// Reserves address space for a heap of so many bytes and asks for large pages there, so that the system
/// clears 2 MiB at a time and not 4 KiB: a broker whose store grows spends half of its time on the latter.
/// Memory is used as it is written to. For programs that are a broker, at the start, before there are
/// threads; does nothing where it is not possible (other systems, other heaps).
void use_large_pages(std::uint64_t bytes);

/// Gives the system what is free in a heap that use_large_pages has arranged: after much was dropped.
void give_back_free_memory();

} // namespace echo_broker

// The heap of a process that is a broker: memory for the batches that it keeps, taken from the system in
// time.
#pragma once

namespace echo_broker {

/// Lets the heap grow and shrink by megabytes: what one request frees the next one takes, and to give it back
/// in between costs more than the request. For programs that are a broker, at the start, before there are
/// threads; without it, and where it is not possible, this header's functions do nothing.
void arrange_heap();

/// Takes the memory from the system by which the heap has grown, at once: it costs less than a page fault for
/// each 4 KiB. Call it after a batch was stored.
void take_memory() noexcept;

/// Gives the system what is free: after much was dropped.
void give_back_memory() noexcept;

} // namespace echo_broker

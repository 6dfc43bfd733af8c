#include "bench/frames/by_hand.hpp"

#include "bench/frames/rows.hpp"

namespace {

const bench::scenario rows([] { bench::add_frame_rows("by_hand", bench::by_hand::read_frames); });

} // namespace

#include "bench/patch/by_hand.hpp"

#include "bench/patch/rows.hpp"

namespace {

const bench::scenario rows([] { bench::add_patch_rows("by_hand", bench::by_hand::stamp); });

} // namespace

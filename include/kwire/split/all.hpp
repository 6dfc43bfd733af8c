/// `split` and `error_answer` (split/split.hpp) for every API that names partitions and can be divided by
/// them.
#pragma once

#include <kwire/split/add_partitions_to_txn.hpp>
#include <kwire/split/delete_records.hpp>
#include <kwire/split/describe_producers.hpp>
#include <kwire/split/fetch.hpp>
#include <kwire/split/list_offsets.hpp>
#include <kwire/split/offset_commit.hpp>
#include <kwire/split/offset_fetch.hpp>
#include <kwire/split/offset_for_leader_epoch.hpp>
#include <kwire/split/produce.hpp>
#include <kwire/split/txn_offset_commit.hpp>
#include <kwire/split/write_txn_markers.hpp>

/// How much memory the data of a message takes, and that a limit holds, for every message and version.
#include <kwire/buffer/shared_buffer.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "catch.hpp"
#include "generated/all.hpp"
#include "messages/large_data.hpp"
#include "support/count_allocations.hpp"
#include "support/golden.hpp"

using kwire::errc;
using kwire::shared_buffer;
using support::message_type;

namespace {

/// What happens while a message becomes data.
struct {
    std::size_t bytes = 0; ///< that are allocated
    std::uint64_t copied = 0;
} taken;
const support::watch watched{
    [] { taken = {support::allocated_bytes, kwire::copied_bytes()}; },
    [] { taken = {support::allocated_bytes - taken.bytes, kwire::copied_bytes() - taken.copied}; }};

/// Returns what is wrong with the limits for one body, and how much memory its data takes.
std::string fault_of(const message_type& type, int version, const shared_buffer& body, std::size_t& needed) {
    const auto whole = type.rewrite(body, version, watched);
    if (!whole) return "refused: " + std::string(kwire::describe(whole.error()));
    if (taken.copied != 0) return "copied " + std::to_string(taken.copied) + " bytes";
    needed = taken.bytes;

    // A library may round strings up, which is counted in advance: those with memory of their own by 15 bytes
    // at most, which is less than each has in the body.
    const auto enough = type.rewrite_within(body, version, needed + needed / 8 + body.size() + 64, watched);
    if (!enough) return "refused with enough: " + std::string(kwire::describe(enough.error()));
    if (taken.bytes != needed) return "with a limit it takes other memory";
    if (taken.copied != 0) return "copied with a limit";
    if (!(enough->body == whole->body)) return "other data with a limit";
    if (needed == 0) return type.rewrite_within(body, version, 0, watched) ? "" : "refused with a limit of 0";

    for (const std::uint64_t limit : {needed - 1, needed / 2, std::size_t{0}}) {
        const auto refused = type.rewrite_within(body, version, limit, watched);
        if (refused) return "not refused with " + std::to_string(limit) + " bytes";
        const kwire::error& e = refused.error();
        if (e.code != errc::memory_limit_exceeded || e.depth == 0 || e.left > limit || e.needed <= e.left ||
            e.offset > body.size() || e.message != type.facts.name || e.version != version)
            return "error: " + std::string(kwire::describe(e));
        if (taken.bytes != 0) return "memory was taken before the refusal";
    }
    return "";
}

} // namespace

TEST_CASE("the data of Kafka's values stays within its limit, and refers to all payloads") {
    if (!support::counts_allocations) return;
    const std::vector<message_type> types = support::all_messages();
    std::size_t lines = 0;
    for (const support::golden_message& line : support::golden_messages()) {
        if (line.rejected()) continue;
        const auto type = std::ranges::find(types, std::string_view(line.message),
                                            [](const message_type& t) { return t.facts.name; });
        if (type == types.end()) continue;
        ++lines;
        std::size_t needed = 0;
        const std::string fault =
            fault_of(*type, type->facts.canonical(line.version), shared_buffer::copy_of(line.bytes), needed);
        if (fault.empty()) continue;
        CAPTURE(line.name(), needed);
        CHECK(fault == "");
    }
    CHECK(lines > 1000);
}

TEST_CASE("no body makes more data than documented, and the data of the worst stays within its limit") {
    if (!support::counts_allocations) return;
    constexpr std::size_t count = 1000;
    double worst = 0;
    std::string worst_name;
    std::size_t bodies = 0;
    for (const message_type& type : support::all_messages())
        for (int version = type.facts.versions.first; version <= type.facts.versions.last; ++version) {
            const auto check = [&](const std::vector<std::byte>& bytes, const std::string& what) {
                ++bodies;
                std::size_t needed = 0;
                const std::string fault = fault_of(type, version, shared_buffer::copy_of(bytes), needed);
                const double ratio = static_cast<double>(needed) / static_cast<double>(bytes.size());
                if (ratio > worst) {
                    worst = ratio;
                    worst_name = std::string(type.facts.name) + " v" + std::to_string(version) + ' ' + what;
                }
                if (fault.empty()) return;
                CAPTURE(type.facts.name, version, what, needed);
                CHECK(fault == "");
            };
            using form = support::large_data_writer::form;
            for (const form elements : {form{}, form{.tagged = true}, form{.text = 16}, form{.text = 40}}) {
                if (elements.tagged && !type.facts.flexible(version)) continue;
                support::large_data_writer writer(type, version, elements);
                auto one = [&](const std::vector<const kwire::field_info*>& path) {
                    check(writer.write(*type.info, path, count), std::string(path.back()->name));
                };
                support::each_array(*type.info, version, one);
            }
            if (type.facts.flexible(version))
                check(support::large_data_writer(type, version, {}).write_tags(*type.info, count), "tags");
        }
    WARN(bodies << " bodies; the most memory is " << worst << " times the body: " << worst_name);
    CHECK(bodies > 2000);
    CHECK(worst <= 46);
}

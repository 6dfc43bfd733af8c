// Runs rows: build/bench/bench/run --case metadata_1000x10 --op encode --contender kwire
//
//     run [--corpus DIR] [--case C] [--op O] [--contender X] [--ms N] [--rounds N]   times the rows that
//     match run --list | --prove                                                         names them; proves
//     each run --case C --op O --contender X --times N     does the work N times, and nothing else, to be
//     profiled run --serve                                     answers `run C O X MS` lines on its input, for
//     peers.py
//
// A line of output is `case operation contender rounds nanoseconds`: the median of the rounds, of one piece
// of work each; the fastest of several samples counts in a round. Filters match whole names, or beginnings
// with a
// `*` at the end.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#define BENCH_CALLGRIND 1
#endif

#include "bench/harness/allocations.hpp"
#include "bench/harness/contenders.hpp"
#include "bench/harness/corpus.hpp"

namespace {

using bench::row;
using clock_type = std::chrono::steady_clock;

double elapsed(const row& what, std::uint64_t times) {
    const auto start = clock_type::now();
    what.repeat(times);
    return std::chrono::duration<double, std::nano>(clock_type::now() - start).count();
}

/// How often the work fits half a millisecond; also warms up.
std::uint64_t times_of(const row& what) {
    for (std::uint64_t times = 1;; times *= 4) {
        const double took = elapsed(what, times);
        if (took > 100e3)
            return std::max<std::uint64_t>(
                1, static_cast<std::uint64_t>(static_cast<double>(times) * 500e3 / took));
    }
}

void require_proof(const row& what) {
    if (what.prove()) return;
    std::fprintf(stderr, "bench: %s %s: %s answers something else than is expected\n", what.name.c_str(),
                 what.operation.c_str(), what.contender.c_str());
    std::exit(1);
}

/// Nanoseconds of one piece of work: the fastest sample within so many milliseconds.
double measure(const row& what, std::uint64_t times, double milliseconds) {
    double best = 1e300;
    const auto end = clock_type::now() + std::chrono::duration<double, std::milli>(milliseconds);
    do best = std::min(best, elapsed(what, times) / static_cast<double>(times));
    while (clock_type::now() < end);
    return best;
}

bool matches(const std::string& name, const std::string& filter) {
    if (filter.ends_with('*')) return name.starts_with(std::string_view(filter).substr(0, filter.size() - 1));
    return filter.empty() || name == filter;
}

std::uint64_t allocations_of(const row& what) {
    const std::uint64_t before = bench::allocations;
    what.repeat(10);
    return (bench::allocations - before) / 10;
}

/// Has callgrind write what one run of the work costs, and what eleven runs cost: their difference is ten
/// runs without what surrounds them. The first run of all, which warms up, is not counted.
void count_instructions(const row& what) {
#if defined(BENCH_CALLGRIND)
    what.repeat(1);
    CALLGRIND_ZERO_STATS;
    what.repeat(1);
    CALLGRIND_DUMP_STATS;
    what.repeat(11);
    CALLGRIND_DUMP_STATS;
#else
    bench::corpus::fail("cannot count " + what.name + ": built without <valgrind/callgrind.h>");
#endif
}

int serve() {
    std::map<std::string, std::uint64_t> times;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream in(line);
        std::string verb, name, operation, contender;
        double milliseconds = 0;
        in >> verb;
        if (verb == "list") {
            for (const row& one : bench::rows())
                std::printf("%s %s %s\n", one.name.c_str(), one.operation.c_str(), one.contender.c_str());
            std::printf(".\n");
        } else if (in >> name >> operation >> contender >> milliseconds) {
            for (const row& one : bench::rows()) {
                if (one.name != name || one.operation != operation || one.contender != contender) continue;
                auto& known = times[name + ' ' + operation + ' ' + contender];
                if (known == 0) {
                    require_proof(one);
                    known = times_of(one);
                }
                std::printf("%s %s %s 1 %.3f %llu\n", name.c_str(), operation.c_str(), contender.c_str(),
                            measure(one, known, milliseconds),
                            static_cast<unsigned long long>(allocations_of(one)));
            }
        }
        std::fflush(stdout);
    }
    return 0;
}

} // namespace

int main(int count, char** arguments) {
    std::map<std::string, std::string> options;
    std::string program = arguments[0];
    for (int i = 1; i < count; ++i) {
        const std::string name = arguments[i];
        const bool alone = name == "--list" || name == "--prove" || name == "--count" || name == "--serve";
        if (!name.starts_with("--") || (!alone && i + 1 == count))
            bench::corpus::fail("what is " + name + "? bench/harness/run.cpp says what there is");
        options[name] = alone ? "yes" : arguments[++i];
    }
    const auto option = [&](const char* name, const char* otherwise) {
        const auto found = options.find(name);
        return found == options.end() ? std::string(otherwise) : found->second;
    };
    const std::size_t folder = program.rfind('/');
    bench::corpus::get().load(option(
        "--corpus", ((folder == std::string::npos ? "." : program.substr(0, folder)) + "/corpus").c_str()));
    for (const auto add_rows : bench::scenario::all()) add_rows();
    // By case, and in the order in which they were added: a multimap keeps that.
    std::multimap<std::string, row> by_case;
    for (row& one : bench::rows()) by_case.emplace(one.name, std::move(one));
    std::ranges::transform(by_case, bench::rows().begin(),
                           [](auto& entry) { return std::move(entry.second); });
    if (options.contains("--serve")) return serve();

    const int rounds = std::atoi(option("--rounds", "5").c_str());
    const double milliseconds = std::atof(option("--ms", "10").c_str());
    const std::uint64_t only_times = std::strtoull(option("--times", "0").c_str(), nullptr, 10);
    std::size_t found = 0;
    for (const row& one : bench::rows()) {
        if (!matches(one.name, option("--case", "")) || !matches(one.operation, option("--op", "")) ||
            !matches(one.contender, option("--contender", "")))
            continue;
        ++found;
        if (options.contains("--list")) {
            std::printf("%s %s %s\n", one.name.c_str(), one.operation.c_str(), one.contender.c_str());
            continue;
        }
        if (options.contains("--count")) {
            count_instructions(one);
            continue;
        }
        if (only_times != 0) {
            one.repeat(only_times);
            continue;
        }
        require_proof(one);
        if (options.contains("--prove")) continue;
        const std::uint64_t times = times_of(one);
        std::vector<double> all;
        for (int round = 0; round < rounds; ++round) all.push_back(measure(one, times, milliseconds));
        std::ranges::sort(all);
        std::printf("%s %s %s %d %.1f\n", one.name.c_str(), one.operation.c_str(), one.contender.c_str(),
                    rounds, all[all.size() / 2]);
    }
    if (found == 0) bench::corpus::fail("no such row");
    if (options.contains("--prove")) std::printf("%zu rows agree\n", found);
    return 0;
}

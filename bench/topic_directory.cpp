// Looks up topics by name and by id, beside std::unordered_map with its own hash, which peers can predict.
// The names and ids are asked for in an order that no cache foresees.
#include <kwire/reflect/topic_directory.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

struct by_text {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
        return std::hash<std::string_view>()(text);
    }
};
struct by_id {
    std::size_t operator()(const kwire::uuid& id) const noexcept {
        return by_text()({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()});
    }
};

/// Topics with names as they are in use, 7 to 37 bytes long, and their answers from both contenders.
struct topics {
    explicit topics(std::size_t count) {
        std::mt19937_64 random(42);
        const std::string_view teams[] = {"orders", "billing.invoices", "clickstream-enriched-events"};
        for (std::size_t i = 0; i < count; ++i) {
            kwire::uuid id;
            for (std::size_t half = 0; half < 2; ++half) {
                const std::uint64_t word = random();
                std::memcpy(id.bytes.data() + 8 * half, &word, sizeof word);
            }
            std::string name = std::string(teams[i % 3]) + "." + std::to_string(i);
            directory.learn(name, id);
            ids.emplace(name, id);
            names.emplace(id, name);
            asked.emplace_back(std::move(name), id);
        }
        std::shuffle(asked.begin(), asked.end(), random);
        // In the order of their memory, as names and ids in a message are, which has just been read.
        asked = std::vector(asked);
        agree = directory.size() == count && std::all_of(asked.begin(), asked.end(), [this](const auto& one) {
                    return directory.id_of(one.first) == one.second &&
                           directory.name_of(one.second) == one.first &&
                           ids.find(std::string_view(one.first))->second == one.second &&
                           names.find(one.second)->second == one.first;
                });
    }

    kwire::topic_directory directory;
    std::unordered_map<std::string, kwire::uuid, by_text, std::equal_to<>> ids;
    std::unordered_map<kwire::uuid, std::string, by_id> names;
    std::vector<std::pair<std::string, kwire::uuid>> asked;
    bool agree = false;
};

template <class LookUp>
void measure(benchmark::State& state, LookUp look_up) {
    const topics known(static_cast<std::size_t>(state.range(0)));
    if (!known.agree) return state.SkipWithError("the directory and the maps do not agree");
    std::size_t at = 0;
    for ([[maybe_unused]] auto _ : state) {
        benchmark::DoNotOptimize(look_up(known, known.asked[at]));
        if (++at == known.asked.size()) at = 0;
    }
    state.SetItemsProcessed(state.iterations());
}

/// What the loop itself takes.
void asked_alone(benchmark::State& state) {
    measure(state, [](const topics&, const auto& topic) {
        return static_cast<std::size_t>(topic.first.back()) ^
               std::to_integer<std::size_t>(topic.second.bytes[0]);
    });
}
void name_of_directory(benchmark::State& state) {
    measure(state, [](const topics& known, const auto& topic) {
        return known.directory.name_of(topic.second)->size();
    });
}
void name_of_unordered_map(benchmark::State& state) {
    measure(state, [](const topics& known, const auto& topic) {
        return known.names.find(topic.second)->second.size();
    });
}
void id_of_directory(benchmark::State& state) {
    measure(state, [](const topics& known, const auto& topic) {
        return known.directory.id_of(topic.first)->bytes[0];
    });
}
void id_of_unordered_map(benchmark::State& state) {
    measure(state, [](const topics& known, const auto& topic) {
        return known.ids.find(std::string_view(topic.first))->second.bytes[0];
    });
}

} // namespace

BENCHMARK(asked_alone)->Arg(10)->Arg(1'000)->Arg(10'000)->Arg(100'000);
BENCHMARK(name_of_directory)->Arg(10)->Arg(1'000)->Arg(10'000)->Arg(100'000);
BENCHMARK(name_of_unordered_map)->Arg(10)->Arg(1'000)->Arg(10'000)->Arg(100'000);
BENCHMARK(id_of_directory)->Arg(10)->Arg(1'000)->Arg(10'000)->Arg(100'000);
BENCHMARK(id_of_unordered_map)->Arg(10)->Arg(1'000)->Arg(10'000)->Arg(100'000);

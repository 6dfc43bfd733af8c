/// Writes what the targets about messages start from: for every version of every message its smallest golden
/// values and refusals, and messages that the reference model makes up; each in a file of its own.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "fuzz/message_input.hpp"
#include "fuzz/model.hpp"
#include "support/golden.hpp"

namespace {

constexpr std::size_t largest = 4096; ///< bytes of a seed
constexpr std::size_t golden_each = 2, made_each = 2;

class seed_files {
public:
    explicit seed_files(std::filesystem::path directory) : directory_(std::move(directory)) {
        std::filesystem::remove_all(directory_);
        std::filesystem::create_directories(directory_);
    }
    /// Returns whether it is small enough.
    bool write(const support::message_input& seed) {
        if (seed.body.size() > largest) return false;
        const auto bytes = support::write_input(seed);
        std::ofstream file(directory_ / std::to_string(count_++), std::ios::binary);
        file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        return file.good();
    }
    [[nodiscard]] std::size_t count() const { return count_; }

private:
    std::filesystem::path directory_;
    std::size_t count_ = 0;
};

/// The bytes of a message that the random numbers make up.
std::vector<std::byte> made_up(const kwire::message_info& info, int version, std::minstd_rand& random) {
    std::vector<std::byte> decisions(400);
    for (std::byte& b : decisions) b = static_cast<std::byte>(random() >> 8 & 0xff);
    support::choices from(decisions);
    const auto message = support::random_message(info, version, from);
    support::choices none({});
    return support::write_message(info, version, message, support::manners::correct, none);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    std::map<std::pair<std::string, int>, std::vector<const support::golden_message*>> golden;
    for (const support::golden_message& line : support::golden_messages())
        golden[{line.message, line.version}].push_back(&line);

    seed_files files(argv[1]);
    std::minstd_rand random(14);
    for (const kwire::message_info& info : support::fuzzed_messages())
        for (std::size_t i = 0; i != support::versions_of(info); ++i) {
            const int version = support::version_at(info, i);
            support::message_input seed{&info,
                                        version,
                                        static_cast<std::uint8_t>(random() >> 8),
                                        static_cast<std::uint8_t>(random() >> 8),
                                        {}};
            // "full" has every field; after it come small ones, of which the last may be a refusal.
            auto& lines = golden[{std::string(info.facts.name), version}];
            std::ranges::sort(lines, {}, [](const support::golden_message* line) {
                return std::tuple(line->sample != "full", line->bytes.size(), std::string_view(line->sample));
            });
            std::size_t written = 0;
            for (const support::golden_message* line : lines) {
                if (written == golden_each) break;
                seed.body = line->bytes;
                written += files.write(seed) ? 1 : 0;
            }
            for (written = 0; written != made_each; ++written) {
                const auto body = made_up(info, version, random);
                seed.body = body;
                seed.knob = static_cast<std::uint8_t>(random() >> 8);
                files.write(seed);
            }
        }
    std::printf("%zu files in %s\n", files.count(), argv[1]);
    return files.count() != 0 ? 0 : 1;
}

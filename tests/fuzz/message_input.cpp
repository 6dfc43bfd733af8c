#include "fuzz/message_input.hpp"

#include <kwire/messages/registry.hpp>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "generated/all.hpp"

namespace support {

namespace {

struct read_pairs {
    std::set<std::pair<std::string_view, int>> pairs;

    ~read_pairs() {
        const char* const path = std::getenv("KWIRE_FUZZ_PAIRS");
        if (path == nullptr || pairs.empty()) return;
        std::FILE* const file = std::fopen(path, "a");
        if (file == nullptr) return;
        for (const auto& [message, version] : pairs)
            std::fprintf(file, "%.*s %d\n", static_cast<int>(message.size()), message.data(), version);
        std::fclose(file);
    }
};

struct known_type {
    message_type type;
    bool typed = false;
};

} // namespace

std::span<const kwire::message_info> fuzzed_messages() { return kwire::all_messages(); }

std::optional<message_input> read_input(std::span<const std::byte> input) {
    if (input.size() < message_input::header_size) return std::nullopt;
    const auto at = [&](std::size_t i) { return std::to_integer<std::uint8_t>(input[i]); };
    const auto all = fuzzed_messages();
    const kwire::message_info& info = all[(std::size_t{at(0)} << 8 | at(1)) % all.size()];
    return message_input{&info, version_at(info, at(2) % versions_of(info)), at(3), at(4),
                         input.subspan(message_input::header_size)};
}

std::vector<std::byte> write_input(const message_input& input) {
    const auto index = static_cast<std::size_t>(input.info - fuzzed_messages().data());
    std::size_t version = 0;
    while (version_at(*input.info, version) != input.version) ++version;
    std::vector<std::byte> out{static_cast<std::byte>(index >> 8), static_cast<std::byte>(index & 0xff),
                               static_cast<std::byte>(version), static_cast<std::byte>(input.knob),
                               static_cast<std::byte>(input.second_knob)};
    out.insert(out.end(), input.body.begin(), input.body.end());
    return out;
}

namespace {

const known_type& known(const kwire::message_info& info) {
    static const std::vector<known_type> all = [] {
        std::map<std::string_view, message_type> typed;
        for (const message_type& type : all_messages()) typed[type.facts.name] = type;
        std::vector<known_type> types;
        for (const kwire::message_info& one : fuzzed_messages()) {
            const auto found = typed.find(one.facts.name);
            if (found != typed.end()) {
                types.push_back({found->second, true});
            } else {
                message_type bare;
                bare.facts = one.facts;
                bare.info = one.structure;
                types.push_back({bare, false});
            }
        }
        return types;
    }();
    return all[static_cast<std::size_t>(&info - fuzzed_messages().data())];
}

} // namespace

const message_type& type_of(const kwire::message_info& info) { return known(info).type; }
bool is_typed(const kwire::message_info& info) { return known(info).typed; }

void note_read(const kwire::message_info& info, int version) {
    static read_pairs read;
    read.pairs.emplace(info.facts.name, version);
}

} // namespace support

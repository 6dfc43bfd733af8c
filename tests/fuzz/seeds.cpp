/// Writes what the fuzzers start from: each golden message in a file of its own.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "fuzz/choice.hpp"
#include "support/golden.hpp"

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    const std::filesystem::path directory = argv[1];
    std::filesystem::create_directories(directory);
    const auto& types = support::fuzzed_messages();
    std::size_t files = 0;
    for (const support::golden_message& line : support::golden_messages())
        for (std::size_t i = 0; i < types.size(); ++i) {
            if (types[i].facts.name != line.message || !types[i].facts.versions.contains(line.version))
                continue;
            std::ofstream file(directory / std::to_string(files++), std::ios::binary);
            file.put(static_cast<char>(i >> 8));
            file.put(static_cast<char>(i & 0xff));
            file.put(static_cast<char>(line.version - types[i].facts.versions.first));
            file.write(reinterpret_cast<const char*>(line.bytes.data()),
                       static_cast<std::streamsize>(line.bytes.size()));
        }
    std::printf("%zu files in %s\n", files, directory.c_str());
    return files != 0 ? 0 : 1;
}

/// The inputs of all contenders, in all languages: files that bench/corpus writes, and what is known of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace bench {

/// A body (or a record batch, or plain bytes), and the results that every contender must return for it.
struct input {
    std::vector<std::byte> bytes;
    std::string kind{}; ///< the name of the message, or "records" or "bytes"
    int version = 0;
    std::uint64_t sum = 0;  ///< of its values, by plain_sum
    std::uint64_t hash = 0; ///< of its values, by ordered_hash
};

/// The corpus in a folder: corpus.txt has a line `name kind version bytes sum hash` for each file NAME.bin.
class corpus {
public:
    static corpus& get() {
        static corpus one;
        return one;
    }
    void load(const std::string& folder) {
        std::ifstream index(folder + "/corpus.txt");
        if (!index) fail("cannot read " + folder + "/corpus.txt: build the target bench_corpus");
        for (std::string line; std::getline(index, line);) {
            std::istringstream in(line);
            std::string name;
            std::size_t size = 0;
            input one;
            in >> name >> one.kind >> one.version >> size >> one.sum >> one.hash;
            std::ifstream file(folder + '/' + name + ".bin", std::ios::binary);
            one.bytes.resize(size);
            file.read(reinterpret_cast<char*>(one.bytes.data()), static_cast<std::streamsize>(size));
            if (!in || !file) fail("cannot read the input " + name);
            inputs_.emplace(std::move(name), std::move(one));
        }
    }
    [[nodiscard]] const input& at(const std::string& name) const {
        const auto found = inputs_.find(name);
        if (found == inputs_.end()) fail("the corpus has no " + name);
        return found->second;
    }
    [[nodiscard]] const std::map<std::string, input>& all() const { return inputs_; }

    [[noreturn]] static void fail(const std::string& why) {
        std::fprintf(stderr, "bench: %s\n", why.c_str());
        std::exit(1);
    }

private:
    std::map<std::string, input> inputs_;
};

} // namespace bench

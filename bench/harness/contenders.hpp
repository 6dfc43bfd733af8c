/// The list of what `run` can measure: each row is a case, an operation and a contender.
///
/// A row proves its answer before it is timed for the first time; a contender that answers something else
/// than the corpus says ends the program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace bench {

struct row {
    std::string name; ///< of the case
    std::string operation;
    std::string contender;
    std::function<bool()> prove;                 ///< whether the answer is the expected one
    std::function<void(std::uint64_t)> repeat{}; ///< does the work so many times
};

inline std::vector<row>& rows() {
    static std::vector<row> all;
    return all;
}

/// Makes the compiler believe that `value` is read and changed here.
template <class T>
[[gnu::always_inline]] inline void keep(T& value) {
    asm volatile("" : : "g"(&value) : "memory");
}
template <class T>
[[gnu::always_inline]] inline void keep_result(T&& value) {
    asm volatile("" : : "g"(&value) : "memory");
}

/// Adds a row. `work()` does the work once and returns something that depends on all of it.
template <class Prove, class Work>
void add(std::string name, std::string operation, std::string contender, Prove prove, Work work) {
    rows().push_back({std::move(name), std::move(operation), std::move(contender), std::move(prove),
                      [work](std::uint64_t times) mutable {
                          for (; times != 0; --times) {
                              auto result = work();
                              keep_result(result);
                          }
                      }});
}

/// What a scenario does at the start of the program: it adds its rows.
struct scenario {
    explicit scenario(void (*add_rows)()) { all().push_back(add_rows); }
    static std::vector<void (*)()>& all() {
        static std::vector<void (*)()> list;
        return list;
    }
};

} // namespace bench

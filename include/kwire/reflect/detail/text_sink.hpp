/// Internal: where print.hpp writes to.
#pragma once

#include <kwire/detail/config.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace kwire::inline KWIRE_ABI::detail {

/// Where printed text goes, a few hundred characters at a time.
class text_sink {
public:
    using write_function = void (*)(void* target, std::string_view text);

    text_sink(void* target, write_function write) noexcept : target_(target), write_(write) {}
    text_sink(const text_sink&) = delete;
    text_sink& operator=(const text_sink&) = delete;

    void put(char c) {
        if (used_ == chars_.size()) flush();
        chars_[used_++] = c;
    }
    KWIRE_NOINLINE void put(std::string_view text) {
        for (const char c : text) put(c);
    }
    template <class Number>
        requires(std::is_arithmetic_v<Number> && !std::is_same_v<Number, char>)
    KWIRE_NOINLINE void put(Number value) {
        std::array<char, 32> digits;
        const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
        put(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
    }
    /// `1 byte`, `2 bytes`: `what` in the singular.
    void put_count(std::uint64_t count, std::string_view what) {
        put(count);
        put(' ');
        put(what);
        if (count != 1) put(what.ends_with("ch") ? "es" : "s");
    }
    void flush() {
        write_(target_, std::string_view(chars_.data(), used_));
        written_ += used_;
        used_ = 0;
    }
    [[nodiscard]] std::size_t size() const noexcept { return written_ + used_; }

private:
    void* target_;
    write_function write_;
    std::size_t written_ = 0;
    std::size_t used_ = 0;
    std::array<char, 256> chars_;
};

} // namespace kwire::inline KWIRE_ABI::detail

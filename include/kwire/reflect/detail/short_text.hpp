/// Internal: a text of which most fit into the object itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace kwire::detail {

/// An owned text of less than 4 GiB, in 40 bytes of alignment 4. Up to 36 characters need no memory of their
/// own.
class short_text {
public:
    static constexpr std::size_t most_inside = 36;

    short_text() noexcept = default;
    /// Throws std::bad_alloc for a text that does not fit.
    explicit short_text(std::string_view text) {
        char* at = inside_;
        if (text.size() > most_inside) {
            at = new char[text.size()];
            std::memcpy(inside_, static_cast<const void*>(&at), sizeof at);
        }
        if (!text.empty()) std::memcpy(at, text.data(), text.size());
        size_ = static_cast<std::uint32_t>(text.size());
    }
    short_text(const short_text& other) : short_text(other.view()) {}
    short_text(short_text&& from) noexcept { swap(from); }
    short_text& operator=(short_text from) noexcept {
        swap(from);
        return *this;
    }
    ~short_text() {
        if (size_ > most_inside) delete[] memory();
    }

    /// Valid until it is changed, moved or destroyed.
    [[nodiscard]] std::string_view view() const noexcept {
        return {size_ > most_inside ? memory() : inside_, size_};
    }

private:
    void swap(short_text& other) noexcept {
        std::swap(size_, other.size_);
        std::swap(inside_, other.inside_);
    }
    [[nodiscard]] char* memory() const noexcept {
        char* at = nullptr;
        std::memcpy(static_cast<void*>(&at), inside_, sizeof at);
        return at;
    }

    std::uint32_t size_ = 0;
    char inside_[most_inside]{}; ///< the characters, or where they are
};

} // namespace kwire::detail

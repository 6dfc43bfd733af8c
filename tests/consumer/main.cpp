/// A program of somebody who uses kwire: what it includes and prints is the same however it came by the
/// headers.
#include <kwire/error.hpp>

#include <cstdio>

int main() {
    const kwire::error e{.code = kwire::errc::truncated, .offset = 41, .needed = 8, .left = 3};
    const auto text = kwire::describe(e);
    std::printf("%.*s\n", static_cast<int>(text.view().size()), text.view().data());
    return text.view() == "truncated at byte 41, needs 8 bytes, 3 left" ? 0 : 1;
}

#include <kwire/error.hpp>

int main() { return kwire::name_of(kwire::errc::truncated) == "truncated" ? 0 : 1; }

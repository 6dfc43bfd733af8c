/// The program of ../main.cpp with the module instead of headers. What it does with classes of the standard
/// library needs their headers: kwire's module does not export them.
#include <cstdio>
#include <optional>
#include <string_view>

import kwire;

int main() {
    kwire::metadata_request::data asked;
    asked.topics.push_back({.name = "orders"});
    const auto written = kwire::encode<kwire::metadata_request>(asked, 12);
    if (!written) return 1;

    const auto request = kwire::parse<kwire::metadata_request>(written->to_bytes(), 12);
    if (!request) return 1;
    for (auto topic : request->topics()) std::printf("%s\n", topic.name() == "orders" ? "orders" : "?");
    return 0;
}

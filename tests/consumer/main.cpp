/// A program that uses kwire: the same source for every way to find the headers.
#include <kwire/kwire.hpp>
#include <kwire/messages/metadata.hpp>

#include <cstdio>

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

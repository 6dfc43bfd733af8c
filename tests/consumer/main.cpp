/// A program of somebody who uses kwire: the same however it came by the headers.
#include <kwire/messages/metadata.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/write/encode.hpp>

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

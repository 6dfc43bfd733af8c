#include <cstdio>

#include <ledger.hpp>

int main() {
    kwire::metadata_request::data asked;
    asked.topics.push_back({.name = "orders"});
    std::printf("%s\n", first_topic(asked).c_str());
    return 0;
}

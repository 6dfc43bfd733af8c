#include <kwire/read/parse.hpp>
#include <kwire/split/produce.hpp>
#include <kwire/split/split.hpp>

int leader_of(std::string_view topic, std::int32_t partition);
void send(int leader, const kwire::produce_request::data& request);
void reply(const kwire::produce_response::data& answer);

void proxy(const kwire::result<kwire::message<kwire::produce_request>>& request,
           const kwire::result<kwire::message<kwire::produce_response>>& response) {
    // example 1
}

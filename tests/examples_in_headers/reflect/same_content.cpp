#include <kwire/messages/fetch.hpp>
#include <kwire/read/parse.hpp>
#include <kwire/reflect/same_content.hpp>

void changed();

void example(const kwire::fetch_request::data& before, const kwire::fetch_request::data& after,
             std::span<const std::byte> body, std::span<const std::byte> other_body) {
    const auto one = kwire::parse_view<kwire::fetch_request>(body, 12);
    const auto other = kwire::parse_view<kwire::fetch_request>(other_body, 12);
    // example 1
}

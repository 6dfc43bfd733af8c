#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/reflect/topic_directory.hpp>

void count(std::string_view name);
void ask_for(kwire::uuid id);

void example(const kwire::message<kwire::metadata_response>& metadata,
             kwire::fetch_response::fetchable_topic_response::view fetch_topic) {
    // example 1
}

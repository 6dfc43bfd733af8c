#include <kwire/api.hpp>
#include <kwire/messages/api_versions.hpp>
#include <kwire/messages/incremental_alter_configs.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/read/find.hpp>

void use(std::optional<kwire::metadata_response::partition::view> partition);

// The lines are about several messages.
struct any_response {
    kwire::array_of<kwire::metadata_response::topic::view> topics() const;
    kwire::array_of<kwire::api_versions_response::api_version::view> api_keys() const;
};

void example(const any_response& response, const kwire::incremental_alter_configs_request::view& request) {
    // example 1
}

#include <kwire/kwire.hpp>
#include <kwire/messages/metadata.hpp>

int main() { return kwire::parse_view<kwire::metadata_request>({}, 12).has_value() ? 1 : 0; }

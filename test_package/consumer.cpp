#include <kwire/messages/metadata.hpp>
#include <kwire/read/parse.hpp>

int main() { return kwire::parse_view<kwire::metadata_request>({}, 12).has_value() ? 1 : 0; }

#pragma once

#include <kwire/messages/metadata.hpp>

#include <string>

/// The name of the first topic that the request asks for, after a way through gzip.
std::string first_topic(const kwire::metadata_request::data& asked);

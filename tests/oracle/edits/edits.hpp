/// What the files of kwire-edits share.
#pragma once

#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/error.hpp>
#include <kwire/expected.hpp>
#include <kwire/messages/registry.hpp>
#include <kwire/reflect/dynamic.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <string>
#include <string_view>

namespace edits {

/// The message of a line.
struct subject {
    const kwire::message_info* info;
    kwire::message<kwire::dynamic> message;
};
kwire::expected<subject, kwire::error> subject_of(const boost::json::object& line);

inline std::string_view text_of(const boost::json::value& text) {
    return {text.get_string().data(), text.get_string().size()};
}

/// Appends `"key":"hex"`.
void put_hex(std::string_view key, const kwire::buffer_chain& bytes, std::string& out);

/// Appends the answer to one line; an error if something in it is refused.
kwire::expected<void, kwire::error> answer_splice(const boost::json::object& line, std::string& out);
kwire::expected<void, kwire::error> answer_rewrite(const boost::json::object& line, std::string& out);
kwire::expected<void, kwire::error> answer_split(const boost::json::object& line, std::string& out);
kwire::expected<void, kwire::error> answer_transform(const boost::json::object& line, std::string& out);

} // namespace edits

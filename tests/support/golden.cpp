#include "support/golden.hpp"

#include <boost/json/parse.hpp>

#include "support/bytes.hpp"
#include "support/gzip_lines.hpp"

namespace support {

namespace {

std::vector<golden_message> load_messages() {
    std::vector<golden_message> all;
    kwire::test::for_each_line(KWIRE_GOLDEN_DIR "/messages.jsonl.gz", [&](std::string_view line) {
        const boost::json::value parsed = boost::json::parse(line);
        const boost::json::object& object = parsed.as_object();
        golden_message& one = all.emplace_back();
        one.message = object.at("message").as_string();
        one.version = static_cast<int>(object.at("version").as_int64());
        one.sample = object.at("sample").as_string();
        one.bytes = kwire::test::from_hex(object.at("hex").as_string());
        if (!one.rejected()) one.json = object.at("json");
        if (const auto* count = object.if_contains("unknown_tag_count"))
            one.unknown_tag_count = static_cast<std::size_t>(count->as_int64());
    });
    return all;
}

} // namespace

std::string golden_message::name() const { return message + " v" + std::to_string(version) + " " + sample; }

const std::vector<golden_message>& golden_messages() {
    static const std::vector<golden_message> all = load_messages();
    return all;
}

} // namespace support

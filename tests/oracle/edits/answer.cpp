/// kwire-edits: edits messages and record sets as it is told; one JSON object per line, as in kwire-convert,
/// whose main.cpp it shares.
///
///     {"message":"FetchRequest","version":12,"hex":"...","edits":[{"op":"set","path":"topics[0].topic","value":"t"}]}
///     -> {"hex":"..."}
///     {"message":...,"version":...,"hex":"...","rewrite":{"wanted":["topic_name","host"],"coordinator_key_type":null,
///      "table":{"topic_name":{"a":"b","c":null},"host":{"h":{"host":"i","port":9}},...}}}
///     -> {"hex":"..."}     by meaning and old value the new one; null drops, true keeps
///     {"transform":"...","emptied":"keep","legacy":"pass","compress_with":null,"actions":[null,"drop",{"how":"span",
///      "key":"...","value":null,"remove":"name","headers":[["name","..."]],"add":[...]}]}
///     -> {"records":"...","counts":{...}}    an action for each record; bytes in them as base64
///     {"split":"FetchRequest","version":12,"hex":"...","parts":3,"answers":["...","...","..."]}
///     -> {"parts":[{"hex":"..."},...],"merged":"..."}
///     any line that is refused -> {"error":{"code":...}}
#include <kwire/reflect/json.hpp>

#include "convert.hpp"
#include "edits.hpp"
#include "text.hpp"

namespace edits {

kwire::expected<subject, kwire::error> subject_of(const boost::json::object& line) {
    const boost::json::value* const name = line.if_contains("message");
    const boost::json::value* const version = line.if_contains("version");
    const boost::json::value* const hex = line.if_contains("hex");
    if (name == nullptr || !name->is_string()) return kwire::unexpected(convert::wrong("message"));
    if (version == nullptr || !version->is_int64()) return kwire::unexpected(convert::wrong("version"));
    if (hex == nullptr || !hex->is_string()) return kwire::unexpected(convert::wrong("hex"));
    const kwire::message_info* const info = kwire::find_message(text_of(*name));
    if (info == nullptr) return kwire::unexpected(convert::wrong("message"));
    const auto bytes = convert::from_hex("hex", text_of(*hex));
    if (!bytes) return kwire::unexpected(bytes.error());
    auto message =
        kwire::parse(*info, kwire::shared_buffer::copy_of(*bytes), static_cast<int>(version->get_int64()));
    if (!message) return kwire::unexpected(message.error());
    return subject{.info = info, .message = *std::move(message)};
}

void put_hex(std::string_view key, const kwire::buffer_chain& bytes, std::string& out) {
    out += '"';
    out += key;
    out += "\":\"";
    for (const kwire::chain_segment& segment : bytes) convert::put_hex(segment.bytes(), out);
    out += '"';
}

} // namespace edits

void convert::answer(std::string_view line, std::string& out) {
    const auto value = kwire::parse_json(line);
    if (!value) return put_error(value.error(), value.error().offset, out);
    const boost::json::object* const object = value->if_object();
    const auto answered = [&]() -> kwire::expected<void, kwire::error> {
        if (object != nullptr && object->contains("edits")) return edits::answer_splice(*object, out);
        if (object != nullptr && object->contains("transform")) return edits::answer_transform(*object, out);
        if (object != nullptr && object->contains("rewrite")) return edits::answer_rewrite(*object, out);
        if (object != nullptr && object->contains("split")) return edits::answer_split(*object, out);
        return kwire::unexpected(wrong("edits"));
    }();
    if (!answered) put_error(answered.error(), answered.error().offset, out);
}

#include "json_lines.hpp"

#include <kwire/api.hpp>
#include <kwire/error_code.hpp>
#include <kwire/error_text.hpp>
#include <kwire/reflect/json.hpp>
#include <kwire/wire/uuid_text.hpp>

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <vector>

#include "output.hpp"
#include "text.hpp"

namespace dump {

namespace {

std::string_view name_of(outcome result) noexcept {
    switch (result) {
    case outcome::answered: return "answered";
    case outcome::not_expected: return "no_response_expected";
    case outcome::waiting: return "no_response";
    case outcome::closed: return "broker_closed_connection";
    case outcome::skipped: return "response_not_captured";
    case outcome::alone: return "alone";
    }
    return "";
}

/// "topic_id" is "topicId" in Kafka's JSON.
std::string json_name(std::string_view name) {
    std::string out;
    bool upper = false;
    for (const char c : name) {
        if (c != '_') out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        upper = c == '_';
    }
    return out;
}

class json_writer {
public:
    json_writer(std::string& out, bool secrets) : out_(out), secrets_(secrets) { open('{'); }

    void value(const located_field& at, const kwire::dynamic_value& value) {
        key(at);
        if (value.is_null()) {
            out_ += "null";
            return;
        }
        if (at.secret && !secrets_) {
            out_ += "\"<secret>\"";
            return;
        }
        switch (value.kind()) {
        case kwire::field_kind::boolean: out_ += value.number() != 0 ? "true" : "false"; break;
        case kwire::field_kind::float64:
            if (std::isfinite(value.real()))
                out_ += fmt::format("{}", value.real());
            else
                kwire::append_json(fmt::format("{}", value.real()), out_);
            break;
        case kwire::field_kind::uuid: {
            std::array<char, kwire::uuid::text_size> chars;
            kwire::append_json(value.id().to_chars(chars), out_);
            break;
        }
        case kwire::field_kind::string: kwire::append_json(value.text(), out_); break;
        case kwire::field_kind::bytes:
        case kwire::field_kind::records: kwire::append_json(value.bytes(), out_); break;
        default: out_ += std::to_string(value.number());
        }
    }
    void cut(const located_field& at, const kwire::cut_bytes& part) {
        key(at);
        if (at.secret && !secrets_)
            out_ += "\"<secret>\"";
        else if (at.field.element == kwire::field_kind::string)
            kwire::append_json(chars_of(part.there), out_);
        else
            kwire::append_json(part.there, out_);
    }
    void begin_array(const located_field& at, std::size_t, bool null) {
        key(at);
        null_ = null;
        if (null)
            out_ += "null";
        else
            open('[');
    }
    void end_array(const located_field&, std::size_t, bool) {
        if (!std::exchange(null_, false)) close(']');
    }
    bool begin_struct(const located_field& at, bool null) {
        key(at);
        null_ = null;
        if (null)
            out_ += "null";
        else
            open('{');
        return true;
    }
    void end_struct(const located_field&, bool) {
        if (!std::exchange(null_, false)) close('}');
    }
    void unknown_tag(std::uint32_t, std::span<const std::byte>) const noexcept {}
    void missing(const located_field&) const noexcept {}
    void finish() { close('}'); }

private:
    void key(const located_field& at) {
        if (!std::exchange(first_, false)) out_ += ',';
        if (at.element < 0) ((out_ += '"') += json_name(at.field.name)) += "\":";
    }
    void open(char bracket) {
        out_ += bracket;
        first_ = true;
    }
    void close(char bracket) {
        out_ += bracket;
        first_ = false;
    }

    std::string& out_;
    bool secrets_;
    bool first_ = true;
    bool null_ = false;
};

void put_message(std::string& out, seen_message& message, bool secrets) {
    out += fmt::format("{{\"bytes\":{},\"captured\":{}", message.frame_size, message.frame.size());
    if (message.info != nullptr && message.header_size != 0 && !message.refusal) {
        out += ",\"body\":";
        json_writer body(out, secrets);
        visit_body(message, body);
        body.finish();
    }
    if (message.refusal) kwire::append_json(kwire::to_string(*message.refusal), out += ",\"not_readable\":");
    out += '}';
}

void put_error(std::string& out, kwire::error_code code, std::string_view topic, std::int64_t partition,
               bool& first) {
    if (code == kwire::error_code::none) return;
    out += std::exchange(first, false) ? "{" : ",{";
    out += fmt::format("\"code\":{}", static_cast<int>(code));
    kwire::append_json(kwire::is_known(code) ? kwire::name_of(code) : std::string_view("UNKNOWN"),
                       out += ",\"name\":");
    if (!topic.empty()) kwire::append_json(topic, out += ",\"topic\":");
    if (partition >= 0) out += fmt::format(",\"partition\":{}", partition);
    out += '}';
}

void put_summary(std::string& out, const summary& says) {
    out += ",\"topics\":[";
    for (const topic_facts& topic : says.topics) {
        if (out.back() != '[') out += ',';
        kwire::append_json(topic.name, out += topic.named ? "{\"name\":" : "{\"id\":");
        out += ",\"partitions\":[";
        for (const partition_facts& one : topic.partitions) {
            if (out.back() != '[') out += ',';
            out += fmt::format("{{\"partition\":{}", one.number);
            if (one.offset >= 0) out += fmt::format(",\"fetchOffset\":{}", one.offset);
            if (one.at >= 0) out += fmt::format(",\"offset\":{}", one.at);
            if (one.records >= 0) out += fmt::format(",\"records\":{}", one.records);
            out += '}';
        }
        out += "]}";
    }
    out += "],\"errors\":[";
    bool first = true;
    for (const kwire::error_code code : says.errors) put_error(out, code, {}, -1, first);
    for (const topic_facts& topic : says.topics) {
        put_error(out, topic.error, topic.name, -1, first);
        for (const partition_facts& one : topic.partitions)
            put_error(out, one.error, topic.name, one.number, first);
    }
    out += ']';
    if (says.records >= 0) out += fmt::format(",\"records\":{}", says.records);
    if (says.records_cut) out += ",\"more_records\":true";
}

} // namespace

json_printer::~json_printer() { write_out(text_); }

void json_printer::print(report& one) {
    const exchange& of = one.of;
    std::string& out = text_;
    out += '{';
    if (of.result != outcome::alone) {
        kwire::append_json(time_text(of.request.last_ns, true), out += "\"time\":");
        kwire::append_json(to_text(of.client), out += ",\"client\":");
        kwire::append_json(to_text(of.broker), out += ",\"broker\":");
        out += fmt::format(",\"connection\":{},", of.connection);
    }
    kwire::append_json(of.client_id, out += "\"client_id\":");
    const kwire::api_facts facts = kwire::facts_of(of.start.api);
    kwire::append_json(facts.assigned ? facts.name : std::string_view("unknown"), out += ",\"api\":");
    out += fmt::format(",\"api_key\":{},\"version\":{},\"correlation_id\":{}", static_cast<int>(of.start.api),
                       of.start.api_version, of.start.correlation_id);
    if (of.result == outcome::answered)
        out += fmt::format(",\"latency_us\":{:.3f}", static_cast<double>(of.latency_ns()) / 1000);
    kwire::append_json(name_of(of.result), out += ",\"outcome\":");
    put_summary(out, one.says);
    if (one.cut()) out += ",\"cut\":true";
    if (!one.request.frame.empty()) put_message(out += ",\"request\":", one.request, options_.secrets);
    if (one.response) put_message(out += ",\"response\":", *one.response, options_.secrets);
    out += "}\n";
    constexpr std::size_t enough = 1 << 16;
    if (!options_.follow && out.size() < enough) return;
    write_out(out);
    out.clear();
}

} // namespace dump

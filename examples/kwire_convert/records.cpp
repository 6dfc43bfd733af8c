#include "records.hpp"

#include <kwire/compression/gzip.hpp>
#include <kwire/compression/lz4.hpp>
#include <kwire/compression/snappy.hpp>
#include <kwire/compression/zstd.hpp>
#include <kwire/expected.hpp>
#include <kwire/messages/end_txn_marker.hpp>
#include <kwire/records/control.hpp>
#include <kwire/records/crc.hpp>
#include <kwire/records/patch.hpp>
#include <kwire/records/read.hpp>
#include <kwire/reflect/json.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "text.hpp"

namespace convert {

namespace {

using kwire::batch_view;
using kwire::errc;
using kwire::error;

/// The limit for the decompressed bytes of all batches in a line; larger than any broker accepts for one
/// batch.
constexpr std::size_t decompressed_limit = 64 << 20;

/// An error, and its byte position in the set, which differs from the error's own offset if that counts
/// decompressed bytes.
struct located_error {
    error failure;
    std::uint64_t offset = 0;
    bool decompressed = false;
};

struct every_codec {
    kwire::gzip_codec gzip;
    kwire::snappy_codec snappy;
    kwire::lz4_codec lz4;
    kwire::zstd_codec zstd;
    kwire::codec_set set{gzip, snappy, lz4, zstd};
};

/// Writes a JSON object, member by member.
class object_writer {
public:
    explicit object_writer(std::string& out) : out_(out) { out_ += '{'; }

    std::string& key(std::string_view name) {
        if (!first_) out_ += ',';
        first_ = false;
        out_ += '"';
        out_ += name;
        out_ += "\":";
        return out_;
    }
    void put(std::string_view name, std::integral auto value) {
        if constexpr (std::same_as<decltype(value), bool>)
            key(name) += value ? "true" : "false";
        else
            key(name) += std::to_string(value);
    }
    void put(std::string_view name, std::string_view value) { kwire::append_json(value, key(name)); }
    void put(std::string_view name, std::optional<std::span<const std::byte>> value) {
        if (value)
            kwire::append_json(*value, key(name));
        else
            key(name) += "null";
    }
    void put(std::string_view name, std::optional<std::int64_t> value) {
        key(name) += value ? std::to_string(*value) : "null";
    }
    void end() { out_ += '}'; }

private:
    std::string& out_;
    bool first_ = true;
};

kwire::expected<void, error> put_control(const kwire::record_view& record, object_writer& object) {
    const auto control = kwire::control_of(record);
    if (!control) return kwire::unexpected(control.error());
    std::string text;
    object_writer shown(text);
    shown.put("type", kwire::name_of(control->type()));
    if (control->type() == kwire::control_type::commit || control->type() == kwire::control_type::abort) {
        const auto marker = control->payload<kwire::end_txn_marker>();
        if (!marker) {
            error e = marker.error();
            if (e.depth == 0 || e.path[0].field != "value") e.enter({"value"});
            return kwire::unexpected(e);
        }
        shown.put("coordinator_epoch", marker->coordinator_epoch());
    }
    shown.end();
    object.key("control") += text;
    return {};
}

kwire::expected<void, error> put_record(const kwire::record_view& record, bool is_control, std::string& out) {
    object_writer object(out);
    object.put("offset", record.offset());
    object.put("timestamp", record.timestamp());
    object.put("sequence", record.sequence());
    object.put("key", record.key());
    object.put("value", record.value());
    std::string& headers = object.key("headers");
    headers += '[';
    bool first = true;
    for (const auto header : record.headers()) {
        if (!first) headers += ',';
        first = false;
        headers += '[';
        kwire::append_json(header.name, headers);
        headers += ',';
        if (header.value)
            kwire::append_json(*header.value, headers);
        else
            headers += "null";
        headers += ']';
    }
    headers += ']';
    const auto done = is_control ? put_control(record, object) : kwire::expected<void, error>();
    object.end();
    return done;
}

/// The records of a batch as text, and the first and last of their offsets.
struct shown_records {
    std::string text;
    std::optional<std::int64_t> first_offset, last_offset;
};

/// The position in a batch of an error in its records; see located_error.
located_error in_batch(const batch_view& batch, const error& failure) {
    const bool decompressed = failure.depth != 0 && failure.path[0].field == "decompressed";
    if (!decompressed) return {failure, failure.offset};
    const auto compressed = kwire::compressible_bytes(batch);
    return {failure, bytes_of(batch).size() - (compressed ? compressed->size() : 0), true};
}

/// How the batches of a set are read.
struct set_reader {
    kwire::codec_set codecs;
    kwire::record_options options;
    std::size_t left = decompressed_limit; ///< how many bytes its batches may still decompress to
};

/// Appends the readable records to `shown`, and returns the error that ended them.
kwire::expected<void, located_error> show_records(const batch_view& batch, set_reader& reader,
                                                  shown_records& shown) {
    const auto records = kwire::records(batch, reader.codecs, reader.left, reader.options);
    if (!records) return kwire::unexpected(in_batch(batch, records.error()));
    if (records->is_decompressed()) reader.left -= bytes_of(*records).size();
    std::int64_t index = 0;
    for (const auto found : *records) {
        if (!found) return kwire::unexpected(in_batch(batch, found.error()));
        const kwire::record_view record = *found;
        if (index != 0) shown.text += ',';
        if (const auto done = put_record(record, batch.is_control(), shown.text); !done) {
            error e = done.error();
            const std::byte* const start =
                records->is_decompressed() ? bytes_of(*records).data() : bytes_of(batch).data();
            if (const auto part = e.path[0].field == "value" ? record.value() : record.key())
                e.offset += static_cast<std::uint64_t>(part->data() - start); // counted from there so far
            e.enter({"records", index});
            if (records->is_decompressed()) e.enter({"decompressed"});
            return kwire::unexpected(in_batch(batch, e));
        }
        if (index == 0) shown.first_offset = record.offset();
        shown.last_offset = record.offset();
        ++index;
    }
    return {};
}

/// The same for a batch with a wrong checksum: its records are read even if its count is larger than what
/// fits. Nothing is shown of a stream that does not decompress, nor of a wrapper with truncated messages,
/// whose offsets are unknown.
void show_damaged(const batch_view& batch, set_reader& reader, shown_records& shown) {
    const auto done = show_records(batch, reader, shown);
    if (done || done.error().failure.code != errc::count_exceeds_input ||
        done.error().failure.path[0].field != "record_count")
        return;
    // The loop ends before the first invalid record, so the count only has to be possible.
    constexpr std::uint64_t least_record = 7; // a byte for each of its fields (KIP-98)
    std::vector<std::byte> copy(bytes_of(batch).begin(), bytes_of(batch).end());
    const auto header = kwire::overlay_writable<kwire::batch_header>(copy);
    const auto possible = kwire::batch_at(std::span<const std::byte>(copy));
    if (!header || !possible) return;
    (*header)->record_count = static_cast<std::int32_t>(done.error().failure.left / least_record);
    static_cast<void>(show_records(*possible, reader, shown));
}

/// Appends the batch. If its checksum is wrong, other defects are not errors; otherwise they are.
kwire::expected<void, located_error> show_batch(const batch_view& batch, bool crc_valid, set_reader& reader,
                                                std::string& out) {
    shown_records shown;
    if (!crc_valid)
        show_damaged(batch, reader, shown);
    else if (const auto done = show_records(batch, reader, shown); !done)
        return kwire::unexpected(done.error());

    const kwire::batch_header* const header = batch.header();
    object_writer object(out);
    object.put("base_offset", batch.base_offset());
    object.put("batch_length", batch.batch_length());
    if (header != nullptr) object.put("partition_leader_epoch", batch.partition_leader_epoch());
    object.put("magic", batch.magic());
    object.put("crc", batch.crc());
    object.put("crc_valid", crc_valid);
    object.put("attributes", batch.attributes());
    object.put("compression", kwire::name_of(batch.compression()));
    object.put("timestamp_type", kwire::name_of(batch.timestamp_type()));
    if (header != nullptr) {
        object.put("is_transactional", batch.is_transactional());
        object.put("is_control", batch.is_control());
        object.put("delete_horizon", batch.delete_horizon());
        object.put("last_offset_delta", header->last_offset_delta.value());
        object.put("last_offset", batch.last_offset());
        object.put("base_timestamp", header->base_timestamp.value());
    } else {
        object.put("first_offset", shown.first_offset);
        object.put("last_offset", shown.last_offset);
    }
    object.put("max_timestamp", batch.max_timestamp());
    if (header != nullptr) {
        object.put("producer_id", batch.producer_id());
        object.put("producer_epoch", batch.producer_epoch());
        object.put("base_sequence", batch.base_sequence());
        object.put("last_sequence", batch.last_sequence());
        object.put("count", header->record_count.value());
    }
    std::string& records = object.key("records");
    records += '[';
    records += shown.text;
    records += ']';
    object.end();
    return {};
}

/// The whole set, up to the first defect. The error takes the place of its batch if there are batches before
/// it and all of them are valid; otherwise the error is the answer.
kwire::expected<void, located_error> show_set(std::span<const std::byte> bytes, bool lenient,
                                              std::string& out) {
    static every_codec codecs;
    set_reader reader{.codecs = codecs.set, .options = {.crc = kwire::crc_policy::skip}};
    if (lenient) {
        reader.codecs.read_as(kwire::decompress_options::as_kafka());
        reader.options = kwire::record_options::as_kafka(kwire::crc_policy::skip);
    }
    const auto batches = kwire::record_batches(bytes);
    std::int64_t index = 0;
    const auto at_batch = [&index](located_error e) {
        e.failure.enter({"batches", index});
        return e;
    };
    std::optional<located_error> found;
    std::string text;
    bool sound = true;
    auto i = batches.begin();
    for (; i != batches.end() && !found; ++i, ++index) {
        if (index != 0) text += ',';
        if (!*i) { // a defect, which is the last element
            found = at_batch({(*i).error(), (*i).error().offset});
            if (index == 0 || !sound) return kwire::unexpected(*found);
            break;
        }
        const batch_view batch = **i;
        const bool crc_valid = kwire::crc_matches(batch);
        const auto shown = show_batch(batch, crc_valid, reader, text);
        sound &= crc_valid;
        if (shown) continue;
        located_error e = shown.error();
        const std::uint64_t before = (*i).offset();
        if (!e.decompressed) e.failure.offset += before;
        e.offset += before;
        found = at_batch(e);
        if (index == 0 || !sound) return kwire::unexpected(*found);
    }
    const kwire::batches_tail tail = batches.tail();
    if (found) put_error(found->failure, found->offset, text);
    out += "{\"batches\":[" + text + "],\"truncated_tail\":" + std::to_string(tail.left) + '}';
    return {};
}

/// The value of a patch member as a number of the field's type.
template <std::integral Number>
bool read_member(const boost::json::value& value, std::optional<Number>& field) {
    const std::int64_t* const number = value.if_int64();
    if (number == nullptr || !std::in_range<Number>(*number)) return false;
    field = static_cast<Number>(*number);
    return true;
}
bool read_member(const boost::json::value& value, std::optional<kwire::timestamp_type>& field) {
    const boost::json::string* const text = value.if_string();
    if (text == nullptr) return false;
    for (const auto type : {kwire::timestamp_type::create_time, kwire::timestamp_type::log_append_time})
        if (kwire::name_of(type) == std::string_view(text->data(), text->size())) field = type;
    return field.has_value();
}

/// The patch, or the name of the first invalid member.
kwire::expected<kwire::batch_patch, error> patch_of(const boost::json::value& json) {
    const boost::json::object* const members = json.if_object();
    if (members == nullptr) return kwire::unexpected(wrong("patch"));
    kwire::batch_patch patch;
    // Errors outlive the line, so their paths need names in static storage.
    constexpr std::array<std::string_view, 7> names{
        "base_offset", "partition_leader_epoch", "max_timestamp", "timestamp_type",
        "producer_id", "producer_epoch",         "base_sequence"};
    for (const auto& member : *members) {
        const std::string_view key(member.key().data(), member.key().size());
        const boost::json::value& value = member.value();
        const bool read = key == names[0]   ? read_member(value, patch.base_offset)
                          : key == names[1] ? read_member(value, patch.partition_leader_epoch)
                          : key == names[2] ? read_member(value, patch.max_timestamp)
                          : key == names[3] ? read_member(value, patch.timestamp_type)
                          : key == names[4] ? read_member(value, patch.producer_id)
                          : key == names[5] ? read_member(value, patch.producer_epoch)
                          : key == names[6] ? read_member(value, patch.base_sequence)
                                            : false;
        if (read) continue;
        error e = wrong("patch");
        for (const std::string_view name : names)
            if (key == name) e = wrong(name);
        if (e.path[0].field != "patch") e.enter({"patch"});
        return kwire::unexpected(e);
    }
    return patch;
}

kwire::expected<void, located_error> answer_set(const boost::json::object& line, std::string& out) {
    const auto refused = [](const error& e) { return kwire::unexpected(located_error{e, e.offset}); };
    const boost::json::value* const hex = line.if_contains("records");
    if (hex == nullptr || !hex->is_string()) return refused(wrong("records"));
    auto bytes = from_hex("records", {hex->get_string().data(), hex->get_string().size()});
    if (!bytes) return refused(bytes.error());
    const boost::json::value* const json = line.if_contains("patch");
    const boost::json::value* const lenient = line.if_contains("lenient");
    if (json == nullptr)
        return show_set(*bytes, lenient != nullptr && lenient->is_bool() && lenient->get_bool(), out);

    const auto patch = patch_of(*json);
    if (!patch) return refused(patch.error());
    const auto batch = kwire::mutable_batch_at(*bytes);
    if (!batch) return refused(batch.error());
    if (const auto done = kwire::apply(*patch, *batch); !done) return refused(done.error());
    out += "{\"records\":\"";
    put_hex(*bytes, out);
    out += "\"}";
    return {};
}

} // namespace

void answer_records(const boost::json::object& line, std::string& out) {
    const std::size_t before = out.size();
    try {
        if (const auto done = answer_set(line, out); !done)
            put_error(done.error().failure, done.error().offset, out);
    } catch (const std::bad_alloc&) { // a small set may expand to gigabytes of text
        out.resize(before);
        put_error(wrong("records", errc::out_of_memory), 0, out);
    }
}

} // namespace convert

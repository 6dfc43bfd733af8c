// needs: gzip
// The code of the short guides; tests/docs/test_pages.py has their names, and looks for each of their blocks
// here.
#include <kwire/compression/gzip.hpp>
#include <kwire/connect/learn_topics.hpp>
#include <kwire/connect/rewrite.hpp>
#include <kwire/expected.hpp>
#include <kwire/kwire.hpp>
#include <kwire/messages/fetch.hpp>
#include <kwire/messages/metadata.hpp>
#include <kwire/messages/produce.hpp>
#include <kwire/messages/registry.hpp>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace {

std::string refused;
void reject(const kwire::error& why) { refused = kwire::to_string(why); }

// ------------------------------------------------------------------------------------------------ reading.md

std::vector<std::string> wanted;

void read_fetch(kwire::shared_buffer bytes) {
    auto frame = kwire::parse_request_frame(std::move(bytes), kwire::parse_options::as_kafka());
    if (!frame) return reject(frame.error()); // the header is not one
    auto request = kwire::parse<kwire::fetch_request>(*std::move(frame), kwire::parse_options::as_kafka());
    if (!request)
        return reject(request.error()); // "FetchRequest v12 topics[0].partitions: truncated at byte 41"

    for (auto topic : request->topics())
        for (auto partition : topic.partitions())
            wanted.push_back(std::string(topic.topic()) + "-" + std::to_string(partition.partition()) +
                             " from " + std::to_string(partition.fetch_offset()));
}

std::string rack_of(const kwire::message<kwire::fetch_request>& request) {
    if (request.api_version() >= 11) return std::string(request->rack_id());
    return "unknown"; // rack_id() would be its default, an empty string
}

std::int32_t leader_of(const kwire::message<kwire::metadata_response>& response, std::string_view name) {
    if (auto topic = kwire::find(response->topics(), name))
        if (auto partition = kwire::find(topic->partitions(), 0)) return partition->leader_id();
    return -1;
}

// ------------------------------------------------------------------------------------------------- slices.md

std::map<std::string, kwire::shared_buffer> values;
std::vector<kwire::held<kwire::batch_view>> kept;

void keep(const kwire::message<kwire::produce_request>& request) {
    for (auto topic : request->topic_data())
        for (auto partition : topic.partition_data())
            for (auto batch : kwire::record_batches(partition.records())) {
                if (!batch) return reject(batch.error());
                if (auto held = request.hold(*batch))
                    kept.push_back(*std::move(held)); // the batch and its frame
                for (auto record : kwire::record_range(*batch))
                    if (record && record->value())
                        values["last"] = request.slice(*record->value()).value(); // the bytes and their frame
            }
}

void bound_memory(kwire::shared_buffer& part) {
    if (part.size() < part.pinned_bytes() / 2) part = part.detach();
}

// ---------------------------------------------------------------------------------------------- answering.md

kwire::expected<kwire::buffer_chain, kwire::error> answer(const kwire::message<kwire::fetch_request>& request,
                                                          const kwire::shared_buffer& batches) {
    kwire::fetch_response::data response;
    for (auto topic : request->topics()) {
        auto& told = response.responses.emplace_back();
        told.topic = topic.topic();
        for (auto partition : topic.partitions())
            told.partitions.push_back(
                {.partition_index = partition.partition(), .high_watermark = 42, .records = batches});
    }
    return kwire::encode_response(response, request.api_version(), request.correlation_id());
}

kwire::expected<kwire::buffer_chain, kwire::error>
answer_metadata(const kwire::message<kwire::metadata_request>& request,
                const std::map<std::string, std::int32_t, std::less<>>& topics) {
    constexpr std::int32_t self = 1; // any number, the same in all answers
    kwire::metadata_response::data response{
        .brokers = {{.node_id = self, .host = "broker.example", .port = 9092}},
        .controller_id = self,
    };
    const auto describe = [&](std::string_view name, std::int32_t partitions) {
        auto& told = response.topics.emplace_back();
        told.name = name;
        for (std::int32_t i = 0; i < partitions; ++i)
            told.partitions.push_back(
                {.partition_index = i, .leader_id = self, .replica_nodes = {self}, .isr_nodes = {self}});
    };

    const auto asked = request->topics();
    if (asked.is_null() || (request.api_version() == 0 && asked.empty())) // all topics
        for (const auto& [name, partitions] : topics) describe(name, partitions);
    for (auto topic : asked) {
        const std::string_view name = topic.name().value_or(""); // null where the request has an id
        if (const auto found = topics.find(name); found != topics.end())
            describe(found->first, found->second);
        else
            response.topics.push_back(
                {.error_code = kwire::error_code::unknown_topic_or_partition, .name = std::string(name)});
    }
    return kwire::encode_response(response, request.api_version(), request.correlation_id());
}

std::string try_to_write() {
    const kwire::metadata_request::data request{.include_cluster_authorized_operations = true};
    const auto out = kwire::encode_request(request, 12, 1, "me"); // only versions 8 to 10 have the field
    return out ? "" : kwire::to_string(out.error());
}

// ----------------------------------------------------------------------------------------------- stamping.md

kwire::expected<std::int64_t, kwire::error> append(kwire::editable<kwire::produce_request>& request,
                                                   std::int64_t log_end, std::int64_t now) {
    for (auto topic : request->topic_data())
        for (auto partition : topic.partition_data()) {
            auto done =
                kwire::stamp(request, partition.records(),
                             {.base_offset = log_end, .partition_leader_epoch = 3, .append_time = now});
            if (!done) return kwire::unexpected(done.error());
            log_end = done->next_offset;
        }
    return log_end;
}

kwire::expected<void, kwire::error> claim(kwire::editable<kwire::produce_request>& request) {
    for (auto topic : request->topic_data())
        for (auto partition : topic.partition_data())
            for (auto batch : kwire::record_batches(partition.records())) {
                if (!batch) return kwire::unexpected(batch.error());
                auto done = kwire::apply(request, *batch, {.producer_id = 42, .producer_epoch = 3});
                if (!done) return done;
            }
    return {};
}

// ------------------------------------------------------------------------------------------------ batches.md

kwire::expected<kwire::shared_buffer, kwire::error> two_records(kwire::codec& codec) {
    kwire::batch_builder builder({.producer_id = 42, .producer_epoch = 0, .base_sequence = 17});
    const kwire::header_view headers[] = {{.name = "trace", .value = kwire::bytes_of_text("7f3a")}};
    auto first = builder.append({.timestamp = 1700000000000,
                                 .key = kwire::bytes_of_text("a"),
                                 .value = kwire::bytes_of_text("1"),
                                 .headers = headers});
    if (!first) return kwire::unexpected(first.error()); // too_large: the batch is full
    auto second =
        builder.append({.timestamp = 1700000000001, .key = kwire::bytes_of_text("a")}); // a tombstone
    if (!second) return kwire::unexpected(second.error());
    return std::move(builder).finish(codec); // or finish(), uncompressed
}

kwire::expected<kwire::buffer_chain, kwire::error> large_value(kwire::shared_buffer image) {
    kwire::batch_builder builder;
    auto done = builder.append({.timestamp = 1700000000000, .key = kwire::bytes_of_text("cat.png")},
                               std::move(image));
    if (!done) return kwire::unexpected(done.error());
    return std::move(builder).finish(); // the image is a segment of its own, not copied
}

// ------------------------------------------------------------------------------------------------ records.md

std::vector<std::string> consumed;
void consume(std::int64_t offset, std::optional<std::span<const std::byte>> value) {
    consumed.push_back(std::to_string(offset) + "=" + std::string(value ? kwire::text_of(*value) : "null"));
}

void read_records(std::span<const std::byte> bytes, const kwire::codec_set& codecs, std::size_t cap) {
    for (auto batch : kwire::record_batches(bytes)) {
        if (!batch) return reject(batch.error());
        auto records = kwire::records(*batch, codecs, cap);
        if (!records) return reject(records.error());
        for (auto record : *records) {
            if (!record) return reject(record.error());
            consume(record->offset(), record->value());
        }
    }
}

void read_as_kafka(kwire::batch_view batch, kwire::codec_set& codecs, std::size_t cap) {
    codecs.read_as(kwire::decompress_options::as_kafka());
    auto records = kwire::records(batch, codecs, cap, kwire::record_options::as_kafka());
    if (!records) return reject(records.error());
    for (auto record : *records)
        if (record) consume(record->offset(), record->value());
}

bool is_personal(std::optional<std::span<const std::byte>> key) {
    return key && kwire::text_of(*key).starts_with("person");
}
auto masked_records(const kwire::shared_buffer& records, const kwire::codec_set& codecs, std::size_t cap) {
    auto masked = kwire::transform_records(records, codecs, cap,
                                           [](const kwire::record_view& record, kwire::record_edit& edit) {
                                               if (is_personal(record.key()))
                                                   edit.set_value(kwire::bytes_of_text("***"));
                                           });
    return masked;
}

// ------------------------------------------------------------------------------------------------ editing.md

kwire::expected<kwire::buffer_chain, kwire::error>
move_ports(kwire::message<kwire::metadata_response> response) {
    auto metadata = kwire::edit(std::move(response)); // the last holder of the bytes
    if (!metadata) return kwire::unexpected(metadata.error());
    for (auto broker : metadata->brokers())
        if (auto done = kwire::set<"port">(*metadata, broker, 19092); !done)
            return kwire::unexpected(done.error());
    return kwire::with_length(std::move(*metadata).freeze().frame());
}

kwire::expected<kwire::buffer_chain, kwire::error>
show_one(const kwire::message<kwire::metadata_response>& response, std::string_view name) {
    kwire::splice edits(response);
    for (auto broker : response->brokers()) {
        kwire::set<"host">(edits, broker, "proxy.example");
        kwire::set<"port">(edits, broker, 9092 + broker.node_id());
    }
    std::size_t i = 0;
    for (auto topic : response->topics()) {
        if (topic.name() != name) kwire::erase<"topics">(edits, response, i);
        ++i; // positions are those of the original, whatever was erased before
    }
    auto changed = edits.apply(); // the frame; the first edit that could not be done is the error
    if (!changed) return changed;
    return kwire::with_length(*std::move(changed));
}

kwire::expected<kwire::buffer_chain, kwire::error> set_by_path(const kwire::message_info& info,
                                                               kwire::response_frame frame,
                                                               std::string_view path, std::string_view text) {
    auto message = kwire::parse(info, std::move(frame));
    if (!message) return kwire::unexpected(message.error());
    kwire::splice edits(*message);
    kwire::set(edits, **message, path, text); // "brokers[0].host"
    return edits.apply();
}

kwire::expected<kwire::buffer_chain, kwire::error> without_tenant(const kwire::response_frame& frame) {
    return kwire::rewrite(frame, {kwire::entity::topic_name, kwire::entity::group_id},
                          [](kwire::named_field& field) {
                              constexpr std::string_view prefix = "tenant-a.";
                              if (field.text().starts_with(prefix))
                                  field.set_text(field.text().substr(prefix.size()));
                              else
                                  field.drop(); // the element of the list that this names
                          });
}

std::string topics_of(const kwire::message<kwire::fetch_request>& request,
                      const kwire::topic_directory& topics) {
    std::string all;
    for (auto topic : request->topics()) {
        const bool has_id = request.api_version() >= 13;
        const auto name = has_id ? topics.name_of(topic.topic_id()) : std::optional(topic.topic());
        all += std::string(name.value_or("(unknown)")) + " ";
    }
    return all;
}

kwire::expected<kwire::buffer_chain, kwire::error> without_secrets(const kwire::shared_buffer& records,
                                                                   const kwire::codec_set& codecs) {
    auto done = kwire::transform_records(records, codecs, 64 << 20,
                                         [](const kwire::record_view& record, kwire::record_edit& edit) {
                                             if (record.key() && kwire::text_of(*record.key()) == "password")
                                                 edit.set_value(kwire::bytes_of_text("***"));
                                             edit.add_header("seen-by", kwire::bytes_of_text("proxy"));
                                         });
    if (!done) return kwire::unexpected(done.error());
    return std::move(done->records);
}

kwire::error_code judge(std::span<const std::byte> records, std::int16_t version,
                        const kwire::codec_set& codecs) {
    auto taken = kwire::check_produce(records, version, codecs, 64 << 20, {.compacted = true});
    return taken ? kwire::error_code::none : taken.error().code;
}

std::vector<std::string> committed_values(const kwire::fetch_response::partition_data::view& partition) {
    std::vector<std::string> found;
    kwire::read_committed visible(partition.records(), partition.aborted_transactions());
    for (auto batch : visible) {
        if (!batch) break;
        for (auto record : kwire::record_range(*batch))
            if (record && record->value()) found.emplace_back(kwire::text_of(*record->value()));
    }
    return found; // and visible.next_offset() is where to go on
}

// ---------------------------------------------------------------------------------------------- what tests
// need

kwire::expected<kwire::buffer_chain, kwire::error> by_id(const kwire::message_info& message,
                                                         const kwire::request_frame& frame,
                                                         const kwire::topic_directory& topics) {
    auto body = kwire::transcode(message, frame.body(), 12, 13, {}, topics);
    return body;
}

template <class Data>
kwire::shared_buffer request_bytes(const Data& data, int version) {
    return kwire::without_length(kwire::encode_request(data, version, 7, "guide").value().to_bytes()).value();
}
template <class Data>
kwire::response_frame response(const Data& data, int version) {
    using M = typename Data::struct_type;
    const auto bytes = kwire::encode_response(data, version, 7).value().to_bytes();
    return kwire::parse_response_frame(kwire::without_length(bytes).value(),
                                       static_cast<kwire::api_key>(M::facts.key),
                                       static_cast<std::int16_t>(version))
        .value();
}
template <class M>
kwire::message<M> back(const kwire::buffer_chain& sent, int version) {
    auto frame = kwire::parse_response_frame(kwire::without_length(sent.to_bytes()).value(),
                                             static_cast<kwire::api_key>(M::facts.key),
                                             static_cast<std::int16_t>(version));
    return kwire::parse<M>(std::move(frame).value()).value();
}
kwire::shared_buffer batch_of(std::initializer_list<std::pair<std::string_view, std::string_view>> records) {
    kwire::batch_builder builder;
    for (const auto& [key, value] : records)
        REQUIRE(builder.append(
            {.timestamp = 1000, .key = kwire::bytes_of_text(key), .value = kwire::bytes_of_text(value)}));
    return std::move(builder).finish().to_bytes();
}
kwire::message<kwire::produce_request> produce_of(kwire::shared_buffer batch) {
    const kwire::produce_request::data data{
        .acks = 1,
        .topic_data = {{.name = "orders", .partition_data = {{.index = 0, .records = std::move(batch)}}}}};
    return kwire::parse<kwire::produce_request>(kwire::parse_request_frame(request_bytes(data, 9)).value())
        .value();
}
const kwire::metadata_response::data cluster{
    .brokers = {{.node_id = 1, .host = "a", .port = 9092}, {.node_id = 2, .host = "b", .port = 9092}},
    .topics = {{.name = "tenant-a.orders", .partitions = {{.partition_index = 0, .leader_id = 2}}},
               {.name = "tenant-b.orders"}}};

} // namespace

TEST_CASE("docs/reading.md: a request is read, or refused with its place") {
    const kwire::fetch_request::data asked{
        .topics = {{.topic = "orders", .partitions = {{.partition = 3, .fetch_offset = 41}}}},
        .rack_id = "r1"};
    auto bytes = request_bytes(asked, 12);
    wanted.clear();
    read_fetch(bytes);
    CHECK(wanted == std::vector<std::string>{"orders-3 from 41"});
    bytes.truncate(bytes.size() - 12);
    read_fetch(bytes);
    CHECK(refused.find("FetchRequest v12") != std::string::npos);
    const auto at = [&](int version) {
        return kwire::parse<kwire::fetch_request>(
                   kwire::parse_request_frame(request_bytes(asked, version)).value())
            .value();
    };
    CHECK(rack_of(at(11)) == "r1");
    CHECK(rack_of(at(10)) == "unknown");
    const auto metadata = kwire::parse<kwire::metadata_response>(response(cluster, 9)).value();
    CHECK(leader_of(metadata, "tenant-a.orders") == 2);
    CHECK(leader_of(metadata, "none") == -1);
}

TEST_CASE("docs/slices.md: what is kept outlives the request, and copies nothing") {
    values.clear();
    kept.clear();
    const std::uint64_t copied = kwire::copied_bytes();
    {
        const auto request = produce_of(batch_of({{"k", "v1"}, {"k", "v2"}}));
        const std::uint64_t before = kwire::copied_bytes();
        keep(request);
        CHECK(kwire::copied_bytes() == before);
    }
    REQUIRE(kept.size() == 1);
    CHECK(kept.front()->record_count() == 2);
    CHECK(kwire::text_of(values["last"]) == "v2");
    bound_memory(values["last"]);
    CHECK(kwire::text_of(values["last"]) == "v2");
    CHECK(values["last"].pinned_bytes() < kept.front().bytes().size());
    CHECK(kwire::copied_bytes() > copied);
}

TEST_CASE("docs/answering.md: an answer refers to its records, and a version without the field is refused") {
    const kwire::fetch_request::data asked{.topics = {{.topic = "orders", .partitions = {{.partition = 3}}}}};
    const auto request =
        kwire::parse<kwire::fetch_request>(kwire::parse_request_frame(request_bytes(asked, 11)).value())
            .value();
    const auto records = batch_of({{"k", std::string(5000, 'x')}});
    const std::uint64_t copied = kwire::copied_bytes();
    const auto out = answer(request, records);
    CHECK(kwire::copied_bytes() == copied);
    REQUIRE(out);
    const auto read = back<kwire::fetch_response>(*out, 11);
    CHECK((*(*read->responses().begin()).partitions().begin()).records()->size() == records.size());
    CHECK(try_to_write().find("include_cluster_authorized_operations: field_not_in_version") !=
          std::string::npos);
}

TEST_CASE("docs/answering.md: a broker names itself, its topics and their partitions, and in every version") {
    const std::map<std::string, std::int32_t, std::less<>> topics{{"orders", 2}, {"payments", 1}};
    for (std::int16_t version = 0; version <= kwire::metadata_request::facts.versions.last; ++version) {
        const auto ask = [&](kwire::metadata_request::data asked) {
            const auto request = kwire::parse<kwire::metadata_request>(
                kwire::parse_request_frame(request_bytes(asked, version)).value());
            return back<kwire::metadata_response>(answer_metadata(request.value(), topics).value(), version);
        };
        const auto some = ask({.topics = {{{.name = "orders"}, {.name = "unknown"}}}});
        REQUIRE(some->brokers().size() == 1);
        CHECK((*some->brokers().begin()).host() == "broker.example");
        REQUIRE(some->topics().size() == 2);
        const auto orders = kwire::find(some->topics(), "orders").value();
        CHECK(orders.error_code() == kwire::error_code::none);
        REQUIRE(orders.partitions().size() == 2);
        for (const auto partition : orders.partitions()) {
            CHECK(partition.leader_id() == (*some->brokers().begin()).node_id());
            CHECK(partition.isr_nodes().size() == 1);
        }
        CHECK(kwire::find(some->topics(), "unknown").value().error_code() ==
              kwire::error_code::unknown_topic_or_partition);

        kwire::metadata_request::data all;
        if (version > 0) all.topics = std::nullopt; // null; in version 0 it is an empty list
        const auto everything = ask(all);
        CHECK(everything->topics().size() == 2);
        const auto nothing = ask({});
        CHECK(nothing->topics().empty() == (version > 0));
    }
}

TEST_CASE("docs/stamping.md: offsets and times are set in place, and checksums stay right") {
    auto request = kwire::edit(produce_of(batch_of({{"k", "1"}, {"k", "2"}}))).value();
    CHECK(append(request, 100, 5000) == 102);
    const auto batch =
        *kwire::record_batches((*(*request->topic_data().begin()).partition_data().begin()).records())
             .begin();
    CHECK(batch->base_offset() == 100);
    CHECK(batch->max_timestamp() == 5000);
    CHECK(crc_matches(*batch));
    REQUIRE(claim(request));
    CHECK(batch->producer_id() == 42);
    CHECK(crc_matches(*batch));
}

TEST_CASE("docs/batches.md: batches are built, compressed, and refer to large values") {
    kwire::gzip_codec gzip;
    const auto small = two_records(gzip).value();
    const kwire::codec_set codecs(gzip);
    consumed.clear();
    read_records(small.span(), codecs, 1 << 20);
    CHECK(consumed == std::vector<std::string>{"0=1", "1=null"});
    const auto image = kwire::shared_buffer::copy_of(std::string(100'000, 'p'));
    const std::uint64_t copied = kwire::copied_bytes();
    const auto large = large_value(image).value();
    CHECK(kwire::copied_bytes() - copied < 100);
    CHECK(large.size() > image.size());
    const auto joined = large.to_bytes();
    CHECK(kwire::check_batches(joined.span()).has_value());
}

TEST_CASE("docs/records.md: records are read and masked") {
    kwire::gzip_codec gzip;
    kwire::codec_set codecs(gzip);
    const auto records = batch_of({{"person-1", "Ada"}, {"thing", "lamp"}});
    auto masked = masked_records(records, codecs, 1 << 20);
    REQUIRE(masked);
    CHECK(masked->changed_records == 1);
    const auto bytes = masked->records.to_bytes();
    consumed.clear();
    read_records(bytes.span(), codecs, 1 << 20);
    CHECK(consumed == std::vector<std::string>{"0=***", "1=lamp"});
    consumed.clear();
    read_as_kafka(**kwire::record_batches(bytes.span()).begin(), codecs, 1 << 20);
    CHECK(consumed.size() == 2);
    refused.clear();
    auto damaged = kwire::unique_buffer::with_capacity(bytes.size());
    damaged.append(bytes);
    damaged.span().back() ^= std::byte{1};
    read_records(damaged.span(), codecs, 1 << 20);
    CHECK(refused.find("crc_mismatch") != std::string::npos);
}

TEST_CASE("docs/editing.md: fields change in place, by name, by path and by meaning") {
    const auto moved = back<kwire::metadata_response>(
        move_ports(kwire::parse<kwire::metadata_response>(response(cluster, 9)).value()).value(), 9);
    for (auto broker : moved->brokers()) CHECK(broker.port() == 19092);

    const auto whole = kwire::parse<kwire::metadata_response>(response(cluster, 9)).value();
    const auto one = back<kwire::metadata_response>(show_one(whole, "tenant-b.orders").value(), 9);
    REQUIRE(one->topics().size() == 1);
    CHECK((*one->topics().begin()).name() == "tenant-b.orders");
    CHECK((*one->brokers().begin()).host() == "proxy.example");
    CHECK((*one->brokers().begin()).port() == 9093);

    const kwire::message_info& info = *kwire::find_response(kwire::api_key::metadata);
    const auto by_path = set_by_path(info, response(cluster, 9), "brokers[0].host", "c").value();
    const auto changed = back<kwire::metadata_response>(kwire::with_length(by_path).value(), 9);
    CHECK((*changed->brokers().begin()).host() == "c");
    CHECK(set_by_path(info, response(cluster, 9), "brokers[7].host", "c").error().code != kwire::errc{});

    const auto renamed = without_tenant(response(cluster, 9)).value();
    const auto shown = back<kwire::metadata_response>(kwire::with_length(renamed).value(), 9);
    REQUIRE(shown->topics().size() == 1);
    CHECK((*shown->topics().begin()).name() == "orders");
}

TEST_CASE("docs/editing.md: a directory names the topics of requests that have only ids") {
    const kwire::uuid id{{std::byte{7}}};
    kwire::topic_directory topics;
    const kwire::metadata_response::data told{.topics = {{.name = "orders", .topic_id = id}}};
    CHECK(kwire::learn_topics(topics, response(told, 12)) == 1);
    const kwire::fetch_request::data asked{.topics = {{.topic = "orders", .topic_id = id}}};
    for (const int version : {12, 13}) {
        const auto request = kwire::parse<kwire::fetch_request>(
                                 kwire::parse_request_frame(request_bytes(asked, version)).value())
                                 .value();
        CHECK(topics_of(request, topics) == "orders ");
        CHECK(topics_of(request, {}) == (version == 12 ? "orders " : "(unknown) "));
    }
    const auto frame = kwire::parse_request_frame(request_bytes(asked, 12)).value();
    const auto body = by_id(*kwire::find_request(kwire::api_key::fetch), frame, topics).value().to_bytes();
    const auto moved = kwire::parse<kwire::fetch_request>(body, 13);
    REQUIRE(moved);
    CHECK((*moved->topics().begin()).topic_id() == id);
}

TEST_CASE("docs/editing.md: records change on their way, and a leader's rules say which it takes") {
    kwire::gzip_codec gzip;
    const kwire::codec_set codecs(gzip);
    const auto done =
        without_secrets(batch_of({{"password", "hunter2"}, {"name", "Ada"}}), codecs).value().to_bytes();
    consumed.clear();
    read_records(done.span(), codecs, 1 << 20);
    CHECK(consumed == std::vector<std::string>{"0=***", "1=Ada"});
    CHECK(judge(done.span(), 9, codecs) == kwire::error_code::none);
    kwire::batch_builder keyless;
    REQUIRE(keyless.append({.value = kwire::bytes_of_text("v")}));
    const auto without_keys = std::move(keyless).finish().to_bytes();
    CHECK(judge(without_keys.span(), 9, codecs) == kwire::error_code::invalid_record);

    kwire::batch_builder aborted({.base_offset = 0,
                                  .producer_id = 1,
                                  .producer_epoch = 0,
                                  .base_sequence = 0,
                                  .is_transactional = true});
    REQUIRE(aborted.append({.value = kwire::bytes_of_text("aborted")}));
    kwire::batch_builder plain({.base_offset = 1});
    REQUIRE(plain.append({.value = kwire::bytes_of_text("plain")}));
    kwire::buffer_chain both = std::move(aborted).finish();
    both.put(std::move(plain).finish());
    const kwire::fetch_response::data data{
        .responses = {{.topic = "orders",
                       .partitions = {{.aborted_transactions = {{{.producer_id = 1, .first_offset = 0}}},
                                       .records = std::move(both)}}}}};
    const auto fetched = kwire::parse<kwire::fetch_response>(response(data, 11)).value();
    CHECK(committed_values(*(*fetched->responses().begin()).partitions().begin()) ==
          std::vector<std::string>{"plain"});
}

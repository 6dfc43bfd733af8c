// needs: gzip snappy lz4 zstd
#include <kwire/records/crc.hpp>
#include <kwire/records/detail/decompress.hpp>

#include <boost/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "support/base64.hpp"
#include "support/bytes.hpp"
#include "support/codec_laws.hpp"
#include "support/every_codec.hpp"
#include "support/gzip_lines.hpp"
#include "support/record_sets.hpp"

namespace json = boost::json;
using kwire::batch_view;
using kwire::compression_type;
using kwire::errc;
using namespace kwire::test;

namespace {

using text = std::optional<std::string>; // null or bytes

struct plain_record {
    std::int64_t offset = 0; ///< as written: a delta in magic 2, relative or absolute in magic 0 and 1
    text key{}, value{};
    std::vector<std::pair<std::string, text>> headers{};
};

/// A simple reader of records, independent of kwire, that throws if bytes are missing.
class reader {
public:
    explicit reader(std::span<const std::byte> bytes) : left_(bytes) {}

    bool empty() const { return left_.empty(); }

    plain_record record() {
        reader inside(take(static_cast<std::size_t>(varint())));
        inside.take(1);
        inside.varint(); // the timestamp
        plain_record found{.offset = inside.varint(), .key = inside.nullable(), .value = inside.nullable()};
        for (auto headers = inside.varint(); headers > 0; --headers) {
            auto name = inside.nullable().value();
            found.headers.emplace_back(std::move(name), inside.nullable());
        }
        if (!inside.empty()) throw std::runtime_error("a record longer than what is in it");
        return found;
    }
    /// A message of magic 0 or 1, which must not be a wrapper.
    plain_record message() {
        plain_record found{.offset = fixed(8)};
        reader inside(take(static_cast<std::size_t>(fixed(4))));
        inside.fixed(4);
        const auto magic = inside.fixed(1);
        if ((inside.fixed(1) & 7) != 0) throw std::runtime_error("compressed inside");
        if (magic == 1) inside.fixed(8);
        for (auto* one : {&found.key, &found.value}) {
            const auto size = static_cast<std::int32_t>(inside.fixed(4));
            if (size >= 0) *one = inside.characters(static_cast<std::size_t>(size));
        }
        if (!inside.empty()) throw std::runtime_error("a message longer than what is in it");
        return found;
    }

private:
    std::span<const std::byte> take(std::size_t size) {
        if (size > left_.size()) throw std::runtime_error("cut short");
        const auto taken = left_.first(size);
        left_ = left_.subspan(size);
        return taken;
    }
    std::string characters(std::size_t size) {
        std::string found;
        for (const auto b : take(size)) found += static_cast<char>(b);
        return found;
    }
    std::int64_t fixed(std::size_t size) {
        std::uint64_t value = 0;
        for (const auto b : take(size)) value = value << 8 | std::to_integer<std::uint64_t>(b);
        return static_cast<std::int64_t>(value);
    }
    std::int64_t varint() {
        std::uint64_t value = 0;
        for (int shift = 0;; shift += 7) {
            const auto b = std::to_integer<std::uint64_t>(take(1)[0]);
            value |= (b & 127) << shift;
            if (b < 128) break;
        }
        return static_cast<std::int64_t>(value >> 1 ^ (~(value & 1) + 1));
    }
    text nullable() {
        const auto size = varint();
        if (size < 0) return std::nullopt;
        return characters(static_cast<std::size_t>(size));
    }

    std::span<const std::byte> left_;
};

text text_in(const json::value& value) {
    if (value.is_null()) return std::nullopt;
    return from_base64(value.as_string());
}

kwire::shared_buffer decompressed(const batch_view& batch, const kwire::codec_set& codecs) {
    const exact_bytes exact(bytes_of(batch));
    auto plain = kwire::decompress(*kwire::batch_at(exact.span()), codecs, 64 << 20);
    if (!plain) {
        const auto why = describe(plain.error());
        FAIL(why.view());
    }
    return std::move(*plain);
}

} // namespace

TEST_CASE("decompress finds the records that Kafka finds, in every set that Kafka wrote") {
    every_codec codecs;
    std::map<std::string, int> seen;
    for_each_line(golden_sets, [&](std::string_view line) {
        const auto set = json::parse(line).as_object();
        if (!set.contains("batches")) return;
        INFO(set.at("sample").as_string().c_str());
        const auto bytes = from_hex(set.at("hex").as_string());
        std::size_t at = 0;
        for (const auto& expected : set.at("batches").as_array()) {
            const auto batch = kwire::batch_at(std::span(bytes).subspan(at));
            REQUIRE(batch);
            at += bytes_of(*batch).size();
            const std::string compression = expected.at("compression").as_string().c_str();
            const auto& records = expected.at("records").as_array();
            if (batch->is_legacy() && compression == "none") {
                // The value of a message that is not a wrapper, if it has one.
                const auto value = text_in(records.at(0).at("value"));
                const auto plain = kwire::decompress(*batch, codecs.set, 1 << 20);
                REQUIRE(plain.has_value() == value.has_value());
                if (!plain) REQUIRE(plain.error() == errc::null_not_allowed);
                if (plain) REQUIRE(std::ranges::equal(std::as_bytes(std::span(*value)), plain->span()));
                continue;
            }
            ++seen[compression + " " + std::to_string(batch->magic())];
            // A batch that compaction has emptied has no bytes to decompress.
            if (records.empty() && records_bytes(*batch).empty()) continue;
            if (set.contains("lenient") && records.empty())
                continue; // bytes after the header although the count is 0

            const auto plain = decompressed(*batch, codecs.set);
            reader found(plain.span());
            for (const auto& record : records) {
                const auto one = batch->is_legacy() ? found.message() : found.record();
                if (!batch->is_legacy())
                    REQUIRE(batch->base_offset() + one.offset ==
                            record.at("offset").to_number<std::int64_t>());
                REQUIRE(one.key == text_in(record.at("key")));
                REQUIRE(one.value == text_in(record.at("value")));
                const auto& headers = record.at("headers").as_array();
                REQUIRE(one.headers.size() == headers.size());
                for (std::size_t i = 0; i < headers.size(); ++i) {
                    REQUIRE(one.headers[i].first == headers[i].at(0).as_string().c_str());
                    REQUIRE(one.headers[i].second == text_in(headers[i].at(1)));
                }
            }
            REQUIRE(found.empty());
            // A cap of exactly this size is enough, one less is not.
            if (compression != "none" && plain.size() != 0) {
                REQUIRE(kwire::decompress(*batch, codecs.set, plain.size()));
                REQUIRE(kwire::decompress(*batch, codecs.set, plain.size() - 1).error() ==
                        errc::decompressed_too_large);
            }
        }
    });
    for (const char* kind : {"none 2", "gzip 2", "snappy 2", "lz4 2", "zstd 2", "gzip 1", "snappy 1", "lz4 1",
                             "gzip 0", "snappy 0", "lz4 0"}) {
        CAPTURE(kind, seen[kind]);
        REQUIRE(seen[kind] > 0);
    }
}

TEST_CASE("decompress finds the messages that three clients sent in every compression they know") {
    every_codec codecs;
    int lines = 0;
    for_each_line(KWIRE_GOLDEN_DIR "/compressed.jsonl.gz", [&](std::string_view line) {
        const auto capture = json::parse(line).as_object();
        INFO(capture.at("producer").as_string().c_str());
        INFO(capture.at("compression").as_string().c_str());
        ++lines;
        const auto bytes = from_hex(capture.at("hex").as_string());
        const auto batches = kwire::record_batches(bytes);
        std::int64_t number = capture.at("first").to_number<std::int64_t>();
        const auto end = number + capture.at("count").to_number<std::int64_t>();
        for (const auto entry : batches) {
            if (!entry) break;
            const auto batch = *entry;
            REQUIRE(kwire::crc_matches(batch));
            // Clients send a batch uncompressed if compression does not make it smaller.
            if (batch.compression() != compression_type::none)
                REQUIRE(name_of(batch.compression()) ==
                        std::string_view(capture.at("compression").as_string()));
            const auto plain = decompressed(batch, codecs.set);
            reader found(plain.span());
            std::int32_t count = 0;
            for (; !found.empty(); ++count, ++number) {
                const auto record = found.record();
                REQUIRE(record.offset == count);
                const auto digits = std::to_string(number);
                REQUIRE(record.key == std::string(capture.at("key").as_string()) + digits);
                REQUIRE(record.value == std::string(capture.at("value").as_string()) + digits);
                const auto& headers = capture.at("headers").as_array();
                REQUIRE(record.headers.size() == headers.size());
                for (std::size_t i = 0; i < headers.size(); ++i) {
                    REQUIRE(record.headers[i].first == headers[i].at(0).as_string().c_str());
                    REQUIRE(record.headers[i].second == std::string(headers[i].at(1).as_string()));
                }
            }
            REQUIRE(batch.header()->record_count.value() == count);
        }
        REQUIRE(batches.tail().left == 0);
        REQUIRE(number == end);
    });
    REQUIRE(lines == 10);
}

namespace {

/// A batch of magic 2 around `records`, with `type` in its attributes and no valid checksum.
byte_vector batch_of(std::string_view records, int type) {
    auto bytes =
        from_hex("000000000000000000000000ffffffff020000000000000000000000000000000000000000000000000000ffff"
                 "ffffffffffffffffffffffff00000000");
    REQUIRE(bytes.size() == 61);
    for (const auto b : from_hex(records)) bytes.push_back(b);
    kwire::wire::store_be(&bytes[8], static_cast<std::int32_t>(bytes.size() - 12));
    bytes[22] = static_cast<std::byte>(type);
    return bytes;
}

/// A message of magic 0 or 1 with these bytes after its attributes and timestamp.
byte_vector message_of(int magic, int type, std::string_view rest) {
    auto bytes = from_hex(magic == 0 ? "0000000000000000000000000000000000"
                                       "00"
                                     : "0000000000000000000000000000000001"
                                       "00"
                                       "0000000000000000");
    for (const auto b : from_hex(rest)) bytes.push_back(b);
    kwire::wire::store_be(&bytes[8], static_cast<std::int32_t>(bytes.size() - 12));
    bytes[17] = static_cast<std::byte>(type);
    return bytes;
}

kwire::error refused(const byte_vector& bytes, const kwire::codec_set& codecs, std::size_t cap = 1000) {
    const exact_bytes exact(bytes);
    const auto batch = kwire::batch_at(exact.span());
    REQUIRE(batch);
    const auto plain = kwire::decompress(*batch, codecs, cap);
    REQUIRE_FALSE(plain);
    return plain.error();
}

} // namespace

TEST_CASE("decompress copies the records of a batch that is not compressed, up to the cap") {
    const auto batch = batch_of("616263", 0);
    const kwire::codec_set none;
    REQUIRE(to_hex(kwire::decompress(*kwire::batch_at(batch), none, 3)->span()) == "616263");
    const auto e = refused(batch, none, 2);
    REQUIRE(e == errc::decompressed_too_large);
    REQUIRE(e.offset == 61);
}

TEST_CASE("decompress refuses types that it has no codec for") {
    every_codec codecs;
    kwire::codec_set only_gzip(codecs.gzip);
    for (int type = 1; type < 8; ++type) {
        const auto e = refused(batch_of("00", type), type < 5 ? kwire::codec_set() : codecs.set);
        REQUIRE(e == errc::unsupported_compression);
        REQUIRE(e.offset == 21);
        const auto path = path_of(e);
        REQUIRE(path.view() == "attributes");
    }
    REQUIRE(refused(batch_of("00", 3), only_gzip) == errc::unsupported_compression);
}

TEST_CASE("decompress refuses zstd in messages of magic 0 and 1") {
    every_codec codecs;
    const std::string value = "ffffffff"
                              "0000000c"
                              "28b52ffd"
                              "0000"
                              "190000"
                              "616263";
    for (const int magic : {0, 1}) {
        const auto e = refused(message_of(magic, 4, value), codecs.set);
        REQUIRE(e == errc::unsupported_compression);
        REQUIRE(e.offset == 17);
    }
}

TEST_CASE("decompress reports offsets from the first byte of the batch") {
    every_codec codecs;
    const auto in_batch = refused(batch_of("82534e415050590000000001000000017fffffff", 2), codecs.set);
    REQUIRE(in_batch == errc::bad_length);
    REQUIRE(in_batch.offset == 61 + 16);
    const auto in_wrapper = refused(message_of(1, 2,
                                               "ffffffff"
                                               "00000014"
                                               "82534e415050590000000001000000017fffffff"),
                                    codecs.set);
    REQUIRE(in_wrapper == errc::bad_length);
    REQUIRE(in_wrapper.offset == 26 + 8 + 16);
}

TEST_CASE("decompress refuses wrappers whose key and value do not fill them") {
    every_codec codecs;
    const std::string abc = "0308616263";
    for (const int magic : {0, 1}) {
        const auto good = message_of(magic, 2,
                                     "ffffffff"
                                     "00000005" +
                                         abc);
        const auto keyed = message_of(magic, 2,
                                      "00000002"
                                      "6b6b"
                                      "00000005" +
                                          abc);
        for (const auto& bytes : {good, keyed})
            REQUIRE(to_hex(kwire::decompress(*kwire::batch_at(bytes), codecs.set, 3)->span()) == "616263");
        REQUIRE(refused(message_of(magic, 2,
                                   "ffffffff"
                                   "ffffffff"),
                        codecs.set) == errc::null_not_allowed);
        for (const char* rest : {"ffffffff"
                                 "00000004"
                                 "0308616263",
                                 "ffffffff"
                                 "00000006"
                                 "0308616263",
                                 "ffffffff"
                                 "7fffffff"
                                 "0308616263",
                                 "00000001"
                                 "00000005"
                                 "0308616263",
                                 "7fffffff"
                                 "00000005"
                                 "0308616263",
                                 "00000005"
                                 "0308616263",
                                 "00000004"
                                 "00000000"})
            REQUIRE(refused(message_of(magic, 2, rest), codecs.set) == errc::bad_record);
    }
}

// Writes the inputs of all contenders: corpus DIR. The same program writes the same bytes everywhere.
#include <kwire/messages/metadata.hpp>
#include <kwire/records/builder.hpp>
#include <kwire/reflect/transcode.hpp>
#include <kwire/wire/crc32c.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <span>
#include <string>
#include <vector>

#include "bench/api_versions/corpus.hpp"
#include "bench/compressed/batches.hpp"
#include "bench/fetch_request/corpus.hpp"
#include "bench/fetch_response/corpus.hpp"
#include "bench/frames/corpus.hpp"
#include "bench/join_group/corpus.hpp"
#include "bench/metadata/corpus.hpp"
#include "bench/offset_commit/corpus.hpp"
#include "bench/patch/corpus.hpp"
#include "bench/produce_request/corpus.hpp"
#include "bench/records.hpp"

#if defined(BENCH_CODECS)
#include <kwire/compression/gzip.hpp>
#include <kwire/compression/lz4.hpp>
#include <kwire/compression/snappy.hpp>
#include <kwire/compression/zstd.hpp>
#endif

namespace {

std::filesystem::path folder;
std::ofstream corpus_index;

void save(const std::string& name, const char* kind, int version, const bench::input& input) {
    std::ofstream file(folder / (name + ".bin"), std::ios::binary);
    file.write(reinterpret_cast<const char*>(input.bytes.data()),
               static_cast<std::streamsize>(input.bytes.size()));
    corpus_index << name << ' ' << kind << ' ' << version << ' ' << input.bytes.size() << ' ' << input.sum
                 << ' ' << input.hash << '\n';
    if (!file || !corpus_index) {
        std::fprintf(stderr, "corpus: cannot write %s\n", name.c_str());
        std::exit(1);
    }
}

/// A batch of one record whose value has the given size.
std::vector<std::byte> one_record(std::size_t size) {
    std::vector<std::byte> value(size);
    for (std::size_t i = 0; i < size; ++i) value[i] = static_cast<std::byte>(i * 31 & 0xff);
    kwire::batch_builder builder(
        {.producer_id = 7, .producer_epoch = 1, .base_sequence = 3, .max_bytes = std::size_t{2} << 20});
    if (!builder.append(
            {.timestamp = 1700000000000, .key = std::span<const std::byte>(value).first(10), .value = value}))
        std::abort();
    const auto built = std::move(builder).finish().to_bytes();
    return {built.begin(), built.end()};
}

/// A Metadata response, and the same at version 4, which every library must make of it.
void save_metadata(const std::string& name, const bench::input& input) {
    save(name, "MetadataResponse", 12, input);
    const auto older = kwire::transcode(kwire::message_info_of<kwire::metadata_response>,
                                        kwire::shared_buffer::copy_of(input.bytes), 12, 4)
                           .value()
                           .to_bytes();
    save(name + "_v4", "MetadataResponse", 4, {.bytes = {older.begin(), older.end()}});
}

/// Plain bytes, whose `sum` is their checksum.
void save_bytes(std::size_t size) {
    bench::input input;
    input.bytes.resize(size);
    for (std::size_t i = 0; i < size; ++i) input.bytes[i] = static_cast<std::byte>(i * 131 >> 3 & 0xff);
    input.sum = kwire::crc32c(input.bytes);
    save("bytes_" + std::to_string(size), "bytes", 0, input);
}

/// A records field as producers send it, and as a broker's log holds it, which every contender must make of
/// it.
void save_batches(const std::string& name, std::size_t batches, std::span<const std::byte> batch,
                  std::int64_t records) {
    save(name, "batches", 2, bench::make_batches(batches, batch));
    save(name + "_stamped", "stamped", 2, bench::make_stamped_batches(batches, batch, records));
}

/// The same records plain and compressed; `sum` and `hash` are of the values of all records.
void save_compressed() {
    const auto plain = bench::make_text_batch(nullptr);
    bench::records::plain sum;
    bench::records::ordered hash;
    if (!bench::records::read_by_hand(plain.span(), sum) || !bench::records::read_by_hand(plain.span(), hash))
        std::abort();
    const auto save_as = [&](const std::string& name, const kwire::shared_buffer& batch) {
        save(name, "RecordBatch", 2,
             {.bytes = {batch.begin(), batch.end()}, .sum = sum.sum, .hash = hash.sum});
    };
    save_as("batch_none", plain);
#if defined(BENCH_CODECS)
    kwire::gzip_codec gzip;
    kwire::snappy_codec snappy;
    kwire::lz4_codec lz4;
    kwire::zstd_codec zstd;
    save_as("batch_gzip", bench::make_text_batch(&gzip));
    save_as("batch_gzip_libdeflate", bench::make_text_batch(&gzip)); // how it is read is what differs
    save_as("batch_snappy", bench::make_text_batch(&snappy));
    save_as("batch_lz4", bench::make_text_batch(&lz4));
    save_as("batch_zstd", bench::make_text_batch(&zstd));
#endif
}

void save_messages() {
    save("small_metadata", "MetadataResponse", 12, bench::make_metadata_response(4, 2, 2));
    save_metadata("metadata_10x3", bench::make_metadata_response(3, 10, 3));
    for (const int topics : {10, 32, 100, 316, 1000})
        save_metadata("metadata_" + std::to_string(topics) + "x10",
                      bench::make_metadata_response(12, topics, 10));

    const auto tiny = one_record(100), large = one_record(std::size_t{1} << 20);
    save("small_fetch_response", "FetchResponse", 12,
         bench::make_fetch_response(2, 2, std::span(tiny).first(20), true));
    save("fetch_response_1x1_tiny", "FetchResponse", 12, bench::make_fetch_response(1, 1, tiny));
    save("fetch_response_1x1_1MiB", "FetchResponse", 12, bench::make_fetch_response(1, 1, large));
    save("fetch_response_100x10", "FetchResponse", 12, bench::make_fetch_response(100, 10, tiny));

    save("small_fetch_request", "FetchRequest", 12, bench::make_fetch_request(2, 2, true));
    save("fetch_request_1x1", "FetchRequest", 12, bench::make_fetch_request(1, 1));
    save("fetch_request_100x50", "FetchRequest", 12, bench::make_fetch_request(100, 50));

    save("small_produce_request", "ProduceRequest", 9,
         bench::make_produce_request(2, 2, std::span(tiny).first(20)));
    save("produce_request_1x1_1MiB", "ProduceRequest", 9, bench::make_produce_request(1, 1, large));
    save("produce_request_100x10", "ProduceRequest", 9, bench::make_produce_request(100, 10, tiny));

    save("small_api_versions", "ApiVersionsResponse", 3, bench::make_api_versions_response(3, true));
    save("api_versions_v3", "ApiVersionsResponse", 3, bench::make_api_versions_response(62, true));
    save("small_offset_commit", "OffsetCommitRequest", 8, bench::make_offset_commit_request(2, 2));
    save("offset_commit_100x10", "OffsetCommitRequest", 8, bench::make_offset_commit_request(100, 10));
    save("join_group_v9", "JoinGroupRequest", 9, bench::make_join_group_request());
}

} // namespace

int main(int count, char** arguments) {
    if (count != 2) {
        std::fprintf(stderr, "usage: corpus DIR\n");
        return 2;
    }
    folder = arguments[1];
    std::filesystem::create_directories(folder);
    corpus_index.open(folder / "corpus.txt");
    save_messages();
    const auto ten = bench::records::make_batch(0, 10), large = one_record(std::size_t{1} << 20);
    for (const std::size_t batches : {1U, 10U, 100U, 1000U})
        save_batches("batches_" + std::to_string(batches), batches, ten, 10);
    save_batches("batches_1x1MiB", 1, large, 1);
    save("frames_1000", "frames", 2, bench::make_frames(1000));
    save_compressed();
    for (const std::size_t size :
         {40U, 61U, 64U, 100U, 128U, 190U, 256U, 1024U, 4096U, 16384U, 65536U, 1048576U})
        save_bytes(size);
    return 0;
}

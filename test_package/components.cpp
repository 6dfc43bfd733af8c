/// A program that uses the components which CONSUMER_<NAME> names: what they need is compiled, linked and
/// called.
#include <kwire/kwire.hpp>
#include <kwire/messages/metadata.hpp>

#include <cstddef>
#include <cstdio>
#include <span>
#include <string_view>

#if defined(CONSUMER_STANDALONE_ASIO)
#include <kwire/asio.hpp>

#include <asio.hpp>
namespace consumer_asio = asio;
#elif defined(CONSUMER_ASIO)
#include <kwire/asio.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
namespace consumer_asio = boost::asio;
#endif
#ifdef CONSUMER_FMT
#include <kwire/fmt.hpp>
#endif
#ifdef CONSUMER_GZIP
#include <kwire/compression/gzip.hpp>
#endif
#ifdef CONSUMER_LIBDEFLATE
#include <kwire/compression/libdeflate.hpp>
#endif
#ifdef CONSUMER_SNAPPY
#include <kwire/compression/snappy.hpp>
#endif
#ifdef CONSUMER_LZ4
#include <kwire/compression/lz4.hpp>
#endif
#ifdef CONSUMER_ZSTD
#include <kwire/compression/zstd.hpp>
#endif
#ifdef CONSUMER_JSON
#include <kwire/reflect/json.hpp>

#include <boost/json/src.hpp>
#endif

namespace {

/// Compresses and decompresses once; prints the codec's name if the bytes are the same.
template <class Codec>
[[maybe_unused]] bool round_trip(const char* name) {
    const std::string_view text = "orders orders orders orders orders orders";
    Codec codec;
    const auto packed = codec.compress(std::as_bytes(std::span(text)));
    if (!packed) return false;
    const auto unpacked = codec.decompress(*packed, 1024);
    if (!unpacked || kwire::text_of(*unpacked) != text) return false;
    std::printf("%s\n", name);
    return true;
}

} // namespace

int main() {
    bool good = true;
#ifdef CONSUMER_GZIP
    good = good && round_trip<kwire::gzip_codec>("gzip");
#endif
#ifdef CONSUMER_LIBDEFLATE
    good = good && round_trip<kwire::libdeflate_codec>("libdeflate");
#endif
#ifdef CONSUMER_SNAPPY
    good = good && round_trip<kwire::snappy_codec>("snappy");
#endif
#ifdef CONSUMER_LZ4
    good = good && round_trip<kwire::lz4_codec>("lz4");
#endif
#ifdef CONSUMER_ZSTD
    good = good && round_trip<kwire::zstd_codec>("zstd");
#endif
#ifdef CONSUMER_FMT
    good = good && fmt::format("{}", kwire::error_code::none) == "NONE (0)";
    std::puts("fmt");
#endif
#ifdef CONSUMER_JSON
    const auto body = kwire::encode<kwire::metadata_request>({}, 12);
    if (!body) return 1;
    const auto bytes = body->to_bytes();
    const auto view = kwire::parse_view(kwire::message_info_of<kwire::metadata_request>, bytes, 12);
    good = good && view && kwire::to_json(*view).find("topics") != std::string::npos;
    std::puts("json");
#endif
#if defined(CONSUMER_ASIO) || defined(CONSUMER_STANDALONE_ASIO)
    consumer_asio::io_context context;
    consumer_asio::ip::tcp::socket socket(context);
    kwire::request_reader reader;
    bool refused = false;
    kwire::async_read_frame(socket, reader,
                            [&](auto problem, auto) { refused = static_cast<bool>(problem); });
    context.run();
    good = good && refused; // the socket is not open
    std::puts("asio");
#endif
    std::puts(good ? "all good" : "something differs");
    return good ? 0 : 1;
}

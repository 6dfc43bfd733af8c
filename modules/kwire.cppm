/// import kwire; -- the core, all messages, and what of kwire needs only the standard library, as one module.
///
/// The codecs of the components that were asked for are in it too: KWIRE_MODULE_<NAME> says which
/// (modules/CMakeLists.txt). Not asio, fmt and json: a source that needs them includes kwire's headers
/// instead. No source does both, for Clang takes what a header defines and what the module has for two
/// things; but the sources of one program may differ, since everything is of the global module (extern
/// "C++"). A module exports no macros: KWIRE_HAS_POSIX_IO and KWIRE_HAS_MAPPED_FILES, which say what there
/// is, are in the headers alone.
module;

// What the headers include of others comes before the module, which would export it and clash with its other
// users. That all are here is checked by tests/consumer/test_agreement.py.
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <exception>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>
#include <version>
#if __has_include(<expected>)
#include <expected>
#endif
// Of the system, where it has them.
#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <arm_neon.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif
#endif
#if __has_include(<fcntl.h>)
#include <fcntl.h>
#endif
#if __has_include(<signal.h>)
#include <signal.h>
#endif
#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#endif
#if __has_include(<sys/random.h>)
#include <sys/random.h>
#endif
#if __has_include(<sys/sendfile.h>)
#include <sys/sendfile.h>
#endif
#if __has_include(<sys/socket.h>)
#include <sys/socket.h>
#endif
#if __has_include(<sys/stat.h>)
#include <sys/stat.h>
#endif
#if __has_include(<sys/uio.h>)
#include <sys/uio.h>
#endif
#if __has_include(<unistd.h>)
#include <unistd.h>
#endif
// Of components.
#if defined(KWIRE_MODULE_GZIP) || defined(KWIRE_MODULE_LIBDEFLATE)
#include <zlib.h>
#endif
#if defined(KWIRE_MODULE_LIBDEFLATE)
#include <libdeflate.h>
#endif
#if defined(KWIRE_MODULE_SNAPPY)
#include <snappy-c.h>
#endif
#if defined(KWIRE_MODULE_LZ4)
#include <lz4.h>
#include <lz4hc.h>
#endif
#if defined(KWIRE_MODULE_ZSTD)
#include <zstd.h>
#include <zstd_errors.h>
#endif

export module kwire;

export extern "C++" {
#include <kwire/connect/learn_topics.hpp>
#include <kwire/connect/posix.hpp>
#include <kwire/connect/produce_stream.hpp>
#include <kwire/connect/rewrite.hpp>
#include <kwire/connect/sniff.hpp>
#include <kwire/embedded/consumer_protocol.hpp>
#include <kwire/kwire.hpp>
#include <kwire/messages/all.hpp>
#include <kwire/messages/apis.hpp>
#include <kwire/messages/registry.hpp>
#include <kwire/split/all.hpp>
#if defined(KWIRE_MODULE_GZIP)
#include <kwire/compression/gzip.hpp>
#endif
#if defined(KWIRE_MODULE_LIBDEFLATE)
#include <kwire/compression/libdeflate.hpp>
#endif
#if defined(KWIRE_MODULE_SNAPPY)
#include <kwire/compression/snappy.hpp>
#endif
#if defined(KWIRE_MODULE_LZ4)
#include <kwire/compression/lz4.hpp>
#endif
#if defined(KWIRE_MODULE_ZSTD)
#include <kwire/compression/zstd.hpp>
#endif
}

/// libFuzzer: programs of operations on buffers and chains, each against a string that says what they must
/// hold. After every step all objects must show the content of their models, and what moved or was refused
/// must be as documented.
#include <kwire/buffer/buffer_chain.hpp>
#include <kwire/buffer/shared_buffer.hpp>
#include <kwire/buffer/unique_buffer.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "fuzz/choices.hpp"
#include "fuzz/insist.hpp"
#include "support/bytes.hpp"

namespace {

using kwire::buffer_chain;
using kwire::shared_buffer;
using kwire::unique_buffer;
using support::choices;
using support::insist;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// An object and what it must hold.
template <class T>
struct modelled {
    T real;
    std::string model;
};

class machine {
public:
    explicit machine(choices& from) : from_(from) {}

    void run() {
        for (int steps = 0; steps < 200 && !from_.empty(); ++steps) {
            switch (from_.below(3)) {
            case 0: step(buffer()); break;
            case 1: step(memory()); break;
            default: step(chain());
            }
            check();
        }
    }

private:
    modelled<shared_buffer>& buffer() { return buffers_[from_.below(buffers_.size())]; }
    modelled<unique_buffer>& memory() { return memories_[from_.below(memories_.size())]; }
    modelled<buffer_chain>& chain() { return chains_[from_.below(chains_.size())]; }

    /// Mostly short, sometimes around the sizes of the chain's blocks.
    std::size_t size() {
        constexpr std::size_t borders[] = {63, 255, 256, 257, 511, 512, 1024, 4096, 16383, 16385};
        return from_.once_in(6) ? borders[from_.below(std::size(borders))] : from_.below(24);
    }
    std::string text() {
        const std::size_t n = size();
        const char first = static_cast<char>(from_.byte());
        std::string made(n, first);
        for (std::size_t i = 0; i < n; ++i)
            made[i] = static_cast<char>(static_cast<unsigned char>(first) + i * 7);
        return made;
    }

    void step(modelled<shared_buffer>& it) {
        modelled<shared_buffer>& other = buffer();
        const std::size_t at = from_.below(it.model.size() + 3);
        switch (from_.below(14)) {
        case 0:
            it.model = text();
            it.real = shared_buffer::copy_of(it.model);
            break;
        case 1:
            it.model = text();
            it.real = shared_buffer::adopt(std::string(it.model));
            break;
        case 2:
            it.model = "lent for reading";
            it.real = shared_buffer::from_static("lent for reading");
            break;
        case 3: it = other; break;
        case 4:
            if (&it == &other) break;
            it.real = std::move(other.real);
            it.model = std::exchange(other.model, {});
            break;
        case 5:
            std::swap(it.model, other.model);
            it.real.swap(other.real);
            break;
        case 6: {
            const std::size_t n = size();
            const auto slice = it.real.slice(at, n);
            insist(slice.has_value() == (at <= it.model.size() && n <= it.model.size() - at),
                   "a slice lies in its buffer");
            if (slice) other = {*slice, it.model.substr(at, n)};
            break;
        }
        case 7: {
            auto head = it.real.split_to(at);
            insist(head.has_value() == (at <= it.model.size()), "a part that is there can be split off");
            if (!head) break;
            std::string model = it.model.substr(0, at);
            it.model.erase(0, at);
            other = {*std::move(head), std::move(model)};
            break;
        }
        case 8: {
            auto tail = it.real.split_off(at);
            insist(tail.has_value() == (at <= it.model.size()), "a part that is there can be split off");
            if (!tail) break;
            std::string model = it.model.substr(at);
            it.model.resize(at);
            other = {*std::move(tail), std::move(model)};
            break;
        }
        case 9:
            it.real.truncate(at);
            it.model.resize(std::min(at, it.model.size()));
            break;
        case 10: {
            const auto part = std::span(it.real.data(), it.real.size());
            const auto inside = it.real.slice_of(part.subspan(std::min(at, part.size())));
            insist(inside && inside->size() == it.model.size() - std::min(at, it.model.size()),
                   "its own bytes are a slice");
            const std::string elsewhere(1, 'x');
            insist(!it.real.slice_of(std::string_view(elsewhere)), "bytes that lie elsewhere are none");
            break;
        }
        case 11: it.real = it.real.detach(); break;
        case 12: {
            const bool writable = it.model.empty() || (it.real.is_unique() && !it.real.is_read_only());
            auto unique = std::move(it.real).try_into_unique();
            insist(unique.has_value() == writable, "the only holder of its own memory may write");
            if (!unique) {
                it.real = std::move(unique).error();
                break;
            }
            memory() = {*std::move(unique), std::exchange(it.model, {})};
            it.real = {};
            break;
        }
        default:
            insist((it.real == other.real) == (it.model == other.model),
                   "buffers are equal as their bytes are");
        }
    }

    void step(modelled<unique_buffer>& it) {
        modelled<unique_buffer>& other = memory();
        const std::size_t at = from_.below(it.model.size() + 3);
        switch (from_.below(12)) {
        case 0: it = {unique_buffer::with_capacity(size()), {}}; break;
        case 1: {
            const std::size_t more = size();
            it.real.reserve(more);
            insist(it.real.spare().size() >= more, "there is room for what was reserved");
            break;
        }
        case 2: {
            const std::string added = text();
            it.real.append(bytes_of(added));
            it.model += added;
            break;
        }
        case 3: // of itself
            if (it.model.size() > 40'000) break;
            it.real.append(std::as_const(it.real).span().first(std::min(at, it.model.size())));
            it.model += it.model.substr(0, at);
            break;
        case 4: {
            const auto spare = it.real.spare();
            const std::size_t n = std::min(size(), spare.size());
            std::ranges::fill(spare.first(n), std::byte{'c'});
            it.real.commit(n);
            it.model.append(n, 'c');
            break;
        }
        case 5:
            it.real.truncate(at);
            it.model.resize(std::min(at, it.model.size()));
            break;
        case 6: {
            unique_buffer all = it.real.split();
            std::string model = std::exchange(it.model, {});
            if (&it == &other) break;
            other = {std::move(all), std::move(model)};
            break;
        }
        case 7: {
            auto head = it.real.split_to(at);
            insist(head.has_value() == (at <= it.model.size()), "a part that is there can be split off");
            if (!head) break;
            std::string model = it.model.substr(0, at);
            it.model.erase(0, at);
            if (&it != &other) other = {*std::move(head), std::move(model)};
            break;
        }
        case 8:
            if (&it == &other || it.model.size() > 40'000) break;
            it.real.unsplit(std::move(other.real));
            it.model += std::exchange(other.model, {});
            other.real = {};
            break;
        case 9: {
            shared_buffer frozen = std::move(it.real).freeze();
            it.real = {};
            buffer() = {std::move(frozen), std::exchange(it.model, {})};
            break;
        }
        case 10:
            for (std::byte& b : it.real.span()) b ^= std::byte{1};
            for (char& c : it.model) c = static_cast<char>(c ^ 1);
            break;
        default: it.real.clear(); it.model.clear();
        }
    }

    void step(modelled<buffer_chain>& it) {
        modelled<buffer_chain>& other = chain();
        const bool small = it.model.size() + other.model.size() < 60'000;
        switch (from_.below(18)) {
        case 0:
            if (small) integer(it);
            break;
        case 1: {
            const std::string added = text();
            if (!small) break;
            it.real.put_slice(added);
            it.model += added;
            break;
        }
        case 2: {
            const modelled<shared_buffer>& payload = buffer();
            if (!small) break;
            it.real.put_bytes(payload.real);
            it.model += payload.model;
            break;
        }
        case 3: {
            if (!small) break;
            const std::string model = other.model;
            it.real.put(other.real);
            it.model += model;
            break;
        }
        case 4:
            if (!small || &it == &other) break;
            it.real.put(std::move(other.real));
            it.model += std::exchange(other.model, {});
            insist(other.real.empty(), "a chain that was put is empty");
            break;
        case 5: it = other; break;
        case 6:
            if (&it == &other) break;
            it.real = std::move(other.real);
            it.model = std::exchange(other.model, {});
            insist(other.real.empty(), "a chain that was moved is empty");
            break;
        case 7: {
            const std::size_t threshold = size();
            it.real.compact(threshold);
            const auto all = it.real.segments();
            for (std::size_t i = 1; i < all.size(); ++i)
                insist(all[i - 1].size() >= threshold || all[i].size() >= threshold,
                       "short neighbours are one segment");
            break;
        }
        case 8: it.real.finish(); break;
        case 9:
            it.real.clear();
            it.model.clear();
            break;
        case 10: buffer() = {it.real.to_bytes(), it.model}; break;
        case 11: it.real.reserve_scratch(size()); break;
        case 12: it.real.reserve_segments(from_.below(20)); break;
        case 13: // its own bytes
            if (!small || it.real.empty()) break;
            it.model += text_of(it.real.begin()->bytes());
            it.real.put_slice(it.real.begin()->bytes());
            break;
        case 14: {
            modelled<shared_buffer>& payload = buffer();
            it = {buffer_chain(payload.real), payload.model};
            break;
        }
        case 15: { // itself, moved: nothing happens
            buffer_chain& same = it.real;
            it.real.put(std::move(same));
            break;
        }
        case 16:
            if (!small) break;
            it.real.put(it.real);
            it.model += it.model;
            break;
        default:
            insist((it.real == other.real) == (it.model == other.model),
                   "chains are equal as their bytes are");
        }
    }

    void integer(modelled<buffer_chain>& it) {
        const std::uint64_t value = from_.number(8);
        const auto model = [&](std::size_t width, bool little) {
            for (std::size_t i = 0; i < width; ++i)
                it.model += static_cast<char>(value >> (8 * (little ? i : width - 1 - i)) & 0xff);
        };
        switch (from_.below(12)) {
        case 0: it.real.put_u8(static_cast<std::uint8_t>(value)); return model(1, false);
        case 1: it.real.put_u16(static_cast<std::uint16_t>(value)); return model(2, false);
        case 2: it.real.put_u32(static_cast<std::uint32_t>(value)); return model(4, false);
        case 3: it.real.put_u64(value); return model(8, false);
        case 4: it.real.put_u16_le(static_cast<std::uint16_t>(value)); return model(2, true);
        case 5: it.real.put_u32_le(static_cast<std::uint32_t>(value)); return model(4, true);
        case 6: it.real.put_u64_le(value); return model(8, true);
        case 7: it.real.put_i8(static_cast<std::int8_t>(value)); return model(1, false);
        case 8: it.real.put_i16(static_cast<std::int16_t>(value)); return model(2, false);
        case 9: it.real.put_i32_le(static_cast<std::int32_t>(value)); return model(4, true);
        case 10: it.real.put_i16_le(static_cast<std::int16_t>(value)); return model(2, true);
        default: it.real.put_i64_le(static_cast<std::int64_t>(value)); return model(8, true);
        }
    }

    void check() const {
        for (const auto& it : buffers_)
            insist(text_of(it.real.span()) == it.model, "a buffer holds its bytes");
        for (const auto& it : memories_) {
            insist(text_of(it.real.span()) == it.model, "memory holds its bytes");
            insist(it.real.capacity() >= it.model.size(), "memory has room for its bytes");
        }
        for (const auto& it : chains_) {
            insist(it.real.size() == it.model.size() && it.real.empty() == it.model.empty(),
                   "a chain knows its size");
            std::string_view left = it.model;
            for (const kwire::chain_segment& segment : it.real) {
                insist(segment.size() != 0 && left.starts_with(text_of(segment.bytes())),
                       "a chain holds its bytes");
                left.remove_prefix(segment.size());
            }
            insist(left.empty(), "a chain holds all its bytes");
        }
    }

    choices& from_;
    std::array<modelled<shared_buffer>, 4> buffers_;
    std::array<modelled<unique_buffer>, 3> memories_;
    std::array<modelled<buffer_chain>, 3> chains_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    choices from(std::as_bytes(std::span(data, size)));
    machine(from).run();
    return 0;
}

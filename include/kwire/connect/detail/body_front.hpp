/// Internal: what the bodies of requests and responses begin with, as small tables: a quick look at the first
/// bytes of a body, for `sniff`.
///
/// A layout (schema/detail/tables.hpp) leads to those of its elements by pointers, each to another cache
/// line. Here the first steps of a body and those of the first elements in it follow each other. An example,
/// the body of a Metadata request in v9:
///
///   0  topics: a compact count, 2 bytes or more for each; if there are none, go on 3 steps further
///   1    name: a compact string
///   2    tags
///   3  3 bytes of booleans, then tags
///   4  end
///
/// If there is more than one topic, the look ends with step 2. The compiler makes the tables from the
/// layouts.
#pragma once

#include <kwire/api.hpp>
#include <kwire/connect/request_start.hpp>
#include <kwire/messages/registry.hpp>
#include <kwire/schema/detail/length.hpp>
#include <kwire/schema/detail/prefix_walk.hpp>
#include <kwire/schema/detail/tables.hpp>
#include <kwire/schema/detail/walk.hpp>
#include <kwire/wire/endian.hpp>
#include <kwire/wire/limits.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace kwire::inline KWIRE_ABI::detail {

/// What a step of a look expects. A length is one of the first three; its value says by how many bits a
/// big-endian number of 32 bits is shifted to become it.
enum class front_form : std::uint8_t {
    int32 = 0,
    int16 = 16,
    compact = 24,
    none,     ///< nothing but bytes of fixed width
    tags,     ///< a tag section, which is nearly always empty
    end,      ///< the body ends
    enough,   ///< more may follow; this much is right
    in_doubt, ///< what is not told here
    unknown,  ///< a version of which nothing is known
};

/// One step of a look: `fixed` bytes of fixed width, then what `form` says.
struct front_step {
    std::uint16_t fixed = 0; ///< bytes before the length
    std::uint8_t width = 0;  ///< the least bytes of each that the length counts
    front_form form{};
    std::uint8_t prefix = 0; ///< the least bytes of the length
    std::uint8_t more = 0;   ///< how much more the number is than the length: 1 in compact forms
    std::int8_t least = 0;   ///< the least that the number may be: null is -1, or 0 in compact forms
    /// How many steps further what follows is. 1: each takes `width` bytes; else the steps of an element are
    /// between.
    std::uint8_t skip = 1;

    friend constexpr bool operator==(const front_step&, const front_step&) = default;
};
static_assert(sizeof(front_step) == 8);

/// The body of a message at one version.
struct alignas(8) body_front {
    std::uint16_t first_step = 0;
    std::uint16_t min_frame = 0;     ///< the least bytes of a frame that has it, without its length
    std::uint8_t header_version = 0; ///< of the header before it
    bool resembles_others = false;   ///< a request as which other protocols can be read: see `sniff`
};

/// What a body looks like by its first bytes.
enum class body_look : std::uint8_t {
    wrong,
    in_doubt,     ///< `walk_prefix` tells
    nothing_seen, ///< too few bytes of it are there
    right,
};

/// Collects the fronts of the requests, or of the responses, of all APIs.
class front_draft {
public:
    static constexpr std::size_t most_steps_of_one = 10, most_fronts = 1024, most_steps = 6144;
    static constexpr int newest_api_versions = 31; ///< clients ask in versions that brokers do not know

    consteval explicit front_draft(std::int16_t api_messages::* kind) {
        add({.form = front_form::unknown});
        for (std::size_t api = 0; api < apis.size(); ++api) {
            rows[api] = front_count;
            if (!apis[api].assigned) continue;
            const auto key = static_cast<api_key>(api);
            const message_info& message = *message_of_api(key, kind);
            const int last = key == api_key::api_versions ? newest_api_versions : apis[api].last_version;
            for (int number = 0; number <= last; ++number) {
                const auto version = static_cast<std::int16_t>(number);
                body_front front = kind == &api_messages::request ? after_request_header(key, version)
                                                                  : after_response_header(key, version);
                if (message.facts.versions.contains(version))
                    add_body(message.structure->layouts[version - message.facts.versions.first], front);
                fronts[front_count++] = front;
            }
        }
        rows[apis.size()] = front_count;
    }

    std::array<std::uint16_t, apis.size() + 1> rows{}; ///< for each API its version 0 in `fronts`
    std::array<body_front, most_fronts> fronts{};
    std::array<front_step, most_steps> steps{};
    std::uint16_t front_count = 0;
    std::uint16_t step_count = 0;

private:
    static consteval body_front after_request_header(api_key api, std::int16_t version) {
        const std::int16_t header = request_header_version(api, version);
        // With an empty client id, and without tags.
        constexpr std::uint16_t bytes[] = {8, 8 + 2, 8 + 2 + 1};
        return {.min_frame = bytes[header],
                .header_version = static_cast<std::uint8_t>(header),
                .resembles_others = (api == api_key::produce || api == api_key::metadata) && version < 3};
    }
    static consteval body_front after_response_header(api_key api, std::int16_t version) {
        const std::int16_t header = response_header_version(api, version);
        constexpr std::uint16_t bytes[] = {4, 4 + 1};
        return {.min_frame = bytes[header], .header_version = static_cast<std::uint8_t>(header)};
    }

    consteval void add(front_step step) { steps[step_count++] = step; }

    consteval void add_body(const struct_layout& layout, body_front& front) {
        const std::uint16_t begin = step_count;
        if (add_struct(layout, begin)) {
            const std::uint16_t tail = layout.flexible ? std::uint16_t{0} : layout.tail;
            add({.fixed = tail, .form = front_form::end});
        } else {
            add({.form = front_form::enough}); // also after a doubt: an array without elements goes on here
        }
        front.first_step = begin;
        front.min_frame += static_cast<std::uint16_t>(layout.min_size);
        share_with_previous(begin, front);
    }

    /// Most versions begin like the one before.
    consteval void share_with_previous(std::uint16_t begin, body_front& front) {
        if (front_count == 0) return;
        const std::uint16_t previous = fronts[front_count - 1].first_step;
        const std::uint16_t size = step_count - begin;
        if (previous + size != begin) return;
        for (std::uint16_t i = 0; i < size; ++i)
            if (steps[previous + i] != steps[begin + i]) return;
        for (std::uint16_t i = begin; i < step_count; ++i) steps[i] = {};
        step_count = begin;
        front.first_step = previous;
    }

    /// The steps of a struct, without what follows the last if that is not a tag section. False if they were
    /// not all added.
    consteval bool add_struct(const struct_layout& layout, std::uint16_t begin) {
        for (unsigned i = 0; i < layout.step_count; ++i)
            if (!add_step(layout.steps[i], layout, begin)) return false;
        if (layout.flexible) add({.fixed = layout.tail, .form = front_form::tags, .prefix = 1});
        return true;
    }

    consteval bool add_step(const walk_step& step, const struct_layout& layout, std::uint16_t begin) {
        if (step_count >= begin + most_steps_of_one) return false;
        const length_form length = length_form_of(step.form);
        const std::uint16_t at = step_count;
        front_step out{.fixed = step.fixed, .width = step.width, .prefix = prefix_size(length)};
        out.form = length == length_form::compact ? front_form::compact
                   : length == length_form::int16 ? front_form::int16
                                                  : front_form::int32;
        out.more = length == length_form::compact ? 1 : 0;
        out.least = static_cast<std::int8_t>(out.more - (step.minimum == 0 ? 1 : 0));
        if (size_follows_from_count(step.form) && step.form != wire_form::fixed) {
            add(out);
            return true;
        }
        const struct_layout* inner = nullptr;
        if (!is_single_struct(step.form) && step.form != wire_form::fixed)
            inner = step.child != nullptr ? &step.child->layouts[layout.version_index]
                                          : &text_layouts[has_varint_prefix(step.form) ? 1 : 0];
        if (inner == nullptr || inner->min_size == 0) {
            add({.fixed = step.fixed, .form = front_form::in_doubt});
            return false;
        }
        const bool one_size = inner->step_count == 0 && !inner->flexible;
        constexpr std::uint32_t most = 0xff;
        if (one_size && inner->min_size > most) KWIRE_UNREACHABLE(); // no such thing in Kafka
        out.width = static_cast<std::uint8_t>(inner->min_size < most ? inner->min_size : most);
        add(out);
        if (one_size) return true;
        const bool all = add_struct(*inner, begin);
        if (all && !inner->flexible && inner->tail != 0)
            add({.fixed = inner->tail, .form = front_form::none});
        steps[at].skip = static_cast<std::uint8_t>(step_count - at);
        return all;
    }
};

/// The fronts of all APIs, without room that is not used.
template <std::size_t Fronts, std::size_t Steps>
struct front_tables {
    consteval explicit front_tables(const front_draft& draft) : rows(draft.rows) {
        for (std::size_t i = 0; i < Fronts; ++i) fronts[i] = draft.fronts[i];
        for (std::size_t i = 0; i < Steps; ++i) steps[i] = draft.steps[i];
    }

    /// That of an API and a version; nullptr if kwire does not know them.
    [[nodiscard]] KWIRE_ALWAYS_INLINE constexpr const body_front* find(std::uint32_t api,
                                                                       std::uint32_t version) const noexcept {
        if (api >= apis.size()) return nullptr;
        const std::uint32_t at = rows[api] + version;
        return at < rows[api + 1] ? &fronts[at] : nullptr;
    }
    [[nodiscard]] KWIRE_ALWAYS_INLINE constexpr const front_step*
    steps_of(const body_front& front) const noexcept {
        return steps.data() + front.first_step;
    }

    std::array<std::uint16_t, apis.size() + 1> rows;
    std::array<body_front, Fronts> fronts{};
    std::array<front_step, Steps> steps{};
};

inline constexpr front_draft request_front_draft(&api_messages::request);
inline constexpr front_tables<request_front_draft.front_count, request_front_draft.step_count>
    request_fronts(request_front_draft);
inline constexpr front_draft response_front_draft(&api_messages::response);
inline constexpr front_tables<response_front_draft.front_count, response_front_draft.step_count>
    response_fronts(response_front_draft);

/// What a body of `size` bytes looks like that agrees with its schema, of which `there` bytes are there.
[[nodiscard]] constexpr body_look look_of_cut(std::uint64_t there) noexcept {
    constexpr std::uint64_t enough = 4;
    return there >= enough ? body_look::right : body_look::nothing_seen;
}

/// What a body looks like that leaves `spare` bytes of its frame.
[[nodiscard]] constexpr body_look look_of_end(std::uint64_t spare) noexcept {
    constexpr std::uint64_t most = 4; // some clients send one
    return spare <= most ? body_look::right : body_look::wrong;
}

/// The first four bytes at `p`, with zeros for those that are not there.
[[nodiscard]] KWIRE_ALWAYS_INLINE std::int32_t load_start(const std::byte* p, std::uint64_t there) noexcept {
    if (there >= 4) [[likely]]
        return wire::load_be<std::int32_t>(p);
    std::byte four[4]{};
    for (std::size_t i = 0; i < there; ++i) four[i] = p[i];
    return wire::load_be<std::int32_t>(four);
}

/// The same of a compact length of more than one byte, or of one that is wrong; `content` is nullptr then,
/// and if it is longer than any string may be.
[[nodiscard]] KWIRE_COLD inline decoded_length long_front_length(const std::byte* p,
                                                                 std::uint64_t there) noexcept {
    if (there < medium_length_size || *p < std::byte{0x80}) return {nullptr, 0};
    const decoded_length medium = decode_medium_length(p);
    return medium.value <= wire::max_string_length ? medium : decoded_length{nullptr, 0};
}

/// What `body` looks like, the first `there` bytes of a body of `size` bytes: whether its first fields, and
/// those of its first elements, are as `step` and those after it say. `in_doubt` if it is not `right`, and
/// if something in it is unusual.
// cost: 90 instructions for the first topic of a Metadata request. A walk of the layouts takes 240 and, at
// worst, misses the cache four times as often.
[[nodiscard]] KWIRE_APART inline body_look look_at_front(const front_step* step, const std::byte* body,
                                                         std::uint64_t there, std::uint64_t size) noexcept {
    const front_step* stop = nullptr; // where a second element would follow
    std::uint64_t at = 0;
    do {
        at += step->fixed;
        std::uint64_t content = at + step->prefix;
        if (content > there) return content > size ? body_look::in_doubt : look_of_cut(there);
        if (step->form > front_form::compact) {
            if (step->form == front_form::tags) {
                if (body[at] != std::byte{0}) return body_look::in_doubt;
            } else if (step->form != front_form::none) {
                if (step->form == front_form::end) return look_of_end(size - at);
                if (step->form == front_form::unknown) return body_look::nothing_seen;
                return step->form == front_form::enough ? body_look::right : body_look::in_doubt;
            }
            at = content;
            ++step;
            continue;
        }
        const std::int32_t number = load_start(body + at, there - at) >> static_cast<unsigned>(step->form);
        std::int32_t count = number - step->more;
        if (number < step->least) [[unlikely]] {
            const decoded_length length = long_front_length(body + at, step->more == 0 ? 0 : there - at);
            if (length.content == nullptr) return body_look::in_doubt;
            count = static_cast<std::int32_t>(length.value);
            content = static_cast<std::uint64_t>(length.content - body);
        }
        at = content;
        if (count <= 0) { // or null
            step += step->skip;
            continue;
        }
        const std::uint64_t least =
            static_cast<std::uint64_t>(static_cast<std::uint32_t>(count)) * step->width;
        if (step->skip == 1) {
            if (least > there - at) return least > size - at ? body_look::in_doubt : look_of_cut(there);
            at += least;
        } else {
            if (least > size - at) return body_look::in_doubt;
            if (count > 1) stop = step + step->skip;
        }
        ++step;
    } while (step != stop);
    return look_of_cut(there);
}

/// The same, checked as a cut message is: never `in_doubt`. @pre the message has the version
[[nodiscard]] KWIRE_COLD inline body_look look_closely(const message_info& message, int version,
                                                       const std::byte* body, std::uint64_t there,
                                                       std::uint64_t size) noexcept {
    const struct_layout& layout = message.structure->layouts[version - message.facts.versions.first];
    error_slot unused;
    prefix_state state(body, static_cast<std::size_t>(there), size - there, unused,
                       parse_options::as_kafka());
    std::uint32_t ends[max_struct_steps];
    seen_part part;
    const std::byte* const end = walk_prefix(layout, body, state, ends, part);
    if (end != nullptr) return look_of_end(size - static_cast<std::uint64_t>(end - body));
    return state.cut ? look_of_cut(there) : body_look::wrong;
}

} // namespace kwire::inline KWIRE_ABI::detail

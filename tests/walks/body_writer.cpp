#include "walks/body_writer.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace support {

namespace {

using kwire::field_info;
using kwire::field_kind;
using kwire::struct_info;
using event = written_body::event;
using events = std::vector<event>;

constexpr element_pattern shortest{{0, 0, 0}};

class writer {
public:
    writer(const walked_message& message, int version, const array_path& path,
           std::span<const element_pattern> elements, bool zeros)
        : version_(message.facts.canonical(version)),
          flexible_(message.facts.flexible(version_)),
          path_(path),
          elements_(elements),
          step_(zeros ? 0 : 7) {
        out_.events = structure(*message.info, shortest, 0);
        deceive();
        if (!places_.empty()) out_.last_element = places_.back().base;
    }

    [[nodiscard]] written_body take() { return std::move(out_); }

private:
    static constexpr std::size_t off_path = ~std::size_t{0};

    struct element_place {
        std::size_t base = 0, tags = 0, end = 0;
    };
    struct range {
        std::size_t at = 0, size = 0;
    };

    void put(std::uint64_t value) { out_.bytes.push_back(static_cast<std::byte>(value & 0xff)); }
    void put_big_endian(std::uint64_t value, std::size_t width) {
        for (std::size_t i = width; i-- > 0;) put(value >> (8 * i));
    }
    void put_varint(std::uint64_t value, unsigned padding = 0) {
        std::size_t written = 1;
        for (; value >= 0x80; value >>= 7, ++written) put((value & 0x7f) | 0x80);
        const std::size_t more = std::min<std::size_t>(padding, 5 - written);
        put(value | (more != 0 ? 0x80 : 0));
        for (std::size_t i = 1; i <= more; ++i) put(i == more ? 0 : 0x80);
    }
    /// Bytes that may have any value.
    void put_free(std::size_t size) {
        if (size == 0) return;
        free_.push_back({out_.bytes.size(), size});
        for (std::size_t i = 0; i < size; ++i) put(filler_ = static_cast<std::uint8_t>(filler_ + step_));
    }

    /// A length or count; false for null.
    bool put_length(const field_info& field, std::int64_t length, std::size_t classic, bool nullable,
                    unsigned padding) {
        const bool null = length < 0 && nullable;
        const std::uint64_t value = length < 0 ? 0 : static_cast<std::uint64_t>(length);
        if (flexible_ && !field.never_compact)
            put_varint(null ? 0 : value + 1, padding);
        else
            put_big_endian(null ? ~std::uint64_t{0} : value, classic);
        return !null;
    }

    events structure(const struct_info& info, const element_pattern& how, std::size_t depth) {
        const std::size_t base = out_.bytes.size();
        std::vector<events> inside(info.fields.size());
        event self{event::structure, base, 0, {}};
        std::size_t variable = 0;
        for (std::size_t i = 0; i < info.fields.size(); ++i) {
            const field_info& field = info.fields[i];
            if (!field.versions.contains(version_) || field.tag >= 0) continue;
            const int length = how.lengths[variable % std::size(how.lengths)];
            inside[i] = value(field, how, length, next(depth, i));
            if (kwire::width_of(field.kind) != 0) continue;
            ++variable;
            self.ends.push_back(static_cast<std::uint32_t>(out_.bytes.size() - base));
        }
        tags_ = out_.bytes.size();
        if (flexible_) tag_section(info, how, depth, inside);
        self.size = out_.bytes.size() - base;
        events all{std::move(self)};
        for (events& some : inside)
            all.insert(all.end(), std::move_iterator(some.begin()), std::move_iterator(some.end()));
        return all;
    }

    [[nodiscard]] std::size_t next(std::size_t depth, std::size_t field) const {
        return depth < path_.size() && path_[depth] == field ? depth + 1 : off_path;
    }

    events value(const field_info& field, const element_pattern& how, int length, std::size_t depth) {
        const bool nullable = field.nullable.contains(version_);
        if (field.kind == field_kind::structure) return single_struct(field, how, length, depth, nullable);
        if (field.kind == field_kind::array) return array(field, how, length, depth, nullable);
        if (const std::uint8_t width = kwire::width_of(field.kind); width != 0)
            put_free(width);
        else if (put_length(field, length, field.kind == field_kind::string ? 2 : 4, nullable, how.padding))
            put_free(static_cast<std::size_t>(std::max(length, 0)));
        return {};
    }

    events single_struct(const field_info& field, const element_pattern& how, int length, std::size_t depth,
                         bool nullable) {
        const bool null = nullable && length < 0 && depth == off_path;
        if (nullable && field.tag >= 0) put_varint(null ? 0 : 1, how.padding);
        if (nullable && field.tag < 0) put(null ? 0xff : 1);
        if (null) return {{event::null, 0, 0, {}}};
        return structure(*field.structure, shortest, depth);
    }

    events array(const field_info& field, const element_pattern& how, int length, std::size_t depth,
                 bool nullable) {
        const bool structs = field.element == field_kind::structure;
        const bool target = depth == path_.size();
        if (target)
            length = static_cast<int>(elements_.size());
        else if (depth != off_path)
            length = 1;
        else if (structs || field.element == field_kind::string)
            length = std::min(length, 3);
        const bool held = put_length(field, length, 4, nullable, how.padding);
        length = std::max(length, 0);
        if (!structs) {
            for (int i = 0; i < length; ++i)
                if (const std::uint8_t width = kwire::width_of(field.element); width != 0) {
                    put_free(width);
                } else {
                    put_length(field, i, 2, false, how.padding);
                    put_free(static_cast<std::size_t>(i));
                }
            return {};
        }
        if (!held) return {{event::null, 0, 0, {}}};
        events all{{event::array, static_cast<std::size_t>(length), 0, {}}};
        for (int i = 0; i < length; ++i) {
            const std::size_t base = out_.bytes.size();
            const element_pattern& pattern = target ? elements_[static_cast<std::size_t>(i)] : shortest;
            events one = structure(*field.structure, pattern, target ? off_path : depth);
            all.insert(all.end(), std::move_iterator(one.begin()), std::move_iterator(one.end()));
            if (target) places_.push_back({base, tags_, out_.bytes.size()});
        }
        return all;
    }

    void tag_section(const struct_info& info, const element_pattern& how, std::size_t depth,
                     std::vector<events>& inside) {
        const std::size_t section = out_.bytes.size();
        std::vector<std::pair<std::int32_t, std::size_t>> known; // by tag
        std::int32_t first_free = 0;
        for (std::size_t i = 0; i < info.fields.size(); ++i) {
            const field_info& field = info.fields[i];
            if (field.tag < 0) continue;
            first_free = std::max(first_free, field.tag + 1);
            if (!field.versions.contains(version_)) continue;
            if (how.known_tags || next(depth, i) != off_path)
                known.emplace_back(field.tag, i);
            else if (field.structure != nullptr)
                inside[i] = {{field.null_default && !field.nullable.empty() ? event::null
                              : field.kind == field_kind::array             ? event::array
                                                                            : event::absent,
                              0,
                              0,
                              {}}};
        }
        std::ranges::sort(known);
        put_varint(known.size() + (how.unknown_tag >= 0 ? 1 : 0), how.padding);
        for (const auto& [tag, i] : known) {
            put_varint(static_cast<std::uint64_t>(tag), how.padding);
            inside[i] = sized(info.fields[i], how, next(depth, i));
        }
        if (how.unknown_tag >= 0) {
            // A number that looks like the length with which the struct begins, if it does and can.
            const std::int32_t number =
                first_free > 0x30 ? first_free : std::max(first_free, how.lengths[0] % 0x7f + 1);
            put_varint(static_cast<std::uint64_t>(number), how.padding);
            put_varint(static_cast<std::uint64_t>(how.unknown_tag), how.padding);
            put_free(static_cast<std::size_t>(how.unknown_tag));
        }
        tags_ = section;
    }

    /// The payload of a known tag, with its size before it: tried with more and more bytes for the size.
    events sized(const field_info& field, const element_pattern& how, std::size_t depth) {
        const std::size_t start = out_.bytes.size(), free_before = free_.size(),
                          places_before = places_.size();
        for (std::size_t width = 1;; ++width) {
            out_.bytes.resize(start + width);
            free_.resize(free_before);
            places_.resize(places_before);
            events found = value(field, how, how.lengths[0], depth);
            std::uint64_t size = out_.bytes.size() - start - width;
            if (size >= std::uint64_t{1} << (7 * width)) continue;
            for (std::size_t i = 0; i < width; ++i, size >>= 7)
                out_.bytes[start + i] = static_cast<std::byte>((size & 0x7f) | (i + 1 < width ? 0x80 : 0));
            return found;
        }
    }

    /// Makes the free bytes of each element look like those of the one before it at the same place, and
    /// unknown tags like one more element that follows.
    void deceive() {
        auto free = free_.begin();
        for (std::size_t i = 0; i < places_.size(); ++i) {
            const element_place& self = places_[i];
            for (; free != free_.end() && free->at < self.end; ++free) {
                if (free->at < self.base) continue;
                for (std::size_t at = free->at; at < free->at + free->size; ++at) {
                    if (at > self.tags && self.tags + 1 - self.base > at - (self.tags + 1))
                        out_.bytes[at] = out_.bytes[self.base + (at - (self.tags + 1))];
                    else if (i != 0 && places_[i - 1].end - places_[i - 1].base > at - self.base)
                        out_.bytes[at] = out_.bytes[places_[i - 1].base + (at - self.base)];
                }
            }
        }
    }

    int version_;
    bool flexible_;
    const array_path& path_;
    std::span<const element_pattern> elements_;
    written_body out_;
    std::vector<range> free_;
    std::vector<element_place> places_;
    std::size_t tags_ = 0; ///< the tag section of the struct that was written last
    std::uint8_t step_;    ///< from one free byte to the next
    std::uint8_t filler_ = 0;
};

void add_arrays(const struct_info& info, int version, array_path& here, std::vector<array_path>& found) {
    for (std::size_t i = 0; i < info.fields.size(); ++i) {
        const field_info& field = info.fields[i];
        if (field.structure == nullptr || !field.versions.contains(version)) continue;
        here.push_back(i);
        if (field.kind == field_kind::array) found.push_back(here);
        add_arrays(*field.structure, version, here, found);
        here.pop_back();
    }
}

} // namespace

std::vector<array_path> arrays_of_structs(const walked_message& message, int version) {
    std::vector<array_path> found;
    array_path here;
    add_arrays(*message.info, message.facts.canonical(version), here, found);
    return found;
}

void written_body::note(places& out) const {
    for (const event& one : events) {
        switch (one.what) {
        case event::structure: out.structure(std::span(bytes).subspan(one.at, one.size), one.ends); break;
        case event::absent: out.structure({}, {}); break;
        case event::null: out.null(); break;
        case event::array: out.array(one.at); break;
        }
    }
}

written_body write_body(const walked_message& message, int version, const array_path& path,
                        std::span<const element_pattern> elements, bool zeros) {
    return writer(message, version, path, elements, zeros).take();
}

} // namespace support

#include "messages/locator.hpp"

#include <stdexcept>

namespace support {

namespace {

class locator {
public:
    locator(int version, bool flexible, std::span<const std::byte> body)
        : version_(version), flexible_(flexible), body_(body), end_(body.size()) {}

    located run(const kwire::struct_info& root) {
        structure(root, "");
        if (at_ != body_.size()) throw std::runtime_error("locator: bytes are left");
        return std::move(found_);
    }

private:
    void need(std::size_t n) const {
        if (n > end_ - at_) throw std::runtime_error("locator: bytes are missing");
    }
    std::int64_t big_endian(std::size_t n) {
        need(n);
        std::uint64_t value = std::to_integer<std::uint8_t>(body_[at_]) >= 0x80 ? ~std::uint64_t{0} : 0;
        for (std::size_t i = 0; i < n; ++i) value = value << 8 | std::to_integer<std::uint64_t>(body_[at_++]);
        return static_cast<std::int64_t>(value);
    }
    std::int64_t unsigned_varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 35; shift += 7) {
            need(1);
            const auto byte = std::to_integer<std::uint64_t>(body_[at_++]);
            value |= (byte & 0x7f) << shift;
            if (byte < 0x80) return static_cast<std::int64_t>(value);
        }
        throw std::runtime_error("locator: a varint without end");
    }

    /// Reads a number of the given form and records its position.
    spot& note(spot_kind kind, const std::string& path, bool compact, std::size_t width) {
        spot here;
        here.kind = kind;
        here.at = at_;
        here.compact = compact;
        here.value = compact ? unsigned_varint() : big_endian(width);
        here.size = at_ - here.at;
        here.end = end_;
        here.path = path;
        here.enclosing = enclosing_;
        return found_.spots.emplace_back(std::move(here));
    }

    /// A length or count; -1 for null.
    std::int64_t length(spot_kind kind, const std::string& path, bool compact, std::size_t width,
                        bool nullable) {
        spot& here = note(kind, path, compact, width);
        here.nullable = nullable;
        const std::int64_t value = compact ? here.value - 1 : here.value;
        if (value < (nullable ? -1 : 0)) throw std::runtime_error("locator: a negative length");
        return value;
    }

    void structure(const kwire::struct_info& info, const std::string& path) {
        for (std::size_t i = 0; i < info.fields.size(); ++i) {
            const kwire::field_info& field = info.fields[i];
            if (field.versions.contains(version_) && field.tag < 0) value(field, inside(path, field));
        }
        if (flexible_) tags(info, path);
    }

    static std::string inside(const std::string& path, const kwire::field_info& field) {
        return path + (path.empty() ? "" : ".") + std::string(field.name);
    }

    void value(const kwire::field_info& field, const std::string& path) {
        const bool nullable = field.nullable.contains(version_);
        if (field.kind == kwire::field_kind::structure) {
            if (nullable) {
                const spot& marker = field.tag >= 0 ? note(spot_kind::tagged_null_marker, path, true, 0)
                                                    : note(spot_kind::null_marker, path, false, 1);
                if (field.tag >= 0 ? marker.value == 0 : marker.value < 0) return;
            }
            structure(*field.structure, path);
        } else if (field.kind == kwire::field_kind::array) {
            const std::int64_t count = length(spot_kind::array_count, path, flexible_, 4, nullable);
            for (std::int64_t i = 0; i < count; ++i) {
                const std::string element = path + '[' + std::to_string(i) + ']';
                if (field.element == kwire::field_kind::structure)
                    structure(*field.structure, element);
                else
                    simple(field.element, field, element, false);
            }
        } else {
            simple(field.kind, field, path, nullable);
        }
    }

    void simple(kwire::field_kind kind, const kwire::field_info& field, const std::string& path,
                bool nullable) {
        const bool compact = flexible_ && !field.never_compact;
        std::int64_t size = kwire::width_of(kind);
        if (kind == kwire::field_kind::string)
            size = length(spot_kind::string_length, path, compact, 2, nullable);
        else if (size == 0)
            size = length(spot_kind::bytes_length, path, compact, 4, nullable);
        if (size < 0) return;
        need(static_cast<std::size_t>(size));
        at_ += static_cast<std::size_t>(size);
    }

    void tags(const kwire::struct_info& info, const std::string& path) {
        tag_section section;
        section.at = at_;
        section.path = path;
        section.enclosing = enclosing_;
        for (std::size_t i = 0; i < info.fields.size(); ++i)
            if (info.fields[i].tag >= 0 && !info.fields[i].versions.contains(version_))
                section.not_in_version.push_back(&info.fields[i]);
        section.count = static_cast<std::uint32_t>(note(spot_kind::tag_count, path, true, 0).value);
        section.count_size = at_ - section.at;
        std::int64_t previous = -1;
        for (std::uint32_t n = 0; n < section.count; ++n) {
            section.last_tag_at = at_;
            spot& number = note(spot_kind::tag_number, path, true, 0);
            const std::int64_t tag = number.value;
            number.previous_tag = std::exchange(previous, tag);
            const kwire::field_info* known = nullptr;
            for (std::size_t i = 0; i < info.fields.size(); ++i)
                if (info.fields[i].tag == tag) known = &info.fields[i];
            number.known_tag = known != nullptr;
            const std::string field_path = known != nullptr ? inside(path, *known) : path;
            const std::size_t index = found_.spots.size();
            spot& size_spot = note(spot_kind::tag_size, field_path, true, 0);
            size_spot.known_tag = known != nullptr;
            const auto size = static_cast<std::size_t>(size_spot.value);
            need(size);
            const std::size_t payload_end = at_ + size;
            if (known != nullptr) {
                enclosing_.push_back(index);
                const std::size_t outer_end = std::exchange(end_, payload_end);
                value(*known, field_path);
                if (at_ != payload_end) throw std::runtime_error("locator: a tag's size is wrong");
                end_ = outer_end;
                enclosing_.pop_back();
            }
            at_ = payload_end;
        }
        section.size = at_ - section.at;
        found_.sections.push_back(std::move(section));
    }

    int version_;
    bool flexible_;
    std::span<const std::byte> body_;
    std::size_t at_ = 0;
    std::size_t end_;
    std::vector<std::size_t> enclosing_;
    located found_;
};

} // namespace

located locate(const message_type& type, int version, std::span<const std::byte> body) {
    return locator(version, type.facts.flexible(version), body).run(*type.info);
}

std::vector<std::byte> varint(std::uint64_t value) {
    std::vector<std::byte> bytes;
    for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<std::byte>((value & 0x7f) | 0x80));
    bytes.push_back(static_cast<std::byte>(value));
    return bytes;
}

spliced splice(std::span<const std::byte> body, const located& where,
               const std::vector<std::size_t>& enclosing, std::size_t at, std::size_t size,
               std::span<const std::byte> replacement) {
    spliced out{{body.begin(), body.end()}, at};
    const auto replace = [&out](std::size_t from, std::size_t count, std::span<const std::byte> with) {
        const auto first = out.bytes.begin() + static_cast<std::ptrdiff_t>(from);
        const auto hole = out.bytes.erase(first, first + static_cast<std::ptrdiff_t>(count));
        out.bytes.insert(hole, with.begin(), with.end());
        return static_cast<std::int64_t>(with.size()) - static_cast<std::int64_t>(count);
    };
    // From the inside out: each change is after the sizes that remain to be corrected.
    std::int64_t grown = replace(at, size, replacement);
    for (std::size_t i = enclosing.size(); i-- > 0;) {
        const spot& outer = where.spots[enclosing[i]];
        const std::int64_t change =
            replace(outer.at, outer.size, varint(static_cast<std::uint64_t>(outer.value + grown)));
        grown += change;
        out.at = static_cast<std::size_t>(static_cast<std::int64_t>(out.at) + change);
    }
    return out;
}

} // namespace support

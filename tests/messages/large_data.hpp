/// Short bodies that become much data: for each array of a message one with many of its smallest elements.
#pragma once

#include <kwire/schema/field.hpp>
#include <kwire/schema/info_of.hpp>
#include <kwire/wire/endian.hpp>
#include <kwire/wire/varint.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "messages/message_type.hpp"

namespace support {

/// Writes such bodies of one version of a message.
class large_data_writer {
public:
    /// How the elements are. Each takes as few bytes as it can, and otherwise as much memory.
    struct form {
        std::size_t text = 0; ///< the length of strings
        bool tagged = false;  ///< with an unknown tag, where there are tags
    };

    large_data_writer(const message_type& type, int version, form elements)
        : version_(version), flexible_(type.facts.flexible(version)), form_(elements) {}

    /// The body in which the array at `path` has `count` elements and all others are as short as can be.
    std::vector<std::byte> write(const kwire::struct_info& info,
                                 const std::vector<const kwire::field_info*>& path, std::size_t count) {
        out_.clear();
        put_struct(info, &path, 0, count);
        return std::move(out_);
    }
    /// The body with `count` unknown tags.
    std::vector<std::byte> write_tags(const kwire::struct_info& info, std::size_t count) {
        out_.clear();
        put_struct(info, nullptr, 0, 0);
        out_.pop_back(); // the count of tags
        put_varint(static_cast<std::uint32_t>(count));
        for (std::size_t i = 0; i < count; ++i) {
            put_varint(static_cast<std::uint32_t>(unknown + i));
            put_varint(0);
        }
        return std::move(out_);
    }

private:
    static constexpr std::uint32_t unknown = 100; ///< a tag that no struct has

    template <class T>
    void put(T value) {
        const std::size_t at = out_.size();
        out_.resize(at + sizeof(T));
        kwire::wire::store_be(out_.data() + at, value);
    }
    void put_varint(std::uint32_t value) {
        const std::size_t at = out_.size();
        out_.resize(at + kwire::wire::uvarint_size(value));
        kwire::wire::write_uvarint(out_.data() + at, value);
    }
    void put_length(const kwire::field_info& field, kwire::field_kind kind, std::size_t n) {
        if (flexible_ && !field.never_compact)
            put_varint(static_cast<std::uint32_t>(n + 1));
        else if (kind == kwire::field_kind::string)
            put(static_cast<std::int16_t>(n));
        else
            put(static_cast<std::int32_t>(n));
    }
    void put_text(const kwire::field_info& field) {
        put_length(field, kwire::field_kind::string, form_.text);
        out_.insert(out_.end(), form_.text, std::byte{'x'});
    }

    void put_struct(const kwire::struct_info& info, const std::vector<const kwire::field_info*>* path,
                    std::size_t depth, std::size_t count) {
        for (const kwire::field_info& field : info) {
            if (!field.versions.contains(version_) || field.tag >= 0) continue;
            const bool on_path = path != nullptr && depth < path->size() && &field == (*path)[depth];
            switch (field.kind) {
            case kwire::field_kind::array: {
                const bool last = on_path && depth + 1 == path->size();
                const std::size_t elements = last ? count : on_path ? 1 : 0;
                put_length(field, field.kind, elements);
                for (std::size_t i = 0; i < elements; ++i)
                    put_element(field, on_path ? path : nullptr, depth + 1, count);
                break;
            }
            case kwire::field_kind::structure:
                if (field.nullable.contains(version_)) {
                    put(static_cast<std::int8_t>(on_path ? 1 : -1));
                    if (!on_path) break;
                }
                put_struct(*field.structure, on_path ? path : nullptr, depth + 1, count);
                break;
            case kwire::field_kind::string: put_text(field); break;
            case kwire::field_kind::bytes:
            case kwire::field_kind::records: put_length(field, field.kind, 0); break;
            default: out_.resize(out_.size() + kwire::width_of(field.kind));
            }
        }
        if (!flexible_) return;
        put_varint(form_.tagged ? 1 : 0);
        if (!form_.tagged) return;
        put_varint(unknown);
        put_varint(0);
    }
    void put_element(const kwire::field_info& field, const std::vector<const kwire::field_info*>* path,
                     std::size_t depth, std::size_t count) {
        if (field.element == kwire::field_kind::structure)
            put_struct(*field.structure, path, depth, count);
        else if (field.element == kwire::field_kind::string)
            put_text(field);
        else
            out_.resize(out_.size() + kwire::width_of(field.element));
    }

    std::vector<std::byte> out_;
    int version_;
    bool flexible_;
    form form_;
};

/// Calls `f(path)` for every array at `version`, with the fields that lead to it, itself the last.
template <class F>
void each_array(const kwire::struct_info& info, int version, F& f,
                std::vector<const kwire::field_info*> path = {}) {
    for (const kwire::field_info& field : info) {
        if (!field.versions.contains(version) || field.tag >= 0) continue;
        path.push_back(&field);
        if (field.kind == kwire::field_kind::array) f(std::as_const(path));
        if (field.structure != nullptr) each_array(*field.structure, version, f, path);
        path.pop_back();
    }
}

} // namespace support

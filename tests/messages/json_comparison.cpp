#include "messages/json_comparison.hpp"

#include <array>
#include <bit>
#include <cctype>
#include <cmath>
#include <functional>
#include <limits>

namespace support {

namespace {

/// `isrNodes` in kwire's form: `isr_nodes`.
std::string snake(std::string_view key) {
    const auto lower = [&](std::size_t i) { return i < key.size() && std::islower(key[i]) != 0; };
    const auto upper = [&](std::size_t i) { return i < key.size() && std::isupper(key[i]) != 0; };
    std::string out;
    for (std::size_t i = 0; i < key.size(); ++i) {
        const bool after_small = i != 0 && (lower(i - 1) || std::isdigit(key[i - 1]) != 0);
        if (i != 0 && upper(i) && (after_small || (upper(i - 1) && lower(i + 1)))) out += '_';
        out += static_cast<char>(std::tolower(key[i]));
    }
    return out;
}

std::string base64(std::span<const std::byte> bytes) {
    static constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t three = 0;
        for (std::size_t j = 0; j < 3; ++j)
            three = three << 8 | (i + j < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i + j]) : 0U);
        for (std::size_t j = 0; j < 4; ++j)
            out += i + j <= bytes.size() ? digits[three >> (18 - 6 * j) & 63] : '=';
    }
    return out;
}

std::string url_base64(const kwire::uuid& id) {
    std::string out = base64(id.bytes).substr(0, 22);
    for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
    return out;
}

bool within(std::span<const std::byte> part, std::span<const std::byte> whole) {
    if (part.empty()) return true; // an empty part may have any address
    const std::less_equal<const std::byte*> not_after;
    return not_after(whole.data(), part.data()) &&
           not_after(part.data() + part.size(), whole.data() + whole.size());
}

} // namespace

void json_comparison::differ(const std::string& what) {
    std::string path;
    for (const level& at : levels_) {
        if (at.array) {
            path += '[' + std::to_string(at.at) + ']';
        } else if (at.field != nullptr) {
            path += (path.empty() ? "" : ".") + std::string(at.field->name);
        }
    }
    differences.push_back(path + ": " + what);
}

const kwire::field_info* json_comparison::announced() const {
    for (std::size_t i = levels_.size(); i-- > 0;)
        if (!levels_[i].array) return levels_[i].field;
    return nullptr;
}

const boost::json::value* json_comparison::take() {
    ++values;
    if (levels_.empty() || !levels_.back().array) return std::exchange(next_, nullptr);
    level& array = levels_.back();
    if (array.json == nullptr || array.at >= array.json->as_array().size()) {
        differ("an element too many");
        return nullptr;
    }
    return &array.json->as_array()[array.at++];
}

void json_comparison::begin_struct(const kwire::struct_info&, int version, std::span<const std::byte> bytes) {
    const bool root = levels_.empty();
    const boost::json::value* json = take();
    if (json != nullptr && !json->is_object()) {
        differ("not null, but a struct");
        json = nullptr;
    }
    if (json == nullptr && announced() != nullptr && announced()->null_default)
        differ("a struct where the default is null");
    std::span<const std::byte> around = body_;
    for (const level& outer : levels_)
        if (!outer.array) around = outer.bytes;
    if (root && (bytes.size() != body_.size() || !within(bytes, body_)))
        differ("covers " + std::to_string(bytes.size()) + " bytes of " + std::to_string(body_.size()));
    if (json != nullptr && !within(bytes, around)) differ("lies outside the enclosing struct");
    level& here = levels_.emplace_back();
    here.json = json;
    here.version = version;
    here.bytes = bytes;
}

void json_comparison::field(const kwire::field_info& info) {
    level& here = levels_.back();
    here.field = &info;
    next_ = nullptr;
    if (here.json == nullptr) return; // a struct of defaults
    const boost::json::object& object = here.json->as_object();
    if (here.at < object.size() && snake((object.begin() + here.at)->key()) == info.name) {
        if (!info.versions.contains(here.version)) differ("is in the JSON, but not in this version");
        next_ = &(object.begin() + here.at++)->value();
    } else if (info.versions.contains(here.version) && info.tag < 0) {
        differ("is not in the JSON");
    }
}

void json_comparison::unknown_tag(const kwire::unknown_tag_view& tag) {
    ++unknown_tags;
    if (levels_.back().json == nullptr) differ("an unknown tag in a struct of defaults");
    if (!within(tag.payload, body_)) differ("an unknown tag outside the message");
}

void json_comparison::end_struct() {
    level& here = levels_.back();
    here.field = nullptr;
    if (here.json != nullptr && here.at != here.json->as_object().size())
        differ("the JSON has a field `" + std::string((here.json->as_object().begin() + here.at)->key()) +
               "` that the view does not show here");
    levels_.pop_back();
}

void json_comparison::null() {
    const boost::json::value* json = take();
    if (json != nullptr ? !json->is_null() : !announced()->null_default) differ("null");
}

void json_comparison::boolean(bool value) {
    const boost::json::value* json = take();
    if (json != nullptr ? !json->is_bool() || json->as_bool() != value
                        : announced()->default_number != (value ? 1 : 0))
        differ(value ? "true" : "false");
}

void json_comparison::integer(std::int64_t value) {
    const boost::json::value* json = take();
    if (json != nullptr ? !json->is_int64() || json->as_int64() != value
                        : announced()->default_number != value)
        differ(std::to_string(value));
}

void json_comparison::real(double value) {
    const boost::json::value* json = take();
    double expected = 0;
    if (json != nullptr) {
        boost::system::error_code error;
        expected = json->to_number<double>(error);
        if (error) differ("a number");
    }
    // Boost.JSON 1.81 may read a number with an error of one unit in the last place; the comparison of bytes
    // is exact.
    const bool near = std::isfinite(value) && (std::nextafter(expected, value) == value);
    if ((!near && value != expected) || std::signbit(value) != std::signbit(expected))
        differ(std::to_string(value));
}

void json_comparison::id(const kwire::uuid& value) {
    const boost::json::value* json = take();
    if (json != nullptr ? !json->is_string() || json->as_string() != url_base64(value)
                        : value != kwire::uuid{})
        differ(url_base64(value));
}

void json_comparison::text(std::string_view value) {
    const boost::json::value* json = take();
    if (json != nullptr ? !json->is_string() || json->as_string() != value
                        : announced()->null_default || announced()->default_text != value)
        differ('"' + std::string(value) + '"');
}

void json_comparison::bytes(std::span<const std::byte> value) {
    const boost::json::value* json = take();
    if (json != nullptr ? !json->is_string() || json->as_string() != base64(value)
                        : announced()->null_default || !value.empty())
        differ("bytes " + base64(value));
}

void json_comparison::begin_array(std::size_t size) {
    const boost::json::value* json = take();
    if (json != nullptr && !json->is_array()) {
        differ("not null, but an array");
        json = nullptr;
    } else if (json != nullptr ? json->as_array().size() != size : announced()->null_default || size != 0) {
        differ("an array of " + std::to_string(size));
    }
    level& here = levels_.emplace_back();
    here.json = json;
    here.array = true;
}

void json_comparison::end_array() {
    const level& here = levels_.back();
    if (here.json != nullptr && here.at != here.json->as_array().size()) differ("an array that ends early");
    levels_.pop_back();
}

} // namespace support

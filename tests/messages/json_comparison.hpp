/// Compares a view, field by field, with the JSON that Kafka's converter wrote for the same bytes.
#pragma once

#include <boost/json/value.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "messages/show.hpp"

namespace support {

/// Pass it to a message_type's read(), then check `differences`.
///
/// It requires that every key of the JSON belongs to a field, in the schema's order, and has the field's
/// value; that a field without a key is not in the version, or is tagged, and shows its default, including
/// the fields of structs; and that every struct's bytes lie within those of the enclosing struct.
class json_comparison final : public sink {
public:
    json_comparison(const boost::json::value& expected, std::span<const std::byte> body)
        : next_(&expected), body_(body) {}

    std::vector<std::string> differences; ///< "topics[0].name: ..."
    std::size_t values = 0;               ///< numbers, strings and so on that were compared
    std::size_t unknown_tags = 0;

    void begin_struct(const kwire::struct_info& info, int version, std::span<const std::byte> bytes) override;
    void field(const kwire::field_info& info) override;
    void unknown_tag(const kwire::unknown_tag_view& tag) override;
    void end_struct() override;
    void null() override;
    void boolean(bool value) override;
    void integer(std::int64_t value) override;
    void real(double value) override;
    void id(const kwire::uuid& value) override;
    void text(std::string_view value) override;
    void bytes(std::span<const std::byte> value) override;
    void begin_array(std::size_t size) override;
    void end_array() override;

private:
    /// A struct or an array that is being compared.
    struct level {
        const boost::json::value* json = nullptr; ///< nullptr where defaults are expected
        std::size_t at = 0;                       ///< the number of its members or elements compared so far
        bool array = false;
        int version = -1;
        std::span<const std::byte> bytes; ///< of a struct
        const kwire::field_info* field = nullptr;
    };

    void differ(const std::string& what);
    [[nodiscard]] const boost::json::value* take();
    [[nodiscard]] const kwire::field_info* announced() const;

    const boost::json::value* next_; ///< the expected next value; nullptr: the default
    std::span<const std::byte> body_;
    std::vector<level> levels_;
};

} // namespace support

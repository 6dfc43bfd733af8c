/// A message in which changes from version to version what can change: fields come and go, become nullable
/// and cease to be, get tags, defaults and structs of their own. No message of Kafka has all of it (yet).
///
/// Its bytes are written down by hand, with what a view must show of them, so that nothing in the library
/// decides what is right.
#pragma once

#include <kwire/messages/detail/view.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "messages/show.hpp"
#include "support/bytes.hpp"

namespace support {

/// Flexible from version 3 on.
struct changing : private kwire::vocabulary {
    static constexpr kwire::message_facts facts{"Changing", -1, {0, 5}, 3};
    struct inner {
        template <class M = changing>
        static constexpr kwire::field_list<M, 3> fields{{{"number", int32, since(0), defaults_to(-1)},
                                                         {"text", string, since(2), defaults_to("none")},
                                                         {"level", int8, since(3), tag(0), defaults_to(9)}}};
        template <int V>
        struct basic_view : kwire::struct_view<inner, V> {};
        using view = basic_view<kwire::any_version>;
    };
    template <class M = changing>
    static constexpr kwire::field_list<M, 12, inner, inner, inner> fields{
        {{"name", string, since(0), nullable_between(1, 3)},
         {"count", int32, between(2, 4), defaults_to(7)},
         {"numbers", array(int32), since(0), nullable_between(0, 3)},
         {"names", array(string), between(0, 4)},
         {"key", bytes, since(2), nullable_since(4)},
         {"classic", string, between(0, 4), never_compact},
         {"inner", structure<inner>(), since(0), nullable_between(2, 4)},
         {"flag", boolean, since(0)},
         {"tagged_text", string, since(3), tag(0), nullable_since(5), defaults_to("none")},
         {"tagged_numbers", array(int32), only(4), tag(1)},
         {"tagged_inner", structure<inner>(), since(4), tag(2), nullable_since(4)},
         {"late", structure<inner>(), since(4)}}};
    template <int V>
    struct basic_view : kwire::struct_view<changing, V> {};
    using view = basic_view<kwire::any_version>;
};

struct changing_body {
    int version;
    std::string_view hex;
    std::string_view shown; ///< by `line`
    bool lenient = false;   ///< has null where its version has none: `parse_options::null_as_empty` is needed
};

inline constexpr std::array changing_bodies{
    changing_body{
        0, "0001 61  00000002 00000005 00000006  00000002 0001 62 0000  0001 63  00000007  02",
        "name=a count=7 numbers=[5 6] names=[b ''] key='' classic=c inner={number=7 text=none level=9} "
        "flag=true tagged_text=none tagged_numbers=[] "
        "tagged_inner={number=-1 text=none level=9} late={number=-1 text=none level=9}"},
    changing_body{
        0, "0000  ffffffff  00000000  0000  00000000  00",
        "name='' count=7 numbers=null names=[] key='' classic='' inner={number=0 text=none level=9} "
        "flag=false tagged_text=none tagged_numbers=[] "
        "tagged_inner={number=-1 text=none level=9} late={number=-1 text=none level=9}"},
    changing_body{
        0, "ffff  ffffffff  00000001 ffff  ffff  00000000  00",
        "name='' count=7 numbers=null names=[''] key='' classic='' inner={number=0 text=none level=9} "
        "flag=false tagged_text=none tagged_numbers=[] "
        "tagged_inner={number=-1 text=none level=9} late={number=-1 text=none level=9}",
        true},
    changing_body{1, "ffff  00000000  00000000  0001 63  00000007  ff",
                  "name=null count=7 numbers=[] names=[] key='' classic=c inner={number=7 text=none level=9} "
                  "flag=true tagged_text=none tagged_numbers=[] "
                  "tagged_inner={number=-1 text=none level=9} late={number=-1 text=none level=9}"},
    changing_body{2, "0001 61  00000009  ffffffff  00000000  00000003 010203  0000  ff  00",
                  "name=a count=9 numbers=null names=[] key=010203 classic='' inner=null "
                  "flag=false tagged_text=none tagged_numbers=[] "
                  "tagged_inner={number=-1 text=none level=9} late={number=-1 text=none level=9}"},
    changing_body{2, "ffff  00000009  00000000  00000000  00000000  0000  01 00000007 0001 74  01",
                  "name=null count=9 numbers=[] names=[] key='' classic='' inner={number=7 text=t level=9} "
                  "flag=true tagged_text=none tagged_numbers=[] "
                  "tagged_inner={number=-1 text=none level=9} late={number=-1 text=none level=9}"},
    changing_body{
        2, "ffff  00000009  ffffffff  ffffffff  ffffffff  ffff  01 00000007 ffff  01",
        "name=null count=9 numbers=null names=[] key='' classic='' inner={number=7 text='' level=9} "
        "flag=true tagged_text=none tagged_numbers=[] "
        "tagged_inner={number=-1 text=none level=9} late={number=-1 text=none level=9}",
        true},
    changing_body{3,
                  "02 61  00000009  03 00000005 00000006  03 02 62 01  04 010203  0001 63  "
                  "01 00000007 02 74 01 00 01 05  01  01 00 02 02 78",
                  "name=a count=9 numbers=[5 6] names=[b ''] key=010203 classic=c "
                  "inner={number=7 text=t level=5} flag=true tagged_text=x tagged_numbers=[] "
                  "tagged_inner={number=-1 text=none level=9} late={number=-1 text=none level=9}"},
    changing_body{3, "00  00000009  00  01  01  0000  ff  00  01 03 01 aa",
                  "name=null count=9 numbers=null names=[] key='' classic='' inner=null "
                  "flag=false tagged_text=none tagged_numbers=[] "
                  "tagged_inner={number=-1 text=none level=9} late={number=-1 text=none level=9} #3=aa"},
    changing_body{3, "00  00000009  00  00  00  ffff  ff  00  01 00 01 00",
                  "name=null count=9 numbers=null names=[] key='' classic='' inner=null "
                  "flag=false tagged_text='' tagged_numbers=[] "
                  "tagged_inner={number=-1 text=none level=9} late={number=-1 text=none level=9}",
                  true},
    changing_body{
        4,
        "02 61  00000009  02 00000005  01  00  0000  ff  00  00000003 02 6c 00  "
        "03 00 02 02 78 01 05 02 00000008 02 07 01 00000004 01 00",
        "name=a count=9 numbers=[5] names=[] key=null classic='' inner=null flag=false tagged_text=x "
        "tagged_numbers=[8] tagged_inner={number=4 text='' level=9} "
        "late={number=3 text=l level=9}"},
    changing_body{
        4, "00  00000009  00  02 00  01  0000  01 00000001 00 00  00  00000003 00 00  02 00 01 00 01 01 00",
        "name='' count=9 numbers=[] names=[''] key='' classic='' "
        "inner={number=1 text='' level=9} flag=false tagged_text='' tagged_numbers=[] "
        "tagged_inner={number=-1 text=none level=9} late={number=3 text='' level=9}",
        true},
    changing_body{5, "02 61  02 00000005  02 aa  00000007 01 00  01  00000003 02 6c 00  02 00 01 00 02 01 00",
                  "name=a count=7 numbers=[5] names=[] key=aa classic='' inner={number=7 text='' level=9} "
                  "flag=true tagged_text=null tagged_numbers=[] tagged_inner=null "
                  "late={number=3 text=l level=9}"},
    changing_body{5, "00  00  00  00000007 00 00  01  00000003 02 6c 00  00",
                  "name='' count=7 numbers=[] names=[] key=null classic='' inner={number=7 text='' level=9} "
                  "flag=true tagged_text=none tagged_numbers=[] "
                  "tagged_inner={number=-1 text=none level=9} late={number=3 text=l level=9}",
                  true},
};

/// Writes what it is shown as one line, without the braces of the message itself.
class line final : public sink {
public:
    [[nodiscard]] std::string_view written() const {
        return std::string_view(written_).substr(1, written_.size() - 2);
    }

    void begin_struct(const kwire::struct_info&, int, std::span<const std::byte>) override { word("{"); }
    void field(const kwire::field_info& info) override { word(std::string(info.name) + "="); }
    void unknown_tag(const kwire::unknown_tag_view& tag) override {
        word("#" + std::to_string(tag.number) + "=");
        bytes(tag.payload);
    }
    void end_struct() override { written_ += '}'; }
    void null() override { word("null"); }
    void boolean(bool value) override { word(value ? "true" : "false"); }
    void integer(std::int64_t value) override { word(std::to_string(value)); }
    void real(double value) override { word(std::to_string(value)); }
    void id(const kwire::uuid& value) override { bytes(value.bytes); }
    void text(std::string_view value) override { word(value.empty() ? "''" : value); }
    void bytes(std::span<const std::byte> value) override {
        word(value.empty() ? "''" : kwire::test::to_hex(value));
    }
    void begin_array(std::size_t) override { word("["); }
    void end_array() override { written_ += ']'; }

private:
    void word(std::string_view next) {
        if (!written_.empty() && std::string_view("{[=").find(written_.back()) == std::string_view::npos)
            written_ += ' ';
        written_ += next;
    }
    std::string written_;
};

} // namespace support

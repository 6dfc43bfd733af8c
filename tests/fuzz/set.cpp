/// libFuzzer: random sets in place of every field that a message shows. Each value must be shown afterwards,
/// no byte outside the field may change, the message must stay valid, and what cannot be set must be refused
/// and change nothing.
#include <kwire/reflect/set.hpp>

#include <algorithm>
#include <bit>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "fuzz/insist.hpp"
#include "fuzz/message_input.hpp"
#include "fuzz/model.hpp"
#include "messages/digest.hpp"

namespace {

using kwire::dynamic_value;
using kwire::dynamic_view;
using kwire::field_kind;
using support::insist;
using message = kwire::editable<kwire::dynamic>;

std::uint64_t content_of(const dynamic_view& view) {
    support::digest seen;
    support::show_dynamic(view, seen);
    return seen.value();
}

/// The range of an integer of that kind.
std::pair<std::int64_t, std::int64_t> range_of(field_kind kind) {
    const auto of = []<class T>(T) {
        return std::pair(std::int64_t{std::numeric_limits<T>::min()},
                         std::int64_t{std::numeric_limits<T>::max()});
    };
    switch (kind) {
    case field_kind::boolean: return {0, 1};
    case field_kind::int8: return of(std::int8_t{});
    case field_kind::int16: return of(std::int16_t{});
    case field_kind::uint16: return of(std::uint16_t{});
    case field_kind::int32: return of(std::int32_t{});
    case field_kind::uint32: return of(std::uint32_t{});
    default: return of(std::int64_t{});
    }
}

class setter {
public:
    setter(message& target, support::choices& from) : target_(target), from_(from) {}

    void visit(const dynamic_view& view) {
        for (const dynamic_value value : view.fields()) visit(value);
    }

private:
    void visit(const dynamic_value& value) {
        if (value.is_null()) return;
        if (value.kind() == field_kind::structure) return visit(value.structure());
        if (value.kind() == field_kind::array) {
            for (const dynamic_value element : value.elements()) visit(element);
            return;
        }
        if (!from_.empty() && from_.byte() % 4 != 0) set(value);
    }

    void set(const dynamic_value& value) {
        const std::vector<std::byte> before(target_.bytes().begin(), target_.bytes().end());
        bool fits = value.present();
        kwire::expected<void, kwire::error> done;
        bool shown = false;
        switch (value.kind()) {
        case field_kind::float64: {
            const auto real = std::bit_cast<double>(from_.number(8));
            done = kwire::set(target_, value, real);
            shown = std::bit_cast<std::uint64_t>(value.real()) == std::bit_cast<std::uint64_t>(real);
            break;
        }
        case field_kind::uuid: {
            kwire::uuid id;
            for (std::byte& b : id.bytes) b = static_cast<std::byte>(from_.byte());
            done = kwire::set(target_, value, id);
            shown = value.id() == id;
            break;
        }
        case field_kind::string:
        case field_kind::bytes:
        case field_kind::records:
            fits = false;
            done = kwire::set(target_, value, from_.byte());
            break;
        default: {
            const auto number = static_cast<std::int64_t>(from_.number(from_.between(1, 8)));
            const auto [least, most] = range_of(value.kind());
            fits = fits && least <= number && number <= most;
            done = kwire::set(target_, value, number);
            shown = value.number() == number;
        }
        }
        insist(done.has_value() == fits, "what fits and is there can be set, and nothing else",
               done ? std::string() : std::string(kwire::describe(done.error())));
        const auto after = target_.bytes();
        if (!fits)
            return insist(std::ranges::equal(before, after) && done.error().depth == 1 &&
                              done.error().path[0].field == value.info().name,
                          "a refusal names the field and changes nothing");
        insist(shown, "a value that was set is shown");
        std::size_t first = 0, last = before.size();
        while (first < last && before[first] == after[first]) ++first;
        while (last > first && before[last - 1] == after[last - 1]) --last;
        insist(last - first <= kwire::width_of(value.kind()), "only the bytes of the field have changed");
    }

    message& target_;
    support::choices& from_;
};

void check(const support::message_input& in) {
    const auto options = support::options_of(in.knob & 63U);
    auto parsed = kwire::parse(*in.info, kwire::shared_buffer::copy_of(in.body), in.version, options);
    if (!parsed) return;
    if (kwire::parse_view(*in.info, in.body, in.version)) support::note_read(*in.info, in.version);
    const std::size_t size = in.body.size();
    const bool shared = (in.knob & 64) != 0;
    const kwire::shared_buffer other_holder = shared ? (*parsed).buffer() : kwire::shared_buffer();
    if (shared && !other_holder.empty()) {
        const auto refused = kwire::edit(*std::move(parsed));
        insist(!refused && refused.error() == kwire::errc::buffer_shared, "shared bytes are not written to");
    }
    auto target = kwire::edit(*std::move(parsed), kwire::if_shared::copy);
    if (!target) return insist(in.body.empty(), "a message of its own can be edited");

    // The values come from the body, turned by a knob so that they are not always those that were there.
    std::vector<std::byte> program(in.body.rbegin(), in.body.rend());
    program.resize(std::max<std::size_t>(program.size(), 64), static_cast<std::byte>(in.second_knob));
    for (std::byte& b : program) b ^= static_cast<std::byte>(in.second_knob);
    support::choices from(program);
    setter(*target, from).visit((*target).view());

    const std::uint64_t shown = content_of((*target).view());
    const auto frozen = std::move(*target).freeze();
    insist(frozen.buffer().size() == size, "the size stays");
    const auto again = kwire::parse(*in.info, frozen.buffer(), in.version, options);
    insist(again.has_value(), "what was set is still valid",
           again ? std::string() : std::string(kwire::describe(again.error())));
    insist(content_of(**again) == shown, "it is read as it was shown");
    if (shared)
        insist(std::ranges::equal(other_holder.span(), in.body), "other holders see what they saw before");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto input = support::read_input(std::as_bytes(std::span(data, size)));
    if (!input) return -1;
    check(*input);
    return 0;
}

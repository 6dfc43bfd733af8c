/// How many bytes of memory a byte of a message can become: the factor that write/to_data.hpp and docs name.
///
/// Found from the types of all requests and responses; data_limits.test.cpp measures some of them.
#include <kwire/messages/all.hpp>
#include <kwire/messages/apis.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace {

using kwire::child_of;
using kwire::field_info;
using kwire::field_kind;
using kwire::detail::struct_layout;
using kwire::detail::tables_of;

/// Memory, and the bytes of the message that it is for.
struct cost {
    double memory = 0;
    double bytes = 0;
    [[nodiscard]] double ratio() const { return memory / bytes; }
    void add_if_worse(const cost& more) {
        if ((memory + more.memory) / (bytes + more.bytes) > ratio()) {
            memory += more.memory;
            bytes += more.bytes;
        }
    }
};

struct worst_case {
    cost most;
    std::string where;
};

/// One element of an array of `S`, as short as can be and then with everything that takes more memory per
/// byte than it has so far: a first element of a list that may be null, whose vector lies elsewhere, or an
/// unknown tag.
template <class S>
cost element_of(std::size_t version_index, worst_case& worst, const std::string& path) {
    const struct_layout& layout = tables_of<S>::layouts[version_index];
    cost one{static_cast<double>(sizeof(typename S::data)), static_cast<double>(layout.min_size)};
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        const auto add = [&]<std::size_t At>(std::integral_constant<std::size_t, At>) {
            constexpr const field_info& field = tables_of<S>::fields[At];
            if (!field.versions.contains(layout.version)) return;
            const std::string name = path + '.' + std::string(field.name);
            cost element;
            if constexpr (field.element == field_kind::structure) {
                element = element_of<child_of<S, At>>(version_index, worst, name);
            } else if constexpr (field.element == field_kind::string) {
                element = {static_cast<double>(sizeof(std::string)), layout.flexible ? 1.0 : 2.0};
            } else if constexpr (field.kind == field_kind::array) {
                element = {0, static_cast<double>(kwire::width_of(field.element))};
            }
            if constexpr (field.kind == field_kind::array) {
                if (element.ratio() > worst.most.ratio() || worst.most.bytes == 0)
                    worst = {element, name + " v" + std::to_string(layout.version)};
                if (!field.nullable.empty()) element.memory += sizeof(std::vector<int>);
                one.add_if_worse(element);
            }
        };
        (add(std::integral_constant<std::size_t, I>{}), ...);
    }(std::make_index_sequence<kwire::detail::field_count<S>>{});
    if (layout.flexible) one.add_if_worse({sizeof(std::vector<int>) + sizeof(kwire::unknown_tag), 2});
    return one;
}

template <class... M>
worst_case worst_of(kwire::message_list<M...>) {
    worst_case worst;
    const auto look = [&]<class One>(const One*) {
        for (std::size_t i = 0; i < std::size(tables_of<One>::layouts); ++i)
            static_cast<void>(element_of<One>(i, worst, std::string(One::facts.name)));
    };
    (look(static_cast<const M*>(nullptr)), ...);
    return worst;
}

} // namespace

TEST_CASE("data takes at most 46 times the bytes of a request or a response") {
    const worst_case requests = worst_of(kwire::all_requests{});
    const worst_case responses = worst_of(kwire::all_responses{});
    WARN(requests.where << ": " << requests.most.ratio() << ", " << responses.where << ": "
                        << responses.most.ratio());
    CHECK(requests.most.ratio() <= 46);
    CHECK(responses.most.ratio() <= 46);
    CHECK(requests.most.ratio() > 20);
}

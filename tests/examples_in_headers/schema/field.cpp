#include <kwire/messages/detail/view.hpp>
#include <kwire/schema/field.hpp>

struct metadata_request : private kwire::vocabulary {
    static constexpr kwire::message_facts facts{"MetadataRequest", 3, {0, 13}, 9};
    template <class M, std::size_t N, class... Children>
    using field_list = kwire::field_list<M, N, Children...>;
    struct topic {
        template <class M = metadata_request>
        static constexpr field_list<M, 1> fields{{{"name", string, since(0)}}};
    };
    // example 1
};

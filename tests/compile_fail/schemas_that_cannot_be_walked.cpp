/// Field lists with which a walk could read out of bounds: the compiler refuses them, so a new schema fails
/// when it is compiled and not when hostile bytes arrive.
#include <kwire/messages/detail/view.hpp>

#ifndef KWIRE_MUST_FAIL
#define KWIRE_MUST_FAIL 0
#endif

struct message : private kwire::vocabulary {
    static constexpr kwire::message_facts facts{"Message", -1, {0, 1}, 1};
    struct innermost {
        template <class M = message>
        static constexpr kwire::field_list<M, 1> fields{{{"number", int32, since(0)}}};
    };
    struct inner {
        template <class M = message>
#if KWIRE_MUST_FAIL == 1
        // expect: an array whose elements take no bytes can have any count
        static constexpr kwire::field_list<M, 1> fields{
            { { "number",
                int32,
                since(1) } }};
#elif KWIRE_MUST_FAIL == 2
        // expect: bytes_of cannot tell defaults inside of defaults
        static constexpr kwire::field_list<M, 1, innermost> fields{
            { { "child",
                structure<innermost>(),
                since(0) } }};
#elif KWIRE_MUST_FAIL == 3
        // expect: the list has fewer fields than it says
        static constexpr kwire::field_list<M, 1> fields{{}};
#elif KWIRE_MUST_FAIL == 4
        // expect: too many initializers|excess elements in
        static constexpr kwire::field_list<M, 1> fields{
            { {"number", int32, since(0)},
              { "another",
                int32,
                since(0) } }};
#elif KWIRE_MUST_FAIL == 8
        // expect: the list names one struct for each field that holds one
        static constexpr kwire::field_list<M, 1, innermost> fields{
            { { "number",
                int32,
                since(0) } }};
#else
        static constexpr kwire::field_list<M, 1> fields{{{"number", int32, since(0)}}};
#endif
    };
    template <class M = message>
    static constexpr kwire::field_list<M, 4, inner, inner> fields{{
        {"all", array<inner>(), since(0)},
#if KWIRE_MUST_FAIL == 5
        // expect: tags are 0, 1, 2\.\.\. and in flexible versions only
        {"early", int32, since(0), tag(0)},
        {"right", int32, since(1), tag(1)},
#elif KWIRE_MUST_FAIL == 6
        // expect: tags are 0, 1, 2\.\.\. and in flexible versions only
        {"late", int32, since(1), tag(1)},
        {"later", int32, since(1), tag(2)},
#elif KWIRE_MUST_FAIL == 7
        // expect: tags are 0, 1, 2\.\.\. and in flexible versions only
        {"first", int32, since(1), tag(0)},
        {"second", int32, since(1), tag(0)},
#else
        {"right", int32, since(1), tag(0)},
        {"next", int32, since(1), tag(1)},
#endif
        {"one", structure<inner>(), since(1)},
    }};
};

std::size_t fields_of_message() { return kwire::info_of<message>.fields.size(); }

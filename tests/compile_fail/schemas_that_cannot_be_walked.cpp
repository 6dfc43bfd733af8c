/// Field lists that would make the walks read what is not theirs: the compiler refuses them, so that a new
/// schema fails when it is generated and not when it meets hostile bytes.
#include <kwire/message.hpp>

#ifndef KWIRE_MUST_FAIL
#define KWIRE_MUST_FAIL 0
#endif

struct message : private kwire::vocabulary {
    static constexpr kwire::message_facts facts{"Message", -1, {0, 1}, 1};
    struct innermost {
        using fields = kwire::field_list<message, kwire::field<"number", int32, since(0)>>;
    };
    struct inner {
        using fields = kwire::field_list<message,
#if KWIRE_MUST_FAIL == 1
                                         // expect: an array whose elements take no bytes can have any count
                                         kwire::field<"number", int32, since(1)>>;
#elif KWIRE_MUST_FAIL == 2
                                         // expect: bytes_of cannot tell defaults inside of defaults
                                         kwire::field<"child", structure<innermost>, since(0)>>;
#else
                                         kwire::field<"number", int32, since(0)>>;
#endif
    };
    using fields = kwire::field_list<message, kwire::field<"all", array<inner>, since(0)>,
#if KWIRE_MUST_FAIL == 3
                                     // expect: tags are 0, 1, 2\.\.\. and in flexible versions only
                                     kwire::field<"early", int32, since(0), tag(0)>,
#elif KWIRE_MUST_FAIL == 4
                                     // expect: tags are 0, 1, 2\.\.\. and in flexible versions only
                                     kwire::field<"late", int32, since(1), tag(1)>,
#elif KWIRE_MUST_FAIL == 5
                                     // expect: tags are 0, 1, 2\.\.\. and in flexible versions only
                                     kwire::field<"first", int32, since(1), tag(0)>,
                                     kwire::field<"second", int32, since(1), tag(0)>,
#else
                                     kwire::field<"right", int32, since(1), tag(0)>,
#endif
                                     kwire::field<"one", structure<inner>, since(1)>>;
};

std::size_t fields_of_message() { return kwire::info_of<message>.field_count; }

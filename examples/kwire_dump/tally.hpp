/// The records and errors of messages, without what they are about: all that sums over a capture need.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "message.hpp"
#include "summary.hpp"

namespace dump {

/// Remembers for each kind of message in which fields there can be records or errors, and looks at no others.
class tally {
public:
    /// Adds the records of a message and, if there is one, an error: not of which topic it is. An error of
    /// reading is kept in `message`. @pre all of the message is there
    void add(seen_message& message, summary& to);

private:
    /// The fields of a struct that have records or errors, or structs in which there are some.
    struct fields {
        struct one {
            std::size_t number;
            const fields* inner; ///< of structs
        };
        std::vector<one> all;
    };

    const fields& fields_of(const kwire::struct_info& structure);
    static void walk(const kwire::dynamic_view& in, const fields& chosen, summary& to);

    std::map<const kwire::struct_info*, std::unique_ptr<fields>> known_;
};

} // namespace dump

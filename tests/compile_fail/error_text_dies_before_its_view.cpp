/// The text of an error lives in the object: a view of a temporary would dangle.
#include <kwire/error.hpp>

std::size_t length(const kwire::error& e) {
    const auto text = kwire::describe(e);
    std::string_view view = text.view();
#if KWIRE_MUST_FAIL == 1
    // expect: use of deleted function|attempt to use a deleted function|call to deleted member function
    view = kwire::describe(e).view();
#endif
    return view.size();
}

// needs: asio
#include <kwire/asio/serve_budget.hpp>
#include <kwire/asio/serve_options.hpp>

void example(kwire::serve_options& options) {
    // example 1
}

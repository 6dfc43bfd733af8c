#include "use_headers.hpp"

seen use_headers_again();

int main() {
    const seen here = use_headers();
    const bool used = !here.text.empty() && here.found != nullptr && here.size("orders") != 0;
    return used && here == use_headers_again() ? 0 : 1;
}

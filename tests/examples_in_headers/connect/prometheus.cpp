#include <kwire/connect/prometheus.hpp>

void example(const kwire::counting_metrics& counted) {
    // example 1
}

void listeners(const kwire::counting_metrics& one, const kwire::counting_metrics& other) {
    // example 2
}

#include "echo_broker/network/session.hpp"

namespace echo_broker {

void detail::report_end(const broker& here, const client& from, const kwire::serve_report& end) {
    if (here.stopping) return; // the broker has cut it short
    if (end.why == kwire::serve_stop::silent)
        report(from.address, "closed: " + end.reason);
    else if (end.refusal)
        report(from.address, refusal(*end.refusal));
    else if (end.why == kwire::serve_stop::refused || end.why == kwire::serve_stop::hung_up)
        report(from.address, end.reason);
}

} // namespace echo_broker

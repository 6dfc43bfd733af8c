// SaslHandshake and SaslAuthenticate of a client that has authenticated, or need not: see network/sasl.hpp
// for the others.
#include <kwire/messages/sasl_authenticate.hpp>
#include <kwire/messages/sasl_handshake.hpp>

#include "echo_broker/broker.hpp"
#include "echo_broker/cluster/handlers.hpp"

namespace echo_broker {

kwire::sasl_handshake_response::data
sasl_handshake(broker&, const kwire::message<kwire::sasl_handshake_request>&, client&) {
    return {.error_code = error_code::illegal_sasl_state};
}

kwire::sasl_authenticate_response::data
sasl_authenticate(broker&, const kwire::message<kwire::sasl_authenticate_request>&, client&) {
    return {.error_code = error_code::illegal_sasl_state,
            .error_message = "this connection needs no authentication any more"};
}

} // namespace echo_broker

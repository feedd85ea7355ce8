#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/crypto/aes.hpp>
#include <cafegram/protocol/framing.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace cafegram::protocol {

/// The 64 octets that open an obfuscated2 connection: random(56) tag(4) dc:int16 random(2), of
/// which the last 8 are encrypted. Spec: "Transport obfuscation".
using obfuscation_header = std::array<std::uint8_t, 64>;

/// Both directions of an obfuscated connection, behind the header.
struct obfuscated_streams {
  crypto::aes_ctr outgoing;
  crypto::aes_ctr incoming;
};

/// True unless the header's plain beginning could be taken for another transport.
bool usable_obfuscation(const obfuscation_header& plain);

/// A fresh plain header.
obfuscation_header make_obfuscation(framing kind, std::int16_t dc, random_source& random);

/// The client's streams for a plain header, whose last 8 octets are encrypted for sending.
obfuscated_streams start_obfuscation(obfuscation_header& header,
                                     const std::optional<proxy_secret>& secret);

/// What a server reads out of a header that it received.
struct accepted_obfuscation {
  obfuscated_streams streams;
  framing kind;
  std::int16_t dc;
};

/// Empty when the header names no framing: not an obfuscated connection, or another secret.
std::optional<accepted_obfuscation> accept_obfuscation(const obfuscation_header& received,
                                                       const std::optional<proxy_secret>& secret);

} // namespace cafegram::protocol

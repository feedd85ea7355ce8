#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/base/error.hpp>

#include <span>
#include <string>
#include <string_view>

namespace cafegram::protocol {

/// A ClientHello as a browser sends it, in its TLS record, with a `random` of zeros; 517 octets
/// for every domain of at most `max_fake_domain`. RFC 8446 section 4.1.2, RFC 8701 (GREASE).
bytes make_client_hello(std::string_view domain, random_source& random);

/// Where `random` lies in the record of a ClientHello or ServerHello.
constexpr std::size_t hello_random_at = 11;
constexpr std::size_t hello_random_size = 32;

/// What a server reads out of a ClientHello. Views lie in the record.
struct client_hello {
  std::span<const std::uint8_t, hello_random_size> random;
  bytes_view session_id;   ///< at most 32 octets
  std::uint16_t cipher;    ///< the first of TLS 1.3 that is offered
  std::string_view domain; ///< of `server_name`; empty for none
};

/// Reads one whole record. Errors: `malformed`.
result<client_hello> read_client_hello(bytes_view record);

} // namespace cafegram::protocol

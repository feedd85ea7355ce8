#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/protocol/client_hello.hpp>
#include <cafegram/protocol/proxy.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

// Fake TLS of MTProxy (secrets that begin with `ee`): a ClientHello whose `random` proves the
// secret, a ServerHello whose `random` answers it, and application data records around the
// obfuscated transport. Nothing in it is encrypted by TLS.
//
//     client random = HMAC-SHA256(secret, hello with zeros in the place of random),
//                     the last 4 octets XOR unix time (little-endian)
//     server random = HMAC-SHA256(secret, client random + reply with zeros likewise)
namespace cafegram::protocol {

using hello_random = std::array<std::uint8_t, hello_random_size>;

/// How far a ClientHello's clock may be off: what was sent long ago may be somebody's recording.
constexpr std::chrono::seconds hello_may_be_older{600};
constexpr std::chrono::seconds hello_may_be_newer{60};

/// Writes the client's proof into its hello.
void sign_client_hello(bytes& hello, const proxy_secret& secret, wall_time now);

/// A client that knows the secret.
struct proven_hello {
  hello_random random{}; ///< for who remembers: a repeated one is a recording
  std::int64_t unix_time = 0;
};

/// The server's end until the records begin; then `server_transport` with `records` goes on.
class fake_tls_server {
public:
  fake_tls_server(mtproxy_secret secret, std::shared_ptr<random_source> random)
    : secret_{std::move(secret)}
    , random_{std::move(random)} {}

  /// Takes what came. Empty until the hello is whole. An error is final: say `refusal()` and
  /// close. Errors: `protocol_violation` (no TLS, another secret, another domain, a clock that is
  /// too far off, something behind the hello).
  result<std::optional<proven_hello>> feed(bytes_view data, wall_time now);

  /// The reply to a proven hello: ServerHello, ChangeCipherSpec, and records that look like a
  /// certificate.
  bytes accept();

  /// What a web server would say to a client that it does not like: a TLS alert; nothing to who
  /// speaks no TLS.
  bytes refusal() const;

private:
  result<std::optional<proven_hello>> judge(wall_time now);

  mtproxy_secret secret_;
  std::shared_ptr<random_source> random_;
  bytes hello_;
};

} // namespace cafegram::protocol

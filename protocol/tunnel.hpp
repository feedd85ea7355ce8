#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/protocol/proxy.hpp>

#include <memory>
#include <string>

namespace cafegram::protocol {

/// What is said to a proxy before the stream behind it is one's own; one object per connection.
/// The server behind it never speaks first: whatever comes behind the proxy's answer is an error.
class tunnel {
public:
  virtual ~tunnel() = default;

  /// What the client says first.
  virtual bytes opening() = 0;

  /// Takes what came, in any pieces, and appends to `send` what is to be said next. True once the
  /// way is open. An error is final; nothing in it is secret.
  /// Errors: `proxy`, its `number` the SOCKS reply or HTTP status where there is one.
  virtual result<bool> feed(bytes_view data, bytes& send) = 0;
};

/// Where a tunnel is to lead: a name is left to the proxy.
struct tunnel_target {
  std::string host;
  std::uint16_t port = 0;
  bytes address; ///< the 4 or 16 octets where `host` is an address; empty for a name
};

/// The talk that this proxy wants; null where it wants none (MTProxy without fake TLS). `now` is
/// the server's time as far as it is known. Errors: `bad_argument` for a target that cannot be
/// sent.
result<std::unique_ptr<tunnel>> make_tunnel(const proxy_server& proxy, const tunnel_target& target,
                                            random_source& random, wall_time now);

/// RFC 1928 and, with a user name, RFC 1929.
result<std::unique_ptr<tunnel>> make_socks5_tunnel(const proxy_server& proxy,
                                                   const tunnel_target& target);
/// RFC 9110 section 9.3.6; the user name by RFC 7617.
result<std::unique_ptr<tunnel>> make_http_tunnel(const proxy_server& proxy,
                                                 const tunnel_target& target);
/// Fake TLS; see fake_tls.hpp.
std::unique_ptr<tunnel> make_fake_tls_tunnel(const mtproxy_secret& secret, random_source& random,
                                             wall_time now);

/// `second` through what `first` has opened; of two the one that is there.
std::unique_ptr<tunnel> through(std::unique_ptr<tunnel> first, std::unique_ptr<tunnel> second);

} // namespace cafegram::protocol

#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cafegram::protocol {

/// The 16 octets of an MTProxy secret, without what stands before and behind them in a link.
using proxy_secret = std::array<std::uint8_t, 16>;

/// The longest domain of fake TLS: with it a ClientHello still has its usual 517 octets.
constexpr std::size_t max_fake_domain = 182;

/// The secret of an MTProxy, and how it wants to be spoken to. Spec: "MTProxy transports".
///
///     secret(16)             obfuscated
///     dd secret(16)          obfuscated, padded intermediate framing
///     ee secret(16) domain   the same inside of what looks like TLS to this domain
struct mtproxy_secret {
  proxy_secret key{};
  bool padded = false; ///< padded intermediate framing and no other
  std::string domain;  ///< of fake TLS; empty for none

  /// Reads hexadecimal digits, or base64 of either alphabet. Errors: `bad_argument`, without the
  /// secret in it.
  static result<mtproxy_secret> parse(std::string_view text);
  /// The same from the octets themselves, such as a `dcOption` has.
  static result<mtproxy_secret> from(bytes_view octets);

  bool fake_tls() const { return !domain.empty(); }
  friend bool operator==(const mtproxy_secret&, const mtproxy_secret&) = default;
};

enum class proxy_kind : std::uint8_t { mtproxy, socks5, http };

/// A proxy and what it wants to know. Holds secrets: print it by `to_string` alone.
struct proxy_server {
  proxy_kind kind = proxy_kind::socks5;
  std::string host; ///< a name or an address of either family
  std::uint16_t port = 0;
  std::string user; ///< SOCKS5 and HTTP; empty for none
  std::string password;
  mtproxy_secret secret; ///< MTProxy alone

  /// Reads what people pass around, and URLs:
  ///
  ///     tg://proxy?server=HOST&port=N&secret=S      https://t.me/proxy?...
  ///     tg://socks?server=HOST&port=N&user=U&pass=P https://t.me/socks?...
  ///     socks5://[USER[:PASSWORD]@]HOST:PORT        http://[USER[:PASSWORD]@]HOST:PORT
  ///
  /// Errors: `bad_argument`, naming the part that is wrong and no secret.
  static result<proxy_server> parse(std::string_view link);

  friend bool operator==(const proxy_server&, const proxy_server&) = default;
};

/// Whether all of it can be used. Errors: `bad_argument`.
result<void> check(const proxy_server& proxy);

/// For people and logs: kind, host and port.
std::string to_string(const proxy_server& proxy);

} // namespace cafegram::protocol

#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/environment.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/crypto/dh.hpp>
#include <cafegram/crypto/rsa.hpp>
#include <cafegram/protocol/auth_key.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

/// How two sides that know nothing of each other but an RSA key come to a common authorization key.
/// Spec: "Creating an Authorization Key". Pure: payloads of unencrypted frames in and out.
namespace cafegram::protocol {

/// What a client wants to be agreed on.
struct exchange_options {
  std::vector<crypto::rsa_public_key> keys; ///< trusted; the first one that the server has is used
  /// As on the wire (`wire_dc`): +10000 for a test DC, negative for media. None: the form of old
  /// clients, which do not say it.
  std::optional<std::int32_t> dc = {};
  /// Set for a temporary key: its lifetime in seconds.
  std::optional<std::int32_t> expires_in = {};
  int max_retries = 5; ///< of `dh_gen_retry`
};

/// The agreement.
struct exchange_result {
  auth_key key;
  std::uint64_t salt = 0;                      ///< the first one
  duration server_time_offset{};               ///< server time minus the time that was passed in
  std::optional<std::int32_t> expires_in = {}; ///< of a temporary key, in seconds
  std::optional<std::int32_t> dc = {};         ///< as the client has said it
};

/// What to do after a message.
struct exchange_step {
  bytes send; ///< payload for the other side; empty: nothing
  std::optional<exchange_result> done;
};

/// The client's side, for one key. After an error it is of no more use.
class client_key_exchange {
public:
  client_key_exchange(exchange_options options, std::shared_ptr<random_source> random,
                      std::shared_ptr<crypto::prime_cache> primes);
  client_key_exchange(client_key_exchange&&) noexcept;
  client_key_exchange& operator=(client_key_exchange&&) noexcept;
  ~client_key_exchange();

  /// The first payload: `req_pq_multi`.
  bytes start(wall_time now);

  /// Takes the server's next payload. Errors: `protocol_violation` with what was wrong;
  /// `not_found` when the server has none of our RSA keys; `limit` after too many `dh_gen_retry`.
  result<exchange_step> on_message(bytes_view payload, wall_time now);

private:
  struct state;
  std::unique_ptr<state> state_;
};

/// How a server agrees on keys.
struct server_exchange_options {
  std::shared_ptr<const crypto::rsa_private_key> key;
  bool test = false;  ///< a test DC: the DC that a client says is above 10000
  std::int32_t g = 3; ///< fits `prime`
  bytes prime;        ///< empty: Telegram's own
  duration repeat_for = std::chrono::minutes{10}; ///< a repeated query gets its answer again
  /// Is there a key with this id already? Then the client is asked to try again.
  std::function<bool(std::uint64_t)> taken;
};

/// What a server does after a message.
struct server_exchange_step {
  bytes send;
  std::int32_t transport_error = 0; ///< -404 or -444: send this word, then close
  std::optional<exchange_result> done;
  std::string refused; ///< why there is an error word, for logs
};

/// The server's side, for one connection; several exchanges may follow each other. Takes RSA_PAD
/// and the old padding, inner data with and without DC and lifetime, unencrypted messages with any
/// msg_id and with octets behind their end.
class server_key_exchange {
public:
  server_key_exchange(server_exchange_options options, std::shared_ptr<random_source> random);
  server_key_exchange(server_key_exchange&&) noexcept;
  server_key_exchange& operator=(server_key_exchange&&) noexcept;
  ~server_key_exchange();

  /// Takes a payload whose auth_key_id is 0. Never fails: what is wrong gets an error word.
  server_exchange_step on_message(bytes_view payload, wall_time now);

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace cafegram::protocol

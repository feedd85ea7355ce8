#pragma once

#include <cafegram/base/bytes.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cafegram {

/// Makes what must be the same each time a handler runs again over the same update, and what a
/// stranger must not be able to make. Holds the session's secret and never shows it.
class signer {
public:
  explicit signer(bytes_view secret);
  ~signer();
  signer(const signer&) = delete;
  signer& operator=(const signer&) = delete;

  /// The `random_id` of a send: HMAC-SHA-256(secret, identity, SHA-256(request), n), its first
  /// 8 octets; never 0. `request` is the encoded call with its `random_id` set to 0; `n` counts
  /// equal requests made under one identity.
  std::int64_t random_id(std::string_view identity, bytes_view request, std::uint32_t n) const;

  /// A tag over `data` for one `purpose`, `length` <= 32 octets of HMAC-SHA-256.
  bytes tag(std::string_view purpose, bytes_view data, std::size_t length) const;

  /// Compares in constant time.
  bool verify(std::string_view purpose, bytes_view data, bytes_view tag) const;

private:
  struct state;
  std::unique_ptr<const state> state_;
};

/// Numbers the sends made while one update is handled. One per handler run, not shared.
class send_scope {
public:
  send_scope(std::shared_ptr<const signer> signing, std::string identity)
    : signer_{std::move(signing)}
    , identity_{std::move(identity)} {}

  /// The `random_id` for `request` (encoded with `random_id` 0), the n-th time of that request.
  std::int64_t random_id(bytes_view request);
  /// That send has no outcome: who makes it again makes the same one.
  void give_back(bytes_view request, std::int64_t random_id);

  const std::string& identity() const { return identity_; }

private:
  std::shared_ptr<const signer> signer_;
  std::string identity_;
  std::map<std::array<std::uint8_t, 32>, std::uint32_t> counts_;
  std::map<std::array<std::uint8_t, 32>, std::vector<std::int64_t>> given_back_;
};

} // namespace cafegram

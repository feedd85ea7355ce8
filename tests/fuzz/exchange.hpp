#pragma once

#include <cafegram/crypto/dh.hpp>
#include <cafegram/crypto/factor.hpp>
#include <cafegram/crypto/rsa.hpp>
#include <cafegram/protocol/exchange_messages.hpp>
#include <cafegram/protocol/key_exchange.hpp>
#include <cafegram/tests/folders.hpp>

#include <nlohmann/json.hpp>

#include <fstream>

#include "fuzz.hpp"

/// What both fuzzers of the key exchange share.
namespace cafegram::fuzz {

/// The server's RSA key: the same in each run, or a corpus would mean nothing.
inline std::shared_ptr<const crypto::rsa_private_key> server_key() {
  static const auto key = [] {
    std::ifstream in{test::source_folder() / "tests/crypto/vectors.json"};
    const auto all = nlohmann::json::parse(in);
    return std::make_shared<const crypto::rsa_private_key>(
        crypto::rsa_private_key::from_pem(all["rsa"]["secret_pkcs1"].get<std::string>()).value());
  }();
  return key;
}

/// An honest part of the Diffie-Hellman exchange: making one each time costs too much.
inline const crypto::dh_keypair& own_pair() {
  static const auto pair =
      crypto::make_dh_keypair(3, crypto::telegram_prime(), *repeatable(3)).value();
  return pair;
}

/// Changes octets: `(place:u16 xor:u8)*`.
inline void change(bytes& what, bytes_view how) {
  input in{how};
  while (!in.empty() && !what.empty()) {
    const auto at = in.number<std::uint16_t>() % what.size();
    what[at] ^= in.octet();
  }
}

inline protocol::auth_key agreed_key(bytes_view other, const crypto::dh_keypair& own) {
  return protocol::auth_key::from(
             crypto::dh_shared_key(other, own.exponent, crypto::telegram_prime()).view())
      .value();
}

/// `sha1 data padding`, encrypted as both sides do.
inline bytes seal_inner(const crypto::ige_keys& keys, bytes_view data) {
  return protocol::exchange::seal(keys, data, bytes(protocol::exchange::padding_for(data)));
}

} // namespace cafegram::fuzz

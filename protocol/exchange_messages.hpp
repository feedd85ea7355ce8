#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/crypto/kdf.hpp>
#include <cafegram/protocol/message.hpp>
#include <cafegram/tl/codec.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

/// The messages of the key exchange, octets to values and back. Internal to protocol/.
/// Readers take exactly one message; what is malformed is a `protocol_violation`.
namespace cafegram::protocol::exchange {

using nonce128 = tl::int128;
using nonce256 = tl::int256;

/// Both nonces, which every message but the first repeats.
struct nonces {
  nonce128 client{};
  nonce128 server{};
  friend bool operator==(const nonces&, const nonces&) = default;
};

std::unexpected<error> violation(std::string_view what);

/// `auth_key_id:long=0 msg_id:long length:int body`. Errors for another key, a length of 0 or
/// beyond the payload; octets behind the body are passed over.
result<bytes_view> unwrap(bytes_view payload);
bytes wrap(msg_id id, bytes_view body);

/// `req_pq_multi#be7e8ef1`, `req_pq#60469778`.
bytes write_req_pq(const nonce128& client);
std::optional<nonce128> read_req_pq(bytes_view body);

/// `resPQ#05162463 nonce server_nonce pq:string fingerprints:Vector<long>`.
struct res_pq {
  nonces both;
  std::uint64_t pq = 0;
  std::vector<std::int64_t> fingerprints;
};
bytes write(const res_pq& value);
result<res_pq> read_res_pq(bytes_view body);

/// `p_q_inner_data#83c95aec`, `_dc#a9f55f95`, `_temp#3c6a84d4`, `_temp_dc#56fddf88`, by which of
/// the last two are there.
struct inner_data {
  std::uint64_t pq = 0;
  std::uint64_t p = 0;
  std::uint64_t q = 0;
  nonces both;
  nonce256 fresh{}; ///< new_nonce
  std::optional<std::int32_t> dc;
  std::optional<std::int32_t> expires_in;
};
bytes write(const inner_data& value);
/// From the front of `data`; `used`: how many octets it took.
result<inner_data> read_inner_data(bytes_view data, std::size_t& used);

/// `req_DH_params#d712e4be nonce server_nonce p:string q:string fingerprint:long
/// encrypted_data:string`.
struct req_dh_params {
  nonces both;
  std::uint64_t p = 0;
  std::uint64_t q = 0;
  std::int64_t fingerprint = 0;
  bytes_view encrypted;
};
bytes write(const req_dh_params& value);
result<req_dh_params> read_req_dh_params(bytes_view body);

/// `server_DH_params_ok#d0e8075c nonce server_nonce encrypted_answer:string`.
bytes write_dh_params_ok(const nonces& both, bytes_view encrypted);
/// Errors also for `server_DH_params_fail#79cb045d`, which says that the server refuses.
struct dh_params_ok {
  nonces both;
  bytes_view encrypted;
};
result<dh_params_ok> read_dh_params(bytes_view body);

/// `server_DH_inner_data#b5890dba nonce server_nonce g:int dh_prime:string g_a:string
/// server_time:int`.
struct server_inner {
  nonces both;
  std::int32_t g = 0;
  bytes prime;
  bytes g_a;
  std::int32_t server_time = 0;
};
bytes write(const server_inner& value);
result<server_inner> read_server_inner(bytes_view data, std::size_t& used);

/// `set_client_DH_params#f5045f1f nonce server_nonce encrypted_data:string`.
struct set_client_dh {
  nonces both;
  bytes_view encrypted;
};
bytes write(const set_client_dh& value);
result<set_client_dh> read_set_client_dh(bytes_view body);

/// `client_DH_inner_data#6643b654 nonce server_nonce retry_id:long g_b:string`.
struct client_inner {
  nonces both;
  std::uint64_t retry_id = 0;
  bytes g_b;
};
bytes write(const client_inner& value);
result<client_inner> read_client_inner(bytes_view data, std::size_t& used);

/// `dh_gen_ok#3bcbf734`, `dh_gen_retry#46dc1fb9`, `dh_gen_fail#a69dae02`, each with `nonce
/// server_nonce new_nonce_hash1/2/3`.
enum class outcome : std::uint8_t { ok = 1, retry = 2, failed = 3 };
struct dh_gen {
  outcome how = outcome::ok;
  nonces both;
  nonce128 hash{};
};
bytes write(const dh_gen& value);
result<dh_gen> read_dh_gen(bytes_view body);

/// `sha1(data) data padding(0..15)` in AES-256-IGE: both encrypted parts of the exchange.
bytes seal(const crypto::ige_keys& keys, bytes_view data, bytes_view padding);
/// How many octets of padding `data` needs.
std::size_t padding_for(bytes_view data);
/// Decrypts; the reader says how much of the data is real, `check_hash` whether it is right.
struct opened {
  bytes plain; ///< sha1(20) data padding
  bytes_view data() const { return bytes_view{plain}.subspan(20); }
};
result<opened> open(const crypto::ige_keys& keys, bytes_view encrypted);
/// Errors unless the SHA-1 holds for the first `used` octets and at most 15 follow them.
result<void> check_hash(const opened& what, std::size_t used);

/// `new_nonce[0..8] xor server_nonce[0..8]`.
std::uint64_t first_salt(const nonce256& fresh, const nonce128& server);

} // namespace cafegram::protocol::exchange

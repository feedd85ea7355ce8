#include <cafegram/crypto/aes.hpp>
#include <cafegram/crypto/hash.hpp>
#include <cafegram/protocol/exchange_messages.hpp>

#include <algorithm>

namespace cafegram::protocol::exchange {
namespace {

constexpr std::uint32_t id_req_pq = 0x60469778;
constexpr std::uint32_t id_req_pq_multi = 0xbe7e8ef1;
constexpr std::uint32_t id_res_pq = 0x05162463;
constexpr std::uint32_t id_inner = 0x83c95aec;
constexpr std::uint32_t id_inner_dc = 0xa9f55f95;
constexpr std::uint32_t id_inner_temp = 0x3c6a84d4;
constexpr std::uint32_t id_inner_temp_dc = 0x56fddf88;
constexpr std::uint32_t id_req_dh_params = 0xd712e4be;
constexpr std::uint32_t id_dh_params_ok = 0xd0e8075c;
constexpr std::uint32_t id_dh_params_fail = 0x79cb045d;
constexpr std::uint32_t id_server_inner = 0xb5890dba;
constexpr std::uint32_t id_set_client_dh = 0xf5045f1f;
constexpr std::uint32_t id_client_inner = 0x6643b654;
constexpr std::uint32_t id_gen_ok = 0x3bcbf734;
constexpr std::uint32_t id_gen_retry = 0x46dc1fb9;
constexpr std::uint32_t id_gen_fail = 0xa69dae02;
constexpr std::size_t hash_size = 20;

void put_number(tl::writer& out, std::uint64_t value) {
  std::array<std::uint8_t, 8> octets;
  for (std::size_t i = 0; i < 8; ++i) {
    octets[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
  }
  const auto first = std::ranges::find_if(octets, [](std::uint8_t octet) { return octet != 0; });
  out.byte_string({first, octets.end()});
}

/// A big-endian number of 1 to 8 octets.
std::uint64_t take_number(tl::reader& in) {
  const bytes_view octets = in.view();
  if (octets.empty() || octets.size() > 8) {
    in.fail(tl::decode_fault::bad_length);
    return 0;
  }
  std::uint64_t out = 0;
  for (const std::uint8_t octet : octets) {
    out = out << 8 | octet;
  }
  return out;
}

void put(tl::writer& out, const nonces& both) {
  out.i128(both.client);
  out.i128(both.server);
}

nonces take_nonces(tl::reader& in) {
  nonces out;
  out.client = in.i128();
  out.server = in.i128();
  return out;
}

/// Passes `value` on if all of the message was read.
template <class T>
result<T> whole(tl::reader& in, T value, std::string_view name) {
  in.finish();
  if (!in.ok()) {
    return violation(std::string{name} +
                     " is malformed: " + std::string{to_string(in.failure().fault)});
  }
  return value;
}

/// The same for a message with padding behind it.
template <class T>
result<T> front(tl::reader& in, T value, std::size_t& used, std::string_view name) {
  if (!in.ok()) {
    return violation(std::string{name} +
                     " is malformed: " + std::string{to_string(in.failure().fault)});
  }
  used = in.offset();
  return value;
}

bytes write_encrypted(std::uint32_t id, const nonces& both, bytes_view encrypted) {
  tl::writer out;
  out.u32(id);
  put(out, both);
  out.byte_string(encrypted);
  return out.take();
}

} // namespace

std::unexpected<error> violation(std::string_view what) {
  return fail(errc::protocol_violation, "key exchange: " + std::string{what});
}

result<bytes_view> unwrap(bytes_view payload) {
  tl::reader in{payload};
  const std::uint64_t key = in.u64();
  in.u64();
  const std::uint32_t length = in.u32();
  if (!in.ok() || key != 0 || length == 0 || length > in.remaining()) {
    return violation("this is no unencrypted message");
  }
  return in.raw(length);
}

bytes wrap(msg_id id, bytes_view body) {
  tl::writer out;
  out.u64(0);
  out.i64(number(id));
  out.u32(static_cast<std::uint32_t>(body.size()));
  out.raw(body);
  return out.take();
}

bytes write_req_pq(const nonce128& client) {
  tl::writer out;
  out.u32(id_req_pq_multi);
  out.i128(client);
  return out.take();
}

std::optional<nonce128> read_req_pq(bytes_view body) {
  tl::reader in{body};
  const std::uint32_t id = in.u32();
  const nonce128 out = in.i128();
  in.finish();
  const bool fits = in.ok() && (id == id_req_pq || id == id_req_pq_multi);
  return fits ? std::optional{out} : std::nullopt;
}

bytes write(const res_pq& value) {
  tl::writer out;
  out.u32(id_res_pq);
  put(out, value.both);
  put_number(out, value.pq);
  out.vector_header(true, value.fingerprints.size());
  for (const std::int64_t fingerprint : value.fingerprints) {
    out.i64(fingerprint);
  }
  return out.take();
}

result<res_pq> read_res_pq(bytes_view body) {
  tl::reader in{body};
  res_pq out;
  in.expect(id_res_pq);
  out.both = take_nonces(in);
  out.pq = take_number(in);
  const std::uint32_t count = in.vector_count(true, 8, 8);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    out.fingerprints.push_back(in.i64());
  }
  return whole(in, std::move(out), "resPQ");
}

bytes write(const inner_data& value) {
  tl::writer out;
  out.reserve(256); // growing would leave copies of new_nonce behind
  out.u32(value.expires_in ? (value.dc ? id_inner_temp_dc : id_inner_temp)
                           : (value.dc ? id_inner_dc : id_inner));
  put_number(out, value.pq);
  put_number(out, value.p);
  put_number(out, value.q);
  put(out, value.both);
  out.i256(value.fresh);
  if (value.dc) {
    out.i32(*value.dc);
  }
  if (value.expires_in) {
    out.i32(*value.expires_in);
  }
  return out.take();
}

result<inner_data> read_inner_data(bytes_view data, std::size_t& used) {
  tl::reader in{data};
  const std::uint32_t id = in.u32();
  if (id != id_inner && id != id_inner_dc && id != id_inner_temp && id != id_inner_temp_dc) {
    in.fail(tl::decode_fault::wrong_constructor, 0, id);
  }
  inner_data out;
  out.pq = take_number(in);
  out.p = take_number(in);
  out.q = take_number(in);
  out.both = take_nonces(in);
  out.fresh = in.i256();
  if (id == id_inner_dc || id == id_inner_temp_dc) {
    out.dc = in.i32();
  }
  if (id == id_inner_temp || id == id_inner_temp_dc) {
    out.expires_in = in.i32();
  }
  return front(in, std::move(out), used, "p_q_inner_data");
}

bytes write(const req_dh_params& value) {
  tl::writer out;
  out.u32(id_req_dh_params);
  put(out, value.both);
  put_number(out, value.p);
  put_number(out, value.q);
  out.i64(value.fingerprint);
  out.byte_string(value.encrypted);
  return out.take();
}

result<req_dh_params> read_req_dh_params(bytes_view body) {
  tl::reader in{body};
  req_dh_params out;
  in.expect(id_req_dh_params);
  out.both = take_nonces(in);
  out.p = take_number(in);
  out.q = take_number(in);
  out.fingerprint = in.i64();
  out.encrypted = in.view();
  return whole(in, out, "req_DH_params");
}

bytes write_dh_params_ok(const nonces& both, bytes_view encrypted) {
  return write_encrypted(id_dh_params_ok, both, encrypted);
}

result<dh_params_ok> read_dh_params(bytes_view body) {
  tl::reader in{body};
  const std::uint32_t id = in.u32();
  if (id == id_dh_params_fail) {
    return violation("the server refuses our part (server_DH_params_fail)");
  }
  if (id != id_dh_params_ok) {
    in.fail(tl::decode_fault::wrong_constructor, 0, id);
  }
  dh_params_ok out;
  out.both = take_nonces(in);
  out.encrypted = in.view();
  return whole(in, out, "server_DH_params_ok");
}

bytes write(const server_inner& value) {
  tl::writer out;
  out.u32(id_server_inner);
  put(out, value.both);
  out.i32(value.g);
  out.byte_string(value.prime);
  out.byte_string(value.g_a);
  out.i32(value.server_time);
  return out.take();
}

result<server_inner> read_server_inner(bytes_view data, std::size_t& used) {
  tl::reader in{data};
  server_inner out;
  in.expect(id_server_inner);
  out.both = take_nonces(in);
  out.g = in.i32();
  out.prime = in.byte_string();
  out.g_a = in.byte_string();
  out.server_time = in.i32();
  return front(in, std::move(out), used, "server_DH_inner_data");
}

bytes write(const set_client_dh& value) {
  return write_encrypted(id_set_client_dh, value.both, value.encrypted);
}

result<set_client_dh> read_set_client_dh(bytes_view body) {
  tl::reader in{body};
  set_client_dh out;
  in.expect(id_set_client_dh);
  out.both = take_nonces(in);
  out.encrypted = in.view();
  return whole(in, out, "set_client_DH_params");
}

bytes write(const client_inner& value) {
  tl::writer out;
  out.u32(id_client_inner);
  put(out, value.both);
  out.u64(value.retry_id);
  out.byte_string(value.g_b);
  return out.take();
}

result<client_inner> read_client_inner(bytes_view data, std::size_t& used) {
  tl::reader in{data};
  client_inner out;
  in.expect(id_client_inner);
  out.both = take_nonces(in);
  out.retry_id = in.u64();
  out.g_b = in.byte_string();
  return front(in, std::move(out), used, "client_DH_inner_data");
}

bytes write(const dh_gen& value) {
  static constexpr std::array<std::uint32_t, 3> constructors = {id_gen_ok, id_gen_retry,
                                                                id_gen_fail};
  tl::writer out;
  out.u32(constructors[static_cast<std::size_t>(value.how) - 1]);
  put(out, value.both);
  out.i128(value.hash);
  return out.take();
}

result<dh_gen> read_dh_gen(bytes_view body) {
  tl::reader in{body};
  dh_gen out;
  switch (const std::uint32_t id = in.u32()) {
  case id_gen_ok:
    out.how = outcome::ok;
    break;
  case id_gen_retry:
    out.how = outcome::retry;
    break;
  case id_gen_fail:
    out.how = outcome::failed;
    break;
  default:
    in.fail(tl::decode_fault::wrong_constructor, 0, id);
  }
  out.both = take_nonces(in);
  out.hash = in.i128();
  return whole(in, out, "dh_gen");
}

std::size_t padding_for(bytes_view data) {
  return (16 - (hash_size + data.size()) % 16) % 16;
}

bytes seal(const crypto::ige_keys& keys, bytes_view data, bytes_view padding) {
  bytes out;
  out.reserve(hash_size + data.size() + padding.size());
  append(out, crypto::sha1(data));
  append(out, data);
  append(out, padding);
  crypto::ige_encrypt(crypto::ige_job{keys.key.view(), keys.iv.view(), out, out});
  return out;
}

result<opened> open(const crypto::ige_keys& keys, bytes_view encrypted) {
  if (encrypted.size() < 32 || encrypted.size() % 16 != 0) {
    return violation("the encrypted part has an impossible length");
  }
  opened out{bytes(encrypted.size())};
  crypto::ige_decrypt(crypto::ige_job{keys.key.view(), keys.iv.view(), encrypted, out.plain});
  return out;
}

result<void> check_hash(const opened& what, std::size_t used) {
  const bytes_view data = what.data();
  if (used > data.size() || data.size() - used > 15) {
    return violation("the encrypted part has too much padding");
  }
  if (!crypto::constant_time_equal(bytes_view{what.plain}.first(hash_size),
                                   crypto::sha1(data.first(used)))) {
    return violation("the SHA-1 of the encrypted part does not hold");
  }
  return {};
}

std::uint64_t first_salt(const nonce256& fresh, const nonce128& server) {
  std::uint64_t out = 0;
  for (std::size_t i = 8; i-- > 0;) {
    out = out << 8 | static_cast<std::uint8_t>(fresh[i] ^ server[i]);
  }
  return out;
}

} // namespace cafegram::protocol::exchange

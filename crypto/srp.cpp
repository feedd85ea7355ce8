#include <cafegram/crypto/bignum.hpp>
#include <cafegram/crypto/hash.hpp>
#include <cafegram/crypto/srp.hpp>

namespace cafegram::crypto {
namespace {

constexpr std::size_t number_size = 256;
constexpr std::uint32_t iterations = 100'000;

bytes padded(const bignum& value) {
  bytes out(number_size);
  value.write_padded(out);
  return out;
}

/// PH2 of the specification: the number x that stands for the password.
bignum password_number(bytes_view password, const srp_params& params) {
  const auto salted = [](bytes_view data, bytes_view salt) { return sha256({salt, data, salt}); };
  digest_sha256 inner = salted(salted(password, params.salt1), params.salt2); // PH1
  digest_sha512 slow = pbkdf2_hmac_sha512(inner, params.salt1, iterations);
  digest_sha256 hash = salted(slow, params.salt2);
  bignum x = bignum::from_bytes(hash);
  wipe(inner);
  wipe(slow);
  wipe(hash);
  return x;
}

/// H(p) xor H(g), the first part of M1.
digest_sha256 group_hash(bytes_view p, bytes_view g) {
  digest_sha256 out = sha256(p);
  const digest_sha256 other = sha256(g);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] ^= other[i];
  }
  return out;
}

} // namespace

result<bytes> srp_verifier(bytes_view password, const srp_params& params, prime_cache& cache) {
  if (auto fine = check_dh_params(params.g, params.p, cache); !fine) {
    return std::unexpected(fine.error());
  }
  return padded(bignum::mod_exp(bignum{static_cast<std::uint64_t>(params.g)},
                                password_number(password, params), bignum::from_bytes(params.p)));
}

result<srp_answer> srp_prove(bytes_view password, const srp_params& params, bytes_view srp_b,
                             const dh_keypair& own, prime_cache& cache) {
  if (auto fine = check_dh_params(params.g, params.p, cache); !fine) {
    return std::unexpected(fine.error());
  }
  if (auto fine = check_dh_public(srp_b, params.p); !fine) {
    return std::unexpected(fine.error());
  }
  const bignum p = bignum::from_bytes(params.p);
  const bignum g{static_cast<std::uint64_t>(params.g)};
  const bignum b = bignum::from_bytes(srp_b);
  const bytes g_octets = padded(g);
  const bytes b_octets = padded(b);
  const bignum k = bignum::from_bytes(sha256({params.p, g_octets}));
  const bignum x = password_number(password, params);
  const bignum v = bignum::mod_exp(g, x, p);
  const bignum u = bignum::from_bytes(sha256({own.public_value, b_octets}));
  if (u == bignum{}) {
    return fail(errc::protocol_violation, "the server's SRP value gives u = 0");
  }
  // t = B - k v, brought above zero; s = t^(a + u x)
  const bignum t = (b + p - (k * v) % p) % p;
  const bignum exponent = bignum::from_bytes(own.exponent.view()) + u * x;
  const secret s = bignum::mod_exp(t, exponent, p).to_secret(number_size);
  digest_sha256 session = sha256(s.view());
  srp_answer out{own.public_value, {}};
  out.m1 = sha256({group_hash(params.p, g_octets), sha256(params.salt1), sha256(params.salt2),
                   out.a, b_octets, session});
  wipe(session);
  return out;
}

result<srp_answer> srp_check(bytes_view password, const srp_params& params, bytes_view srp_b,
                             random_source& random, prime_cache& cache) {
  if (auto fine = check_dh_params(params.g, params.p, cache); !fine) {
    return std::unexpected(fine.error());
  }
  const auto own = make_dh_keypair(params.g, params.p, random);
  if (!own) {
    return std::unexpected(own.error());
  }
  return srp_prove(password, params, srp_b, *own, cache);
}

} // namespace cafegram::crypto

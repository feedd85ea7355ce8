#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/environment.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/crypto/dh.hpp>

#include <array>
#include <cstdint>

namespace cafegram::crypto {

/// `passwordKdfAlgoSHA256SHA256PBKDF2HMACSHA512iter100000SHA256ModPow` with its parameters.
struct srp_params {
  bytes salt1;
  bytes salt2;
  std::int32_t g = 0;
  bytes p; ///< big-endian, 2048 bits
};

/// What `inputCheckPasswordSRP` carries besides the id.
struct srp_answer {
  bytes a;                         ///< A, 256 octets
  std::array<std::uint8_t, 32> m1; ///< M1
};

/// Computes the proof that the password is known. Spec: "Two-factor authentication", section
/// "Checking the password with SRP". Takes about 100 ms. Errors: `protocol_violation` when the
/// server's p, g or B fail their checks.
result<srp_answer> srp_check(bytes_view password, const srp_params& params, bytes_view srp_b,
                             random_source& random, prime_cache& cache);

/// The same with a key pair that the caller has drawn (`make_dh_keypair` for these parameters).
result<srp_answer> srp_prove(bytes_view password, const srp_params& params, bytes_view srp_b,
                             const dh_keypair& own, prime_cache& cache);

/// v = g^x mod p, 256 octets: the new_password_hash of `account.passwordInputSettings`.
result<bytes> srp_verifier(bytes_view password, const srp_params& params, prime_cache& cache);

} // namespace cafegram::crypto

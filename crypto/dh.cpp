#include <cafegram/crypto/bignum.hpp>
#include <cafegram/crypto/dh.hpp>

#include <algorithm>
#include <array>

namespace cafegram::crypto {
namespace {

constexpr std::size_t key_size = 256;
constexpr std::size_t key_bits = 2048;

constexpr std::array<std::uint8_t, key_size> known_prime = {
    0xc7, 0x1c, 0xae, 0xb9, 0xc6, 0xb1, 0xc9, 0x04, 0x8e, 0x6c, 0x52, 0x2f, 0x70, 0xf1, 0x3f, 0x73,
    0x98, 0x0d, 0x40, 0x23, 0x8e, 0x3e, 0x21, 0xc1, 0x49, 0x34, 0xd0, 0x37, 0x56, 0x3d, 0x93, 0x0f,
    0x48, 0x19, 0x8a, 0x0a, 0xa7, 0xc1, 0x40, 0x58, 0x22, 0x94, 0x93, 0xd2, 0x25, 0x30, 0xf4, 0xdb,
    0xfa, 0x33, 0x6f, 0x6e, 0x0a, 0xc9, 0x25, 0x13, 0x95, 0x43, 0xae, 0xd4, 0x4c, 0xce, 0x7c, 0x37,
    0x20, 0xfd, 0x51, 0xf6, 0x94, 0x58, 0x70, 0x5a, 0xc6, 0x8c, 0xd4, 0xfe, 0x6b, 0x6b, 0x13, 0xab,
    0xdc, 0x97, 0x46, 0x51, 0x29, 0x69, 0x32, 0x84, 0x54, 0xf1, 0x8f, 0xaf, 0x8c, 0x59, 0x5f, 0x64,
    0x24, 0x77, 0xfe, 0x96, 0xbb, 0x2a, 0x94, 0x1d, 0x5b, 0xcd, 0x1d, 0x4a, 0xc8, 0xcc, 0x49, 0x88,
    0x07, 0x08, 0xfa, 0x9b, 0x37, 0x8e, 0x3c, 0x4f, 0x3a, 0x90, 0x60, 0xbe, 0xe6, 0x7c, 0xf9, 0xa4,
    0xa4, 0xa6, 0x95, 0x81, 0x10, 0x51, 0x90, 0x7e, 0x16, 0x27, 0x53, 0xb5, 0x6b, 0x0f, 0x6b, 0x41,
    0x0d, 0xba, 0x74, 0xd8, 0xa8, 0x4b, 0x2a, 0x14, 0xb3, 0x14, 0x4e, 0x0e, 0xf1, 0x28, 0x47, 0x54,
    0xfd, 0x17, 0xed, 0x95, 0x0d, 0x59, 0x65, 0xb4, 0xb9, 0xdd, 0x46, 0x58, 0x2d, 0xb1, 0x17, 0x8d,
    0x16, 0x9c, 0x6b, 0xc4, 0x65, 0xb0, 0xd6, 0xff, 0x9c, 0xa3, 0x92, 0x8f, 0xef, 0x5b, 0x9a, 0xe4,
    0xe4, 0x18, 0xfc, 0x15, 0xe8, 0x3e, 0xbe, 0xa0, 0xf8, 0x7f, 0xa9, 0xff, 0x5e, 0xed, 0x70, 0x05,
    0x0d, 0xed, 0x28, 0x49, 0xf4, 0x7b, 0xf9, 0x59, 0xd9, 0x56, 0x85, 0x0c, 0xe9, 0x29, 0x85, 0x1f,
    0x0d, 0x81, 0x15, 0xf6, 0x35, 0xb1, 0x05, 0xee, 0x2e, 0x4e, 0x15, 0xd0, 0x4b, 0x24, 0x54, 0xbf,
    0x6f, 0x4f, 0xad, 0xf0, 0x34, 0xb1, 0x04, 0x03, 0x11, 0x9c, 0xd8, 0xe3, 0xb9, 0x2f, 0xcc, 0x5b};

std::unexpected<error> refuse(std::string what) {
  return fail(errc::protocol_violation, "the server's Diffie-Hellman " + std::move(what));
}

} // namespace

// By quadratic reciprocity: g generates the subgroup exactly when it is a square modulo p.
bool generates_prime_subgroup(std::int32_t g, const bignum& p) {
  const auto rest_in = [&p](std::uint64_t divisor, std::initializer_list<std::uint64_t> allowed) {
    return std::ranges::find(allowed, p.rest(divisor)) != allowed.end();
  };
  switch (g) {
  case 2:
    return rest_in(8, {7});
  case 3:
    return rest_in(3, {2});
  case 4:
    return true;
  case 5:
    return rest_in(5, {1, 4});
  case 6:
    return rest_in(24, {19, 23});
  case 7:
    return rest_in(7, {3, 5, 6});
  default:
    return false;
  }
}

// Proves p = 2q + 1 with p and q prime. Only q needs the long test: once it is prime, 2^(p-1) = 1
// modulo p proves p, for 2^2 - 1 = 3 is prime to p (Pocklington).
bool is_safe_prime(const bignum& p) {
  if (!p.odd() || p.rest(3) == 0) {
    return false;
  }
  const bignum one{1};
  return bignum::mod_exp(bignum{2}, p - one, p) == one && (p >> 1).is_prime();
}

bool prime_cache::knows(const digest_sha256& prime_hash) const {
  const std::lock_guard guard{mutex_};
  return proven_.contains(prime_hash);
}

void prime_cache::add(const digest_sha256& prime_hash) {
  constexpr std::size_t most = 64;
  const std::lock_guard guard{mutex_};
  if (proven_.size() < most) {
    proven_.insert(prime_hash);
  }
}

bytes_view telegram_prime() {
  return known_prime;
}

result<void> check_dh_params(std::int32_t g, bytes_view prime, prime_cache& cache) {
  if (prime.size() != key_size || prime[0] < 0x80) {
    return refuse("prime has not exactly 2048 bits");
  }
  const bignum p = bignum::from_bytes(prime);
  if (!generates_prime_subgroup(g, p)) {
    return refuse("generator " + std::to_string(g) + " does not fit its prime");
  }
  if (std::ranges::equal(prime, known_prime)) {
    return {};
  }
  const digest_sha256 hash = sha256(prime);
  if (cache.knows(hash)) {
    return {};
  }
  if (!is_safe_prime(p)) {
    return refuse("prime is not a safe prime");
  }
  cache.add(hash);
  return {};
}

result<void> check_dh_public(bytes_view value, bytes_view prime) {
  const bignum number = bignum::from_bytes(value);
  const bignum p = bignum::from_bytes(prime);
  const bignum least = bignum{1} << (key_bits - 64);
  if (number < least || number + least > p) {
    return refuse("public value is too close to 0 or to its prime");
  }
  return {};
}

result<dh_keypair> make_dh_keypair(std::int32_t g, bytes_view prime, random_source& random) {
  const bignum generator{static_cast<std::uint64_t>(g)};
  const bignum p = bignum::from_bytes(prime);
  constexpr int attempts = 16; // one in 2^64 fails: more than one failure is a broken generator
  for (int i = 0; i < attempts; ++i) {
    secret exponent{key_size};
    random.fill(exponent.view());
    const bignum value = bignum::mod_exp(generator, bignum::from_bytes(exponent.view()), p);
    bytes padded(key_size);
    value.write_padded(padded);
    if (check_dh_public(padded, prime)) {
      return dh_keypair{std::move(exponent), std::move(padded)};
    }
  }
  return fail(errc::bad_argument, "the random source gives no usable Diffie-Hellman exponent");
}

secret dh_shared_key(bytes_view other, const secret& exponent, bytes_view prime) {
  return bignum::mod_exp(bignum::from_bytes(other), bignum::from_bytes(exponent.view()),
                         bignum::from_bytes(prime))
      .to_secret(key_size);
}

} // namespace cafegram::crypto

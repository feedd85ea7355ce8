#include <cafegram/crypto/factor.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <optional>

namespace cafegram::crypto {
namespace {

__extension__ using wide = unsigned __int128;

/// Arithmetic modulo an odd number in Montgomery's form: no division in the inner loop.
class montgomery {
public:
  explicit montgomery(std::uint64_t modulus)
    : modulus_{modulus} {
    // Newton: each step doubles the correct low bits of 1/modulus; 1 is correct in one.
    for (int bits = 1; bits < 64; bits *= 2) {
      inverse_ *= 2 - modulus * inverse_;
    }
    one_ = static_cast<std::uint64_t>((wide{1} << 64) % modulus);
  }

  std::uint64_t one() const { return one_; }
  std::uint64_t enter(std::uint64_t value) const {
    return static_cast<std::uint64_t>((wide{value} << 64) % modulus_);
  }

  /// a * b / 2^64 modulo the modulus, for a, b below it.
  std::uint64_t multiply(std::uint64_t a, std::uint64_t b) const {
    const wide product = wide{a} * b;
    const std::uint64_t quotient = static_cast<std::uint64_t>(product) * inverse_;
    const auto high = static_cast<std::uint64_t>(product >> 64);
    const auto reduced = static_cast<std::uint64_t>((wide{quotient} * modulus_) >> 64);
    return high >= reduced ? high - reduced : high - reduced + modulus_;
  }

  std::uint64_t add(std::uint64_t a, std::uint64_t b) const {
    return a >= modulus_ - b ? a - (modulus_ - b) : a + b;
  }

  std::uint64_t power(std::uint64_t base, std::uint64_t exponent) const {
    std::uint64_t out = one_;
    for (; exponent != 0; exponent >>= 1) {
      if ((exponent & 1) != 0) {
        out = multiply(out, base);
      }
      base = multiply(base, base);
    }
    return out;
  }

private:
  std::uint64_t modulus_;
  std::uint64_t inverse_ = 1;
  std::uint64_t one_ = 0;
};

bool is_square(std::uint64_t value) {
  auto root = static_cast<std::uint64_t>(std::sqrt(static_cast<long double>(value)));
  while (wide{root} * root > value) {
    --root;
  }
  while (wide{root + 1} * (root + 1) <= value) {
    ++root;
  }
  return root * root == value;
}

/// One run of Brent's form of Pollard's rho with `x -> x^2 + c`; nothing when this `c` finds none.
std::optional<std::uint64_t> brent(const montgomery& field, std::uint64_t n, std::uint64_t c) {
  constexpr std::uint64_t batch = 128;      // steps per greatest common divisor
  constexpr std::uint64_t limit = 1U << 22; // 64 times what a 32-bit factor needs on average
  std::uint64_t y = field.enter(2);
  std::uint64_t x = y;
  std::uint64_t saved = y;
  std::uint64_t product = field.one();
  std::uint64_t divisor = 1;
  const auto step = [&field, c](std::uint64_t v) { return field.add(field.multiply(v, v), c); };
  const auto distance = [](std::uint64_t a, std::uint64_t b) { return a > b ? a - b : b - a; };
  for (std::uint64_t length = 1; divisor == 1 && length < limit; length *= 2) {
    x = y;
    for (std::uint64_t i = 0; i < length; ++i) {
      y = step(y);
    }
    for (std::uint64_t done = 0; done < length && divisor == 1; done += batch) {
      saved = y;
      for (std::uint64_t i = 0; i < std::min(batch, length - done); ++i) {
        y = step(y);
        product = field.multiply(product, distance(x, y));
      }
      divisor = std::gcd(product, n);
    }
  }
  if (divisor == n) {
    // Both factors met within one batch: walk it again one by one.
    do {
      saved = step(saved);
      divisor = std::gcd(distance(x, saved), n);
    } while (divisor == 1);
  }
  return divisor == 1 || divisor == n ? std::nullopt : std::optional{divisor};
}

std::unexpected<error> refuse_pq(std::string_view why) {
  return fail(errc::protocol_violation, "the server's pq " + std::string{why});
}

} // namespace

bool is_prime(std::uint64_t value) {
  static constexpr std::uint64_t bases[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
  for (const std::uint64_t base : bases) {
    if (value % base == 0) {
      return value == base;
    }
  }
  if (value < 2) {
    return false;
  }
  // Miller-Rabin: these twelve bases decide every number below 2^64.
  const montgomery field{value};
  const std::uint64_t minus_one = value - field.one();
  const int twos = std::countr_zero(value - 1);
  return std::ranges::all_of(bases, [&](std::uint64_t base) {
    std::uint64_t power = field.power(field.enter(base), (value - 1) >> twos);
    if (power == field.one() || power == minus_one) {
      return true;
    }
    for (int i = 1; i < twos; ++i) {
      power = field.multiply(power, power);
      if (power == minus_one) {
        return true;
      }
    }
    return false;
  });
}

result<std::pair<std::uint64_t, std::uint64_t>> factor_pq(std::uint64_t pq) {
  if (pq < 15) {
    return refuse_pq("is too small to be a product of two odd primes");
  }
  if (pq % 2 == 0) {
    return refuse_pq("is even");
  }
  if (is_square(pq)) {
    return refuse_pq("is a square");
  }
  if (is_prime(pq)) {
    return refuse_pq("is prime");
  }
  const montgomery field{pq};
  for (std::uint64_t c = 1; c < 32; ++c) {
    const auto divisor = brent(field, pq, field.enter(c));
    if (!divisor) {
      continue;
    }
    const std::uint64_t p = std::min(*divisor, pq / *divisor);
    const std::uint64_t q = pq / p;
    if (!is_prime(p) || !is_prime(q)) {
      return refuse_pq("has more than two prime factors");
    }
    return std::pair{p, q};
  }
  return refuse_pq("could not be factored");
}

} // namespace cafegram::crypto

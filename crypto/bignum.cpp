#include <cafegram/crypto/bignum.hpp>
#include <cafegram/crypto/native.hpp>

#include <utility>

namespace cafegram::crypto {
namespace {

using native::need;

native::bn_ctx_ptr make_context() {
  return native::bn_ctx_ptr{need(BN_CTX_secure_new(), "BN_CTX_secure_new")};
}

} // namespace

struct bignum::native {
  crypto::native::bn_ptr number{need(BN_new(), "BN_new")};
};

bignum::bignum()
  : native_{std::make_unique<native>()} {}

bignum::bignum(std::uint64_t value)
  : bignum{} {
  need(BN_set_word(native_->number.get(), value), "BN_set_word");
}

bignum::bignum(std::unique_ptr<native> value)
  : native_{std::move(value)} {}

bignum bignum::from_bytes(bytes_view big_endian) {
  bignum out;
  need(BN_bin2bn(big_endian.data(), static_cast<int>(big_endian.size()),
                 out.native_->number.get()) != nullptr,
       "BN_bin2bn");
  return out;
}

bignum::bignum(const bignum& other)
  : bignum{} {
  *this = other;
}

bignum& bignum::operator=(const bignum& other) {
  if (this != &other) {
    need(BN_copy(native_->number.get(), other.native_->number.get()) != nullptr, "BN_copy");
  }
  return *this;
}

bignum::bignum(bignum&&) noexcept = default;
bignum& bignum::operator=(bignum&&) noexcept = default;
bignum::~bignum() = default;

std::size_t bignum::bits() const {
  return static_cast<std::size_t>(BN_num_bits(native_->number.get()));
}

bool bignum::odd() const {
  return BN_is_odd(native_->number.get()) == 1;
}

bytes bignum::to_bytes() const {
  bytes out((bits() + 7) / 8);
  BN_bn2bin(native_->number.get(), out.data());
  return out;
}

void bignum::write_padded(mutable_bytes_view out) const {
  need(BN_bn2binpad(native_->number.get(), out.data(), static_cast<int>(out.size())) + 1,
       "BN_bn2binpad");
}

secret bignum::to_secret(std::size_t size) const {
  secret out{size};
  write_padded(out.view());
  return out;
}

std::uint64_t bignum::rest(std::uint64_t divisor) const {
  return BN_mod_word(native_->number.get(), divisor);
}

bignum operator+(const bignum& a, const bignum& b) {
  bignum out;
  need(BN_add(out.native_->number.get(), a.native_->number.get(), b.native_->number.get()),
       "BN_add");
  return out;
}

bignum operator-(const bignum& a, const bignum& b) {
  bignum out;
  need(BN_usub(out.native_->number.get(), a.native_->number.get(), b.native_->number.get()),
       "BN_usub");
  return out;
}

bignum operator*(const bignum& a, const bignum& b) {
  bignum out;
  const auto context = make_context();
  need(BN_mul(out.native_->number.get(), a.native_->number.get(), b.native_->number.get(),
              context.get()),
       "BN_mul");
  return out;
}

bignum operator%(const bignum& a, const bignum& modulus) {
  bignum out;
  const auto context = make_context();
  need(BN_mod(out.native_->number.get(), a.native_->number.get(), modulus.native_->number.get(),
              context.get()),
       "BN_mod");
  return out;
}

bignum operator<<(const bignum& a, unsigned shift) {
  bignum out;
  need(BN_lshift(out.native_->number.get(), a.native_->number.get(), static_cast<int>(shift)),
       "BN_lshift");
  return out;
}

bignum operator>>(const bignum& a, unsigned shift) {
  bignum out;
  need(BN_rshift(out.native_->number.get(), a.native_->number.get(), static_cast<int>(shift)),
       "BN_rshift");
  return out;
}

int bignum::compare(const bignum& other) const {
  return BN_cmp(native_->number.get(), other.native_->number.get());
}

bignum bignum::mod_exp(const bignum& base, const bignum& exponent, const bignum& modulus) {
  bignum out;
  const auto context = make_context();
  need(BN_mod_exp_mont_consttime(out.native_->number.get(), base.native_->number.get(),
                                 exponent.native_->number.get(), modulus.native_->number.get(),
                                 context.get(), nullptr),
       "BN_mod_exp_mont_consttime");
  return out;
}

bool bignum::is_prime() const {
  const auto context = make_context();
  const int answer = BN_check_prime(native_->number.get(), context.get(), nullptr);
  need(answer + 1, "BN_check_prime");
  return answer == 1;
}

} // namespace cafegram::crypto

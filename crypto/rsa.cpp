#include <cafegram/crypto/aes.hpp>
#include <cafegram/crypto/hash.hpp>
#include <cafegram/crypto/native.hpp>
#include <cafegram/crypto/rsa.hpp>
#include <cafegram/crypto/secure.hpp>

#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/encoder.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <utility>

namespace cafegram::crypto {
namespace {

using native::need;

constexpr std::size_t key_octets = 256;
constexpr std::size_t padded_size = 192; // what RSA_PAD brings the data to
constexpr std::size_t most_data = 144;
constexpr std::array<std::uint8_t, 32> zero_iv{};

using decoder_ptr = std::unique_ptr<OSSL_DECODER_CTX, native::deleter<OSSL_DECODER_CTX_free>>;
using encoder_ptr = std::unique_ptr<OSSL_ENCODER_CTX, native::deleter<OSSL_ENCODER_CTX_free>>;
using param_build_ptr = std::unique_ptr<OSSL_PARAM_BLD, native::deleter<OSSL_PARAM_BLD_free>>;
using params_ptr = std::unique_ptr<OSSL_PARAM, native::deleter<OSSL_PARAM_free>>;

/// Refuses encrypted PEM: libcrypto would else ask for the password on the terminal.
int no_password(char*, int, int, void*) {
  return -1;
}

result<native::pkey_ptr> read_pem(std::string_view pem, int selection) {
  EVP_PKEY* key = nullptr;
  const decoder_ptr decoder{
      need(OSSL_DECODER_CTX_new_for_pkey(&key, "PEM", nullptr, "RSA", selection, nullptr, nullptr),
           "OSSL_DECODER_CTX_new_for_pkey")};
  OSSL_DECODER_CTX_set_pem_password_cb(decoder.get(), no_password, nullptr);
  const auto* data = reinterpret_cast<const unsigned char*>(pem.data());
  std::size_t size = pem.size();
  const int done = OSSL_DECODER_from_data(decoder.get(), &data, &size);
  native::pkey_ptr out{key};
  if (done != 1 || !out) {
    ERR_clear_error();
    return fail(errc::malformed, "this is no RSA key in PEM form (PKCS#1 or the general one)");
  }
  if (EVP_PKEY_get_bits(out.get()) != static_cast<int>(key_octets * 8)) {
    return fail(errc::bad_argument, "an RSA key for MTProto has exactly 2048 bits");
  }
  return out;
}

std::string write_pem(EVP_PKEY* key, int selection) {
  const encoder_ptr encoder{
      need(OSSL_ENCODER_CTX_new_for_pkey(key, selection, "PEM", "type-specific", nullptr),
           "OSSL_ENCODER_CTX_new_for_pkey")};
  unsigned char* data = nullptr;
  std::size_t size = 0;
  need(OSSL_ENCODER_to_data(encoder.get(), &data, &size), "OSSL_ENCODER_to_data");
  std::string out{reinterpret_cast<const char*>(data), size};
  OPENSSL_clear_free(data, size);
  return out;
}

bytes read_number(const EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  need(EVP_PKEY_get_bn_param(key, name, &number), "EVP_PKEY_get_bn_param");
  const native::bn_ptr owner{number};
  bytes out(static_cast<std::size_t>(BN_num_bytes(number)));
  BN_bn2bin(number, out.data());
  return out;
}

/// TL's bare `bytes`: length, octets, zeros up to a multiple of four.
void append_tl(bytes& out, bytes_view data) {
  if (data.size() < 254) {
    out.push_back(static_cast<std::uint8_t>(data.size()));
  } else {
    out.push_back(254);
    for (int i = 0; i < 3; ++i) {
      out.push_back(static_cast<std::uint8_t>(data.size() >> 8 * i));
    }
  }
  append(out, data);
  out.resize((out.size() + 3) / 4 * 4);
}

std::int64_t fingerprint_of(bytes_view modulus, bytes_view exponent) {
  bytes bare;
  append_tl(bare, modulus);
  append_tl(bare, exponent);
  const digest_sha1 hash = sha1(bare);
  std::uint64_t out = 0;
  for (std::size_t i = 20; i-- > 12;) {
    out = out << 8 | hash[i];
  }
  return static_cast<std::int64_t>(out);
}

/// Encrypts or decrypts one block without any padding of libcrypto's own.
bool raw_operation(EVP_PKEY* key, bool encrypt, bytes_view in, rsa_block& out) {
  const native::pkey_ctx_ptr context{need(EVP_PKEY_CTX_new(key, nullptr), "EVP_PKEY_CTX_new")};
  need(encrypt ? EVP_PKEY_encrypt_init(context.get()) : EVP_PKEY_decrypt_init(context.get()),
       "RSA init");
  need(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING), "RSA padding");
  std::size_t size = out.size();
  const auto operation = encrypt ? EVP_PKEY_encrypt : EVP_PKEY_decrypt;
  const bool done =
      operation(context.get(), out.data(), &size, in.data(), in.size()) == 1 && size == out.size();
  if (!done) {
    ERR_clear_error();
  }
  return done;
}

/// The block of RSA_PAD for one temp_key: temp_key_xor and the encrypted data with its hash.
rsa_block pad_block(std::span<const std::uint8_t, padded_size> padded,
                    const fixed_secret<32>& temp_key) {
  std::array<std::uint8_t, key_octets - 32> work;
  std::reverse_copy(padded.begin(), padded.end(), work.begin());
  std::ranges::copy(sha256({temp_key.view(), padded}), work.begin() + padded_size);
  rsa_block out;
  const auto encrypted = std::span{out}.subspan<32>();
  ige_encrypt(ige_job{temp_key.view(), zero_iv, work, encrypted});
  const digest_sha256 mask = sha256(encrypted);
  for (std::size_t i = 0; i < mask.size(); ++i) {
    out[i] = temp_key.view()[i] ^ mask[i];
  }
  wipe(work);
  return out;
}

} // namespace

struct rsa_public_key::native {
  crypto::native::pkey_ptr key;
  bytes modulus;
  bytes exponent;
  std::int64_t fingerprint = 0;

  static std::shared_ptr<const native> of(crypto::native::pkey_ptr key) {
    auto out = std::make_shared<native>();
    out->modulus = read_number(key.get(), OSSL_PKEY_PARAM_RSA_N);
    out->exponent = read_number(key.get(), OSSL_PKEY_PARAM_RSA_E);
    out->fingerprint = fingerprint_of(out->modulus, out->exponent);
    out->key = std::move(key);
    return out;
  }
};

rsa_public_key::rsa_public_key(std::shared_ptr<const native> key)
  : native_{std::move(key)} {}

result<rsa_public_key> rsa_public_key::from_pem(std::string_view pem) {
  auto key = read_pem(pem, EVP_PKEY_PUBLIC_KEY);
  if (!key) {
    return std::unexpected(std::move(key).error());
  }
  return rsa_public_key{native::of(*std::move(key))};
}

result<rsa_public_key> rsa_public_key::from_numbers(bytes_view modulus, bytes_view exponent) {
  if (modulus.size() != key_octets || modulus[0] < 0x80 || modulus.back() % 2 == 0 ||
      exponent.empty() || exponent.size() > 8) {
    return fail(errc::bad_argument, "an RSA key for MTProto has exactly 2048 bits");
  }
  const auto number = [](bytes_view octets) {
    return crypto::native::bn_ptr{
        need(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr), "BN_bin2bn")};
  };
  const auto n = number(modulus);
  const auto e = number(exponent);
  const param_build_ptr build{need(OSSL_PARAM_BLD_new(), "OSSL_PARAM_BLD_new")};
  need(OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, n.get()), "RSA n");
  need(OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, e.get()), "RSA e");
  const params_ptr params{need(OSSL_PARAM_BLD_to_param(build.get()), "RSA parameters")};
  const crypto::native::pkey_ctx_ptr context{
      need(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr), "EVP_PKEY_CTX_new_from_name")};
  need(EVP_PKEY_fromdata_init(context.get()), "EVP_PKEY_fromdata_init");
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    ERR_clear_error();
    return fail(errc::bad_argument, "these numbers are no RSA key");
  }
  return rsa_public_key{native::of(crypto::native::pkey_ptr{key})};
}

std::int64_t rsa_public_key::fingerprint() const {
  return native_->fingerprint;
}

std::string rsa_public_key::to_pem() const {
  return write_pem(native_->key.get(), EVP_PKEY_PUBLIC_KEY);
}

bytes rsa_public_key::modulus() const {
  return native_->modulus;
}

bytes rsa_public_key::exponent() const {
  return native_->exponent;
}

result<rsa_block> rsa_public_key::encrypt_raw(const rsa_block& number) const {
  rsa_block out;
  if (!std::ranges::lexicographical_compare(number, native_->modulus) ||
      !raw_operation(native_->key.get(), true, number, out)) {
    return fail(errc::bad_argument, "the number is not below the RSA modulus");
  }
  return out;
}

result<rsa_block> rsa_public_key::encrypt_pad(bytes_view data, random_source& random) const {
  if (data.size() > most_data) {
    return fail(errc::bad_argument, "RSA_PAD takes at most 144 bytes");
  }
  std::array<std::uint8_t, padded_size> padded;
  std::ranges::copy(data, padded.begin());
  random.fill(std::span{padded}.subspan(data.size()));
  // Each attempt fits with a chance of at least one half: 256 failures are no accident.
  for (int attempt = 0; attempt < 256; ++attempt) {
    fixed_secret<32> temp_key;
    random.fill(temp_key.view());
    rsa_block block = pad_block(padded, temp_key);
    if (std::ranges::lexicographical_compare(block, native_->modulus)) {
      auto out = encrypt_raw(block);
      wipe(block);
      wipe(padded);
      return out;
    }
    wipe(block);
  }
  wipe(padded);
  return fail(errc::bad_argument, "the random source gives no temp_key that fits the modulus");
}

result<rsa_block> rsa_public_key::encrypt_old(bytes_view data, random_source& random) const {
  rsa_block block{};
  const auto body = std::span{block}.subspan<1>();
  const digest_sha1 hash = sha1(data);
  if (data.size() > body.size() - hash.size()) {
    return fail(errc::bad_argument, "the old RSA padding takes at most 235 bytes");
  }
  std::ranges::copy(hash, body.begin());
  std::ranges::copy(data, body.begin() + hash.size());
  random.fill(body.subspan(hash.size() + data.size()));
  auto out = encrypt_raw(block);
  wipe(block);
  return out;
}

struct rsa_private_key::native {
  crypto::native::pkey_ptr key;
};

rsa_private_key::rsa_private_key(std::unique_ptr<native> key, rsa_public_key public_half)
  : native_{std::move(key)}
  , public_{std::move(public_half)} {}

rsa_private_key::rsa_private_key(rsa_private_key&&) noexcept = default;
rsa_private_key& rsa_private_key::operator=(rsa_private_key&&) noexcept = default;
rsa_private_key::~rsa_private_key() = default;

rsa_private_key rsa_private_key::generate() {
  for (;;) {
    auto native_key = std::make_unique<native>();
    native_key->key.reset(need(EVP_RSA_gen(key_octets * 8), "EVP_RSA_gen"));
    EVP_PKEY* key = native_key->key.get();
    auto public_half = rsa_public_key::from_numbers(read_number(key, OSSL_PKEY_PARAM_RSA_N),
                                                    read_number(key, OSSL_PKEY_PARAM_RSA_E));
    if (public_half && static_cast<std::uint64_t>(public_half->fingerprint()) >> 60 != 0) {
      return {std::move(native_key), *std::move(public_half)};
    }
  }
}

result<rsa_private_key> rsa_private_key::from_pem(std::string_view pem) {
  auto key = read_pem(pem, EVP_PKEY_KEYPAIR);
  if (!key) {
    return std::unexpected(std::move(key).error());
  }
  auto public_half = rsa_public_key::from_numbers(read_number(key->get(), OSSL_PKEY_PARAM_RSA_N),
                                                  read_number(key->get(), OSSL_PKEY_PARAM_RSA_E));
  if (!public_half) {
    return std::unexpected(std::move(public_half).error());
  }
  auto native_key = std::make_unique<native>();
  native_key->key = *std::move(key);
  return rsa_private_key{std::move(native_key), *std::move(public_half)};
}

secret rsa_private_key::export_secret_pem() const {
  std::string text = write_pem(native_->key.get(), EVP_PKEY_KEYPAIR);
  secret out{as_bytes(text)};
  wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return out;
}

result<rsa_private_key::opened> rsa_private_key::open(bytes_view block) const {
  rsa_block plain;
  if (block.size() != key_octets || !raw_operation(native_->key.get(), false, block, plain)) {
    return fail(errc::protocol_violation, "the encrypted data does not fit the RSA key");
  }
  const auto encrypted = std::span{plain}.subspan<32>();
  const digest_sha256 mask = sha256(encrypted);
  fixed_secret<32> temp_key;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    temp_key.view()[i] = plain[i] ^ mask[i];
  }
  fixed_secret<key_octets - 32> storage;
  const auto work = storage.view();
  ige_decrypt(ige_job{temp_key.view(), zero_iv, encrypted, work});
  const auto data = work.first<padded_size>();
  std::ranges::reverse(data);
  if (constant_time_equal(sha256({temp_key.view(), data}), work.subspan<padded_size>())) {
    wipe(plain);
    return opened{padding::rsa_pad, to_bytes(data), {}};
  }
  if (plain[0] != 0) {
    return fail(errc::protocol_violation, "the encrypted data has neither RSA padding");
  }
  opened out{padding::old, to_bytes(std::span{plain}.subspan<21>()), {}};
  std::copy_n(plain.begin() + 1, out.old_hash.size(), out.old_hash.begin());
  wipe(plain);
  return out;
}

} // namespace cafegram::crypto

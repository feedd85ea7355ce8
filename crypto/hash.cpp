#include <cafegram/crypto/hash.hpp>
#include <cafegram/crypto/native.hpp>
#include <cafegram/crypto/sha256.hpp>

#include <openssl/crypto.h>
#include <openssl/hmac.h>

namespace cafegram::crypto {
namespace {

using native::need;

/// A digest's implementation, looked up once: a look-up costs more than hashing a short message.
template <const char* Name>
const EVP_MD* algorithm() {
  static const native::md_ptr found{need(EVP_MD_fetch(nullptr, Name, nullptr), Name)};
  return found.get();
}

constexpr char name_md5[] = "MD5";
constexpr char name_sha1[] = "SHA1";
constexpr char name_sha256[] = "SHA256";
constexpr char name_sha512[] = "SHA512";

template <const char* Name, std::size_t Size>
std::array<std::uint8_t, Size> digest(std::initializer_list<bytes_view> parts) {
  const native::md_ctx_ptr context{need(EVP_MD_CTX_new(), Name)};
  need(EVP_DigestInit_ex2(context.get(), algorithm<Name>(), nullptr), Name);
  for (const bytes_view part : parts) {
    need(EVP_DigestUpdate(context.get(), part.data(), part.size()), Name);
  }
  std::array<std::uint8_t, Size> out;
  need(EVP_DigestFinal_ex(context.get(), out.data(), nullptr), Name);
  return out;
}

template <const char* Name, std::size_t Size>
std::array<std::uint8_t, Size> hmac(bytes_view key, bytes_view data) {
  // A null key means "the key of before" to libcrypto: an empty one needs an address.
  static constexpr std::uint8_t no_key = 0;
  std::array<std::uint8_t, Size> out;
  need(HMAC(algorithm<Name>(), key.empty() ? &no_key : key.data(), static_cast<int>(key.size()),
            data.data(), data.size(), out.data(), nullptr) != nullptr,
       "HMAC");
  return out;
}

} // namespace

digest_md5 md5(bytes_view data) {
  return digest<name_md5, 16>({data});
}

digest_sha1 sha1(bytes_view data) {
  return digest<name_sha1, 20>({data});
}

digest_sha1 sha1(std::initializer_list<bytes_view> parts) {
  return digest<name_sha1, 20>(parts);
}

digest_sha256 sha256(bytes_view data) {
  digest_sha256 out;
  const sha256_job job{.head = {}, .body = data, .out = &out};
  sha256_each({&job, 1});
  return out;
}

digest_sha256 sha256(std::initializer_list<bytes_view> parts) {
  if (parts.size() != 2) {
    return digest<name_sha256, 32>(parts);
  }
  digest_sha256 out;
  const sha256_job job{.head = *parts.begin(), .body = *(parts.begin() + 1), .out = &out};
  sha256_each({&job, 1});
  return out;
}

digest_sha512 sha512(bytes_view data) {
  return digest<name_sha512, 64>({data});
}

digest_sha512 sha512(std::initializer_list<bytes_view> parts) {
  return digest<name_sha512, 64>(parts);
}

digest_sha256 hmac_sha256(bytes_view key, bytes_view data) {
  return hmac<name_sha256, 32>(key, data);
}

digest_sha512 hmac_sha512(bytes_view key, bytes_view data) {
  return hmac<name_sha512, 64>(key, data);
}

digest_sha512 pbkdf2_hmac_sha512(bytes_view password, bytes_view salt, std::uint32_t iterations) {
  digest_sha512 out;
  const std::string_view text = as_text(password);
  need(PKCS5_PBKDF2_HMAC(text.empty() ? "" : text.data(), static_cast<int>(text.size()),
                         salt.data(), static_cast<int>(salt.size()), static_cast<int>(iterations),
                         algorithm<name_sha512>(), static_cast<int>(out.size()), out.data()),
       "PBKDF2");
  return out;
}

bool constant_time_equal(bytes_view a, bytes_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace cafegram::crypto

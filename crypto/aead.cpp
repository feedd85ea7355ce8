#include <cafegram/crypto/aead.hpp>
#include <cafegram/crypto/cipher_native.hpp>

#include <openssl/err.h>

#include <algorithm>

namespace cafegram::crypto {

namespace {

using native::need;

constexpr char name_gcm[] = "AES-256-GCM";
constexpr std::uint64_t most_memory = std::uint64_t{256} << 20;

native::cipher_ctx_ptr start(gcm_key key, gcm_nonce nonce, bytes_view associated, int encrypt) {
  auto context = native::make_cipher_context();
  need(EVP_CipherInit_ex2(context.get(), native::cipher_algorithm<name_gcm>(), key.data(),
                          nonce.data(), encrypt, nullptr),
       name_gcm);
  int length = 0;
  need(EVP_CipherUpdate(context.get(), nullptr, &length, associated.data(),
                        static_cast<int>(associated.size())),
       name_gcm);
  return context;
}

/// What libcrypto counts in `int`, in pieces.
void pass(EVP_CIPHER_CTX* through, bytes_view in, mutable_bytes_view out) {
  constexpr std::size_t step = std::size_t{1} << 30;
  while (!in.empty()) {
    const auto count = std::min(step, in.size());
    int length = 0;
    need(EVP_CipherUpdate(through, out.data(), &length, in.data(), static_cast<int>(count)),
         name_gcm);
    in = in.subspan(count);
    out = out.subspan(count);
  }
}

} // namespace

void gcm_seal(gcm_key key, gcm_nonce nonce, bytes_view associated, bytes_view plain,
              mutable_bytes_view out) {
  const auto context = start(key, nonce, associated, 1);
  pass(context.get(), plain, out);
  int length = 0;
  std::uint8_t nothing[16];
  need(EVP_CipherFinal_ex(context.get(), nothing, &length), name_gcm);
  need(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, gcm_tag_size,
                           out.subspan(plain.size()).data()),
       name_gcm);
}

bool gcm_open(gcm_key key, gcm_nonce nonce, bytes_view associated, bytes_view sealed,
              mutable_bytes_view out) {
  if (sealed.size() < gcm_tag_size) {
    return false;
  }
  const auto context = start(key, nonce, associated, 0);
  const auto text = sealed.first(sealed.size() - gcm_tag_size);
  pass(context.get(), text, out);
  std::array<std::uint8_t, gcm_tag_size> tag;
  std::ranges::copy(sealed.subspan(text.size()), tag.begin());
  need(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, gcm_tag_size, tag.data()),
       name_gcm);
  int length = 0;
  std::uint8_t nothing[16];
  if (EVP_CipherFinal_ex(context.get(), nothing, &length) > 0) {
    return true;
  }
  wipe(out);
  return false;
}

result<secret> scrypt(bytes_view password, bytes_view salt, const scrypt_cost& cost) {
  secret out{32};
  if (EVP_PBE_scrypt(reinterpret_cast<const char*>(password.data()), password.size(), salt.data(),
                     salt.size(), cost.cost, cost.block, cost.parallel, most_memory,
                     out.view().data(), out.size()) != 1) {
    ERR_clear_error();
    return fail(errc::bad_argument, "the cost of the passphrase's derivation cannot be",
                static_cast<std::int64_t>(cost.cost));
  }
  return out;
}

} // namespace cafegram::crypto

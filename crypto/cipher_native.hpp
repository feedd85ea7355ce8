#pragma once

// Internal to crypto/: libcrypto's ciphers. Not installed.

#include <cafegram/crypto/aes.hpp>
#include <cafegram/crypto/native.hpp>

namespace cafegram::crypto::native {

/// A cipher's implementation, looked up once: a look-up costs more than a short message.
template <const char* Name>
const EVP_CIPHER* cipher_algorithm() {
  static const cipher_ptr found{need(EVP_CIPHER_fetch(nullptr, Name, nullptr), Name)};
  return found.get();
}

inline cipher_ctx_ptr make_cipher_context() {
  return cipher_ctx_ptr{need(EVP_CIPHER_CTX_new(), "EVP_CIPHER_CTX_new")};
}

/// Readies `context` without padding; a new key schedule, the old one wiped.
inline void start_cipher(EVP_CIPHER_CTX* context, const EVP_CIPHER* cipher, aes_key key,
                         const std::uint8_t* iv, int encrypt) {
  need(EVP_CipherInit_ex2(context, cipher, key.data(), iv, encrypt, nullptr), "AES init");
  need(EVP_CIPHER_CTX_set_padding(context, 0), "AES init");
}

} // namespace cafegram::crypto::native

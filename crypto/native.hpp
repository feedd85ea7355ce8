#pragma once

// Internal to crypto/: owners of libcrypto's objects. Not installed, included by .cpp files only.

#include <openssl/bn.h>
#include <openssl/evp.h>

#include <memory>

namespace cafegram::crypto::native {

template <auto Free>
struct deleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

using bn_ptr = std::unique_ptr<BIGNUM, deleter<BN_clear_free>>;
using bn_ctx_ptr = std::unique_ptr<BN_CTX, deleter<BN_CTX_free>>;
using cipher_ptr = std::unique_ptr<EVP_CIPHER, deleter<EVP_CIPHER_free>>;
using cipher_ctx_ptr = std::unique_ptr<EVP_CIPHER_CTX, deleter<EVP_CIPHER_CTX_free>>;
using md_ptr = std::unique_ptr<EVP_MD, deleter<EVP_MD_free>>;
using md_ctx_ptr = std::unique_ptr<EVP_MD_CTX, deleter<EVP_MD_CTX_free>>;
using pkey_ptr = std::unique_ptr<EVP_PKEY, deleter<EVP_PKEY_free>>;
using pkey_ctx_ptr = std::unique_ptr<EVP_PKEY_CTX, deleter<EVP_PKEY_CTX_free>>;

/// Ends the process: libcrypto fails here only without memory or without its own provider, and a
/// cipher that silently did nothing would be worse.
[[noreturn]] void out_of_order(const char* where);

/// Passes a pointer on that must not be null.
template <class T>
T* need(T* object, const char* where) {
  if (object == nullptr) {
    out_of_order(where);
  }
  return object;
}

/// Passes on a return code of libcrypto that must say success.
inline void need(int code, const char* where) {
  if (code <= 0) {
    out_of_order(where);
  }
}

} // namespace cafegram::crypto::native

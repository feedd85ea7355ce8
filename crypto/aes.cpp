#include <cafegram/crypto/aes.hpp>
#include <cafegram/crypto/cipher_native.hpp>

#include <algorithm>

namespace cafegram::crypto {
namespace {

using native::need;

constexpr char name_ctr[] = "AES-256-CTR";

} // namespace

struct aes_ctr::state {
  native::cipher_ctx_ptr context = native::make_cipher_context();
};

aes_ctr::aes_ctr(aes_key key, ctr_iv iv)
  : state_{std::make_unique<state>()} {
  native::start_cipher(state_->context.get(), native::cipher_algorithm<name_ctr>(), key, iv.data(),
                       1);
}

aes_ctr::aes_ctr(aes_ctr&&) noexcept = default;
aes_ctr& aes_ctr::operator=(aes_ctr&&) noexcept = default;
aes_ctr::~aes_ctr() = default;

void aes_ctr::apply(mutable_bytes_view data) {
  constexpr std::size_t step = std::size_t{1} << 30; // libcrypto counts in int
  for (; !data.empty(); data = data.subspan(std::min(step, data.size()))) {
    int written = 0;
    need(EVP_EncryptUpdate(state_->context.get(), data.data(), &written, data.data(),
                           static_cast<int>(std::min(step, data.size()))),
         "AES-CTR");
  }
}

} // namespace cafegram::crypto

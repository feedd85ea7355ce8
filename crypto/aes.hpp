#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/crypto/secure.hpp>

#include <memory>
#include <span>

namespace cafegram::crypto {

using aes_key = std::span<const std::uint8_t, 32>;
using ige_iv = std::span<const std::uint8_t, 32>;
using ctr_iv = std::span<const std::uint8_t, 16>;

/// One message for AES-256 in IGE mode: `c[i] = E(p[i] ^ c[i-1]) ^ p[i-1]`, where `c[0]` is the
/// first half of the iv and `p[0]` the second. `in` and `out` have the same size, a multiple of 16,
/// and are either the same octets or do not overlap.
struct ige_job {
  aes_key key;
  ige_iv iv;
  bytes_view in;
  mutable_bytes_view out;
};

/// Work on several independent messages at once: one alone is bound by the latency of its chain.
void ige_encrypt(std::span<const ige_job> jobs);
void ige_decrypt(std::span<const ige_job> jobs);

/// The same for one message.
inline void ige_encrypt(const ige_job& job) {
  ige_encrypt(std::span{&job, 1});
}
inline void ige_decrypt(const ige_job& job) {
  ige_decrypt(std::span{&job, 1});
}

/// AES-256 in counter mode (128-bit big-endian counter): a stream that goes on from call to call.
class aes_ctr {
public:
  aes_ctr(aes_key key, ctr_iv iv);
  aes_ctr(aes_ctr&&) noexcept;
  aes_ctr& operator=(aes_ctr&&) noexcept;
  ~aes_ctr();

  /// Encrypts or decrypts in place; the two are the same.
  void apply(mutable_bytes_view data);

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace cafegram::crypto

#include <cafegram/crypto/aes_native.hpp>
#include <cafegram/crypto/cipher_native.hpp>
#include <cafegram/crypto/secure.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

namespace cafegram::crypto::native {
namespace {

constexpr std::size_t block_size = aes_block;
constexpr char name_cbc[] = "AES-256-CBC";
constexpr char name_ecb[] = "AES-256-ECB";

struct block {
  std::uint64_t low, high;

  static block load(const std::uint8_t* from) {
    block out;
    std::memcpy(&out, from, block_size);
    return out;
  }
  void store(std::uint8_t* to) const { std::memcpy(to, this, block_size); }
  friend block operator^(block a, block b) { return {a.low ^ b.low, a.high ^ b.high}; }
};

/// With `y[i] = c[i] ^ p[i-1]` and `x[i] = p[i] ^ p[i-2]`, IGE reads `y[i] = E(x[i] ^ y[i-1])`:
/// that is CBC over `x`, which libcrypto does at the full speed of the machine.
void encrypt_one(EVP_CIPHER_CTX* context, const ige_job& job) {
  start_cipher(context, cipher_algorithm<name_cbc>(), job.key, job.iv.data(), 1);
  constexpr std::size_t chunk = 64;
  std::array<std::uint8_t, chunk * block_size> x;
  std::array<block, chunk> before; // p[i-1] of each block of this chunk
  block last{0, 0};                // p[i-2]
  block previous = block::load(job.iv.data() + block_size);
  bool first = true;
  for (std::size_t offset = 0; offset < job.in.size();) {
    const std::size_t count = std::min(chunk, (job.in.size() - offset) / block_size);
    const std::uint8_t* in = job.in.data() + offset;
    for (std::size_t i = 0; i < count; ++i) {
      const block plain = block::load(in + i * block_size);
      (first ? plain : plain ^ last).store(x.data() + i * block_size);
      before[i] = previous;
      last = previous;
      previous = plain;
      first = false;
    }
    int written = 0;
    need(EVP_EncryptUpdate(context, x.data(), &written, x.data(),
                           static_cast<int>(count * block_size)),
         "AES-CBC");
    std::uint8_t* out = job.out.data() + offset;
    for (std::size_t i = 0; i < count; ++i) {
      (block::load(x.data() + i * block_size) ^ before[i]).store(out + i * block_size);
    }
    offset += count * block_size;
  }
  wipe(x);
  wipe({reinterpret_cast<std::uint8_t*>(before.data()), sizeof before});
}

/// Block by block: libcrypto has no chaining mode around the inverse cipher that would fit.
void decrypt_one(EVP_CIPHER_CTX* context, const ige_job& job) {
  start_cipher(context, cipher_algorithm<name_ecb>(), job.key, nullptr, 0);
  block cipher_before = block::load(job.iv.data());
  block plain_before = block::load(job.iv.data() + block_size);
  for (std::size_t offset = 0; offset < job.in.size(); offset += block_size) {
    const block cipher = block::load(job.in.data() + offset);
    block work = cipher ^ plain_before;
    auto* raw = reinterpret_cast<std::uint8_t*>(&work);
    need(EVP_Cipher(context, raw, raw, block_size), "AES-ECB");
    plain_before = work ^ cipher_before;
    cipher_before = cipher;
    plain_before.store(job.out.data() + offset);
  }
}

} // namespace

void portable_ige(std::span<const ige_job> jobs, bool inverse) {
  const auto context = make_cipher_context();
  for (const ige_job& job : jobs) {
    assert(job.in.size() % block_size == 0 && job.in.size() == job.out.size());
    if (inverse) {
      decrypt_one(context.get(), job);
    } else {
      encrypt_one(context.get(), job);
    }
  }
}

} // namespace cafegram::crypto::native

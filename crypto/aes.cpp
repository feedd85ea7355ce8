#include <cafegram/crypto/aes.hpp>
#include <cafegram/crypto/native.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

namespace cafegram::crypto {
namespace {

using native::need;

constexpr std::size_t block_size = 16;

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

/// A cipher's implementation, looked up once: a look-up costs more than a short message.
template <const char* Name>
const EVP_CIPHER* algorithm() {
  static const native::cipher_ptr found{need(EVP_CIPHER_fetch(nullptr, Name, nullptr), Name)};
  return found.get();
}

constexpr char name_cbc[] = "AES-256-CBC";
constexpr char name_ecb[] = "AES-256-ECB";
constexpr char name_ctr[] = "AES-256-CTR";

native::cipher_ctx_ptr make_context() {
  return native::cipher_ctx_ptr{need(EVP_CIPHER_CTX_new(), "EVP_CIPHER_CTX_new")};
}

/// Readies `context` without padding; a new key schedule, the old one wiped.
void start(EVP_CIPHER_CTX* context, const EVP_CIPHER* cipher, aes_key key, const std::uint8_t* iv,
           int encrypt) {
  need(EVP_CipherInit_ex2(context, cipher, key.data(), iv, encrypt, nullptr), "AES init");
  need(EVP_CIPHER_CTX_set_padding(context, 0), "AES init");
}

/// With `y[i] = c[i] ^ p[i-1]` and `x[i] = p[i] ^ p[i-2]`, IGE reads `y[i] = E(x[i] ^ y[i-1])`:
/// that is CBC over `x`, which libcrypto does at the full speed of the machine.
void encrypt_one(EVP_CIPHER_CTX* context, const ige_job& job) {
  start(context, algorithm<name_cbc>(), job.key, job.iv.data(), 1);
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
  start(context, algorithm<name_ecb>(), job.key, nullptr, 0);
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

void ige_encrypt(std::span<const ige_job> jobs) {
  const auto context = make_context();
  for (const ige_job& job : jobs) {
    assert(job.in.size() % block_size == 0 && job.in.size() == job.out.size());
    encrypt_one(context.get(), job);
  }
}

void ige_decrypt(std::span<const ige_job> jobs) {
  const auto context = make_context();
  for (const ige_job& job : jobs) {
    assert(job.in.size() % block_size == 0 && job.in.size() == job.out.size());
    decrypt_one(context.get(), job);
  }
}

struct aes_ctr::state {
  native::cipher_ctx_ptr context = make_context();
};

aes_ctr::aes_ctr(aes_key key, ctr_iv iv)
  : state_{std::make_unique<state>()} {
  start(state_->context.get(), algorithm<name_ctr>(), key, iv.data(), 1);
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

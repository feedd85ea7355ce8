// For SHA256_Init and the like: EVP's contexts are allocated, and cost more than hashing a short
// message.
#define OPENSSL_SUPPRESS_DEPRECATED

#include <cafegram/crypto/native.hpp>
#include <cafegram/crypto/secure.hpp>
#include <cafegram/crypto/sha256.hpp>
#include <cafegram/crypto/sha256_native.hpp>

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace cafegram::crypto {
namespace {

void by_libcrypto(const sha256_job& job) {
  SHA256_CTX context;
  native::need(SHA256_Init(&context), "SHA256");
  native::need(SHA256_Update(&context, job.head.data(), job.head.size()), "SHA256");
  native::need(SHA256_Update(&context, job.body.data(), job.body.size()), "SHA256");
  native::need(SHA256_Final(job.out->data(), &context), "SHA256");
  wipe({reinterpret_cast<std::uint8_t*>(&context), sizeof(context)});
}

#if defined(CAFEGRAM_X86_KERNELS)

constexpr std::size_t block = native::sha256_block;

/// One message on its way: pieces of whole blocks, where they lie if possible. What is cut by the
/// border of head and body, and the padding, are put together in `edge`.
class stream {
public:
  stream() = default; // nothing is cleared that is written before it is read
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
  ~stream() { wipe({reinterpret_cast<std::uint8_t*>(&held_), sizeof(held_)}); }

  void start(const sha256_job& job) {
    // FIPS 180-4, 5.3.3.
    held_.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    head_ = job.head;
    body_ = job.body;
    bits_ = std::uint64_t{head_.size() + body_.size()} * 8;
    out_ = job.out;
    next_ = step::head;
    find_blocks();
  }

  std::uint32_t* state() { return held_.state.data(); }
  const std::uint8_t* data() const { return data_; }
  std::size_t blocks() const { return blocks_; }

  /// So many blocks were done. False at the end, when the digest is written.
  bool advance(std::size_t done) {
    data_ += done * block;
    blocks_ -= done;
    if (blocks_ == 0) {
      find_blocks();
    }
    if (blocks_ > 0) {
      return true;
    }
    for (std::size_t i = 0; i < held_.state.size(); ++i) {
      put_big_endian(out_->data() + 4 * i, held_.state[i]);
    }
    return false;
  }

private:
  enum class step : std::uint8_t { head, border, body, padding, end };

  static void put_big_endian(std::uint8_t* to, std::uint32_t value) {
    value = __builtin_bswap32(value);
    std::memcpy(to, &value, sizeof(value));
  }

  void find_blocks() {
    while (blocks_ == 0 && next_ != step::end) {
      switch (next_) {
      case step::head:
        take_whole(head_);
        next_ = step::border;
        break;
      case step::border:
        join_border();
        next_ = step::body;
        break;
      case step::body:
        if (head_.empty()) {
          take_whole(body_);
        }
        next_ = step::padding;
        break;
      default:
        pad();
        next_ = step::end;
      }
    }
  }

  void take_whole(bytes_view& from) {
    data_ = from.data();
    blocks_ = from.size() / block;
    from = from.subspan(blocks_ * block);
  }

  void join_border() {
    const auto missing = block - head_.size();
    if (head_.empty() || body_.size() < missing) {
      return;
    }
    std::ranges::copy(head_, held_.edge.begin());
    std::ranges::copy(body_.first(missing), held_.edge.begin() + head_.size());
    head_ = {};
    body_ = body_.subspan(missing);
    data_ = held_.edge.data();
    blocks_ = 1;
  }

  /// FIPS 180-4, 5.1.1, behind what is left of head and body: less than a block.
  void pad() {
    auto end = std::ranges::copy(head_, held_.edge.begin()).out;
    end = std::ranges::copy(body_, end).out;
    *end++ = 0x80;
    const auto used = head_.size() + body_.size() + 1 + sizeof(bits_);
    data_ = held_.edge.data();
    blocks_ = used <= block ? 1 : 2;
    std::uint8_t* length = held_.edge.data() + blocks_ * block - sizeof(bits_);
    std::fill(end, held_.edge.begin() + blocks_ * block, std::uint8_t{0});
    put_big_endian(length, static_cast<std::uint32_t>(bits_ >> 32));
    put_big_endian(length + 4, static_cast<std::uint32_t>(bits_));
  }

  struct {
    std::array<std::uint32_t, 8> state;
    std::array<std::uint8_t, 2 * block> edge;
  } held_;
  bytes_view head_;
  bytes_view body_;
  std::uint64_t bits_ = 0;
  digest_sha256* out_ = nullptr;
  const std::uint8_t* data_ = nullptr;
  std::size_t blocks_ = 0;
  step next_ = step::end;
};

void one_by_kernel(const native::sha256_kernel& kernel, const sha256_job& job) {
  stream alone;
  alone.start(job);
  std::size_t blocks = 0;
  do {
    blocks = alone.blocks();
    kernel.one(alone.state(), alone.data(), blocks);
  } while (alone.advance(blocks));
}

/// Two at a time: the one that ends is given the next job.
void by_kernel(const native::sha256_kernel& kernel, std::span<const sha256_job> jobs) {
  if (jobs.size() < 2) {
    if (!jobs.empty()) {
      one_by_kernel(kernel, jobs.front());
    }
    return;
  }
  std::array<stream, 2> streams;
  std::array<stream*, 2> busy{&streams[0], &streams[1]};
  for (std::size_t i = 0; i < busy.size(); ++i) {
    busy[i]->start(jobs[i]);
  }
  jobs = jobs.subspan(busy.size());
  for (auto count = busy.size(); count > 0;) {
    auto blocks = busy[0]->blocks();
    if (count == 2) {
      blocks = std::min(blocks, busy[1]->blocks());
      const std::array states{busy[0]->state(), busy[1]->state()};
      const std::array data{busy[0]->data(), busy[1]->data()};
      kernel.two(states.data(), data.data(), blocks);
    } else {
      kernel.one(busy[0]->state(), busy[0]->data(), blocks);
    }
    for (auto i = count; i-- > 0;) {
      if (busy[i]->advance(blocks)) {
        continue;
      }
      if (!jobs.empty()) {
        busy[i]->start(jobs.front());
        jobs = jobs.subspan(1);
      } else {
        busy[i] = busy[--count];
      }
    }
  }
}

#endif

} // namespace

sha_path choose_sha_path([[maybe_unused]] const cpu_features& cpu) {
#if defined(CAFEGRAM_X86_KERNELS)
  if (cpu.sha) {
    return sha_path::shani;
  }
#endif
  return sha_path::libcrypto;
}

void sha256_each(std::span<const sha256_job> jobs, sha_path path) {
#if defined(CAFEGRAM_X86_KERNELS)
  if (path == sha_path::shani) {
    return by_kernel(native::shani_kernel, jobs);
  }
#endif
  static_cast<void>(path);
  for (const auto& job : jobs) {
    by_libcrypto(job);
  }
}

void sha256_each(std::span<const sha256_job> jobs) {
  static const sha_path chosen = choose_sha_path(detect_cpu());
  sha256_each(jobs, chosen);
}

} // namespace cafegram::crypto

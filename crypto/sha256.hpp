#pragma once

#include <cafegram/crypto/cpu.hpp>
#include <cafegram/crypto/hash.hpp>

#include <span>

namespace cafegram::crypto {

/// SHA-256 over `head` and then `body`, as if they were one, to `out`.
struct sha256_job {
  bytes_view head;
  bytes_view body;
  digest_sha256* out = nullptr;
};

/// The ways in which this library can do SHA-256. All give the same digests.
enum class sha_path : std::uint8_t {
  libcrypto, ///< on every machine
  shani,     ///< x86-64 with SHA-NI: two messages interleaved
};

/// The fastest of this build for such a processor.
sha_path choose_sha_path(const cpu_features& cpu);

/// Work on several messages at once: one alone is bound by the latency of its chain. Allocates
/// nothing, and wipes what it has held.
void sha256_each(std::span<const sha256_job> jobs);
/// The same by this path, which the machine must be able to run.
void sha256_each(std::span<const sha256_job> jobs, sha_path path);

} // namespace cafegram::crypto

#pragma once

#include <cafegram/crypto/aes.hpp>
#include <cafegram/crypto/cpu.hpp>

#include <span>
#include <string_view>

namespace cafegram::crypto {

/// The ways in which this library can do AES in IGE mode. All give the same octets.
enum class aes_path : std::uint8_t {
  portable, ///< libcrypto, on every machine; constant time as far as libcrypto is
  aesni,    ///< x86-64 with AES-NI: up to 8 messages interleaved
  vaes,     ///< x86-64 with VAES and AVX2: up to 12 messages interleaved
  armv8,    ///< AArch64 with the cryptographic extension: up to 8 messages interleaved
};

std::string_view to_string(aes_path path);

/// Those of this build that such a processor can run, the fastest last; `portable` is always there.
std::span<const aes_path> aes_paths(const cpu_features& cpu);

/// What `ige_encrypt` and `ige_decrypt` without a path use: the fastest that this machine runs.
aes_path default_aes_path();

/// As without a path, but by this one, which the machine must be able to run.
void ige_encrypt(std::span<const ige_job> jobs, aes_path path);
void ige_decrypt(std::span<const ige_job> jobs, aes_path path);

} // namespace cafegram::crypto

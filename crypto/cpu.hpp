#pragma once

namespace cafegram::crypto {

/// What a processor has for ciphers and hashes, and the system lets programs use.
struct cpu_features {
  bool aes = false;  ///< one AES round an instruction: AES-NI, or the ARMv8 extension
  bool vaes = false; ///< two at once in AVX2 registers
  bool sha = false;  ///< rounds of SHA-256: SHA-NI
};

/// Those of the machine that this runs on.
cpu_features detect_cpu();

} // namespace cafegram::crypto

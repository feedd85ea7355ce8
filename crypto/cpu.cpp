#include <cafegram/crypto/cpu.hpp>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace cafegram::crypto {

#if defined(__x86_64__)

cpu_features detect_cpu() {
  cpu_features out;
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) {
    return out;
  }
  const bool ssse3 = (ecx & bit_SSSE3) != 0;
  const bool sse41 = (ecx & bit_SSE4_1) != 0;
  out.aes = (ecx & bit_AES) != 0 && ssse3;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) {
    return out;
  }
  out.sha = (ebx & bit_SHA) != 0 && ssse3 && sse41;
  // The compiler's own test of AVX2 asks the system too, whether it saves the wide registers.
  out.vaes = out.aes && (ecx & bit_VAES) != 0 && __builtin_cpu_supports("avx2") != 0;
  return out;
}

#elif defined(__aarch64__)

cpu_features detect_cpu() {
  constexpr unsigned long hwcap_aes = 1UL << 3;
  return {.aes = (getauxval(AT_HWCAP) & hwcap_aes) != 0};
}

#else

cpu_features detect_cpu() {
  return {};
}

#endif

} // namespace cafegram::crypto

#include <cafegram/crypto/aes_native.hpp>
#include <cafegram/crypto/aes_paths.hpp>

#include <array>

namespace cafegram::crypto {
namespace {

#if defined(CAFEGRAM_X86_KERNELS)
constexpr std::array all_paths{aes_path::portable, aes_path::aesni, aes_path::vaes};
#elif defined(CAFEGRAM_ARM_KERNELS)
constexpr std::array all_paths{aes_path::portable, aes_path::armv8};
#else
constexpr std::array all_paths{aes_path::portable};
#endif

#if defined(CAFEGRAM_X86_KERNELS) || defined(CAFEGRAM_ARM_KERNELS)
void run(const native::ige_kernel& kernel, std::span<const ige_job> jobs, bool inverse) {
  native::lane_runner{kernel, inverse}.run(jobs);
}
#endif

void run(aes_path path, std::span<const ige_job> jobs, bool inverse) {
  switch (path) {
#if defined(CAFEGRAM_X86_KERNELS)
  case aes_path::vaes:
    // One message alone gains nothing by a wider register.
    return run(jobs.size() == 1 ? native::aesni_kernel : native::vaes_kernel, jobs, inverse);
  case aes_path::aesni:
    return run(native::aesni_kernel, jobs, inverse);
#elif defined(CAFEGRAM_ARM_KERNELS)
  case aes_path::armv8:
    return run(native::armv8_kernel, jobs, inverse);
#endif
  default:
    return native::portable_ige(jobs, inverse);
  }
}

} // namespace

std::string_view to_string(aes_path path) {
  switch (path) {
  case aes_path::portable:
    return "portable";
  case aes_path::aesni:
    return "aesni";
  case aes_path::vaes:
    return "vaes";
  case aes_path::armv8:
    return "armv8";
  }
  return "?";
}

std::span<const aes_path> aes_paths(const cpu_features& cpu) {
  const std::span<const aes_path> all{all_paths};
  if (!cpu.aes || all.size() == 1) {
    return all.first(1);
  }
  return cpu.vaes ? all : all.first(2);
}

aes_path default_aes_path() {
  static const aes_path chosen = aes_paths(detect_cpu()).back();
  return chosen;
}

void ige_encrypt(std::span<const ige_job> jobs, aes_path path) {
  run(path, jobs, false);
}

void ige_decrypt(std::span<const ige_job> jobs, aes_path path) {
  run(path, jobs, true);
}

void ige_encrypt(std::span<const ige_job> jobs) {
  run(default_aes_path(), jobs, false);
}

void ige_decrypt(std::span<const ige_job> jobs) {
  run(default_aes_path(), jobs, true);
}

} // namespace cafegram::crypto

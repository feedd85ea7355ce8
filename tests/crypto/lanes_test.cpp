// The processor's own instructions, without libcrypto: this file is also built by a cross compiler
// and run under emulation (tests/crypto/armv8).
#include <cafegram/crypto/aes_native.hpp>
#include <cafegram/crypto/cpu.hpp>

#include <new>

#include "job_kit.hpp"
#include "vectors.hpp"

namespace cafegram::crypto::native {
namespace {

struct named_kernel {
  const char* name;
  const ige_kernel* kernel;
};

std::vector<named_kernel> kernels() {
  std::vector<named_kernel> out;
  [[maybe_unused]] const auto cpu = detect_cpu();
#if defined(__x86_64__)
  if (cpu.aes) {
    out.push_back({"aesni", &aesni_kernel});
  }
  if (cpu.vaes) {
    out.push_back({"vaes", &vaes_kernel});
  }
#elif defined(__aarch64__)
  if (cpu.aes) {
    out.push_back({"armv8", &armv8_kernel});
  }
#endif
  return out;
}

#define CAFEGRAM_NEEDS_KERNELS()                                                                   \
  if (kernels().empty()) {                                                                         \
    GTEST_SKIP() << "skipped: this processor has no AES instructions";                             \
  }

TEST(lanes, the_reference_is_that_of_the_standard) {
  // FIPS 197, appendix C.3.
  const auto key = test::hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  const auto plain = test::hex("00112233445566778899aabbccddeeff");
  const auto cipher = test::hex("8ea2b7ca516745bfeafc49904b496089");
  const test::reference_aes aes{std::span{key}.first<32>()};
  test::reference_aes::block block;
  std::ranges::copy(plain, block.begin());
  EXPECT_TRUE(std::ranges::equal(aes.encrypt(block), cipher));
  std::ranges::copy(cipher, block.begin());
  EXPECT_TRUE(std::ranges::equal(aes.decrypt(block), plain));
}

TEST(lanes, every_kernel_does_the_vectors) {
  CAFEGRAM_NEEDS_KERNELS();
  for (const auto& [name, kernel] : kernels()) {
    SCOPED_TRACE(name);
    for (const auto& c : test::own_vectors()["aes_ige"]["cases"]) {
      const auto key = test::hex_array<32>(c["key"]);
      const auto iv = test::hex_array<32>(c["iv"]);
      const bytes plain = test::hex(c["plaintext"]);
      bytes out(plain.size());
      const ige_job there{key, iv, plain, out};
      lane_runner{*kernel, false}.run({&there, 1});
      EXPECT_EQ(to_hex(out), c["ciphertext"].get<std::string>());
      const ige_job back{key, iv, out, out};
      lane_runner{*kernel, true}.run({&back, 1});
      EXPECT_EQ(out, plain);
    }
  }
}

TEST(lanes, any_number_of_messages_of_any_lengths) {
  CAFEGRAM_NEEDS_KERNELS();
  seeded_random random{test::seed()};
  for (const auto& [name, kernel] : kernels()) {
    for (const bool inverse : {false, true}) {
      for (std::size_t count = 0; count <= 17; ++count) {
        SCOPED_TRACE(std::string{name} + (inverse ? " decrypts " : " encrypts ") +
                     std::to_string(count));
        const test::random_jobs work{random, count, 24};
        lane_runner{*kernel, inverse}.run(work.jobs());
        work.check(inverse);
      }
    }
  }
}

TEST(lanes, more_messages_than_are_ordered_at_once) {
  CAFEGRAM_NEEDS_KERNELS();
  seeded_random random{test::seed()};
  for (const auto& [name, kernel] : kernels()) {
    SCOPED_TRACE(name);
    const test::random_jobs work{random, 150, 5};
    lane_runner{*kernel, false}.run(work.jobs());
    work.check(false);
  }
}

TEST(lanes, nothing_of_keys_and_text_is_left_behind) {
  CAFEGRAM_NEEDS_KERNELS();
  seeded_random random{test::seed()};
  for (const auto& [name, kernel] : kernels()) {
    for (std::size_t count = 1; count <= kernel->lanes; ++count) {
      SCOPED_TRACE(name);
      alignas(lane_runner) std::array<std::uint8_t, sizeof(lane_runner)> memory{};
      const test::random_jobs work{random, count, 9};
      auto* runner = new (memory.data()) lane_runner{*kernel, false};
      runner->run(work.jobs());
      // The lanes are the last member; what is left of them are addresses and zeros.
      const auto* lanes = reinterpret_cast<const ige_lanes*>(memory.data() + sizeof(lane_runner) -
                                                             sizeof(ige_lanes));
      const auto clean = [&lanes] {
        const auto zero = [](std::uint8_t octet) { return octet == 0; };
        return std::ranges::all_of(lanes->keys, zero) &&
               std::ranges::all_of(lanes->before_in, zero) &&
               std::ranges::all_of(lanes->before_out, zero);
      };
      EXPECT_EQ(clean(), work.octets() == 0);
      runner->~lane_runner();
      EXPECT_TRUE(clean());
    }
  }
}

} // namespace
} // namespace cafegram::crypto::native

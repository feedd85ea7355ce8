#include <cafegram/crypto/aes_paths.hpp>

#include "job_kit.hpp"

namespace cafegram::crypto {
namespace {

TEST(aes_paths, are_chosen_by_what_the_processor_has) {
  const auto none = aes_paths({});
  ASSERT_EQ(none.size(), 1U);
  EXPECT_EQ(none.back(), aes_path::portable);
#if defined(__x86_64__)
  EXPECT_EQ(aes_paths({.aes = true}).back(), aes_path::aesni);
  EXPECT_EQ(aes_paths({.aes = true, .vaes = true}).back(), aes_path::vaes);
  EXPECT_EQ(aes_paths({.vaes = true}).back(), aes_path::portable);
#elif defined(__aarch64__)
  EXPECT_EQ(aes_paths({.aes = true}).back(), aes_path::armv8);
#endif
  EXPECT_EQ(default_aes_path(), aes_paths(detect_cpu()).back());
}

TEST(aes_paths, all_give_the_same_octets) {
  seeded_random random{test::seed()};
  for (const aes_path path : aes_paths(detect_cpu())) {
    for (std::size_t count = 0; count <= 17; ++count) {
      SCOPED_TRACE(std::string{to_string(path)} + ", " + std::to_string(count) + " messages");
      const test::random_jobs there{random, count, 70};
      ige_encrypt(there.jobs(), path);
      there.check(false);
      const test::random_jobs back{random, count, 70};
      ige_decrypt(back.jobs(), path);
      back.check(true);
    }
  }
}

TEST(aes_paths, long_messages_beside_short_ones) {
  seeded_random random{test::seed()};
  for (const aes_path path : aes_paths(detect_cpu())) {
    SCOPED_TRACE(to_string(path));
    const test::random_jobs work{random, 13, 900};
    ige_decrypt(work.jobs(), path);
    work.check(true);
  }
}

} // namespace
} // namespace cafegram::crypto

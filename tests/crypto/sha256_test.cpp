#include <cafegram/base/environment.hpp>
#include <cafegram/crypto/sha256.hpp>

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "../support.hpp"

namespace cafegram::crypto {
namespace {

digest_sha256 by(sha_path path, bytes_view head, bytes_view body) {
  digest_sha256 out{};
  const sha256_job job{.head = head, .body = body, .out = &out};
  sha256_each({&job, 1}, path);
  return out;
}

std::vector<sha_path> paths() {
  std::vector<sha_path> out{sha_path::libcrypto};
  if (const auto best = choose_sha_path(detect_cpu()); best != out.front()) {
    out.push_back(best);
  }
  return out;
}

TEST(sha256, paths_are_chosen_by_what_the_processor_has) {
  EXPECT_EQ(choose_sha_path({}), sha_path::libcrypto);
#if defined(__x86_64__)
  EXPECT_EQ(choose_sha_path({.sha = true}), sha_path::shani);
#endif
}

TEST(sha256, known_answers) {
  // FIPS 180-2, appendix B, and the empty message.
  const std::string million(1'000'000, 'a');
  for (const auto path : paths()) {
    EXPECT_EQ(to_hex(by(path, {}, {})),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(to_hex(by(path, as_bytes("a"), as_bytes("bc"))),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(to_hex(by(path, as_bytes(million).first(99), as_bytes(million).subspan(99))),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
}

TEST(sha256, every_cut_of_every_short_length) {
  seeded_random random{test::seed()};
  bytes text(200);
  random.fill(text);
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const auto whole = bytes_view{text}.first(size);
    const auto expected = by(sha_path::libcrypto, {}, whole);
    for (std::size_t cut = 0; cut <= size; ++cut) {
      for (const auto path : paths()) {
        ASSERT_EQ(by(path, whole.first(cut), whole.subspan(cut)), expected)
            << size << " octets cut at " << cut;
      }
    }
  }
}

TEST(sha256, several_messages_of_different_lengths_at_once) {
  seeded_random random{test::seed()};
  for (std::size_t count = 0; count <= 9; ++count) {
    std::deque<std::pair<bytes, bytes>> texts;
    std::vector<digest_sha256> digests(count);
    std::vector<sha256_job> jobs;
    for (std::size_t i = 0; i < count; ++i) {
      auto& [head, body] = texts.emplace_back();
      head.resize(random.integer<std::uint8_t>());
      body.resize(random.integer<std::uint16_t>() % 3000U);
      random.fill(head);
      random.fill(body);
      jobs.push_back({.head = head, .body = body, .out = &digests[i]});
    }
    for (const auto path : paths()) {
      digests.assign(count, {});
      sha256_each(jobs, path);
      for (std::size_t i = 0; i < count; ++i) {
        EXPECT_EQ(digests[i], by(sha_path::libcrypto, texts[i].first, texts[i].second))
            << "message " << i << " of " << count;
      }
    }
  }
}

} // namespace
} // namespace cafegram::crypto

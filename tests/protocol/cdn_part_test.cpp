#include <cafegram/protocol/cdn_part.hpp>

#include <array>
#include <limits>

#include "kit.hpp"

namespace cafegram::protocol {
namespace {

using test::hex;

/// 72 octets at 128 KiB, encrypted by `openssl enc -aes-256-ctr` and hashed by Python.
struct cdn_part : testing::Test {
  std::array<std::uint8_t, 32> key{};
  std::array<std::uint8_t, 16> iv{};
  std::int64_t offset = 0x20000;
  bytes part =
      hex("73489eeb71116871780b1ef1ea49dd128a09bdb09e6f2f9da5b16e9fed4cd4291eaae2eb5193682d"
          "8f02ae6d156c0bb336d707e9b76d3f4d8d7afa7775520167ea65b084d501c9ff");
  bytes first = hex("31cedec8e83dc0fb13e8ba27dfd62dd11aefa1923d78bfbade0eb4f339636144");
  bytes second = hex("145c47cf2f77f01546f35a2ba59a97bf63235e081362ad80f438413e596d9003");
  std::vector<cdn_hash> hashes;

  void SetUp() override {
    for (std::size_t i = 0; i < key.size(); ++i) {
      key[i] = static_cast<std::uint8_t>(i);
    }
    for (std::size_t i = 0; i < iv.size(); ++i) {
      iv[i] = static_cast<std::uint8_t>(100 + i);
    }
    hashes = {{offset + 48, 24, second}, {offset, 48, first}}; // in any order
  }

  errc open() {
    const auto opened = open_cdn_part({key, iv}, offset, part, hashes);
    return opened ? errc::none : opened.error().code;
  }
};

} // namespace

TEST_F(cdn_part, is_decrypted_from_its_place_and_held_against_all_hashes) {
  ASSERT_EQ(open(), errc::none);
  for (std::size_t i = 0; i < part.size(); ++i) {
    ASSERT_EQ(part[i], static_cast<std::uint8_t>(i * 7 + 3)) << i;
  }
}

TEST_F(cdn_part, any_changed_octet_is_noticed) {
  const auto whole = part;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    part = whole;
    part[at] ^= 1;
    EXPECT_EQ(open(), errc::protocol_violation) << at;
  }
  part = whole;
  second[31] ^= 1;
  EXPECT_EQ(open(), errc::protocol_violation);
}

TEST_F(cdn_part, what_no_hash_speaks_of_is_not_taken) {
  const auto whole = part;
  const auto all = hashes;
  hashes = {all[1]};
  EXPECT_EQ(open(), errc::protocol_violation) << "its end";
  part = whole;
  hashes = {all[0]};
  EXPECT_EQ(open(), errc::protocol_violation) << "its beginning";
  part = bytes(whole.begin(), whole.end() - 4);
  hashes = all;
  EXPECT_EQ(open(), errc::protocol_violation) << "half of a stretch";
  for (const std::int32_t limit : {0, -48, std::numeric_limits<std::int32_t>::max()}) {
    part = whole;
    hashes = {{offset, limit, first}};
    EXPECT_EQ(open(), errc::protocol_violation) << limit;
  }
  part = whole;
  hashes = {{offset, 72, {}}};
  EXPECT_EQ(open(), errc::protocol_violation) << "a hash of no octets";
}

TEST_F(cdn_part, begins_with_a_block) {
  for (const std::int64_t from : {std::int64_t{-16}, std::int64_t{8}, std::int64_t{1} << 36}) {
    offset = from;
    EXPECT_EQ(open(), errc::bad_argument) << from;
  }
  part.clear();
  offset = 0;
  EXPECT_EQ(open(), errc::none) << "behind the end of the file there is nothing";
}

} // namespace cafegram::protocol

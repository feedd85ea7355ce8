#include <cafegram/base/error.hpp>

#include <gtest/gtest.h>

namespace cafegram {
namespace {

TEST(error, takes_only_a_whole_token_of_digits_as_the_number) {
  const auto flood = rpc_failure::parse(420, "FLOOD_WAIT_30");
  EXPECT_EQ(flood.name, "FLOOD_WAIT");
  EXPECT_EQ(flood.value, 30);
  const auto inside = rpc_failure::parse(400, "FILE_REFERENCE_3_EXPIRED");
  EXPECT_EQ(inside.name, "FILE_REFERENCE_EXPIRED");
  EXPECT_EQ(inside.value, 3);
  const auto part = rpc_failure::parse(400, "FILE_PART_3_MISSING");
  EXPECT_EQ(part.name, "FILE_PART_MISSING");
  EXPECT_EQ(part.value, 3);
  const auto whole = rpc_failure::parse(400, "MD5_CHECKSUM_INVALID");
  EXPECT_EQ(whole.name, "MD5_CHECKSUM_INVALID");
  EXPECT_FALSE(whole.value);
  EXPECT_EQ(whole.text, "MD5_CHECKSUM_INVALID");
}

TEST(error, survives_odd_texts) {
  for (const char* text : {"", "_", "__", "_1", "X_", "X_-1", "X_99999999999999999999"}) {
    EXPECT_EQ(rpc_failure::parse(500, text).text, text);
  }
  EXPECT_FALSE(rpc_failure::parse(500, "X_-1").value);
  EXPECT_FALSE(rpc_failure::parse(500, "X_99999999999999999999").value);
}

TEST(error, reads_as_one_line) {
  EXPECT_EQ(to_string(error::from_rpc(400, "PEER_ID_INVALID", "messages.sendMessage")),
            "rpc: 400 PEER_ID_INVALID (messages.sendMessage)");
  EXPECT_EQ(to_string(error::make(errc::deadline, "help.getConfig took longer than 60 s")),
            "deadline: help.getConfig took longer than 60 s");
  EXPECT_TRUE(error::from_rpc(420, "FLOOD_WAIT_5").is_rpc("FLOOD_WAIT"));
  const auto hostile = error::from_rpc(400, "A\nB\x1b[2J\x7f");
  EXPECT_EQ(to_string(hostile), "rpc: 400 A?B?[2J?");
  EXPECT_EQ(hostile.rpc->text, "A\nB\x1b[2J\x7f"); // as it came
  const auto endless = error::from_rpc(400, std::string(100'000, 'x'));
  EXPECT_EQ(to_string(endless), "rpc: 400 " + std::string(256, 'x') + "...");
  EXPECT_EQ(endless.rpc->text.size(), 100'000U);
}

} // namespace
} // namespace cafegram

#include <cafegram/base/rpc_errors.hpp>

#include <gtest/gtest.h>

#include <set>

namespace cafegram {
namespace {

TEST(rpc_errors, match_with_and_without_their_number) {
  const auto flood = error::from_rpc(420, "FLOOD_WAIT_30", "messages.sendMessage");
  EXPECT_TRUE(flood.is_rpc(rpc::FLOOD_WAIT));
  EXPECT_FALSE(flood.is_rpc(rpc::FLOOD_PREMIUM_WAIT));
  EXPECT_TRUE(error::from_rpc(400, "FILE_PART_7_MISSING").is_rpc(rpc::FILE_PART_MISSING));
  EXPECT_TRUE(error::from_rpc(400, "FILE_REFERENCE_2_EXPIRED").is_rpc(rpc::FILE_REFERENCE_EXPIRED));
  EXPECT_TRUE(error::from_rpc(400, "MD5_CHECKSUM_INVALID").is_rpc(rpc::MD5_CHECKSUM_INVALID));
  EXPECT_TRUE(error::from_rpc(420, "2FA_CONFIRM_WAIT_9").is_rpc(rpc::_2FA_CONFIRM_WAIT));
  EXPECT_TRUE(error::from_rpc(-503, "Timeout").is_rpc(rpc::Timeout));
  EXPECT_FALSE(error::make(errc::deadline, "FLOOD_WAIT").is_rpc(rpc::FLOOD_WAIT));
}

TEST(rpc_errors, match_text_in_the_place_of_a_number) {
  const auto wait = error::from_rpc(406, "PREVIOUS_CHAT_IMPORT_ACTIVE_WAIT_5MIN");
  EXPECT_TRUE(wait.is_rpc(rpc::PREVIOUS_CHAT_IMPORT_ACTIVE_WAIT_MIN));
  EXPECT_FALSE(wait.rpc->value) << "5MIN is no whole token of digits";
  EXPECT_TRUE(error::from_rpc(403, "RECAPTCHA_CHECK_signup__abc").is_rpc(rpc::RECAPTCHA_CHECK));
  EXPECT_FALSE(error::from_rpc(403, "RECAPTCHA_CHECK_").is_rpc(rpc::RECAPTCHA_CHECK));
}

TEST(rpc_errors, unknown_names_are_kept_whole) {
  const auto odd = error::from_rpc(400, "NO_SUCH_NAME_EVER");
  EXPECT_TRUE(odd.is_rpc("NO_SUCH_NAME_EVER"));
  EXPECT_EQ(find_rpc_error(*odd.rpc), nullptr);
  EXPECT_FALSE(explain(odd).empty());
}

TEST(rpc_errors, every_documented_name_is_found_by_its_own_text) {
  const auto all = documented_rpc_errors();
  ASSERT_GT(all.size(), 850u);
  std::set<std::string_view> names;
  for (const auto& one : all) {
    EXPECT_TRUE(names.insert(one.name.name).second) << one.name.name << " stands there twice";
    std::string text{one.name.documented};
    if (const auto at = text.find("_X"); at != std::string::npos && text.substr(at, 3) != "_XM") {
      const auto end = at + 2 == text.size() || text[at + 2] == '_';
      text = end ? text.replace(at + 1, 1, "41") : text;
    }
    if (const auto at = text.find('*'); at != std::string::npos) {
      text.replace(at, 1, "41");
    }
    ASSERT_FALSE(one.codes.empty());
    const auto why = error::from_rpc(one.codes.front(), text);
    EXPECT_EQ(find_rpc_error(*why.rpc), &one) << text;
    EXPECT_EQ(find_rpc_error(one.name), &one);
    const auto told = explain(why);
    EXPECT_FALSE(told.empty()) << text;
    EXPECT_EQ(told.find("%d"), std::string::npos) << text;
  }
}

TEST(rpc_errors, say_which_methods_give_them) {
  const auto* slow = find_rpc_error(rpc::SLOWMODE_WAIT);
  ASSERT_NE(slow, nullptr);
  EXPECT_TRUE(slow->given_by("messages.sendMessage"));
  EXPECT_TRUE(slow->given_by("messages.sendMultiMedia"));
  EXPECT_FALSE(slow->given_by("messages.send"));
  EXPECT_FALSE(slow->given_by(""));
  EXPECT_EQ(slow->codes.front(), 420);
}

TEST(rpc_errors, are_explained_with_their_number) {
  EXPECT_EQ(explain(error::from_rpc(420, "FLOOD_WAIT_30")), "A wait of 30 seconds is required");
  EXPECT_EQ(explain(error::from_rpc(409, "WHAT")), explain(error::from_rpc(500, "WHAT")));
  for (int code = 0; code <= static_cast<int>(errc::session_in_use); ++code) {
    EXPECT_NE(explain(error::make(static_cast<errc>(code), "")), "An unknown error.") << code;
  }
}

TEST(rpc_errors, unknown_codes_count_as_500) {
  const auto kind = [](std::int32_t code) { return rpc_failure::parse(code, "X").kind(); };
  EXPECT_EQ(kind(400), rpc_class::bad_request);
  EXPECT_EQ(kind(420), rpc_class::flood);
  EXPECT_EQ(kind(-503), rpc_class::timeout);
  for (const auto odd : {500, -500, 0, 1, 405, 499, 501, 999, -1}) {
    EXPECT_EQ(kind(odd), rpc_class::internal) << odd;
  }
}

} // namespace
} // namespace cafegram

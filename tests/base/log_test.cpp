#include <cafegram/base/log.hpp>

#include <gtest/gtest.h>

namespace cafegram {
namespace {

TEST(log, json_lines_are_escaped) {
  testing::internal::CaptureStderr();
  log::configure({log::level::info, true});
  log::info("unit", "a \"quoted\" line\n{}", 7);
  log::debug("unit", "below the threshold");
  log::configure({});
  const std::string out = testing::internal::GetCapturedStderr();
  EXPECT_NE(out.find(R"("component":"unit","message":"a \"quoted\" line\u000a7")"),
            std::string::npos)
      << out;
  EXPECT_EQ(out.find("below"), std::string::npos);
}

TEST(log, a_line_of_text_stays_one_line_without_control_characters) {
  testing::internal::CaptureStderr();
  log::configure({});
  log::warn("unit", "{}", "400 A\nunit: forged\x1b[2J\x7f naïve");
  const std::string out = testing::internal::GetCapturedStderr();
  EXPECT_NE(out.find("unit: 400 A\\x0aunit: forged\\x1b[2J\\x7f naïve\n"), std::string::npos)
      << out;
}

} // namespace
} // namespace cafegram

#include <cafegram/actors/login.hpp>
#include <cafegram/tests/watchdog.hpp>

#include "bot_talk.hpp"
#include "standin.hpp"

// Data centres and temporary keys, against a server of other people's making.

namespace cafegram {

namespace {

using namespace std::chrono_literals;
using test::comes_true;
using test::options_for;
using test::standin;

constexpr auto places_token = "4242:a-secret-that-no-log-shows";

struct standin_places : testing::TestWithParam<bool> {
  client_options options_of(const standin& server) const {
    auto out = options_for(server, "obfuscated-intermediate");
    out.forward_secrecy = GetParam();
    return out;
  }
};

INSTANTIATE_TEST_SUITE_P(, standin_places, testing::Bool(), [](const auto& given) {
  return given.param ? "with_forward_secrecy" : "without";
});

} // namespace

TEST_P(standin_places, a_bot_follows_its_home) {
  CAFEGRAM_NEEDS_SHARED();
  const standin server{{"--dc", "4", "--migrate"}};
  const test::temporary_folder folder;
  runtime rt;
  auto options = options_of(server);
  options.session_path = folder.file("bot.session");
  {
    auto bot = client::start(rt, options);
    ASSERT_TRUE(bot);
    const auto who = bot->login_bot(places_token);
    ASSERT_TRUE(who) << to_string(who.error());
    EXPECT_EQ(bot->status().home_dc, 4);
    EXPECT_EQ(server.count("USER_MIGRATE_4"), 1U);
    EXPECT_TRUE(test::get_me(*bot));
    bot->stop();
  }
  options.dc.reset();
  // The addresses of the session lead there again: nothing is said by hand any more.
  auto again = client::start(rt, options);
  ASSERT_TRUE(again) << to_string(again.error());
  const auto me = test::get_me(*again);
  EXPECT_TRUE(me) << to_string(me.error());
  EXPECT_EQ(again->status().home_dc, 4);
  EXPECT_EQ(server.count("{auth.importBotAuthorization"), 2U) << "one refused, one taken";
  EXPECT_EQ(server.count("VIOLATION"), 0U) << server.log();
}

TEST_P(standin_places, the_login_is_carried_to_another_data_centre) {
  CAFEGRAM_NEEDS_SHARED();
  const standin server;
  const test::temporary_folder folder;
  runtime rt;
  auto options = options_of(server);
  options.session_path = folder.file("bot.session");
  for (int life = 0; life < 2; ++life) {
    auto bot = client::start(rt, options);
    ASSERT_TRUE(bot);
    ASSERT_TRUE(bot->login_bot(places_token));
    ASSERT_TRUE(comes_true([&] {
      return server.count("RPC {help.getConfig") > 0 || server.count("{help.getConfig") > 0;
    }));
    for (int n = 0; n < 3; ++n) {
      const auto me =
          bot->invoke_sync(tl::users::getUsers{.id = {tl::inputUserSelf{}}}, invoke_on_dc(4));
      ASSERT_TRUE(me) << to_string(me.error());
    }
    EXPECT_EQ(bot->status().home_dc, 2) << "home stays";
    bot->stop();
  }
  EXPECT_EQ(server.count("{auth.exportAuthorization"), 1U) << "remembered in the session";
  EXPECT_EQ(server.count("{auth.importAuthorization"), 1U);
  EXPECT_EQ(server.count("done (perm)"), 2U) << "one key per data centre";
  EXPECT_EQ(server.count("VIOLATION"), 0U) << server.log();
}

TEST_P(standin_places, files_go_over_media_addresses_without_updates) {
  CAFEGRAM_NEEDS_SHARED();
  const standin server{{"--media-dc"}};
  runtime rt;
  auto bot = client::start(rt, options_of(server));
  ASSERT_TRUE(bot);
  ASSERT_TRUE(bot->login_bot(places_token));
  ASSERT_TRUE(comes_true([&] { return server.count("{help.getConfig") > 0; }));
  invoke_options options;
  options.purpose = connection_purpose::upload;
  for (std::int32_t part = 0; part < 3; ++part) {
    const auto taken = bot->invoke_sync(
        tl::upload::saveFilePart{.file_id = 7, .file_part = part, .bytes = bytes(1024, 1)},
        options);
    ASSERT_TRUE(taken) << to_string(taken.error());
  }
  EXPECT_EQ(server.count("invokeWithoutUpdates"), 3U);
  EXPECT_EQ(server.count("dc=-2 expires_in=86400"), GetParam() ? 1U : 0U)
      << "a temporary key of its own";
  EXPECT_EQ(server.count("done (perm)"), 1U);
  EXPECT_EQ(server.count("VIOLATION"), 0U) << server.log();
}

TEST_P(standin_places, after_a_log_out_the_key_is_destroyed) {
  CAFEGRAM_NEEDS_SHARED();
  const standin server;
  runtime rt;
  auto bot = client::start(rt, options_of(server));
  ASSERT_TRUE(bot);
  ASSERT_TRUE(bot->login_bot(places_token));
  const auto out = log_out(*bot);
  ASSERT_TRUE(out) << to_string(out.error());
  EXPECT_EQ(server.count("destroy_auth_key"), 1U);
  EXPECT_EQ(bot->status().login, login_state::logged_out);
  const auto back = bot->login_bot(places_token);
  EXPECT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(server.count("done (perm)"), 2U) << "a new key for a new login";
}

TEST(standin_secrecy_faults, a_server_that_forgot_all_keys_does_not_cost_a_young_login) {
  CAFEGRAM_NEEDS_SHARED();
  standin server;
  runtime rt;
  auto options = options_for(server);
  options.forward_secrecy = true;
  auto bot = client::start(rt, options);
  ASSERT_TRUE(bot);
  ASSERT_TRUE(bot->login_bot(places_token));
  server.restart();
  ASSERT_TRUE(comes_true([&] { return server.count("ENCRYPTED_MESSAGE_INVALID") > 1; }));
  EXPECT_EQ(server.count("done (perm)"), 0U) << "the permanent key was thrown away";
  EXPECT_EQ(bot->status().login, login_state::logged_in);
}

} // namespace cafegram

#include "bot_talk.hpp"
#include "relay.hpp"
#include "standin.hpp"

namespace cafegram {

namespace {

using namespace std::chrono_literals;
using test::options_for;
using test::standin;

constexpr auto standin_token = "4242:a-secret-that-no-log-shows";

/// Every step of a bot's day: each of them holds, or the test says which does not.
void talk(client& bot, test::update_log& log) {
  const auto config = bot.invoke_sync(tl::help::getConfig{});
  ASSERT_TRUE(config) << to_string(config.error());
  const auto* known = tl::get_if<tl::config>(*config);
  ASSERT_NE(known, nullptr);
  EXPECT_EQ(known->this_dc, 2);

  const auto who = bot.login_bot(standin_token);
  ASSERT_TRUE(who) << to_string(who.error());
  EXPECT_EQ(who->id, 4242);
  EXPECT_TRUE(who->bot);
  const auto me = test::get_me(bot);
  ASSERT_TRUE(me) << to_string(me.error());
  EXPECT_EQ(me->id, 4242);

  bot.subscribe(log.receiver(bot.system()));
  const auto alice = test::resolve(bot, "alice");
  ASSERT_TRUE(alice) << to_string(alice.error());
  for (int n = 0; n < 3; ++n) {
    const auto text = "hello " + std::to_string(n);
    const auto sent = test::send_bold(bot, *alice, text, 1000 + n);
    ASSERT_TRUE(sent) << to_string(sent.error());
    EXPECT_EQ(log.message(static_cast<std::size_t>(n)), "echo: " + text);
  }

  const auto nobody = test::resolve(bot, "nobody_has_this_name");
  ASSERT_FALSE(nobody);
  EXPECT_TRUE(nobody.error().is_rpc("USERNAME_NOT_OCCUPIED")) << to_string(nobody.error());
  EXPECT_EQ(nobody.error().rpc->code, 400);
}

/// Talks, stops, starts again on the same session file: no second key, no second login.
void talk_and_resume(standin& server, std::string_view transport, bool forward_secrecy = false) {
  const test::temporary_folder folder;
  runtime rt;
  auto options = options_for(server, transport);
  options.forward_secrecy = forward_secrecy;
  options.session_path = folder.file("bot.session");
  {
    test::update_log log;
    auto bot = client::start(rt, options);
    ASSERT_TRUE(bot) << to_string(bot.error());
    talk(*bot, log);
    bot->stop();
  }
  const auto keys = server.count("done (perm)");
  EXPECT_EQ(keys, 1U);
  auto again = client::start(rt, options);
  ASSERT_TRUE(again) << to_string(again.error());
  const auto who = again->login_bot(standin_token);
  ASSERT_TRUE(who) << to_string(who.error());
  const auto me = test::get_me(*again);
  ASSERT_TRUE(me) << to_string(me.error());
  EXPECT_EQ(me->id, 4242);
  EXPECT_EQ(server.count("done (perm)"), keys) << "the stored key was not used";
  EXPECT_EQ(server.count("{auth.importBotAuthorization"), 1U) << "a second login";
  again->stop();
  // One temporary key for each life of the client, each bound once.
  EXPECT_EQ(server.count("done (temp)"), forward_secrecy ? 2U : 0U);
  EXPECT_EQ(server.count("ok=True"), forward_secrecy ? 2U : 0U);
  EXPECT_EQ(server.count("VIOLATION"), 0U) << server.log();
}

/// The server's -404 is about the permanent key then.
client_options without_forward_secrecy(const standin& server) {
  auto out = options_for(server);
  out.forward_secrecy = false;
  return out;
}

struct standin_transport : testing::TestWithParam<const char*> {};
struct standin_secrecy : testing::TestWithParam<const char*> {};
struct standin_switch : testing::TestWithParam<std::vector<std::string>> {};

std::string name_of(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) {
    for (const char c : word) {
      out += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
    }
  }
  return out;
}

/// What a key exchange over a group with this generator comes to.
result<tl::Config> connect_with(std::vector<std::string> switches) {
  const standin server{std::move(switches)};
  runtime rt;
  auto options = options_for(server);
  options.timing.reconnect_min = options.timing.reconnect_max = 100ms;
  std::mutex mutex;
  std::string last;
  options.on_progress = [&](std::string_view step, std::string_view detail) {
    const std::lock_guard lock{mutex};
    if (step == "waiting") {
      last = detail;
    }
  };
  auto bot = client::start(rt, options);
  EXPECT_TRUE(bot);
  auto answer = bot->invoke_sync(tl::help::getConfig{}, {.timeout = 5s});
  bot->stop();
  const std::lock_guard lock{mutex};
  if (!answer) {
    answer.error().what = last;
  }
  return answer;
}

} // namespace

TEST_P(standin_transport, whole_day_and_resume) {
  CAFEGRAM_NEEDS_SHARED();
  standin server;
  talk_and_resume(server, GetParam());
}

INSTANTIATE_TEST_SUITE_P(, standin_transport,
                         testing::Values("abridged", "intermediate", "padded", "full",
                                         "obfuscated-abridged", "obfuscated-intermediate",
                                         "obfuscated-padded"),
                         [](const auto& given) { return name_of({given.param}); });

TEST_P(standin_secrecy, whole_day_and_resume) {
  CAFEGRAM_NEEDS_SHARED();
  standin server;
  talk_and_resume(server, GetParam(), true);
}

INSTANTIATE_TEST_SUITE_P(, standin_secrecy,
                         testing::Values("abridged", "padded", "full", "obfuscated-intermediate"),
                         [](const auto& given) { return name_of({given.param}); });

TEST_P(standin_switch, whole_day_and_resume) {
  CAFEGRAM_NEEDS_SHARED();
  standin server{GetParam()};
  talk_and_resume(server, "obfuscated-intermediate");
}

INSTANTIATE_TEST_SUITE_P(, standin_switch,
                         testing::Values(std::vector<std::string>{"--check-salt"},
                                         std::vector<std::string>{"--media-dc"},
                                         std::vector<std::string>{"--container"},
                                         std::vector<std::string>{"--zero-seq"},
                                         std::vector<std::string>{"--extra-fp"},
                                         std::vector<std::string>{"--no-session-created"},
                                         std::vector<std::string>{"--gzip", "0"},
                                         std::vector<std::string>{"--skew", "3600"},
                                         std::vector<std::string>{"--skew", "-3600"},
                                         std::vector<std::string>{"--layer", "216"},
                                         std::vector<std::string>{"--dh", "rfc3526"}),
                         [](const auto& given) { return name_of(given.param); });

TEST(standin_test_dcs, are_named_as_such) {
  CAFEGRAM_NEEDS_SHARED();
  const standin server{{"--test"}};
  runtime rt;
  auto options = options_for(server, "obfuscated-intermediate");
  options.test_dcs = true;
  auto bot = client::start(rt, options);
  ASSERT_TRUE(bot) << to_string(bot.error());
  test::update_log log;
  talk(*bot, log);
  bot->stop();
  EXPECT_GE(server.count("dc=10002"), 1U) << server.log();
}

TEST(standin_generator, exactly_3_4_and_7_are_accepted_with_the_known_prime) {
  CAFEGRAM_NEEDS_SHARED();
  for (int g = 2; g <= 7; ++g) {
    const auto answer = connect_with({"--g", std::to_string(g)});
    if (g == 3 || g == 4 || g == 7) {
      EXPECT_TRUE(answer) << g << ": " << to_string(answer.error());
    } else {
      ASSERT_FALSE(answer) << g;
      EXPECT_NE(answer.error().what.find("protocol violation"), std::string::npos)
          << g << ": " << answer.error().what;
    }
  }
}

TEST(standin_restart, a_client_without_a_login_makes_a_new_key) {
  CAFEGRAM_NEEDS_SHARED();
  standin server;
  runtime rt;
  auto bot = client::start(rt, without_forward_secrecy(server));
  ASSERT_TRUE(bot);
  ASSERT_TRUE(bot->invoke_sync(tl::help::getConfig{}));
  server.restart();
  const auto after = bot->invoke_sync(tl::help::getConfig{});
  EXPECT_TRUE(after) << to_string(after.error());
  EXPECT_EQ(server.count("done (perm)"), 1U);
  EXPECT_GE(bot->status().reconnects, 1U);
}

TEST(standin_restart, a_login_is_kept_though_the_server_does_not_know_its_key) {
  CAFEGRAM_NEEDS_SHARED();
  standin server;
  runtime rt;
  auto bot = client::start(rt, without_forward_secrecy(server));
  ASSERT_TRUE(bot);
  ASSERT_TRUE(bot->login_bot(standin_token));
  server.restart();
  const auto after = bot->invoke_sync(tl::help::getConfig{}, {.timeout = 4s});
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code, errc::key_unknown);
  EXPECT_TRUE(bot->status().key_unknown);
  EXPECT_EQ(server.count("done (perm)"), 0U) << "the key of a login was thrown away";
  EXPECT_NE(bot->status().last_error.find("-404"), std::string::npos) << bot->status().last_error;
}

TEST(standin_cut, what_came_while_the_line_was_cut_arrives_once) {
  CAFEGRAM_NEEDS_SHARED();
  const standin server;
  test::relay line{server.where()};
  runtime rt;
  auto options = options_for(server);
  options.dc->address = line.where();
  auto bot = client::start(rt, options);
  ASSERT_TRUE(bot);
  ASSERT_TRUE(bot->login_bot(standin_token));
  test::update_log log;
  bot->subscribe(log.receiver(rt.system()));
  const auto alice = test::resolve(*bot, "alice");
  ASSERT_TRUE(alice);
  std::vector<std::string> expected;
  for (int n = 0; n < 5; ++n) {
    const auto text = "before the cut " + std::to_string(n);
    ASSERT_TRUE(test::send_bold(*bot, *alice, text, 2000 + n));
    // The stand-in pushes its answer 50 ms later, into a line that is no more.
    line.cut();
    expected.push_back("echo: " + text);
    EXPECT_EQ(log.message(static_cast<std::size_t>(n)), expected.back());
  }
  // One more on a whole line: whatever came twice would stand before it.
  ASSERT_TRUE(test::send_bold(*bot, *alice, "whole again", 3000));
  expected.emplace_back("echo: whole again");
  EXPECT_EQ(log.message(5), expected.back());
  EXPECT_EQ(log.messages(), expected);
  EXPECT_GE(bot->status().reconnects, 5U);
}

// The stand-in has taken the call, says so, and does not send its answer again.
TEST(standin_cut, a_call_whose_answer_was_swallowed_is_sent_again) {
  CAFEGRAM_NEEDS_SHARED();
  const standin server;
  test::relay line{server.where()};
  runtime rt;
  auto options = options_for(server);
  options.dc->address = line.where();
  auto bot = client::start(rt, options);
  ASSERT_TRUE(bot);
  ASSERT_TRUE(bot->login_bot(standin_token));
  const auto before = server.count("{contacts.resolveUsername");
  line.swallow_next_answer();
  const auto alice = test::resolve(*bot, "alice");
  EXPECT_TRUE(alice) << to_string(alice.error());
  EXPECT_EQ(server.count("{contacts.resolveUsername"), before + 2);
}

} // namespace cafegram

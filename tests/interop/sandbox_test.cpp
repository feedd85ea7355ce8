#include <cafegram/actors/login.hpp>
#include <cafegram/actors/policies.hpp>
#include <cafegram/sandbox/server.hpp>
#include <cafegram/tests/watchdog.hpp>

#include "bot_talk.hpp"
#include "standin.hpp"

namespace cafegram {

namespace {

using namespace std::chrono_literals;

constexpr auto sandbox_token = "1000001:a-secret";
constexpr std::int64_t bot_id = 1'000'001;

/// A sandbox that can be stopped and started again with the same data on the same port, in a
/// runtime that is not the client's.
struct sandbox_fixture : testing::Test {
  test::temporary_folder folder;
  runtime server_runtime;
  runtime rt;
  std::unique_ptr<sandbox::server> server;
  std::uint16_t port = 0;

  void SetUp() override { start(); }

  void start() {
    sandbox::server_options options;
    options.data = folder.file("data");
    options.port = port;
    auto started = sandbox::server::start(server_runtime, options);
    ASSERT_TRUE(started) << to_string(started.error());
    server = *std::move(started);
    port = server->port();
  }

  client_options options() const {
    client_options out;
    out.api_id = 1;
    out.api_hash = "hash";
    out.dc = dc_override{2, {"127.0.0.1", port}};
    out.rsa_keys_pem = {server->public_key_pem()};
    out.timing.reconnect_min = 100ms;
    return out;
  }

  std::int64_t alice() const {
    const auto state = server->page().state();
    EXPECT_TRUE(state);
    for (const auto& user : state->users) {
      if (user.username == "alice") {
        return user.id;
      }
    }
    return 0;
  }

  void alice_writes(std::string text) const {
    sandbox::page_text message;
    message.as = alice();
    message.to = bot_id;
    message.text = std::move(text);
    const auto sent = server->page().send(message);
    EXPECT_TRUE(sent) << to_string(sent.error());
  }
};

} // namespace

TEST_F(sandbox_fixture, a_bot_goes_on_after_each_restart_of_the_server) {
  auto bot = client::start(rt, options());
  ASSERT_TRUE(bot);
  ASSERT_TRUE(bot->login_bot(sandbox_token));
  test::update_log log;
  bot->subscribe(log.receiver(rt.system()));
  alice_writes("first");
  ASSERT_EQ(log.message(0), "first");
  std::vector<std::string> expected{"first"};
  for (int round = 1; round <= 3; ++round) {
    server->stop();
    start();
    // The bot may not be back yet: what comes now has to be fetched.
    const auto text = "after restart " + std::to_string(round);
    alice_writes(text);
    expected.push_back(text);
    EXPECT_EQ(log.message(static_cast<std::size_t>(round), 10s), text);
    const auto me = get_me(*bot);
    EXPECT_TRUE(me) << to_string(me.error());
  }
  alice_writes("last");
  expected.emplace_back("last");
  EXPECT_EQ(log.message(expected.size() - 1), "last");
  EXPECT_EQ(log.messages(), expected) << "each once, in order";
}

TEST_F(sandbox_fixture, a_bot_that_was_away_gets_what_came_once) {
  auto with = options();
  with.session_path = folder.file("bot.session");
  {
    auto bot = client::start(rt, with);
    ASSERT_TRUE(bot);
    ASSERT_TRUE(bot->login_bot(sandbox_token));
    test::update_log log;
    bot->subscribe(log.receiver(rt.system()));
    alice_writes("while there");
    ASSERT_EQ(log.message(0), "while there");
    bot->stop();
  }
  alice_writes("while away");
  with.bot_token = sandbox_token;
  auto again = client::start(rt, with);
  ASSERT_TRUE(again);
  test::update_log log;
  again->subscribe(log.receiver(rt.system()));
  EXPECT_EQ(log.message(0), "while away");
  alice_writes("back");
  EXPECT_EQ(log.message(1), "back");
  EXPECT_EQ(log.messages(), (std::vector<std::string>{"while away", "back"}));
}

TEST_F(sandbox_fixture, a_bot_is_logged_in_when_the_trouble_is_over) {
  sandbox::fault_plan trouble;
  ASSERT_TRUE(trouble.add("error-500=1"));
  server->set_faults(std::move(trouble));
  auto with = options();
  with.bot_token = sandbox_token;
  with.retry = std::make_shared<backoff_retry>(0);
  auto bot = client::start(rt, with);
  ASSERT_TRUE(bot);
  ASSERT_TRUE(test::comes_true(
      [&bot] { return bot->status().last_error.find("RPC_CALL_FAIL") != std::string::npos; }));
  const auto still = bot->login_bot(sandbox_token, 1ms);
  ASSERT_FALSE(still);
  EXPECT_EQ(still.error().code, errc::deadline);
  EXPECT_NE(still.error().what.find("RPC_CALL_FAIL"), std::string::npos) << still.error().what;
  server->set_faults({});
  const auto who = bot->login_bot(sandbox_token);
  ASSERT_TRUE(who) << to_string(who.error());
  EXPECT_EQ(who->id, bot_id);
}

TEST_F(sandbox_fixture, a_person_signs_up_and_logs_in_with_a_code) {
  auto user = client::start(rt, options());
  ASSERT_TRUE(user);
  const auto shown_code = [this] {
    const auto state = server->page().state();
    return state && !state->codes.empty() ? state->codes.back().code : std::string{};
  };
  const std::string phone = "4915100010001";
  const auto sent = send_code(*user, phone);
  ASSERT_TRUE(sent) << to_string(sent.error());
  EXPECT_FALSE(sent->kind.empty());
  EXPECT_EQ(sent->length, 5);
  const auto wrong = sign_in(*user, *sent, shown_code() == "11111" ? "22222" : "11111");
  ASSERT_FALSE(wrong);
  EXPECT_TRUE(wrong.error().is_rpc("PHONE_CODE_INVALID")) << to_string(wrong.error());
  const auto unknown = sign_in(*user, *sent, shown_code());
  ASSERT_TRUE(unknown) << to_string(unknown.error());
  ASSERT_TRUE(std::holds_alternative<sign_up_needed>(*unknown));
  const auto made = user->invoke_sync(tl::auth::signUp{
      .phone_number = phone, .phone_code_hash = sent->hash, .first_name = "Bob", .last_name = "B"});
  ASSERT_TRUE(made) << to_string(made.error());
  EXPECT_EQ(user->status().login, login_state::logged_in);
  ASSERT_TRUE(log_out(*user));
  EXPECT_EQ(user->status().login, login_state::logged_out);
  const auto nobody = get_me(*user);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().rpc->code, 401);

  const auto again = send_code(*user, phone);
  ASSERT_TRUE(again) << to_string(again.error());
  const auto done = sign_in(*user, *again, shown_code());
  ASSERT_TRUE(done) << to_string(done.error());
  const auto* who = std::get_if<account>(&*done);
  ASSERT_NE(who, nullptr);
  EXPECT_EQ(who->first_name, "Bob");
  EXPECT_FALSE(who->bot);
  const auto me = get_me(*user);
  ASSERT_TRUE(me) << to_string(me.error());
  EXPECT_EQ(me->id, who->id);
}

TEST_F(sandbox_fixture, a_session_that_was_logged_out_can_be_used_again) {
  auto with = options();
  with.session_path = folder.file("me.session");
  {
    auto bot = client::start(rt, with);
    ASSERT_TRUE(bot);
    ASSERT_TRUE(bot->login_bot(sandbox_token));
    ASSERT_TRUE(log_out(*bot));
    bot->stop();
  }
  auto again = client::start(rt, with);
  ASSERT_TRUE(again);
  const auto config = again->invoke_sync(tl::help::getConfig{});
  EXPECT_TRUE(config) << to_string(config.error());
  EXPECT_NE(again->status().login, login_state::logged_in);
  EXPECT_FALSE(again->status().key_unknown);
  const auto who = again->login_bot(sandbox_token);
  EXPECT_TRUE(who) << to_string(who.error());
}

} // namespace cafegram

#include "client_kit.hpp"

namespace cafegram {

namespace {

using namespace std::chrono_literals;

/// A bot's login and its end, as the server's answers have it.
struct login : test::client_kit {
  static constexpr auto token = "42:secret";

  static tl::auth::importBotAuthorization call_of(std::string with = token) {
    return {.flags = 0, .api_id = 1, .api_hash = "hash", .bot_auth_token = std::move(with)};
  }
  /// The answer that logs in.
  static bytes bot() {
    return tl::encode(tl::auth::Authorization{
        tl::auth::authorization{.user = tl::user{.bot = true, .id = 42, .first_name = "Bot"}}});
  }
  static bytes state() {
    return tl::encode(tl::updates::State{tl::updates::state{.pts = 1, .date = 1, .seq = 1}});
  }

  /// Asks as `bot::run` does, without an end.
  std::shared_ptr<outcome> ask(std::string with = token) {
    auto out = std::make_shared<outcome>();
    system.system().spawn([this, out, with = std::move(with)](caf::event_based_actor* self) {
      self->request(client, caf::infinite, bot_login{with})
          .then([out](const account&) { out->ok = ++out->times == 1; },
                [out](const caf::error& why) {
                  out->why = to_error(why);
                  ++out->times;
                });
    });
    system.run();
    return out;
  }
  void log_in() {
    answer(call_of(), bot());
    answer(tl::updates::getState{}, state());
  }
  std::size_t tries() const { return seen(call_of()); }
};

/// What is written to the log until `taken`.
class log_lines {
public:
  log_lines() { testing::internal::CaptureStderr(); }
  log_lines(const log_lines&) = delete;
  log_lines& operator=(const log_lines&) = delete;
  ~log_lines() {
    if (!taken_) {
      testing::internal::GetCapturedStderr();
    }
  }
  std::string take() {
    taken_ = true;
    return testing::internal::GetCapturedStderr();
  }

private:
  bool taken_ = false;
};

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t out = 0;
  for (auto at = text.find(what); at != std::string_view::npos;
       at = text.find(what, at + what.size())) {
    ++out;
  }
  return out;
}

} // namespace

// -- a bot that is not logged in yet -----------------------------------------------------------

TEST_F(login, trouble_of_the_server_is_tried_again_until_it_passes) {
  options.bot_token = token;
  log_lines log;
  start();
  const auto asked = ask();
  // Each attempt is made four times by the client's own policy.
  for (int trouble = 0; trouble < 20; ++trouble) {
    const auto before = tries();
    refuse(call_of(), trouble / 4 % 2 == 0 ? 500 : -503, "TROUBLE");
    EXPECT_EQ(tries(), before) << "not at once";
    pass(10s, 100ms);
    ASSERT_EQ(tries(), before + 1);
    ASSERT_FALSE(asked->settled());
  }
  EXPECT_EQ(status().login, login_state::unknown);
  EXPECT_NE(status().last_error.find("TROUBLE"), std::string::npos);
  log_in();
  EXPECT_TRUE(asked->ok);
  EXPECT_EQ(status().login, login_state::logged_in);
  const auto written = log.take();
  EXPECT_EQ(count(written, "the bot is not logged in yet: rpc: 500 TROUBLE"), 3U) << written;
  EXPECT_EQ(count(written, "the bot is not logged in yet: rpc: -503 TROUBLE"), 2U) << written;
}

TEST_F(login, a_flood_wait_of_any_length_is_waited_out_to_the_second) {
  options.bot_token = token;
  start();
  const auto asked = ask();
  for (const auto wait : {61s, 3'600s, 86'400s, 31s}) {
    const auto before = tries();
    refuse(call_of(), 420, "FLOOD_WAIT_" + std::to_string(wait.count()));
    pass(wait - 1ms);
    EXPECT_EQ(tries(), before) << wait.count();
    pass(300ms, 1ms);
    EXPECT_EQ(tries(), before + 1) << "with a little jitter: " << wait.count();
    ASSERT_FALSE(asked->settled());
  }
  EXPECT_EQ(status().login, login_state::unknown);
  log_in();
  EXPECT_TRUE(asked->ok);
}

TEST_F(login, waits_begin_anew_after_a_login) {
  options.bot_token = token;
  start();
  for (int trouble = 0; trouble < 40; ++trouble) {
    refuse(call_of(), 303, "TROUBLE");
    pass(10s);
  }
  log_in();
  call(tl::help::getNearestDc{});
  refuse(tl::help::getNearestDc{}, 401, "SESSION_REVOKED");
  const auto before = tries();
  refuse(call_of(), 303, "TROUBLE");
  pass(700ms);
  EXPECT_EQ(tries(), before + 1) << "half a second, not eight";
}

TEST_F(login, a_network_without_an_answer_is_tried_again) {
  options.bot_token = token;
  start(false);
  const auto asked = ask();
  pass(10min, 1s);
  EXPECT_FALSE(asked->settled());
  EXPECT_NE(status().last_error.find("deadline"), std::string::npos) << status().last_error;
  lines.front()->ready();
  system.run();
  const auto before = tries();
  for (int seconds = 0; tries() == before && seconds < 600; ++seconds) {
    pass(1s);
  }
  ASSERT_GT(tries(), before);
  log_in();
  EXPECT_TRUE(asked->ok);
}

TEST_F(login, what_is_refused_for_good_ends_it) {
  const std::vector<std::pair<std::int32_t, std::string>> final = {{400, "ACCESS_TOKEN_INVALID"},
                                                                   {400, "ACCESS_TOKEN_EXPIRED"},
                                                                   {400, "API_ID_INVALID"},
                                                                   {400, "API_ID_PUBLISHED_FLOOD"},
                                                                   {401, "AUTH_KEY_INVALID"},
                                                                   {401, "USER_DEACTIVATED"},
                                                                   {403, "FORBIDDEN"},
                                                                   {406, "API_ID_INVALID"}};
  start();
  for (const auto& [code, name] : final) {
    const auto asked = ask();
    const auto before = tries();
    refuse(call_of(), code, name);
    ASSERT_TRUE(asked->settled()) << name;
    EXPECT_TRUE(asked->why && asked->why->is_rpc(name)) << name;
    pass(24h, 1h);
    EXPECT_EQ(tries(), before) << "nobody asks again by himself: " << name;
    EXPECT_EQ(status().login, login_state::logged_out);
  }
}

TEST_F(login, a_stop_ends_the_tries) {
  options.bot_token = token;
  start();
  const auto asked = ask();
  refuse(call_of(), 420, "FLOOD_WAIT_3600");
  const auto before = tries();
  send(stop_request{5s});
  EXPECT_TRUE(asked->failed_with(errc::cancelled));
  EXPECT_EQ(asked->times, 1);
  pass(2h, 1min);
  EXPECT_EQ(tries(), before);
}

TEST_F(login, one_that_is_lost_is_not_given_up_while_the_new_one_waits) {
  options.bot_token = token;
  start();
  log_in();
  call(tl::help::getNearestDc{});
  refuse(tl::help::getNearestDc{}, 401, "SESSION_REVOKED");
  refuse(call_of(), 420, "FLOOD_WAIT_3600");
  EXPECT_EQ(status().login, login_state::unknown) << "bots end when it is logged_out and stays so";
  pass(3'601s);
  log_in();
  EXPECT_EQ(status().login, login_state::logged_in);
  call(tl::help::getNearestDc{});
  refuse(tl::help::getNearestDc{}, 401, "SESSION_REVOKED");
  refuse(call_of(), 400, "ACCESS_TOKEN_EXPIRED");
  EXPECT_EQ(status().login, login_state::logged_out);
}

// -- the end of a login ------------------------------------------------------------------------

TEST_F(login, a_log_out_does_not_wait_for_a_store_for_ever) {
  options.bot_token = token;
  start();
  log_in();
  const auto out = call(tl::auth::logOut{}, {.timeout = 1h});
  kept->hangs = true;
  answer(tl::auth::logOut{});
  pass(9s);
  EXPECT_FALSE(out->settled()) << "it may still be written";
  pass(1s);
  pass(5s); // for the ends of the keys
  ASSERT_TRUE(out->failed_with(errc::storage));
  EXPECT_EQ(out->times, 1);
  EXPECT_NE(out->why->what.find("logged out"), std::string::npos) << out->why->what;
  EXPECT_EQ(status().login, login_state::logged_out);
}

TEST_F(login, its_end_is_logged_in_a_few_words) {
  options.bot_token = token;
  start();
  log_in();
  log_lines log;
  call(tl::help::getNearestDc{});
  refuse(tl::help::getNearestDc{}, 401, "SESSION_REVOKED");
  log_in();
  const auto out = call(tl::auth::logOut{});
  answer(tl::auth::logOut{});
  const auto written = log.take();
  EXPECT_EQ(count(written, "the login has ended: rpc: 401 SESSION_REVOKED"), 1U) << written;
  EXPECT_EQ(count(written, "the login has ended: logged out: by auth.logOut\n"), 1U) << written;
  EXPECT_EQ(count(written, "logged out"), 1U) << written;
}

// -- receivers of updates ----------------------------------------------------------------------

TEST_F(login, a_receiver_that_has_died_is_kept_by_nobody) {
  start();
  auto receiver = system.system().spawn([]() -> caf::behavior { return {[](int) {}}; });
  const auto known = caf::actor_cast<caf::weak_actor_ptr>(receiver);
  caf::anon_send(client, caf::subscribe_atom_v, receiver);
  caf::anon_send(client, caf::subscribe_atom_v, receiver);
  system.run();
  caf::anon_send_exit(receiver, caf::exit_reason::kill);
  receiver = nullptr;
  system.run();
  EXPECT_EQ(known.lock(), nullptr);
  EXPECT_EQ(lines.size(), 1U) << "no part of the client has died";
  EXPECT_EQ(status().login, login_state::logged_out) << "it goes on";
}

} // namespace cafegram

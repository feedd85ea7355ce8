#include <cafegram/actors/client.hpp>
#include <cafegram/actors/invoke.hpp>
#include <cafegram/actors/login.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/server.hpp>
#include <cafegram/tests/temporary_folder.hpp>
#include <cafegram/tl/api.hpp>

#include <algorithm>

#include "../interop/bot_talk.hpp"
#include "../interop/standin.hpp"
#include "event_reader.hpp"
#include "raw_client.hpp"

/// Several data centres in one process, over real sockets; our own client among them.
namespace cafegram::sandbox {
namespace {

using namespace std::chrono_literals;
using test::raw_client;
using tl::json;

constexpr const char* token_at_first = "1000001:AAAbbbCCC";
constexpr const char* token_at_second = "1000004:AAAbbbCCC";

class centres_server : public ::testing::Test {
protected:
  void SetUp() override {
    log::configure({log::level::error});
    options_.more_dcs = {{.id = 4}};
    options_.homes["1000004"] = 4;
    options_.file_dc = 4;
    options_.stats_dc = 4;
    options_.event_log = log_.path();
    start();
  }
  void TearDown() override {
    server_.reset();
    log::configure({});
  }
  void start() {
    server_.reset();
    auto made = server::start(runtime_, options_);
    ASSERT_TRUE(made) << to_string(made.error());
    server_ = *std::move(made);
  }

  /// With both keys: the server chooses by the fingerprint.
  raw_client::settings settings(std::int32_t dc) const {
    return {server_->port(dc), server_->public_keys_pem().at(dc == 2 ? 0 : 1), {}, dc};
  }

  client_options mine(bool secret) const {
    client_options out;
    out.api_id = 1;
    out.api_hash = "0123456789abcdef0123456789abcdef";
    out.dc = dc_override{2, {"127.0.0.1", server_->port()}};
    out.rsa_keys_pem = server_->public_keys_pem();
    out.forward_secrecy = secret;
    return out;
  }

  /// `dc method error` of each call, in their order.
  std::vector<std::string> calls() {
    server_->flush_log();
    std::map<std::int64_t, std::int64_t> dcs;
    std::vector<std::string> out;
    for (const json& line : log_.all()) {
      if (line["event"] == "open") {
        dcs[line["connection"].get<std::int64_t>()] = line["dc"].get<std::int64_t>();
      } else if (line["event"] == "call") {
        out.push_back(fmt::format("{} {} {}", dcs[line["connection"].get<std::int64_t>()],
                                  line["method"].get<std::string>(),
                                  line["error"].get<std::string>()));
      }
    }
    return out;
  }
  /// How often with any outcome.
  std::ptrdiff_t times_called(std::string_view method) {
    const auto all = calls();
    return std::ranges::count_if(all, [method](const std::string& one) {
      return one.substr(2, one.find(' ', 2) - 2) == method;
    });
  }

  /// Makes an account and logs in as it, as a person does.
  std::int64_t sign_up(client& with, const std::string& phone) {
    const auto sent = send_code(with, phone);
    EXPECT_TRUE(sent) << to_string(sent.error());
    const auto state = server_->page().state();
    if (!sent || !state || state->codes.empty()) {
      ADD_FAILURE() << "no code";
      return 0;
    }
    const auto nobody = sign_in(with, *sent, state->codes.back().code);
    EXPECT_TRUE(nobody && std::holds_alternative<sign_up_needed>(*nobody));
    const auto made = with.invoke_sync(tl::auth::signUp{.phone_number = phone,
                                                        .phone_code_hash = sent->hash,
                                                        .first_name = "Bob",
                                                        .last_name = "B"});
    EXPECT_TRUE(made) << to_string(made.error());
    return with.status().self.id;
  }

  void alice_writes(std::int64_t to, std::string text) {
    const auto state = server_->page().state();
    ASSERT_TRUE(state);
    const auto alice = std::ranges::find(state->users, "alice", &page_user::username);
    ASSERT_NE(alice, state->users.end());
    page_text message;
    message.as = alice->id;
    message.to = to;
    message.text = std::move(text);
    ASSERT_TRUE(server_->page().send(message));
  }

  bool called(std::string_view what) {
    const auto all = calls();
    return std::ranges::find(all, what) != all.end();
  }

  test::event_log_file log_;
  runtime runtime_;
  server_options options_;
  std::unique_ptr<server> server_;
};

TEST_F(centres_server, each_has_a_port_and_an_rsa_key_of_its_own) {
  EXPECT_NE(server_->port(2), server_->port(4));
  EXPECT_EQ(server_->port(), server_->port(2));
  EXPECT_EQ(server_->port(5), 0);
  const auto keys = server_->public_keys_pem();
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0], server_->public_key_pem());
  EXPECT_NE(keys[0], keys[1]);
  for (const auto dc : {2, 4}) {
    raw_client client{settings(dc)};
    ASSERT_TRUE(client.exchange());
    const auto config = client.call({{"_", "help.getConfig"}});
    ASSERT_TRUE(config);
    EXPECT_EQ(config->at("this_dc"), dc);
    EXPECT_EQ(config->at("dc_options").at(1).at("port"), server_->port(4));
  }
}

TEST_F(centres_server, a_key_is_known_where_it_was_made_alone) {
  raw_client maker{settings(2)};
  ASSERT_TRUE(maker.exchange());
  ASSERT_TRUE(maker.call({{"_", "help.getNearestDc"}}));
  raw_client stranger{settings(4)};
  stranger.begin(maker.session().key());
  EXPECT_FALSE(stranger.call({{"_", "help.getNearestDc"}}));
  EXPECT_EQ(stranger.word(), -404);
}

TEST_F(centres_server, a_temporary_key_is_bound_where_both_are) {
  raw_client maker{settings(2)};
  ASSERT_TRUE(maker.exchange());
  auto temporary = settings(4);
  temporary.expires_in = 3600;
  raw_client client{temporary};
  ASSERT_TRUE(client.exchange());
  EXPECT_EQ(client.call({{"_", "help.getNearestDc"}})->at("this_dc"), 4) << "also before it is";
  client.bind_to(maker.session().key());
  const auto answer = client.call({{"_", "updates.getState"}});
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().code, errc::rpc) << "not bound: nothing is asked";
}

TEST_F(centres_server, a_proxy_leads_to_the_one_that_its_client_names) {
  options_.mtproxies.push_back(
      {.secret = protocol::mtproxy_secret::parse("dd000102030405060708090a0b0c0d0e0f").value()});
  start();
  for (const std::int16_t dc : {std::int16_t{2}, std::int16_t{4}}) {
    auto through = settings(dc);
    through.port = server_->mtproxy_ports().at(0);
    through.transport = {.kind = protocol::framing::padded,
                         .obfuscated = true,
                         .secret = options_.mtproxies[0].secret.key,
                         .dc = dc};
    raw_client client{through};
    ASSERT_TRUE(client.exchange()) << dc;
    EXPECT_EQ(client.call({{"_", "help.getNearestDc"}})->at("this_dc"), dc);
  }
}

TEST_F(centres_server, refuses_data_centres_that_make_no_sense) {
  const auto refused = [this](server_options options) {
    auto made = server::start(runtime_, std::move(options));
    return made ? errc::none : made.error().code;
  };
  EXPECT_EQ(refused({.more_dcs = {{.id = 2}}}), errc::bad_argument);
  EXPECT_EQ(refused({.more_dcs = {{.id = 0}}}), errc::bad_argument);
  EXPECT_EQ(refused({.homes = {{"5", 4}}}), errc::bad_argument);
  EXPECT_EQ(refused({.file_dc = 4}), errc::bad_argument);
  EXPECT_EQ(refused({.stats_dc = 4}), errc::bad_argument);
  EXPECT_FALSE(server_->move_home(5, 3));
}

/// The parameter: with perfect forward secrecy.
class centres_client : public centres_server, public ::testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(keys, centres_client, ::testing::Bool(),
                         [](const auto& one) { return one.param ? "temporary" : "permanent"; });

TEST_P(centres_client, logs_in_where_it_is_sent) {
  auto me = client::start(runtime_, mine(GetParam()));
  ASSERT_TRUE(me) << to_string(me.error());
  const auto self = me->login_bot(token_at_second, 60s);
  ASSERT_TRUE(self) << to_string(self.error());
  EXPECT_EQ(self->id, 1000004);
  EXPECT_TRUE(called("2 auth.importBotAuthorization 303 USER_MIGRATE_4"));
  EXPECT_TRUE(called("4 auth.importBotAuthorization "));
  ASSERT_TRUE(me->invoke_sync(tl::updates::getState{}));
  EXPECT_TRUE(called("4 updates.getState ")) << "home has moved";
  me->stop();
}

TEST_P(centres_client, a_person_logs_in_where_the_phone_is_at_home) {
  options_.homes["15550104"] = 4;
  start();
  auto me = client::start(runtime_, mine(GetParam()));
  ASSERT_TRUE(me) << to_string(me.error());
  sign_up(*me, "15550104");
  EXPECT_TRUE(called("2 auth.sendCode 303 PHONE_MIGRATE_4"));
  EXPECT_TRUE(called("4 auth.sendCode "));
  EXPECT_TRUE(called("4 auth.signUp ")) << "and all that follows goes there";
  ASSERT_TRUE(get_me(*me));
  EXPECT_EQ(me->status().home_dc, 4);
  me->stop();
}

TEST_P(centres_client, goes_where_the_network_is_nearer) {
  auto there = mine(GetParam());
  there.dc = dc_override{4, {"127.0.0.1", server_->port(4)}};
  auto me = client::start(runtime_, there);
  ASSERT_TRUE(me) << to_string(me.error());
  sign_up(*me, "15550100"); // nobody's: it belongs to the nearest one
  EXPECT_TRUE(called("4 auth.sendCode 303 NETWORK_MIGRATE_2"));
  EXPECT_TRUE(called("2 auth.sendCode "));
  EXPECT_EQ(me->status().home_dc, 2);
  me->stop();
}

TEST_P(centres_client, a_bot_takes_its_login_along_when_its_account_moves) {
  auto options = mine(GetParam());
  const test::temporary_folder folder;
  options.session_path = folder.file("bot.session");
  {
    auto me = client::start(runtime_, options);
    ASSERT_TRUE(me) << to_string(me.error());
    ASSERT_TRUE(me->login_bot(token_at_first, 60s));
    test::update_log log;
    me->subscribe(log.receiver(runtime_.system()));
    alice_writes(1000001, "at the old home");
    ASSERT_EQ(log.message(0), "at the old home");
    ASSERT_TRUE(server_->move_home(1000001, 4));
    const auto state = me->invoke_sync(tl::updates::getState{});
    ASSERT_TRUE(state) << to_string(state.error());
    for (const auto* one : {"2 updates.getState 303 USER_MIGRATE_4", "2 auth.exportAuthorization ",
                            "4 auth.importAuthorization ", "4 updates.getState "}) {
      EXPECT_TRUE(called(one)) << one;
    }
    EXPECT_EQ(me->status().home_dc, 4);
    alice_writes(1000001, "at the new home");
    EXPECT_EQ(log.message(1), "at the new home");
    me->stop();
  }
  // And in the next life it is at home there.
  options.dc = dc_override{4, {"127.0.0.1", server_->port(4)}};
  auto again = client::start(runtime_, options);
  ASSERT_TRUE(again) << to_string(again.error());
  const auto state = again->invoke_sync(tl::updates::getState{});
  EXPECT_TRUE(state) << to_string(state.error());
  again->stop();
  EXPECT_EQ(times_called("auth.importBotAuthorization"), 1) << "logged in once";
  EXPECT_EQ(times_called("auth.importAuthorization"), 1);
}

TEST_P(centres_client, a_person_takes_the_login_along_when_the_account_moves) {
  auto me = client::start(runtime_, mine(GetParam()));
  ASSERT_TRUE(me) << to_string(me.error());
  const auto who = sign_up(*me, "15550100");
  ASSERT_TRUE(server_->move_home(who, 4));
  const auto self = get_me(*me);
  ASSERT_TRUE(self) << to_string(self.error());
  EXPECT_EQ(self->id, who);
  EXPECT_TRUE(called("2 users.getUsers 303 USER_MIGRATE_4"));
  EXPECT_TRUE(called("4 users.getUsers "));
  ASSERT_TRUE(server_->move_home(who, 2));
  ASSERT_TRUE(get_me(*me)) << "and back";
  EXPECT_EQ(me->status().home_dc, 2);
  EXPECT_EQ(times_called("auth.signUp"), 1);
  EXPECT_EQ(times_called("auth.importAuthorization"), 2)
      << "the old home may have forgotten it: it is carried back";
  me->stop();
}

TEST_P(centres_client, follows_a_file_and_its_statistics_with_its_login) {
  auto me = client::start(runtime_, mine(GetParam()));
  ASSERT_TRUE(me) << to_string(me.error());
  ASSERT_TRUE(me->login_bot(token_at_first, 60s));
  const auto file = me->invoke_sync(tl::upload::getFile{
      .location = tl::inputDocumentFileLocation{.id = 1, .access_hash = 2}, .limit = 4096});
  ASSERT_FALSE(file);
  ASSERT_TRUE(file.error().rpc) << to_string(file.error());
  EXPECT_EQ(file.error().rpc->text, "LOCATION_INVALID") << "which only the other one says";
  const auto stats = me->invoke_sync(
      tl::stats::getBroadcastStats{.channel = tl::inputChannel{.channel_id = 1, .access_hash = 2}});
  ASSERT_FALSE(stats);
  ASSERT_TRUE(stats.error().rpc) << to_string(stats.error());
  EXPECT_EQ(stats.error().rpc->text, "BOT_METHOD_INVALID");
  for (const auto* one : {"2 upload.getFile 303 FILE_MIGRATE_4", "2 auth.exportAuthorization ",
                          "4 auth.importAuthorization ", "4 upload.getFile 400 LOCATION_INVALID",
                          "2 stats.getBroadcastStats 303 STATS_MIGRATE_4",
                          "4 stats.getBroadcastStats 400 BOT_METHOD_INVALID"}) {
    EXPECT_TRUE(called(one)) << one;
  }
  ASSERT_TRUE(me->invoke_sync(tl::updates::getState{}));
  EXPECT_TRUE(called("2 updates.getState ")) << "home stays";
  me->stop();
}

} // namespace
} // namespace cafegram::sandbox

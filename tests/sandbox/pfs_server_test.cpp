#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/server.hpp>

#include <fmt/format.h>

#include <atomic>

#include "raw_client.hpp"

/// Perfect forward secrecy over real sockets.
namespace cafegram::sandbox {
namespace {

using test::raw_client;

constexpr std::string_view pfs_token = "1000001:AAAbbbCCC";

/// The machine's clock, moved ahead by what the test says.
class shifted_clock final : public clock_source {
public:
  steady_time steady_now() const override { return std::chrono::steady_clock::now(); }
  wall_time wall_now() const override {
    return std::chrono::system_clock::now() + std::chrono::seconds{ahead.load()};
  }
  std::atomic<int> ahead{0};
};

class pfs_server : public ::testing::Test {
protected:
  void SetUp() override {
    log::configure({log::level::error});
    server_options options;
    options.clock = clock_;
    auto made = server::start(runtime_, options);
    ASSERT_TRUE(made) << to_string(made.error());
    server_ = *std::move(made);
  }
  void TearDown() override {
    log::configure({});
    server_.reset();
  }

  raw_client::settings settings(std::optional<std::int32_t> expires_in = {}) const {
    return {server_->port(), server_->public_key_pem(), {}, 2, expires_in};
  }

  /// A permanent key; nobody speaks under it.
  protocol::auth_key new_key() {
    raw_client maker{settings()};
    EXPECT_TRUE(maker.exchange());
    return maker.session().key();
  }

  /// A message of alice's for the bot.
  void alice_writes(std::string text) {
    const auto state = server_->page().state();
    const auto alice = std::ranges::find(state->users, "alice", &page_user::username);
    page_text message;
    message.as = alice->id;
    message.to = 1000001;
    message.text = std::move(text);
    EXPECT_TRUE(server_->page().send(message));
  }

  static std::string text_of(const std::optional<json>& update) {
    return update ? update->at("message").value("message", "") : "no update";
  }

  std::shared_ptr<shifted_clock> clock_ = std::make_shared<shifted_clock>();
  runtime runtime_;
  std::unique_ptr<server> server_;
};

TEST_F(pfs_server, a_temporary_key_is_nobody_until_it_is_bound) {
  const auto permanent = new_key();
  raw_client client{settings(3600)};
  ASSERT_TRUE(client.exchange());
  const auto early = client.call({{"_", "updates.getState"}});
  EXPECT_EQ(early.error().rpc->text, "AUTH_KEY_PERM_EMPTY");
  ASSERT_TRUE(client.call({{"_", "help.getConfig"}}));
  raw_client bound{settings(3600)};
  ASSERT_TRUE(bound.exchange());
  bound.bind_to(permanent);
  EXPECT_EQ(bound.log_in(pfs_token)["_"], "auth.authorization");
  EXPECT_TRUE(bound.call({{"_", "updates.getState"}}));
  raw_client direct{settings()};
  direct.begin(permanent);
  EXPECT_TRUE(direct.call({{"_", "updates.getState"}})) << "the login is the permanent key's";
  const auto keys = server_->page().state()->keys;
  ASSERT_EQ(keys.size(), 3U);
  EXPECT_EQ(std::ranges::count(keys, true, &page_key::temporary), 2);
  EXPECT_EQ(std::ranges::count(keys, 1000001, &page_key::user_id), 2);
}

TEST_F(pfs_server, updates_follow_the_main_session_from_key_to_key) {
  const auto permanent = new_key();
  raw_client first{settings(3600)};
  ASSERT_TRUE(first.exchange());
  first.bind_to(permanent);
  first.log_in(pfs_token);
  ASSERT_TRUE(first.call({{"_", "updates.getState"}}));
  raw_client second{settings(3600)};
  ASSERT_TRUE(second.exchange());
  second.bind_to(permanent);
  ASSERT_TRUE(second.call({{"_", "help.getAppConfig"}, {"hash", 0}}));
  alice_writes("to the first");
  EXPECT_EQ(text_of(first.update("updateNewMessage")), "to the first");
  ASSERT_TRUE(second.call({{"_", "updates.getState"}}));
  alice_writes("to the second");
  EXPECT_EQ(text_of(second.update("updateNewMessage")), "to the second");
  EXPECT_TRUE(second.destroy_key());
  alice_writes("to whoever is left");
  EXPECT_EQ(text_of(first.update("updateNewMessage")), "to whoever is left");
}

TEST_F(pfs_server, an_expired_key_is_unknown_on_old_and_new_connections) {
  const auto permanent = new_key();
  raw_client client{settings(60)};
  ASSERT_TRUE(client.exchange());
  client.bind_to(permanent);
  client.log_in(pfs_token);
  const auto temporary = client.session().key();
  clock_->ahead = 100;
  client.submit(raw_client::codec().encode(json{{"_", "help.getConfig"}}).value());
  EXPECT_EQ(client.word(), -404);
  raw_client later{settings()};
  later.begin(temporary);
  later.submit(raw_client::codec().encode(json{{"_", "help.getConfig"}}).value());
  EXPECT_EQ(later.word(), -404);
  raw_client next{settings(3600)};
  ASSERT_TRUE(next.exchange());
  next.bind_to(permanent);
  EXPECT_TRUE(next.call({{"_", "updates.getState"}})) << "the login outlives it";
}

TEST_F(pfs_server, a_destroyed_permanent_key_takes_its_temporary_ones_with_it) {
  raw_client owner{settings()};
  ASSERT_TRUE(owner.exchange());
  raw_client client{settings(3600)};
  ASSERT_TRUE(client.exchange());
  client.bind_to(owner.session().key());
  client.log_in(pfs_token);
  EXPECT_TRUE(owner.destroy_key());
  client.submit(raw_client::codec().encode(json{{"_", "help.getConfig"}}).value());
  EXPECT_EQ(client.word(), -404);
}

TEST_F(pfs_server, both_keys_speak_the_layer_that_was_told_last) {
  const auto permanent = new_key();
  raw_client client{settings(3600)};
  ASSERT_TRUE(client.exchange());
  client.bind_to(permanent);
  const auto newest = raw_client::codec().encode(json{{"_", "help.getConfig"}}).value();
  tl::writer wrapped;
  wrapped.u32(0xda9b0d0d);
  wrapped.i32(201);
  wrapped.raw(newest);
  ASSERT_TRUE(client.wait(client.submit(wrapped.take())));
  const auto told = [this](bool temporary) {
    const auto keys = server_->page().state()->keys;
    const auto found = std::ranges::find(keys, temporary, &page_key::temporary);
    return found != keys.end() ? found->layer : -1;
  };
  EXPECT_EQ(told(false), 201);
  EXPECT_EQ(told(true), 201);
}

} // namespace
} // namespace cafegram::sandbox

#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/server.hpp>
#include <cafegram/tests/watchdog.hpp>

#include <fmt/format.h>

#include <algorithm>

#include "raw_client.hpp"

namespace cafegram::sandbox {
namespace {

using test::raw_client;

constexpr std::string_view logins_token = "1000001:AAAbbbCCCdddEEEfffGGGhhhIIIjjjKKKll";
constexpr std::int64_t logins_bot_id = 1000001;

/// Two logins of one person and a bot, over real sockets.
class sessions_server : public ::testing::Test {
protected:
  void SetUp() override {
    log::configure({log::level::error});
    auto made = server::start(runtime_, {});
    ASSERT_TRUE(made) << to_string(made.error());
    server_ = *std::move(made);
    bot_.emplace(settings());
    ASSERT_TRUE(bot_->exchange());
    bot_->log_in(logins_token);
    one_.emplace(settings());
    other_.emplace(settings());
    for (auto* client : {&*one_, &*other_}) {
      ASSERT_TRUE(client->exchange());
      log_in(*client);
    }
  }
  void TearDown() override {
    log::configure({});
    server_.reset();
  }

  raw_client::settings settings() const { return {server_->port(), server_->public_key_pem()}; }

  /// Registers where the phone is new.
  void log_in(raw_client& client) {
    const std::string phone = "15550100";
    const auto sent = client.call({{"_", "auth.sendCode"},
                                   {"phone_number", phone},
                                   {"api_id", 1},
                                   {"api_hash", "x"},
                                   {"settings", {{"_", "codeSettings"}}}});
    ASSERT_TRUE(sent) << to_string(sent.error());
    json request = {{"_", "auth.signIn"},
                    {"phone_number", phone},
                    {"phone_code_hash", sent->at("phone_code_hash")},
                    {"phone_code", server_->page().state()->codes.back().code}};
    auto in = client.call(request);
    ASSERT_TRUE(in) << to_string(in.error());
    if (in->at("_") == "auth.authorizationSignUpRequired") {
      request["_"] = "auth.signUp";
      request.erase("phone_code");
      request["first_name"] = "Ann";
      request["last_name"] = "";
      in = client.call(request);
      ASSERT_TRUE(in) << to_string(in.error());
    }
    ASSERT_TRUE(client.call({{"_", "updates.getState"}}));
  }

  json bot_as_seen_by(raw_client& client) {
    const auto found =
        client.call({{"_", "contacts.resolveUsername"}, {"username", "sandbox_1000001_bot"}});
    EXPECT_TRUE(found) << to_string(found.error());
    return {{"_", "inputPeerUser"},
            {"user_id", logins_bot_id},
            {"access_hash", found->at("users").at(0).at("access_hash")}};
  }

  json send(raw_client& client, std::string_view text) {
    const auto sent = client.call({{"_", "messages.sendMessage"},
                                   {"peer", bot_as_seen_by(client)},
                                   {"message", text},
                                   {"random_id", std::to_string(++random_id_)}});
    EXPECT_TRUE(sent) << to_string(sent.error());
    return sent.value_or(json::object());
  }

  /// The bot's answer to the last message of the person.
  void answer(std::string_view text) {
    const auto heard = bot_->update("updateNewMessage");
    ASSERT_TRUE(heard);
    const auto sent = bot_->call({{"_", "messages.sendMessage"},
                                  {"peer",
                                   {{"_", "inputPeerUser"},
                                    {"user_id", heard->at("message").at("from_id").at("user_id")},
                                    {"access_hash", 0}}},
                                  {"message", text},
                                  {"random_id", std::to_string(++random_id_)}});
    ASSERT_TRUE(sent) << to_string(sent.error());
  }

  runtime runtime_;
  std::unique_ptr<server> server_;
  std::optional<raw_client> bot_;
  std::optional<raw_client> one_;
  std::optional<raw_client> other_;
  std::int64_t random_id_ = 0;
};

TEST_F(sessions_server, each_login_hears_of_what_another_does) {
  send(*one_, "first"); // tells everybody who is who
  ASSERT_TRUE(other_->update("updateNewMessage"));
  const json sent = send(*one_, "second");
  EXPECT_EQ(sent["_"], "updateShortSentMessage");
  const auto told = other_->update("updateShortMessage");
  ASSERT_TRUE(told);
  EXPECT_EQ(told->at("message"), "second");
  EXPECT_EQ(told->at("out"), true);
  EXPECT_EQ(told->at("id"), sent["id"]);
  EXPECT_EQ(told->at("pts"), sent["pts"]);
  answer("an answer");
  for (auto* client : {&*one_, &*other_}) {
    // The next one for each: the one that wrote was not told of its own.
    const auto heard = client->update("updateShortMessage");
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->at("message"), "an answer");
    EXPECT_EQ(heard->at("pts"), 4);
  }
  send(*other_, "from the other");
  EXPECT_EQ(one_->update("updateShortMessage")->at("message"), "from the other");
}

TEST_F(sessions_server, who_was_away_hears_of_it_in_order_and_once) {
  send(*one_, "before");
  ASSERT_TRUE(other_->update("updateNewMessage"));
  other_->drop();
  // Mail to a connection that ends comes back to the router, behind what has come there meanwhile.
  ASSERT_TRUE(test::comes_true([&] { return server_->page().state()->connections.size() == 2; }));
  for (int i = 1; i <= 5; ++i) {
    send(*one_, fmt::format("{}", i));
  }
  other_->open();
  const auto state = other_->call({{"_", "updates.getState"}});
  ASSERT_TRUE(state);
  EXPECT_EQ(state->at("pts"), 7);
  for (int i = 1; i <= 5; ++i) {
    const auto told = other_->update("updateShortMessage");
    ASSERT_TRUE(told);
    EXPECT_EQ(told->at("message"), fmt::format("{}", i));
    EXPECT_EQ(told->at("pts"), i + 2);
  }
  send(*one_, "once");
  EXPECT_EQ(other_->update("updateShortMessage")->at("message"), "once");
}

// What the connection to one of them loses the difference brings, to that one alone.
TEST_F(sessions_server, a_login_that_missed_something_fetches_it) {
  send(*one_, "before");
  ASSERT_TRUE(other_->update("updateNewMessage"));
  fault_plan plan;
  plan.rate(fault_kind::push_drop) = {1, 0};
  server_->set_faults(plan);
  const json sent = send(*one_, "lost on the way");
  server_->set_faults({});
  send(*one_, "told");
  const auto told = other_->update("updateShortMessage");
  ASSERT_TRUE(told);
  EXPECT_EQ(told->at("message"), "told");
  EXPECT_EQ(told->at("pts"), sent["pts"].get<int>() + 1) << "a gap";
  const auto missed =
      other_->call({{"_", "updates.getDifference"}, {"pts", 2}, {"date", 0}, {"qts", 0}});
  ASSERT_TRUE(missed);
  ASSERT_EQ(missed->at("new_messages").size(), 2U);
  EXPECT_EQ(missed->at("new_messages").at(0).at("message"), "lost on the way");
  EXPECT_EQ(missed->at("new_messages").at(0).at("out"), true);
}

} // namespace
} // namespace cafegram::sandbox

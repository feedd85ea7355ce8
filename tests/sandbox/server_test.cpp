#include <cafegram/base/log.hpp>
#include <cafegram/protocol/envelope.hpp>
#include <cafegram/sandbox/server.hpp>
#include <cafegram/sandbox/server_key.hpp>
#include <cafegram/tests/watchdog.hpp>

#include <caf/send.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "raw_client.hpp"

namespace cafegram::sandbox {
namespace {

using test::raw_client;

constexpr std::string_view token = "1000001:AAAbbbCCCdddEEEfffGGGhhhIIIjjjKKKll";
constexpr std::int64_t bot_id = 1000001;

/// A sandbox of this process and clients over real sockets.
class server_test : public ::testing::Test {
protected:
  void SetUp() override {
    log::configure({log::level::error});
    folder_ =
        std::filesystem::temp_directory_path() /
        fmt::format("cafegram-server-{:016x}", crypto::system_random()->integer<std::uint64_t>());
    start();
  }
  void TearDown() override {
    log::configure({});
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  void start(server_options options = {}) {
    server_.reset();
    auto made = server::start(runtime_, options);
    ASSERT_TRUE(made) << to_string(made.error());
    server_ = *std::move(made);
  }

  raw_client::settings settings(protocol::framing kind = protocol::framing::intermediate,
                                bool obfuscated = false) const {
    return {server_->port(), server_->public_key_pem(), {.kind = kind, .obfuscated = obfuscated}};
  }

  static json parse(const char* text) { return json::parse(text, nullptr, false); }

  json send_to_alice(raw_client& client, std::string_view text, json markup = {}) {
    const auto alice = client.call({{"_", "contacts.resolveUsername"}, {"username", "alice"}});
    EXPECT_TRUE(alice) << to_string(alice.error());
    const json& user = alice->at("users").at(0);
    json message = {{"_", "messages.sendMessage"},
                    {"peer",
                     {{"_", "inputPeerUser"},
                      {"user_id", user.at("id")},
                      {"access_hash", user.at("access_hash")}}},
                    {"message", text},
                    {"random_id", std::to_string(++random_id_)}};
    if (!markup.is_null()) {
      message["reply_markup"] = std::move(markup);
    }
    const auto sent = client.call(message);
    EXPECT_TRUE(sent) << to_string(sent.error());
    return sent.value_or(json::object());
  }

  std::string text_of(const std::optional<json>& update) {
    return update ? update->at("message").value("message", "") : "no update";
  }

  std::filesystem::path folder_;
  runtime runtime_;
  std::unique_ptr<server> server_;
  std::int64_t random_id_ = 0;
};

TEST_F(server_test, understands_every_transport) {
  using protocol::framing;
  for (const auto kind :
       {framing::abridged, framing::intermediate, framing::padded, framing::full}) {
    for (const bool obfuscated : {false, true}) {
      if (obfuscated && kind == framing::full) {
        continue;
      }
      raw_client client{settings(kind, obfuscated)};
      ASSERT_TRUE(client.exchange()) << protocol::to_string(kind) << obfuscated;
      const auto config = client.call({{"_", "help.getConfig"}});
      ASSERT_TRUE(config) << protocol::to_string(kind) << ' ' << to_string(config.error());
      EXPECT_EQ(config->at("this_dc"), 2);
    }
  }
}

TEST_F(server_test, answers_calls_and_pushes_what_others_do) {
  raw_client client{settings()};
  ASSERT_TRUE(client.exchange());
  EXPECT_EQ(client.log_in(token)["_"], "auth.authorization");
  send_to_alice(client, "first");
  EXPECT_EQ(text_of(client.update("updateNewMessage")), "You wrote: first");
}

TEST_F(server_test, refuses_with_telegrams_words) {
  raw_client client{settings()};
  ASSERT_TRUE(client.exchange());
  const auto early = client.call({{"_", "updates.getState"}});
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().rpc->text, "AUTH_KEY_UNREGISTERED");
  EXPECT_EQ(early.error().rpc->code, 401);
  const auto unknown = client.wait(client.submit(test::hex("78563412")));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().rpc->code, 400);
  EXPECT_EQ(unknown.error().rpc->text.find("INPUT_METHOD_INVALID_"), 0U);
  client.log_in(token);
  const auto missing = client.call({{"_", "help.getPremiumPromo"}});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().rpc->code, 400);
  EXPECT_EQ(missing.error().rpc->text, "SANDBOX_METHOD_MISSING");
  const auto state = server_->page().state();
  ASSERT_TRUE(state);
  ASSERT_EQ(std::ranges::count(state->missing, "help.getPremiumPromo", &page_method::name), 1);
}

TEST_F(server_test, says_404_to_a_key_that_it_does_not_know) {
  raw_client client{settings()};
  client.begin(protocol::auth_key::from(bytes(256, 7)).value());
  client.submit(raw_client::codec().encode(json{{"_", "help.getConfig"}}).value());
  EXPECT_EQ(client.word(), -404);
  // The connection can be used for an exchange all the same.
  raw_client other{settings()};
  other.send_payload(bytes(24));
  EXPECT_EQ(other.word(), -404);
}

TEST_F(server_test, says_444_to_a_client_of_the_test_servers) {
  auto given = settings();
  given.dc = 10002;
  raw_client client{given};
  EXPECT_FALSE(client.exchange());
  EXPECT_EQ(client.word(), -444);
}

TEST_F(server_test, closes_what_is_no_packet_of_its_key) {
  raw_client client{settings()};
  ASSERT_TRUE(client.exchange());
  ASSERT_TRUE(client.call({{"_", "help.getConfig"}}));
  bytes forged(24 + 64, 0x55);
  for (std::size_t i = 0; i < 8; ++i) {
    forged[i] = static_cast<std::uint8_t>(client.session().key().id() >> 8 * i);
  }
  client.send_payload(forged);
  EXPECT_TRUE(client.sees_close());
}

TEST_F(server_test, survives_strangers) {
  seeded_random random{test::seed()};
  for (int i = 0; i < 40; ++i) {
    raw_client client{settings()};
    bytes noise(random.integer<std::uint16_t>() % 2000U);
    random.fill(noise);
    client.write(noise);
  }
  raw_client http{settings(protocol::framing::abridged, false)};
  http.write(as_bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  raw_client client{settings()};
  EXPECT_TRUE(client.exchange());
}

TEST_F(server_test, keeps_updates_for_a_session_that_comes_back) {
  raw_client client{settings()};
  ASSERT_TRUE(client.exchange());
  client.log_in(token);
  send_to_alice(client, "before");
  ASSERT_TRUE(client.update("updateNewMessage"));
  const auto users = server_->page().state()->users;
  const auto alice = std::ranges::find(users, "alice", &page_user::username);
  ASSERT_NE(alice, users.end());
  client.drop();
  page_text text;
  text.as = alice->id;
  text.to = 1000001;
  text.text = "while you were away";
  ASSERT_TRUE(server_->page().send(text));
  client.open();
  EXPECT_TRUE(client.call({{"_", "updates.getState"}}));
  EXPECT_EQ(text_of(client.update("updateNewMessage")), "while you were away");
}

TEST_F(server_test, moves_a_session_to_the_newest_connection) {
  raw_client first{settings()};
  ASSERT_TRUE(first.exchange());
  first.log_in(token);
  // The old socket stays open and silent, as after a change of network.
  const int rounds = 5;
  for (int i = 0; i < rounds; ++i) {
    first.abandon();
    send_to_alice(first, fmt::format("round {}", i));
    EXPECT_EQ(text_of(first.update("updateNewMessage")), fmt::format("You wrote: round {}", i));
  }
}

TEST_F(server_test, pushes_to_the_main_session_only) {
  raw_client main{settings()};
  ASSERT_TRUE(main.exchange());
  main.log_in(token);
  ASSERT_TRUE(main.call({{"_", "updates.getState"}}));
  raw_client second{settings()};
  second.begin(main.session().key());
  ASSERT_TRUE(second.call({{"_", "help.getConfig"}}));
  send_to_alice(second, "from the second");
  EXPECT_EQ(text_of(main.update("updateNewMessage")), "from the second");
  EXPECT_EQ(text_of(main.update("updateNewMessage")), "You wrote: from the second");
}

// It has no place in the counters: no difference would bring it.
TEST_F(server_test, a_click_waits_for_its_bot) {
  raw_client first{settings()};
  ASSERT_TRUE(first.exchange());
  first.log_in(token);
  json buttons = parse(R"({"_":"replyInlineMarkup","rows":[{"_":"keyboardInlineButtonRow",
    "buttons":[{"_":"keyboardInlineButton","text":"Yes",
                "type":{"_":"inlineButtonTypeCallback","data":"eWVz"}}]}]})");
  send_to_alice(first, "choose", std::move(buttons));
  const auto key = first.session().key();
  first.drop();
  page_model& page = server_->page();
  ASSERT_TRUE(test::comes_true([&page] { return page.state()->connections.empty(); }));

  const auto users = page.state()->users;
  const auto alice = std::ranges::find(users, "alice", &page_user::username)->id;
  const auto messages = page.messages(alice, bot_id, 0, 10);
  ASSERT_TRUE(messages) << to_string(messages.error());
  const auto shown = std::ranges::find(*messages, "choose", &page_message::text);
  ASSERT_NE(shown, messages->end());
  auto reader = server_->feed()->subscribe();
  ASSERT_TRUE(reader);
  const auto query = page.click({alice, bot_id, shown->id, to_bytes(as_bytes("yes"))});
  ASSERT_TRUE(query) << to_string(query.error());

  raw_client again{settings()};
  again.begin(key);
  ASSERT_TRUE(again.call({{"_", "updates.getState"}}));
  const auto told = again.update("updateBotCallbackQuery");
  ASSERT_TRUE(told);
  EXPECT_EQ(told->at("query_id"), std::to_string(*query));
  raw_client another{settings()};
  ASSERT_TRUE(another.exchange());
  another.log_in(token);
  EXPECT_TRUE(another.update("updateBotCallbackQuery")) << "a login of its own";
  ASSERT_TRUE(again.call({{"_", "messages.setBotCallbackAnswer"},
                          {"query_id", told->at("query_id")},
                          {"message", "here again"},
                          {"cache_time", 0}},
                         "Bool"));
  std::string answer;
  ASSERT_TRUE(test::comes_true([&] {
    for (const auto& event : (*reader)->take(std::chrono::milliseconds{10})) {
      const auto* done = std::get_if<page_events::click_answered>(&event);
      answer = done != nullptr ? done->text : answer;
    }
    return !answer.empty();
  }));
  EXPECT_EQ(answer, "here again");
  ASSERT_TRUE(again.call({{"_", "updates.getState"}}));
  send_to_alice(again, "the next one");
  EXPECT_EQ(text_of(again.update("updateNewMessage")), "You wrote: the next one")
      << "and no query a second time";
}

TEST_F(server_test, fails_what_waits_for_a_failed_call) {
  raw_client client{settings()};
  ASSERT_TRUE(client.exchange());
  const auto& codec = raw_client::codec();
  const auto first = client.queue(codec.encode(json{{"_", "updates.getState"}}).value());
  protocol::request_options options;
  options.after = {first};
  const auto second = client.queue(codec.encode(json{{"_", "help.getConfig"}}).value(), options);
  EXPECT_FALSE(client.wait(first));
  // Our client asks again by itself, without waiting for what has failed.
  EXPECT_TRUE(client.wait(second));
  const auto calls = server_->page().state()->calls;
  EXPECT_EQ(std::ranges::count(calls, "400 MSG_WAIT_FAILED", &page_call::error), 1);
}

TEST_F(server_test, forgets_a_destroyed_key) {
  raw_client client{settings()};
  ASSERT_TRUE(client.exchange());
  ASSERT_TRUE(client.call({{"_", "help.getConfig"}}));
  const auto key = client.session().key();
  EXPECT_TRUE(client.destroy_key());
  raw_client later{settings()};
  later.begin(key);
  later.submit(raw_client::codec().encode(json{{"_", "help.getConfig"}}).value());
  EXPECT_EQ(later.word(), -404);
}

TEST_F(server_test, keeps_keys_logins_and_its_own_key_over_a_restart) {
  server_options options;
  options.data = folder_ / "data";
  options.key_out = folder_ / "public.pem";
  std::filesystem::create_directories(folder_);
  start(options);
  const std::string pem = server_->public_key_pem();
  EXPECT_EQ(test::read_text(options.key_out), pem);
  options.port = server_->port();
  raw_client client{settings()};
  ASSERT_TRUE(client.exchange());
  client.log_in(token);
  send_to_alice(client, "kept");
  const auto before = client.call({{"_", "updates.getState"}});
  ASSERT_TRUE(before);
  start(options);
  EXPECT_EQ(server_->public_key_pem(), pem);
  client.open();
  const auto state = client.call({{"_", "updates.getState"}});
  ASSERT_TRUE(state) << to_string(state.error());
  EXPECT_EQ(state->at("pts"), before->at("pts"));
  EXPECT_GE(state->at("pts"), 2);
  const auto mode = std::filesystem::status(options.data / "server_key.pem").permissions();
  EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(server_test, says_what_is_wrong_when_it_cannot_start) {
  server_options taken;
  taken.port = server_->port();
  const auto busy = server::start(runtime_, taken);
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().code, errc::network);
  server_options damaged;
  damaged.data = folder_;
  std::filesystem::create_directories(folder_);
  std::ofstream{folder_ / "server_key.pem"} << "no key";
  const auto refused = server::start(runtime_, damaged);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::storage);
  EXPECT_NE(refused.error().what.find("server_key.pem"), std::string::npos);
}

// All clients hang on it: what cannot be read is not replaced.
TEST_F(server_test, a_key_that_cannot_be_read_is_left_alone) {
  const auto path = folder_ / "server_key.pem";
  const auto refused = [this] {
    const auto key = load_server_key(folder_, "server_key.pem");
    EXPECT_FALSE(key);
    return key ? error{} : key.error();
  };
  std::filesystem::create_directories(path);
  EXPECT_EQ(refused().number, EISDIR);
  EXPECT_TRUE(std::filesystem::is_directory(path));
  std::filesystem::remove(path);
  std::filesystem::create_symlink("server_key.pem", path);
  const auto why = refused();
  EXPECT_EQ(why.code, errc::storage);
  EXPECT_EQ(why.number, ELOOP);
  EXPECT_NE(why.what.find(path.string()), std::string::npos) << why.what;
  EXPECT_NE(why.what.find("make it readable, or restore it"), std::string::npos) << why.what;
  EXPECT_TRUE(std::filesystem::is_symlink(path));
  std::filesystem::remove(path);
  EXPECT_TRUE(load_server_key(folder_, "server_key.pem")) << "made where there is none";
  EXPECT_TRUE(std::filesystem::is_regular_file(path));
}

TEST_F(server_test, shows_its_connections_and_calls) {
  raw_client client{settings(protocol::framing::padded, true)};
  ASSERT_TRUE(client.exchange());
  client.log_in(token);
  const auto state = server_->page().state();
  ASSERT_TRUE(state);
  ASSERT_EQ(state->connections.size(), 1U);
  const page_connection& seen = state->connections.front();
  EXPECT_EQ(seen.framing, "padded");
  EXPECT_TRUE(seen.obfuscated);
  EXPECT_EQ(seen.user_id, 1000001);
  EXPECT_EQ(seen.key.size(), 16U);
  EXPECT_EQ(seen.calls, 1U);
  ASSERT_EQ(state->keys.size(), 1U);
  EXPECT_EQ(state->keys.front().sessions, 1U);
  ASSERT_EQ(state->calls.size(), 1U);
  EXPECT_EQ(state->calls.front().method, "auth.importBotAuthorization");
}

TEST_F(server_test, stops_under_its_clients) {
  raw_client client{settings()};
  ASSERT_TRUE(client.exchange());
  server_->stop();
  EXPECT_TRUE(client.sees_close());
  EXPECT_EQ(server_->page().state().error().code, errc::cancelled);
  server_->stop();
}

} // namespace
} // namespace cafegram::sandbox

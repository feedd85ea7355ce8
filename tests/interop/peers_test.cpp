#include <cafegram/actors/login.hpp>
#include <cafegram/sandbox/server.hpp>
#include <cafegram/storage/open.hpp>
#include <cafegram/storage/peers.hpp>
#include <cafegram/tests/temporary_folder.hpp>
#include <cafegram/tests/watchdog.hpp>

#include <fmt/format.h>

#include "bot_talk.hpp"

// Whoever was seen before a restart is written to by the id alone after it.
namespace cafegram {

namespace {

using namespace std::chrono_literals;

constexpr auto peers_token = "1000001:a-secret";
constexpr std::int64_t peers_bot = 1'000'001;

/// A sandbox, and clients that come and go over a session in this kind of place.
struct peers_over : testing::TestWithParam<std::string> {
  test::temporary_folder folder;
  runtime server_runtime;
  std::unique_ptr<sandbox::server> server;
  std::int64_t random_ids = 0;

  void SetUp() override {
    sandbox::server_options options;
    options.short_forms = false; // an update brings those whom it names
    auto started = sandbox::server::start(server_runtime, options);
    ASSERT_TRUE(started) << to_string(started.error());
    server = *std::move(started);
  }

  client_options options() const {
    client_options out;
    out.api_id = 1;
    out.api_hash = "hash";
    out.dc = dc_override{2, {"127.0.0.1", server->port()}};
    out.rsa_keys_pem = {server->public_key_pem()};
    out.timing.reconnect_min = 100ms;
    out.session_path = GetParam() + folder.file("session");
    return out;
  }

  std::int64_t make_person(const std::string& name, const std::string& username = "") const {
    const auto made = server->page().create_user(name, username);
    EXPECT_TRUE(made) << to_string(made.error());
    return made ? made->id : 0;
  }
  std::int64_t make_room(std::int64_t by, sandbox::page_group_kind kind,
                         std::vector<std::int64_t> members, std::string username = "") const {
    const auto made = server->page().create_group({.as = by,
                                                   .kind = kind,
                                                   .title = "A room",
                                                   .username = std::move(username),
                                                   .members = std::move(members)});
    EXPECT_TRUE(made) << to_string(made.error());
    return made ? made->id : 0;
  }
  void writes(std::int64_t as, std::int64_t to, const std::string& text) const {
    const auto sent = server->page().send({.as = as, .to = to, .text = text, .entities = {}});
    EXPECT_TRUE(sent) << to_string(sent.error());
  }

  /// Until it is noted; what is not written yet counts too.
  static bool sees(client& one, const peer_name& whom) {
    return test::comes_true([&] { return one.resolve_peer(whom).has_value(); });
  }
  /// Sends by what `whom` says alone.
  result<tl::Updates> send(client& by, const peer_name& whom, std::string text = "by id") {
    const auto peer = by.resolve_peer(whom);
    if (!peer) {
      return std::unexpected(peer.error());
    }
    return by.invoke_sync(tl::messages::sendMessage{
        .peer = *peer, .message = std::move(text), .random_id = ++random_ids});
  }

  /// A person with a client.
  std::int64_t log_in(client& with, const std::string& phone) const {
    const auto sent = send_code(with, phone);
    EXPECT_TRUE(sent) << to_string(sent.error());
    const auto code = server->page().state()->codes.back().code;
    const auto first = sign_in(with, *sent, code);
    EXPECT_TRUE(first) << to_string(first.error());
    const auto done = with.invoke_sync(tl::auth::signUp{
        .phone_number = phone, .phone_code_hash = sent->hash, .first_name = "Pat"});
    EXPECT_TRUE(done) << to_string(done.error());
    const auto me = test::get_me(with);
    return me ? me->id : 0;
  }
};

} // namespace

TEST_P(peers_over, a_bot_writes_to_all_that_it_has_seen_before_a_restart) {
  const auto ann = make_person("Ann");
  peer_name alice = peer_name::username("alice");
  std::int64_t group = 0;
  std::int64_t channel = 0;
  std::int64_t elsewhere = 0;
  {
    runtime rt;
    auto bot = client::start(rt, options());
    ASSERT_TRUE(bot);
    ASSERT_TRUE(bot->login_bot(peers_token));
    group = make_room(ann, sandbox::page_group_kind::group, {peers_bot});
    channel = make_room(ann, sandbox::page_group_kind::supergroup, {peers_bot}, "our_club");
    // The bot is not in it: the server takes no call there without the hash.
    elsewhere = make_room(ann, sandbox::page_group_kind::channel, {}, "the_news");
    writes(ann, peers_bot, "hello");
    ASSERT_TRUE(sees(*bot, peer_name::user(ann)));
    ASSERT_TRUE(sees(*bot, peer_name::marked(group)));
    ASSERT_TRUE(sees(*bot, peer_name::marked(channel)));
    ASSERT_TRUE(bot->resolve_peer(peer_name::username("the_news")));
    const auto found = bot->resolve_peer(alice);
    ASSERT_TRUE(found) << to_string(found.error());
    alice = peer_name::user(tl::get_if<tl::inputPeerUser>(*found)->user_id);
    bot->stop();
  }
  runtime rt;
  auto bot = client::start(rt, options());
  ASSERT_TRUE(bot);
  for (const auto& whom :
       {peer_name::user(ann), peer_name::marked(group), peer_name::marked(channel), alice}) {
    const auto sent = send(*bot, whom);
    EXPECT_TRUE(sent) << to_string(whom) << ": " << to_string(sent.error());
  }
  const auto news = bot->resolve_peer(peer_name::marked(elsewhere));
  ASSERT_TRUE(news) << to_string(news.error());
  const auto* address = tl::get_if<tl::inputPeerChannel>(*news);
  const auto looked = bot->invoke_sync(
      tl::channels::getChannels{.id = {tl::inputChannel{.channel_id = address->channel_id,
                                                        .access_hash = address->access_hash}}});
  EXPECT_TRUE(looked) << to_string(looked.error());
  EXPECT_TRUE(send(*bot, peer_name::user(424'242)).error().is_rpc("PEER_ID_INVALID"))
      << "of one that was never seen the server is the judge";
  // By names that it has seen, without a question to the server.
  const auto asked = [this] {
    const auto state = server->page().state();
    EXPECT_TRUE(state) << to_string(state.error());
    std::uint64_t out = 0;
    for (const auto& one : state->methods) {
      out = one.name == "contacts.resolveUsername" ? one.calls : out;
    }
    return out;
  };
  const auto before = asked();
  EXPECT_TRUE(send(*bot, peer_name::username("Alice")));
  EXPECT_TRUE(send(*bot, peer_name::username("@our_club")));
  EXPECT_EQ(asked(), before);
  make_person("Cid", "cid_of_all");
  EXPECT_TRUE(bot->resolve_peer(peer_name::username("cid_of_all")));
  EXPECT_GT(asked(), before) << "they are not counted";
}

// In a supergroup a stranger's messages bring a part of him, that only they are an address of.
TEST_P(peers_over, a_person_writes_to_a_stranger_by_the_message_that_he_was_seen_in) {
  const auto ben = make_person("Ben");
  std::int64_t room = 0;
  std::int64_t me = 0;
  {
    runtime rt;
    auto person = client::start(rt, options());
    ASSERT_TRUE(person);
    me = log_in(*person, "15550123");
    room = make_room(ben, sandbox::page_group_kind::supergroup, {me});
    ASSERT_TRUE(sees(*person, peer_name::marked(room)));
    writes(ben, room, "who am I");
    ASSERT_TRUE(sees(*person, peer_name::user(ben)));
    person->stop();
  }
  runtime rt;
  auto person = client::start(rt, options());
  ASSERT_TRUE(person);
  const auto address = person->resolve_peer(peer_name::user(ben));
  ASSERT_TRUE(address) << to_string(address.error());
  EXPECT_TRUE(tl::holds<tl::inputPeerUserFromMessage>(*address));
  const auto sent = send(*person, peer_name::user(ben));
  EXPECT_TRUE(sent) << to_string(sent.error());
}

TEST_P(peers_over, a_name_that_moves_to_another_account_is_that_one_s) {
  runtime rt;
  auto bot = client::start(rt, options());
  ASSERT_TRUE(bot);
  ASSERT_TRUE(bot->login_bot(peers_token));
  auto of_person = options();
  of_person.session_path.clear();
  auto one = client::start(rt, of_person);
  auto other = client::start(rt, of_person);
  ASSERT_TRUE(one && other);
  const auto first = log_in(*one, "15550123");
  const auto second = log_in(*other, "15550124");
  const auto call_oneself = [](client& who, std::string name) {
    const auto done = who.invoke_sync(tl::account::updateUsername{.username = std::move(name)});
    EXPECT_TRUE(done) << to_string(done.error());
  };
  const auto to_bot = peer_name::username("sandbox_1000001_bot");
  const auto owner = [&bot](const std::string& name) {
    const auto found = bot->resolve_peer(peer_name::username(name));
    const auto* user = found ? tl::get_if<tl::inputPeerUser>(*found) : nullptr;
    return user != nullptr ? user->user_id : 0;
  };
  call_oneself(*one, "the_name");
  ASSERT_TRUE(send(*one, to_bot));
  EXPECT_TRUE(test::comes_true([&] { return owner("the_name") == first; }));
  // The bot sees that the first one has another name; of the second one the server tells.
  call_oneself(*one, "another_name");
  call_oneself(*other, "the_name");
  ASSERT_TRUE(send(*one, to_bot));
  EXPECT_TRUE(test::comes_true([&] { return owner("the_name") == second; }));
  EXPECT_TRUE(test::comes_true([&] { return owner("another_name") == first; }));
  EXPECT_TRUE(send(*bot, peer_name::username("another_name")));
}

INSTANTIATE_TEST_SUITE_P(each_kind, peers_over, testing::Values("sqlite:", "file:"),
                         [](const auto& one) { return one.param.substr(0, one.param.size() - 1); });

} // namespace cafegram

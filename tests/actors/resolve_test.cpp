#include <cafegram/actors/peers.hpp>

#include "client_kit.hpp"

// How a client finds out what addresses a peer.
namespace cafegram {

namespace {

using namespace std::chrono_literals;
using storage::message_source;
using storage::peer_kind;

struct resolving : test::client_kit {
  struct outcome {
    std::optional<result<tl::InputPeer>> found;
    bool failed_with(errc code) const { return found && !*found && found->error().code == code; }
  };

  resolving() { log_in(false); }

  void log_in(bool bot) { stored->user = storage::user_record{4242, bot, "Me", "me"}; }
  void knows(const peer_name& name, const storage::peer_address& address) {
    kept->addresses[to_string(name)] = address;
  }
  std::shared_ptr<outcome> ask(const peer_name& name, std::chrono::milliseconds timeout = 10s) {
    auto out = std::make_shared<outcome>();
    system.system().spawn([out, name, timeout, to = client](caf::event_based_actor* self) {
      self->request(to, caf::infinite, peer_request{name, timeout})
          .then([out](const resolved_peer& told) { out->found = told.peer; },
                [out](const caf::error& why) { out->found = std::unexpected(to_error(why)); });
    });
    system.run();
    return out;
  }
  template <class Constructor>
  static Constructor as(const std::shared_ptr<outcome>& told) {
    EXPECT_TRUE(told->found && *told->found);
    const auto* one =
        told->found && *told->found ? tl::get_if<Constructor>(**told->found) : nullptr;
    EXPECT_NE(one, nullptr);
    return one != nullptr ? *one : Constructor{};
  }
};

tl::contacts::resolveUsername username_question(std::string name) {
  return {.username = std::move(name)};
}

bytes ann_is_seven() {
  return tl::encode(tl::contacts::ResolvedPeer{tl::contacts::resolvedPeer{
      .peer = tl::peerUser{.user_id = 7},
      .users = {tl::user{.id = 6, .access_hash = 60, .first_name = "Other"},
                tl::user{.id = 7, .access_hash = 70, .first_name = "Ann"}}}});
}

} // namespace

TEST_F(resolving, one_that_was_seen_is_told_by_id_name_and_phone) {
  knows(peer_name::user(7), {peer_kind::user, 7, 70});
  knows(peer_name::username("ann"), {peer_kind::user, 7, 70});
  knows(peer_name::phone("1555"), {peer_kind::user, 7, 70});
  knows(peer_name::channel(70), {peer_kind::channel, 70, 700});
  knows(peer_name::group(5), {peer_kind::group, 5});
  start();
  EXPECT_EQ(as<tl::inputPeerUser>(ask(peer_name::user(7))).access_hash, 70);
  EXPECT_EQ(as<tl::inputPeerUser>(ask(peer_name::username("@Ann"))).user_id, 7);
  EXPECT_EQ(as<tl::inputPeerUser>(ask(peer_name::phone("1555"))).user_id, 7);
  EXPECT_EQ(as<tl::inputPeerChannel>(ask(peer_name::marked(-1'000'000'000'070))).access_hash, 700);
  EXPECT_EQ(as<tl::inputPeerChat>(ask(peer_name::marked(-5))).chat_id, 5);
  as<tl::inputPeerSelf>(ask(peer_name::user(4242)));
}

TEST_F(resolving, one_that_was_never_seen_is_a_typed_error) {
  start();
  const auto nobody = ask(peer_name::user(8));
  EXPECT_TRUE(nobody->failed_with(errc::not_found));
  EXPECT_EQ(nobody->found->error().what, "user 8 was never seen by this account");
  EXPECT_TRUE(ask(peer_name::group(8))->failed_with(errc::not_found));
  EXPECT_TRUE(ask(peer_name::channel(8))->failed_with(errc::not_found));
  EXPECT_TRUE(ask(peer_name::marked(0))->failed_with(errc::bad_argument));
  EXPECT_TRUE(ask(peer_name::user(-8))->failed_with(errc::bad_argument));
}

TEST_F(resolving, a_phone_is_asked_of_the_server_by_persons_alone) {
  start();
  const auto told = ask(peer_name::phone("+1 555"));
  EXPECT_FALSE(told->found);
  answer(tl::contacts::resolvePhone{.phone = "1555"}, ann_is_seven());
  EXPECT_EQ(as<tl::inputPeerUser>(told).access_hash, 70);
  const auto nobody = ask(peer_name::phone("8"));
  refuse(tl::contacts::resolvePhone{.phone = "8"}, 400, "PHONE_NOT_OCCUPIED");
  ASSERT_TRUE(nobody->failed_with(errc::rpc));
  EXPECT_TRUE(nobody->found->error().is_rpc("PHONE_NOT_OCCUPIED"));
}

// Who was only seen in a part that no message names is among them: the server may take him.
TEST_F(resolving, a_bot_names_by_the_id_alone_whom_it_knows_no_hash_of) {
  log_in(true);
  start();
  EXPECT_EQ(as<tl::inputPeerUser>(ask(peer_name::user(8))).user_id, 8);
  EXPECT_EQ(as<tl::inputPeerUser>(ask(peer_name::user(8))).access_hash, 0);
  EXPECT_EQ(as<tl::inputPeerChannel>(ask(peer_name::channel(8))).channel_id, 8);
  EXPECT_TRUE(ask(peer_name::group(8))->failed_with(errc::not_found));
  EXPECT_TRUE(ask(peer_name::phone("8"))->failed_with(errc::not_found));
}

TEST_F(resolving, one_seen_among_one_s_own_saved_messages_is_named_by_oneself) {
  knows(peer_name::user(9), {peer_kind::user, 9, 1, message_source{peer_kind::user, 4242, 5}});
  start();
  const auto user = as<tl::inputPeerUserFromMessage>(ask(peer_name::user(9)));
  EXPECT_TRUE(tl::holds<tl::inputPeerSelf>(user.peer));
  EXPECT_EQ(user.msg_id, 5);
}

TEST_F(resolving, a_username_that_was_never_seen_is_asked_of_the_server) {
  start();
  const auto told = ask(peer_name::username("@Ann"));
  EXPECT_FALSE(told->found);
  answer(username_question("ann"), ann_is_seven());
  EXPECT_EQ(as<tl::inputPeerUser>(told).access_hash, 70);
  ASSERT_EQ(kept->peers.size(), 1U) << "and the next time it is known";
  EXPECT_EQ(kept->peers.front().account, 4242);
  EXPECT_EQ(kept->peers.front().result, ann_is_seven());
}

TEST_F(resolving, what_the_server_says_to_a_username_comes_as_it_is) {
  start();
  const auto nobody = ask(peer_name::username("nobody"));
  refuse(username_question("nobody"), 400, "USERNAME_NOT_OCCUPIED");
  ASSERT_TRUE(nobody->failed_with(errc::rpc));
  EXPECT_TRUE(nobody->found->error().is_rpc("USERNAME_NOT_OCCUPIED"));
  const auto nonsense = ask(peer_name::username("nonsense"));
  answer(username_question("nonsense"));
  EXPECT_TRUE(nonsense->failed_with(errc::malformed));
}

TEST_F(resolving, one_of_a_min_constructor_is_named_by_its_message) {
  knows(peer_name::user(9), {peer_kind::user, 9, 1, message_source{peer_kind::channel, 70, 5}});
  knows(peer_name::channel(14),
        {peer_kind::channel, 14, 1, message_source{peer_kind::group, 5, 6}});
  knows(peer_name::user(10), {peer_kind::user, 10, 1, message_source{peer_kind::channel, 71, 5}});
  knows(peer_name::channel(70), {peer_kind::channel, 70, 700});
  start();
  const auto user = as<tl::inputPeerUserFromMessage>(ask(peer_name::user(9)));
  EXPECT_EQ(user.user_id, 9);
  EXPECT_EQ(user.msg_id, 5);
  EXPECT_EQ(tl::get_if<tl::inputPeerChannel>(user.peer)->access_hash, 700);
  const auto channel = as<tl::inputPeerChannelFromMessage>(ask(peer_name::channel(14)));
  EXPECT_EQ(channel.msg_id, 6);
  EXPECT_EQ(tl::get_if<tl::inputPeerChat>(channel.peer)->chat_id, 5);
  EXPECT_TRUE(ask(peer_name::user(10))->failed_with(errc::not_found))
      << "its channel itself is not known";
}

TEST_F(resolving, a_bot_leaves_the_hash_out_where_it_would_have_to_name_a_message) {
  log_in(true);
  knows(peer_name::user(9), {peer_kind::user, 9, 1, message_source{peer_kind::channel, 70, 5}});
  start();
  EXPECT_EQ(as<tl::inputPeerUser>(ask(peer_name::user(9))).access_hash, 0);
}

TEST_F(resolving, takes_no_longer_than_its_deadline) {
  start();
  const auto at_server = ask(peer_name::username("slow"), 3s);
  kept->silent = true;
  const auto in_store = ask(peer_name::user(8), 5s);
  pass(2900ms);
  EXPECT_FALSE(at_server->found);
  pass(200ms);
  EXPECT_TRUE(at_server->failed_with(errc::deadline));
  EXPECT_FALSE(in_store->found);
  pass(2s);
  EXPECT_TRUE(in_store->failed_with(errc::deadline));
}

TEST_F(resolving, does_not_wait_for_a_store_until_a_late_deadline) {
  start();
  kept->silent = true;
  const auto told = ask(peer_name::user(8), 1h);
  pass(29s);
  EXPECT_FALSE(told->found);
  pass(1s);
  EXPECT_TRUE(told->failed_with(errc::deadline));
}

TEST_F(resolving, ends_with_the_client) {
  start();
  kept->silent = true;
  const auto told = ask(peer_name::user(8));
  caf::anon_send_exit(client, caf::exit_reason::user_shutdown);
  system.run();
  EXPECT_TRUE(told->failed_with(errc::cancelled));
}

// What answers of any kind tell of peers goes to the store; what tells nothing does not.
TEST_F(resolving, the_store_is_given_what_answers_bring) {
  start();
  call(tl::updates::getState{});
  answer(tl::updates::getState{}, tl::encode(tl::updates::state{}));
  EXPECT_TRUE(kept->peers.empty());
  const tl::users::getUsers users{.id = {tl::inputUserSelf{}}};
  const auto told =
      tl::encode(std::vector<tl::User>{tl::user{.id = 7, .access_hash = 70, .first_name = "Ann"}});
  const auto answered = call(users);
  answer(users, told);
  EXPECT_TRUE(answered->ok);
  ASSERT_EQ(kept->peers.size(), 1U);
  EXPECT_EQ(kept->peers.front().result, told);
}

} // namespace cafegram

#include <gtest/gtest.h>

#include "fixture.hpp"

namespace cafegram::test {

namespace {

const person alice;

TEST(updates, a_new_message) {
  const auto data = alice.says(5, "hello");
  const auto update = update_factory::make(data);
  const auto* m = std::get_if<new_message>(&update);
  ASSERT_NE(m, nullptr);
  EXPECT_EQ(m->id(), 5);
  EXPECT_EQ(m->text(), "hello");
  EXPECT_EQ(m->chat().id, 777);
  EXPECT_EQ(m->chat().access_hash, 777 * 11);
  EXPECT_EQ(m->sender(), (chat_ref{chat_kind::user, 777, 0}));
  ASSERT_NE(m->sender_user(), nullptr);
  EXPECT_EQ(m->sender_user()->first_name, "Alice");
  EXPECT_FALSE(m->outgoing());
  EXPECT_EQ(m->date().time_since_epoch().count(), 1'750'000'000);
  EXPECT_FALSE(m->edit_date());
  EXPECT_FALSE(m->reply_to());
  EXPECT_TRUE(m->entities().empty());
  EXPECT_EQ(m->identity(), "message/4242/777/5");
  EXPECT_EQ(m->reply(), nullptr);
  EXPECT_EQ(tl::get_if<tl::peerUser>(m->peer())->user_id, 777);
  EXPECT_FALSE(m->grouped_id());
  EXPECT_EQ(&m->raw(),
            tl::get_if<tl::message>(tl::get_if<tl::updateNewMessage>(m->raw_update())->message));
}

TEST(updates, a_message_in_a_supergroup_by_somebody_with_a_reply) {
  tl::peerChannel channel;
  channel.channel_id = 33;
  tl::peerUser author;
  author.user_id = 777;
  tl::messageReplyHeader reply;
  reply.reply_to_msg_id = 4;
  tl::message message;
  message.id = 5;
  message.peer_id = channel;
  message.from_id = author;
  message.reply_to = reply;
  tl::updateNewChannelMessage update;
  update.message = message;
  auto data = *alice.base("x", update);
  tl::channel full;
  full.id = 33;
  full.access_hash = 44;
  auto peers = std::make_shared<peers_seen>(*data.peers);
  peers->chats.emplace(33, full);
  data.peers = peers;
  data.chat = data.complete(conversation_of(data.update, bot_id));
  const auto typed = update_factory::make(std::make_shared<const update_data>(data));
  const auto& m = std::get<new_message>(typed);
  EXPECT_EQ(m.chat(), (chat_ref{chat_kind::channel, 33, 0}));
  EXPECT_EQ(m.chat().access_hash, 44);
  EXPECT_EQ(m.sender_user()->id, 777);
  EXPECT_EQ(m.reply_to(), 4);
  EXPECT_EQ(m.reply()->reply_to_msg_id, 4);
}

TEST(updates, what_a_message_says_of_itself) {
  tl::peerUser peer;
  peer.user_id = 777;
  tl::message message;
  message.id = 5;
  message.peer_id = peer;
  const auto flags = [&] {
    tl::updateNewMessage update;
    update.message = message;
    const auto typed = update_factory::make(alice.base("x", update));
    const auto& m = std::get<new_message>(typed);
    return std::vector<bool>{m.outgoing(), m.mentioned(),          m.silent(),          m.pinned(),
                             m.post(),     m.forward() != nullptr, m.media() != nullptr};
  };
  const std::vector<bool> none(7, false);
  EXPECT_EQ(flags(), none);
  const auto only = [&](std::size_t at) {
    auto out = none;
    out[at] = true;
    return out;
  };
  message.out = true;
  EXPECT_EQ(flags(), only(0));
  message.out = false;
  message.mentioned = true;
  EXPECT_EQ(flags(), only(1));
  message.mentioned = false;
  message.silent = true;
  EXPECT_EQ(flags(), only(2));
  message.silent = false;
  message.pinned = true;
  EXPECT_EQ(flags(), only(3));
  message.pinned = false;
  message.post = true;
  EXPECT_EQ(flags(), only(4));
  message.post = false;
  message.fwd_from = tl::messageFwdHeader{};
  EXPECT_EQ(flags(), only(5));
  message.fwd_from.reset();
  message.media = tl::messageMediaUnsupported{};
  EXPECT_EQ(flags(), only(6));
}

TEST(updates, the_hash_of_a_min_constructor_is_not_used) {
  tl::user user;
  user.id = 777;
  user.access_hash = 5;
  user.min = true;
  update_data data;
  auto peers = std::make_shared<peers_seen>();
  peers->users.emplace(777, user);
  data.peers = peers;
  EXPECT_EQ(data.complete({chat_kind::user, 777, 0}).access_hash, 0);
}

TEST(updates, an_edited_message) {
  const auto update = update_factory::make(alice.edits(5, "better"));
  const auto* m = std::get_if<edited_message>(&update);
  ASSERT_NE(m, nullptr);
  EXPECT_EQ(m->text(), "better");
  EXPECT_EQ(m->edit_date()->time_since_epoch().count(), 1'750'000'100);
}

TEST(updates, deleted_messages) {
  tl::updateDeleteChannelMessages raw;
  raw.channel_id = 33;
  raw.messages = {4, 5};
  const auto update = update_factory::make(alice.base("x", raw));
  const auto* d = std::get_if<deleted_messages>(&update);
  ASSERT_NE(d, nullptr);
  EXPECT_EQ(d->chat(), (chat_ref{chat_kind::channel, 33, 0}));
  EXPECT_EQ(std::vector<std::int32_t>(d->ids().begin(), d->ids().end()),
            (std::vector<std::int32_t>{4, 5}));
}

TEST(updates, pressed_buttons_of_both_kinds) {
  const auto update = update_factory::make(alice.presses(9, "red"));
  const auto& q = std::get<callback_query>(update);
  EXPECT_EQ(q.id(), 55);
  EXPECT_EQ(q.data_text(), "red");
  EXPECT_EQ(q.user_id(), 777);
  EXPECT_EQ(q.message()->id, 9);
  EXPECT_EQ(q.inline_message(), nullptr);

  tl::inputBotInlineMessageID64 id;
  id.dc_id = 4;
  tl::updateInlineBotCallbackQuery raw;
  raw.query_id = 56;
  raw.user_id = 777;
  raw.msg_id = id;
  const auto other = update_factory::make(alice.base("y", raw));
  const auto& inline_press = std::get<callback_query>(other);
  EXPECT_EQ(inline_press.id(), 56);
  EXPECT_EQ(inline_press.data_text(), "");
  EXPECT_FALSE(inline_press.message());
  ASSERT_NE(inline_press.inline_message(), nullptr);
  EXPECT_EQ(inline_press.chat().id, 777);
}

TEST(updates, an_inline_query) {
  tl::updateBotInlineQuery raw;
  raw.query_id = 7;
  raw.user_id = 777;
  raw.query = "cats";
  const auto update = update_factory::make(alice.base("x", raw));
  const auto& q = std::get<inline_query>(update);
  EXPECT_EQ(q.id(), 7);
  EXPECT_EQ(q.query(), "cats");
  EXPECT_EQ(q.chat().id, 777);
}

TEST(updates, all_the_rest_is_raw) {
  tl::updateUserPhone raw;
  raw.user_id = 777;
  const auto update = update_factory::make(alice.base("x", raw));
  const auto* other = std::get_if<other_update>(&update);
  ASSERT_NE(other, nullptr);
  EXPECT_TRUE(tl::holds<tl::updateUserPhone>(other->raw_update()));
  EXPECT_EQ(other->chat().id, 777) << "in its order with what else that user does";
  // A service message is none with a text.
  tl::peerUser peer;
  peer.user_id = 777;
  tl::messageService service;
  service.peer_id = peer;
  service.action = tl::messageActionPinMessage{};
  tl::updateNewMessage pinned;
  pinned.message = service;
  const auto data = alice.base("x", pinned);
  EXPECT_TRUE(std::holds_alternative<other_update>(update_factory::make(data)));
  EXPECT_EQ(data->chat.id, 777);
}

} // namespace

} // namespace cafegram::test

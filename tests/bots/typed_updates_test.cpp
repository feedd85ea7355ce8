#include <gtest/gtest.h>

#include "typed_kit.hpp"

// Each kind of typed update: messages and queries, and what no kind is made of.
namespace cafegram::test {

TEST(typed_updates, pinned_messages) {
  tl::updatePinnedMessages raw;
  raw.pinned = true;
  raw.peer = user_peer(777);
  raw.messages = {4, 5};
  const auto pinned = made<pinned_messages>(raw);
  EXPECT_TRUE(pinned.pinned());
  EXPECT_EQ(copy(pinned.ids()), (message_ids{4, 5}));

  tl::updatePinnedChannelMessages other;
  other.channel_id = 33;
  other.messages = {6};
  const auto unpinned = made<pinned_messages>(other, channel_33);
  EXPECT_FALSE(unpinned.pinned());
  EXPECT_EQ(copy(unpinned.ids()), message_ids{6});
}

TEST(typed_updates, deleted_messages_outside_channels) {
  tl::updateDeleteMessages raw;
  raw.messages = {7};
  EXPECT_EQ(copy(made<deleted_messages>(raw, {chat_kind::user, bot_id, 0}).ids()), message_ids{7});
}

TEST(typed_updates, read_receipts_of_all_boxes) {
  tl::updateReadHistoryInbox inbox;
  inbox.peer = user_peer(777);
  inbox.max_id = 9;
  inbox.still_unread_count = 3;
  inbox.top_msg_id = 2;
  const auto read = made<read_receipt>(inbox);
  EXPECT_EQ(read.max_id(), 9);
  EXPECT_FALSE(read.outgoing());
  EXPECT_EQ(read.still_unread(), 3);
  EXPECT_EQ(read.top_message_id(), 2);

  tl::updateReadHistoryOutbox outbox;
  outbox.peer = user_peer(777);
  outbox.max_id = 8;
  const auto by_others = made<read_receipt>(outbox);
  EXPECT_TRUE(by_others.outgoing());
  EXPECT_EQ(by_others.max_id(), 8);
  EXPECT_FALSE(by_others.still_unread());
  EXPECT_FALSE(by_others.top_message_id());

  tl::updateReadChannelInbox in_channel;
  in_channel.channel_id = 33;
  in_channel.max_id = 7;
  EXPECT_FALSE(made<read_receipt>(in_channel, channel_33).outgoing());
  tl::updateReadChannelOutbox from_channel;
  from_channel.channel_id = 33;
  from_channel.max_id = 6;
  EXPECT_TRUE(made<read_receipt>(from_channel, channel_33).outgoing());
  tl::updateReadChannelDiscussionInbox thread;
  thread.channel_id = 33;
  thread.top_msg_id = 5;
  thread.read_max_id = 12;
  const auto in_thread = made<read_receipt>(thread, channel_33);
  EXPECT_EQ(in_thread.max_id(), 12);
  EXPECT_EQ(in_thread.top_message_id(), 5);
  EXPECT_FALSE(in_thread.outgoing());
  tl::updateReadChannelDiscussionOutbox own_thread;
  own_thread.channel_id = 33;
  own_thread.read_max_id = 13;
  EXPECT_TRUE(made<read_receipt>(own_thread, channel_33).outgoing());
}

TEST(typed_updates, read_receipts_of_a_channel_s_direct_messages) {
  tl::updateReadMonoForumInbox inbox;
  inbox.channel_id = 33;
  inbox.saved_peer_id = user_peer(777);
  inbox.read_max_id = 14;
  const auto read = made<read_receipt>(inbox, channel_33);
  EXPECT_EQ(read.max_id(), 14);
  EXPECT_FALSE(read.outgoing());
  EXPECT_EQ(read.saved_peer(), with_ann);
  tl::updateReadMonoForumOutbox outbox;
  outbox.channel_id = 33;
  outbox.saved_peer_id = user_peer(777);
  EXPECT_TRUE(made<read_receipt>(outbox, channel_33).outgoing());
  tl::updateReadChannelInbox whole;
  whole.channel_id = 33;
  EXPECT_FALSE(made<read_receipt>(whole, channel_33).saved_peer());
}

TEST(typed_updates, contents_that_were_looked_at) {
  tl::updateChannelReadMessagesContents raw;
  raw.channel_id = 33;
  raw.messages = {5};
  EXPECT_EQ(copy(made<contents_read>(raw, channel_33).ids()), message_ids{5});
  tl::updateReadMessagesContents anywhere;
  anywhere.messages = {6};
  EXPECT_EQ(copy(made<contents_read>(anywhere, {chat_kind::user, bot_id, 0}).ids()),
            message_ids{6});
}

TEST(typed_updates, a_draft_and_its_end) {
  tl::draftMessage draft;
  draft.message = "so far";
  tl::updateDraftMessage raw;
  raw.peer = user_peer(777);
  raw.draft = draft;
  EXPECT_EQ(made<draft_changed>(raw).text(), "so far");
  raw.draft = tl::draftMessageEmpty{};
  EXPECT_EQ(made<draft_changed>(raw).draft(), nullptr);
  EXPECT_EQ(made<draft_changed>(raw).text(), "");
}

TEST(typed_updates, a_button_of_a_business_account_s_message) {
  tl::updateBusinessBotCallbackQuery raw;
  raw.query_id = 57;
  raw.user_id = 777;
  raw.connection_id = "c";
  raw.message = message_in_chat(user_peer(777), 3, "choose");
  raw.data = to_bytes(as_bytes(std::string_view{"red"}));
  const auto query = made<callback_query>(raw);
  EXPECT_EQ(query.id(), 57);
  EXPECT_EQ(query.data_text(), "red");
  EXPECT_FALSE(query.message());
  EXPECT_EQ(query.inline_message(), nullptr);
  ASSERT_NE(query.business(), nullptr);
  EXPECT_EQ(query.business()->connection_id, "c");
  EXPECT_EQ(query.game(), "");
}

TEST(typed_updates, a_button_of_a_game) {
  tl::updateBotCallbackQuery raw;
  raw.user_id = 777;
  raw.peer = user_peer(777);
  raw.game_short_name = "chess";
  EXPECT_EQ(made<callback_query>(raw).game(), "chess");
}

TEST(typed_updates, a_chosen_inline_result) {
  tl::updateBotInlineSend raw;
  raw.user_id = 777;
  raw.query = "cats";
  raw.id = "cat-3";
  const auto chosen = made<chosen_inline_result>(raw);
  EXPECT_EQ(chosen.result_id(), "cat-3");
  EXPECT_EQ(chosen.query(), "cats");
  EXPECT_EQ(chosen.sender_user()->first_name, "Alice");
  EXPECT_EQ(chosen.inline_message(), nullptr);
  raw.msg_id = tl::inputBotInlineMessageID64{};
  EXPECT_NE(made<chosen_inline_result>(raw).inline_message(), nullptr);
}

TEST(typed_updates, queries_of_who_pays) {
  tl::paymentRequestedInfo info;
  info.email = "a@example.org";
  tl::updateBotPrecheckoutQuery raw;
  raw.query_id = 8;
  raw.user_id = 777;
  raw.payload = to_bytes(as_bytes(std::string_view{"order 5"}));
  raw.currency = "EUR";
  raw.total_amount = 1299;
  raw.shipping_option_id = "fast";
  raw.info = info;
  const auto query = made<pre_checkout_query>(raw);
  EXPECT_EQ(query.id(), 8);
  EXPECT_EQ(query.user_id(), 777);
  EXPECT_EQ(query.payload(), "order 5");
  EXPECT_EQ(query.currency(), "EUR");
  EXPECT_EQ(query.total_amount(), 1299);
  EXPECT_EQ(query.shipping_option(), "fast");
  EXPECT_EQ(query.order_info()->email, "a@example.org");

  tl::postAddress address;
  address.city = "Riga";
  tl::updateBotShippingQuery where;
  where.query_id = 9;
  where.user_id = 777;
  where.payload = to_bytes(as_bytes(std::string_view{"order 6"}));
  where.shipping_address = address;
  const auto shipping = made<shipping_query>(where);
  EXPECT_EQ(shipping.id(), 9);
  EXPECT_EQ(shipping.payload(), "order 6");
  EXPECT_EQ(shipping.address()->city, "Riga");
}

TEST(typed_updates, one_that_this_library_does_not_know_is_raw) {
  const bytes strange{1, 2, 3, 4, 5, 6, 7, 8};
  const auto data = ann.base("x", *tl::decode<tl::Update>(strange));
  const auto update = update_factory::make(data);
  const auto* other = std::get_if<other_update>(&update);
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(other->chat().id, bot_id) << "where it belongs nobody knows";
  ASSERT_TRUE(tl::holds<tl::unknown>(other->raw_update()));
  EXPECT_EQ(tl::encode(other->raw_update()), strange);
  EXPECT_EQ(user_of(update), 0);
}

TEST(typed_updates, parts_that_are_not_known_do_no_harm) {
  const bytes strange{1, 2, 3, 4, 5, 6, 7, 8};
  tl::updateBotChatBoost boost;
  boost.peer = channel_peer(33);
  boost.boost = *tl::decode<tl::Boost>(strange);
  EXPECT_EQ(made<chat_boost>(boost, channel_33).boost(), nullptr);
  EXPECT_FALSE(made<chat_boost>(boost, channel_33).user_id());
  tl::updateStory story;
  story.peer = user_peer(777);
  story.story = *tl::decode<tl::StoryItem>(strange);
  EXPECT_EQ(made<story_updated>(story).story_id(), 0);
  tl::updateBotBusinessConnect connect;
  connect.connection = *tl::decode<tl::BotBusinessConnection>(strange);
  EXPECT_FALSE(made<business_connection>(connect, {chat_kind::user, bot_id, 0}).enabled());
  tl::updateNewMessage message;
  message.message = *tl::decode<tl::Message>(strange);
  EXPECT_TRUE(std::holds_alternative<other_update>(update_factory::make(ann.base("x", message))));
}

TEST(typed_updates, who_has_caused_it) {
  tl::updateBotStopped stopped;
  stopped.user_id = 777;
  EXPECT_EQ(user_of(update_factory::make(ann.base("x", stopped))), 777);
  EXPECT_TRUE(from_user(777)(update_factory::make(ann.base("x", stopped))));
  tl::updateMessagePollVote vote;
  vote.peer = user_peer(777);
  EXPECT_EQ(user_of(update_factory::make(ann.base("x", vote))), 777);
  EXPECT_EQ(user_of(update_factory::make(ann.says(1, "x"))), 777);
}

TEST(typed_updates, a_channel_is_no_user_of_the_same_number) {
  tl::updateNewChannelMessage raw;
  raw.message = message_in_chat(channel_peer(777), 5, "a post");
  const auto post = update_factory::make(ann.base("x", raw));
  EXPECT_EQ(cause_of(post), (chat_ref{chat_kind::channel, 777, 0}));
  EXPECT_EQ(user_of(post), 0);
  EXPECT_FALSE(from_user(777)(post));
}

TEST(typed_updates, who_lets_somebody_in_has_caused_it) {
  tl::updateChatParticipant raw;
  raw.chat_id = 44;
  raw.user_id = 777;
  raw.actor_id = 888;
  raw.new_participant = tl::chatParticipant{};
  const auto let_in = update_factory::make(ann.base("x", raw));
  EXPECT_EQ(user_of(let_in), 888);
  EXPECT_FALSE(from_user(777)(let_in)) << "who may not be asked whether it was wanted";
}

TEST(typed_updates, nobody_causes_what_names_nobody) {
  tl::updateBotChatBoost raw;
  raw.peer = channel_peer(33);
  raw.boost = tl::boost{};
  EXPECT_FALSE(cause_of(update_factory::make(ann.base("x", raw))));
  EXPECT_FALSE(cause_of(update_factory::make(ann.base("x", tl::updateReadHistoryInbox{}))));
}

TEST(typed_updates, a_secret_chat_s_number_is_no_group_s) {
  tl::updateEncryptedChatTyping raw;
  raw.chat_id = 5;
  EXPECT_EQ(conversation_of(raw, bot_id), (chat_ref{chat_kind::user, bot_id, 0}));
}

TEST(typed_updates, handlers_are_chosen_by_what_they_take) {
  std::vector<std::string> heard;
  const auto hear = [&heard](const any_update& update) {
    return handle(
        update, [&heard](const new_message& m) { heard.push_back(m.text()); },
        [&heard](const bot_stopped&) { heard.emplace_back("stopped"); });
  };
  EXPECT_TRUE(hear(update_factory::make(ann.says(1, "hi"))));
  EXPECT_TRUE(hear(update_factory::make(ann.base("x", tl::updateBotStopped{}))));
  EXPECT_FALSE(hear(update_factory::make(ann.edits(1, "ho"))));
  EXPECT_EQ(heard, (std::vector<std::string>{"hi", "stopped"}));
  EXPECT_TRUE(handle(update_factory::make(ann.edits(1, "ho")),
                     [&heard](const any_update&) { heard.emplace_back("any"); }));
  EXPECT_EQ(heard.back(), "any");
}

TEST_F(bot_test, a_new_kind_reaches_its_handler_and_no_other) {
  start([](router& r) {
    r.on(kind<bot_stopped>(), [](context ctx) { ctx.reply("stopped"); });
    r.otherwise([](bot_actor self) -> behavior {
      return {[self](const user_typing& t) { self->reply(t, "types"); },
              [self](const other_update& o) { self->reply(o, "other"); }};
    });
  });
  give(ann.base("a", tl::updateBotStopped{.user_id = 777}));
  tl::updateUserTyping typing;
  typing.user_id = 777;
  typing.action = tl::sendMessageTypingAction{};
  give(ann.base("b", typing));
  give(ann.base("c", *tl::decode<tl::Update>(bytes{1, 2, 3, 4})));
  EXPECT_EQ(telegram_->texts(), (std::vector<std::string>{"stopped", "types", "other"}));
}

TEST_F(bot_test, a_user_does_not_answer_for_the_chat_of_the_same_number) {
  start([](router& r) {
    r.on(text("go"), [](context ctx) -> task<> {
      const auto next = co_await ctx.wait_for_message(1h);
      if (next) {
        co_await ctx.reply(next->text());
      }
    });
  });
  const auto writes = [this](std::int32_t id, tl::Peer from, std::string said) {
    tl::message message;
    message.id = id;
    message.peer_id = channel_peer(33);
    message.from_id = std::move(from);
    message.message = std::move(said);
    tl::updateNewChannelMessage raw;
    raw.message = message;
    give(ann.base(std::to_string(id), raw));
  };
  writes(1, channel_peer(777), "go");
  writes(2, user_peer(777), "by the user");
  EXPECT_TRUE(telegram_->texts().empty());
  writes(3, channel_peer(777), "by the chat");
  EXPECT_EQ(telegram_->texts(), std::vector<std::string>{"by the chat"});
}

namespace {

/// A message in the chat of Alice with a business account.
tl::message to_business(std::int32_t id, std::string said) {
  tl::message message;
  message.id = id;
  message.peer_id = user_peer(777);
  message.message = std::move(said);
  return message;
}

tl::updateBotNewBusinessMessage business_update(const tl::message& message) {
  tl::updateBotNewBusinessMessage raw;
  raw.connection_id = "c";
  raw.message = message;
  return raw;
}

} // namespace

TEST_F(bot_test, who_writes_in_a_business_account_s_chat_says_so) {
  start([](router& r) {
    r.otherwise([](bot_actor self) -> behavior {
      return {[self](const business_message m) -> task<> {
        const auto sent = co_await self->reply(m, "no");
        EXPECT_EQ(sent.error().code, errc::bad_argument);
        const auto typing = co_await self->action(m);
        EXPECT_EQ(typing.error().code, errc::bad_argument);
        const auto removed = co_await self->remove(m, m.ref());
        EXPECT_EQ(removed.error().code, errc::bad_argument) << "it would be another one of the bot";
        const auto edited = co_await self->edit(m, m.ref(), "no");
        EXPECT_EQ(edited.error().code, errc::bad_argument);
        tl::messages::sendMessage send;
        send.peer = m.chat().input_peer();
        send.message = "yes";
        send.random_id = self->in(m).random_id("answer");
        tl::invokeWithBusinessConnection wrapped;
        wrapped.connection_id = m.connection_id();
        wrapped.query = send;
        co_await self->in(m).invoke(wrapped);
      }};
    });
  });
  give(ann.base("a", business_update(to_business(5, "a question"))));
  EXPECT_TRUE(telegram_->texts().empty());
  EXPECT_TRUE(telegram_->of<tl::messages::deleteMessages>().empty());
  EXPECT_TRUE(telegram_->of<tl::messages::editMessage>().empty());
  ASSERT_EQ(telegram_->of<tl::invokeWithBusinessConnection>().size(), 1u);
  EXPECT_EQ(telegram_->of<tl::invokeWithBusinessConnection>()[0].connection_id, "c");
  EXPECT_EQ(status().finished, 1u);
}

TEST_F(bot_test, what_the_bot_has_written_for_a_business_account_is_left_out) {
  start([](router& r) {
    r.otherwise([](bot_actor self) -> behavior {
      return {[self](const business_message& m) {
        self->send_to(m, {chat_kind::user, 1, 0}, m.text());
      }};
    });
  });
  auto message = to_business(5, "by the bot");
  message.out = true;
  message.via_business_bot_id = bot_id;
  give(ann.base("a", business_update(message)));
  message.via_business_bot_id.reset();
  message.message = "by the account";
  give(ann.base("b", business_update(message)));
  message.via_business_bot_id = bot_id + 1;
  message.message = "by another bot";
  give(ann.base("c", business_update(message)));
  EXPECT_EQ(telegram_->texts(), (std::vector<std::string>{"by the account", "by another bot"}));
}

TEST_F(bot_test, a_named_random_id_is_the_same_when_its_update_comes_again) {
  std::vector<std::int64_t> ids;
  start([&ids](router& r) {
    r.otherwise([&ids](context ctx) {
      ids.push_back(ctx.random_id("a"));
      ids.push_back(ctx.random_id("b"));
    });
  });
  give(ann.says(1, "x"));
  give(ann.says(1, "x"));
  give(ann.says(2, "x"));
  ASSERT_EQ(ids.size(), 6u);
  EXPECT_NE(ids[0], 0);
  EXPECT_NE(ids[0], ids[1]);
  EXPECT_EQ(ids[0], ids[2]);
  EXPECT_EQ(ids[1], ids[3]);
  EXPECT_NE(ids[0], ids[4]);
  EXPECT_EQ(context{update_factory::make(ann.says(1, "x"))}.random_id("a"), 0);
}

} // namespace cafegram::test

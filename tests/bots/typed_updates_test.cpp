#include <gtest/gtest.h>

#include "fixture.hpp"

// Each kind of typed update, made of Telegram's own values.
namespace cafegram::test {

namespace {

using ids = std::vector<std::int32_t>;

const person ann;

tl::Peer user_peer(std::int64_t id) {
  tl::peerUser peer;
  peer.user_id = id;
  return peer;
}

tl::Peer channel_peer(std::int64_t id) {
  tl::peerChannel peer;
  peer.channel_id = id;
  return peer;
}

tl::Message message_in_chat(tl::Peer peer, std::int32_t id, std::string text) {
  tl::message message;
  message.id = id;
  message.peer_id = std::move(peer);
  message.message = std::move(text);
  return message;
}

const chat_ref with_ann{chat_kind::user, 777, 0};
const chat_ref channel_33{chat_kind::channel, 33, 0};
const chat_ref group_44{chat_kind::group, 44, 0};

/// The update as `U`; the test fails where it is of another kind, or of another conversation.
template <class U, class Raw>
U made(const Raw& raw, const chat_ref& chat = with_ann) {
  const auto update = update_factory::make(ann.base("x", raw));
  const auto* typed = std::get_if<U>(&update);
  EXPECT_NE(typed, nullptr) << "kind " << update.index();
  EXPECT_EQ(common(update).chat(), chat);
  return std::get<U>(update);
}

ids copy(std::span<const std::int32_t> from) {
  return {from.begin(), from.end()};
}

} // namespace

TEST(typed_updates, pinned_messages) {
  tl::updatePinnedMessages raw;
  raw.pinned = true;
  raw.peer = user_peer(777);
  raw.messages = {4, 5};
  const auto pinned = made<pinned_messages>(raw);
  EXPECT_TRUE(pinned.pinned());
  EXPECT_EQ(copy(pinned.ids()), (ids{4, 5}));

  tl::updatePinnedChannelMessages other;
  other.channel_id = 33;
  other.messages = {6};
  const auto unpinned = made<pinned_messages>(other, channel_33);
  EXPECT_FALSE(unpinned.pinned());
  EXPECT_EQ(copy(unpinned.ids()), ids{6});
}

TEST(typed_updates, deleted_messages_outside_channels) {
  tl::updateDeleteMessages raw;
  raw.messages = {7};
  EXPECT_EQ(copy(made<deleted_messages>(raw, {chat_kind::user, bot_id, 0}).ids()), ids{7});
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

TEST(typed_updates, contents_that_were_looked_at) {
  tl::updateChannelReadMessagesContents raw;
  raw.channel_id = 33;
  raw.messages = {5};
  EXPECT_EQ(copy(made<contents_read>(raw, channel_33).ids()), ids{5});
  tl::updateReadMessagesContents anywhere;
  anywhere.messages = {6};
  EXPECT_EQ(copy(made<contents_read>(anywhere, {chat_kind::user, bot_id, 0}).ids()), ids{6});
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

TEST(typed_updates, the_status_of_a_user) {
  tl::userStatusOnline online;
  online.expires = 1'750'000'300;
  tl::updateUserStatus raw;
  raw.user_id = 777;
  raw.status = online;
  const auto here = made<user_status>(raw);
  EXPECT_TRUE(here.online());
  EXPECT_EQ(here.online_until()->time_since_epoch().count(), 1'750'000'300);
  EXPECT_FALSE(here.last_seen());
  tl::userStatusOffline offline;
  offline.was_online = 1'750'000'000;
  raw.status = offline;
  const auto gone = made<user_status>(raw);
  EXPECT_FALSE(gone.online());
  EXPECT_EQ(gone.last_seen()->time_since_epoch().count(), 1'750'000'000);
  raw.status = tl::userStatusRecently{};
  EXPECT_FALSE(made<user_status>(raw).last_seen()) << "not told exactly";
}

TEST(typed_updates, who_types_where) {
  tl::updateUserTyping raw;
  raw.user_id = 777;
  raw.action = tl::sendMessageTypingAction{};
  const auto typing = made<user_typing>(raw);
  EXPECT_EQ(typing.sender(), with_ann);
  EXPECT_EQ(typing.sender().access_hash, 777 * 11);
  EXPECT_FALSE(typing.cancelled());

  tl::updateChatUserTyping in_group;
  in_group.chat_id = 44;
  in_group.from_id = user_peer(777);
  in_group.action = tl::sendMessageCancelAction{};
  const auto given_up = made<user_typing>(in_group, group_44);
  EXPECT_EQ(given_up.sender(), with_ann);
  EXPECT_TRUE(given_up.cancelled());

  tl::updateChannelUserTyping in_channel;
  in_channel.channel_id = 33;
  in_channel.top_msg_id = 6;
  in_channel.from_id = channel_peer(34);
  in_channel.action = tl::sendMessageRecordAudioAction{};
  const auto recording = made<user_typing>(in_channel, channel_33);
  EXPECT_EQ(recording.sender(), (chat_ref{chat_kind::channel, 34, 0}));
  EXPECT_EQ(recording.top_message_id(), 6);
  EXPECT_TRUE(tl::holds<tl::sendMessageRecordAudioAction>(recording.action()));
}

TEST(typed_updates, members_of_a_group) {
  tl::updateChatParticipant raw;
  raw.chat_id = 44;
  raw.date = 1'750'000'000;
  raw.actor_id = 888;
  raw.user_id = 777;
  raw.new_participant = tl::chatParticipant{};
  const auto joined = made<chat_member_updated>(raw, group_44);
  EXPECT_EQ(joined.user_id(), 777);
  EXPECT_EQ(joined.actor_id(), 888);
  EXPECT_TRUE(joined.joined());
  EXPECT_FALSE(joined.left());
  EXPECT_FALSE(joined.is_own());
  EXPECT_EQ(joined.invite(), nullptr);
  EXPECT_EQ(joined.date().time_since_epoch().count(), 1'750'000'000);
  raw.prev_participant = tl::chatParticipant{};
  raw.new_participant = tl::chatParticipantAdmin{};
  const auto promoted = made<chat_member_updated>(raw, group_44);
  EXPECT_EQ(promoted.now(), chat_member_updated::status::administrator);
  EXPECT_FALSE(promoted.joined());
}

TEST(typed_updates, members_of_a_channel) {
  using status = chat_member_updated::status;
  tl::updateChannelParticipant raw;
  raw.channel_id = 33;
  raw.user_id = bot_id;
  raw.prev_participant = tl::channelParticipant{};
  const auto with = [&raw](tl::ChannelParticipant now) {
    raw.new_participant = std::move(now);
    return made<chat_member_updated>(raw, channel_33);
  };
  tl::chatBannedRights no_view;
  no_view.view_messages = true;
  tl::channelParticipantBanned banned;
  banned.peer = user_peer(bot_id);
  banned.banned_rights = no_view;
  const auto thrown_out = with(banned);
  EXPECT_EQ(thrown_out.before(), status::member);
  EXPECT_EQ(thrown_out.now(), status::banned);
  EXPECT_TRUE(thrown_out.left());
  EXPECT_TRUE(thrown_out.is_own());
  banned.banned_rights = tl::chatBannedRights{};
  EXPECT_EQ(with(banned).now(), status::restricted);
  EXPECT_FALSE(with(banned).left());
  banned.left = true;
  EXPECT_EQ(with(banned).now(), status::left);
  EXPECT_EQ(with(tl::channelParticipantLeft{}).now(), status::left);
  EXPECT_EQ(with(tl::channelParticipantCreator{}).now(), status::creator);
  EXPECT_EQ(with(tl::channelParticipantAdmin{}).now(), status::administrator);
}

TEST(typed_updates, who_wants_to_join) {
  tl::updateBotChatInviteRequester raw;
  raw.peer = channel_peer(33);
  raw.date = 1'750'000'000;
  raw.user_id = 777;
  raw.about = "a friend";
  raw.invite = tl::chatInvitePublicJoinRequests{};
  const auto asked = made<chat_join_request>(raw, channel_33);
  EXPECT_EQ(asked.sender_user()->first_name, "Alice");
  EXPECT_EQ(asked.about(), "a friend");
  EXPECT_TRUE(tl::holds<tl::chatInvitePublicJoinRequests>(asked.invite()));
  EXPECT_EQ(asked.date().time_since_epoch().count(), 1'750'000'000);

  tl::updatePendingJoinRequests many;
  many.peer = channel_peer(33);
  many.requests_pending = 12;
  many.recent_requesters = {777, 888};
  const auto pending = made<pending_join_requests>(many, channel_33);
  EXPECT_EQ(pending.count(), 12);
  EXPECT_EQ(pending.recent().size(), 2u);
}

TEST(typed_updates, reactions) {
  tl::reactionEmoji heart;
  heart.emoticon = "heart";
  tl::updateBotMessageReaction raw;
  raw.peer = channel_peer(33);
  raw.msg_id = 5;
  raw.actor = user_peer(777);
  raw.new_reactions = {heart};
  const auto reaction = made<message_reaction>(raw, channel_33);
  EXPECT_EQ(reaction.message().id, 5);
  EXPECT_EQ(reaction.message().chat, channel_33);
  EXPECT_EQ(reaction.sender(), with_ann);
  EXPECT_TRUE(reaction.before().empty());
  ASSERT_EQ(reaction.now().size(), 1u);
  EXPECT_EQ(tl::get_if<tl::reactionEmoji>(reaction.now()[0])->emoticon, "heart");

  tl::reactionCount count;
  count.reaction = heart;
  count.count = 3;
  tl::updateBotMessageReactions all;
  all.peer = channel_peer(33);
  all.msg_id = 6;
  all.reactions = {count};
  const auto counts = made<message_reactions>(all, channel_33);
  EXPECT_EQ(counts.message().id, 6);
  ASSERT_EQ(counts.counts().size(), 1u);
  EXPECT_EQ(tl::get_if<tl::reactionCount>(counts.counts()[0])->count, 3);

  tl::messageReactions seen;
  seen.results = {count, count};
  tl::updateMessageReactions of_client;
  of_client.peer = channel_peer(33);
  of_client.msg_id = 7;
  of_client.reactions = seen;
  EXPECT_EQ(made<message_reactions>(of_client, channel_33).counts().size(), 2u);
}

TEST(typed_updates, polls_and_votes) {
  tl::poll question;
  question.closed = true;
  tl::pollResults results;
  results.total_voters = 4;
  tl::updateMessagePoll raw;
  raw.poll_id = 61;
  raw.poll = question;
  raw.results = results;
  const auto poll = made<poll_updated>(raw, {chat_kind::user, bot_id, 0});
  EXPECT_EQ(poll.poll_id(), 61);
  EXPECT_TRUE(poll.poll()->closed);
  EXPECT_EQ(poll.results()->total_voters, 4);
  EXPECT_FALSE(poll.message());
  raw.peer = channel_peer(33);
  raw.msg_id = 5;
  EXPECT_EQ(made<poll_updated>(raw, channel_33).message()->id, 5);

  tl::updateMessagePollVote vote;
  vote.poll_id = 61;
  vote.peer = user_peer(777);
  vote.options = {bytes{1}};
  const auto answer = made<poll_answer>(vote);
  EXPECT_EQ(answer.poll_id(), 61);
  EXPECT_EQ(answer.sender(), with_ann);
  ASSERT_EQ(answer.options().size(), 1u);
  EXPECT_EQ(answer.options()[0], bytes{1});
}

TEST(typed_updates, a_bot_that_is_stopped) {
  tl::updateBotStopped raw;
  raw.user_id = 777;
  raw.stopped = true;
  raw.date = 1'750'000'000;
  const auto stopped = made<bot_stopped>(raw);
  EXPECT_TRUE(stopped.stopped());
  EXPECT_EQ(stopped.user_id(), 777);
  EXPECT_EQ(stopped.date().time_since_epoch().count(), 1'750'000'000);
  raw.stopped = false;
  EXPECT_FALSE(made<bot_stopped>(raw).stopped());
}

TEST(typed_updates, a_boost) {
  tl::boost boost;
  boost.id = "b";
  boost.user_id = 777;
  tl::updateBotChatBoost raw;
  raw.peer = channel_peer(33);
  raw.boost = boost;
  const auto boosted = made<chat_boost>(raw, channel_33);
  EXPECT_EQ(boosted.boost()->id, "b");
  EXPECT_EQ(boosted.user_id(), 777);
}

TEST(typed_updates, a_business_account_and_its_messages) {
  tl::botBusinessConnection connection;
  connection.connection_id = "c";
  connection.user_id = 777;
  tl::updateBotBusinessConnect raw;
  raw.connection = connection;
  const auto connected = made<business_connection>(raw);
  EXPECT_EQ(connected.connection_id(), "c");
  EXPECT_EQ(connected.user_id(), 777);
  EXPECT_TRUE(connected.enabled());
  connection.disabled = true;
  raw.connection = connection;
  EXPECT_FALSE(made<business_connection>(raw).enabled());

  tl::updateBotNewBusinessMessage wrote;
  wrote.connection_id = "c";
  wrote.message = message_in_chat(user_peer(777), 5, "a question");
  wrote.reply_to_message = message_in_chat(user_peer(777), 4, "an offer");
  const auto message = made<business_message>(wrote);
  EXPECT_EQ(message.text(), "a question");
  EXPECT_EQ(message.connection_id(), "c");
  EXPECT_EQ(message.reply_to_message()->message, "an offer");

  tl::updateBotEditBusinessMessage edited;
  edited.connection_id = "c";
  edited.message = message_in_chat(user_peer(777), 5, "another question");
  EXPECT_EQ(made<edited_business_message>(edited).text(), "another question");
  EXPECT_EQ(made<edited_business_message>(edited).reply_to_message(), nullptr);

  tl::updateBotDeleteBusinessMessage gone;
  gone.connection_id = "c";
  gone.peer = user_peer(777);
  gone.messages = {5};
  const auto deleted = made<deleted_business_messages>(gone);
  EXPECT_EQ(deleted.connection_id(), "c");
  EXPECT_EQ(copy(deleted.ids()), ids{5});
}

TEST(typed_updates, stories) {
  tl::storyItem story;
  story.id = 9;
  story.caption = "a day";
  tl::updateStory raw;
  raw.peer = user_peer(777);
  raw.story = story;
  const auto told = made<story_updated>(raw);
  EXPECT_EQ(told.story_id(), 9);
  EXPECT_EQ(told.story()->caption, "a day");
  EXPECT_FALSE(told.deleted());
  tl::storyItemDeleted deleted;
  deleted.id = 8;
  raw.story = deleted;
  EXPECT_TRUE(made<story_updated>(raw).deleted());
  EXPECT_EQ(made<story_updated>(raw).story_id(), 8);
  EXPECT_EQ(made<story_updated>(raw).story(), nullptr);

  tl::updateReadStories read;
  read.peer = user_peer(777);
  read.max_id = 9;
  EXPECT_EQ(made<stories_read>(read).max_id(), 9);

  tl::updateNewStoryReaction reaction;
  reaction.story_id = 3;
  reaction.peer = user_peer(777);
  reaction.reaction = tl::reactionPaid{};
  EXPECT_EQ(made<story_reaction>(reaction).story_id(), 3);
  EXPECT_FALSE(made<story_reaction>(reaction).outgoing());
  tl::updateSentStoryReaction own;
  own.peer = user_peer(777);
  own.story_id = 4;
  own.reaction = tl::reactionPaid{};
  EXPECT_TRUE(made<story_reaction>(own).outgoing());
  EXPECT_TRUE(tl::holds<tl::reactionPaid>(made<story_reaction>(own).reaction()));
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

TEST_F(bot_test, who_writes_in_a_business_account_s_chat_says_so) {
  start([](router& r) {
    r.otherwise([](bot_actor self) -> behavior {
      return {[self](const business_message m) -> task<> {
        const auto sent = co_await self->reply(m, "no");
        EXPECT_EQ(sent.error().code, errc::bad_argument);
        const auto typing = co_await self->action(m);
        EXPECT_EQ(typing.error().code, errc::bad_argument);
        tl::messages::sendMessage send;
        send.peer = m.chat().input_peer();
        send.message = "yes";
        tl::invokeWithBusinessConnection wrapped;
        wrapped.connection_id = m.connection_id();
        wrapped.query = send;
        co_await self->in(m).invoke(wrapped);
      }};
    });
  });
  tl::updateBotNewBusinessMessage raw;
  raw.connection_id = "c";
  raw.message = message_in_chat(user_peer(777), 5, "a question");
  give(ann.base("a", raw));
  EXPECT_TRUE(telegram_->texts().empty());
  ASSERT_EQ(telegram_->of<tl::invokeWithBusinessConnection>().size(), 1u);
  EXPECT_EQ(telegram_->of<tl::invokeWithBusinessConnection>()[0].connection_id, "c");
  EXPECT_EQ(status().finished, 1u);
}

} // namespace cafegram::test

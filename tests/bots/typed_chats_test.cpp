#include <gtest/gtest.h>

#include "typed_kit.hpp"

// Each kind of typed update: people and chats.
namespace cafegram::test {

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
  EXPECT_EQ(copy(deleted.ids()), message_ids{5});
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

} // namespace cafegram::test

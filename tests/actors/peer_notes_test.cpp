#include <cafegram/actors/messages.hpp>
#include <cafegram/actors/peer_notes.hpp>
#include <cafegram/actors/peer_walk.hpp>
#include <cafegram/actors/update_parts.hpp>
#include <cafegram/tests/support.hpp>
#include <cafegram/tl/api.hpp>

#include <algorithm>
#include <utility>

namespace cafegram {

namespace {

using storage::message_source;
using storage::peer_kind;
using storage::peer_record;

/// What a sender of updates or the answer to a call tells, and the peers that are noted.
struct peer_notes : testing::Test {
  std::shared_ptr<storage::backend> store = storage::make_memory_store();
  storage::peer_cache cache;

  /// The number of rows that it wrote.
  std::size_t answer(const bytes& result) {
    storage::batch rows;
    note_peers(cache, result, rows);
    return write(rows);
  }
  std::size_t update(const tl::updates_& container) {
    const auto batch = read_updates(tl::encode(tl::Updates{container}), 1);
    EXPECT_TRUE(batch);
    storage::batch rows;
    note_peers(cache, *batch->peers, rows);
    return write(rows);
  }
  std::optional<peer_record> find(peer_kind kind, std::int64_t id) {
    return find_peer(*store, kind, id).value_or(std::nullopt);
  }
  /// None: it is not there, or by itself.
  std::optional<message_source> seen_in(peer_kind kind, std::int64_t id) {
    const auto found = find(kind, id);
    return found ? found->seen_in : std::nullopt;
  }

private:
  std::size_t write(const storage::batch& rows) {
    EXPECT_TRUE(store->apply(rows));
    return rows.changes.size();
  }
};

tl::user ann() {
  return {.id = 7, .access_hash = 70, .first_name = "Ann", .username = "ann", .phone = "1555"};
}

/// With several names, of which one sleeps.
tl::user ben() {
  return {.id = 8,
          .access_hash = 80,
          .first_name = "Ben",
          .usernames = std::vector<tl::Username>{
              tl::username{.editable = true, .active = true, .username = "ben"},
              tl::username{.username = "asleep"},
              tl::username{.active = true, .username = "benjamin"}}};
}

tl::channel the_news() {
  return {.id = 70,
          .access_hash = 700,
          .title = "News",
          .username = "news",
          .photo = tl::chatPhotoEmpty{},
          .date = 1};
}

tl::chat the_club() {
  return {.id = 5, .title = "Club", .photo = tl::chatPhotoEmpty{}, .participants_count = 2};
}

tl::user stranger() {
  return {.min = true, .id = 9, .access_hash = 1, .first_name = "Min"};
}

/// In `news`.
tl::message post(std::int32_t id, std::int64_t from) {
  return {.id = id,
          .from_id = tl::peerUser{.user_id = from},
          .peer_id = tl::peerChannel{.channel_id = 70},
          .date = 1,
          .message = "hi"};
}

} // namespace

TEST_F(peer_notes, an_update_s_users_and_chats_are_noted_once) {
  tl::updates_ told;
  told.users = {ann(), ben(), tl::userEmpty{.id = 3}};
  told.chats = {the_news(), the_club(),
                tl::channelForbidden{.id = 71, .access_hash = 710, .title = "Out"},
                tl::chatForbidden{.id = 6, .title = "Out"}};
  EXPECT_GT(update(told), 0U);
  EXPECT_EQ(find(peer_kind::user, 7), (peer_record{peer_kind::user, 7, 70, {"ann"}, "1555"}));
  EXPECT_EQ(find(peer_kind::user, 8),
            (peer_record{peer_kind::user, 8, 80, {"ben", "benjamin"}, ""}));
  EXPECT_EQ(find(peer_kind::channel, 70), (peer_record{peer_kind::channel, 70, 700, {"news"}, ""}));
  EXPECT_EQ(find(peer_kind::channel, 71), (peer_record{peer_kind::channel, 71, 710, {}, ""}));
  EXPECT_EQ(find(peer_kind::group, 5), (peer_record{peer_kind::group, 5, 0, {}, ""}));
  EXPECT_EQ(find(peer_kind::group, 6), (peer_record{peer_kind::group, 6, 0, {}, ""}));
  EXPECT_EQ(find(peer_kind::user, 3), std::nullopt);
  EXPECT_EQ(update(told), 0U);
  told.users = {tl::user{.id = 7, .first_name = "Ann"}};
  EXPECT_EQ(update(told), 0U) << "what tells no hash takes none away";
}

TEST_F(peer_notes, an_answer_s_are_found_wherever_they_stand_and_are_the_same) {
  tl::messages::dialogs told;
  told.messages = {post(1, 7)};
  told.users = {ann(), ben(), tl::userEmpty{.id = 3}};
  told.chats = {the_news(), the_club(),
                tl::channelForbidden{.id = 71, .access_hash = 710, .title = "Out"},
                tl::chatForbidden{.id = 6, .title = "Out"}};
  EXPECT_GT(answer(tl::encode(told)), 0U);
  EXPECT_EQ(find(peer_kind::user, 8),
            (peer_record{peer_kind::user, 8, 80, {"ben", "benjamin"}, ""}));
  tl::updates_ as_updates;
  as_updates.users = told.users;
  as_updates.chats = told.chats;
  EXPECT_EQ(update(as_updates), 0U) << "both ways tell the same";
}

TEST_F(peer_notes, a_group_and_a_channel_of_one_number_are_two) {
  auto group = the_club();
  group.id = 70;
  const tl::chatForbidden closed{.id = 70, .title = "Out"};
  const std::vector<tl::Chat> orders[] = {
      {group, the_news()}, {the_news(), group}, {the_news(), closed}};
  for (const auto& chats : orders) {
    cache.clear();
    store = storage::make_memory_store();
    tl::updates_ told;
    told.chats = chats;
    update(told);
    const auto news = find(peer_kind::channel, 70);
    ASSERT_TRUE(news);
    EXPECT_EQ(news->access_hash, 700);
    EXPECT_TRUE(find(peer_kind::group, 70));
    const auto batch = read_updates(tl::encode(tl::Updates{told}), 1);
    ASSERT_TRUE(batch);
    ASSERT_TRUE(batch->peers->chats.contains(70));
    EXPECT_TRUE(tl::holds<tl::channel>(batch->peers->chats.at(70))) << "verbs need its hash";
  }
}

TEST_F(peer_notes, the_supergroup_that_a_group_has_become_is_noted) {
  auto group = the_club();
  group.migrated_to = tl::inputChannel{.channel_id = 75, .access_hash = 750};
  tl::messages::chats told{.chats = {group}};
  answer(tl::encode(told));
  const peer_record club{peer_kind::channel, 75, 750, {}, ""};
  EXPECT_EQ(find(peer_kind::channel, 75), club);
  EXPECT_TRUE(find(peer_kind::group, 5));
  tl::updates_ as_updates;
  as_updates.chats = {group};
  EXPECT_EQ(update(as_updates), 0U) << "both ways tell the same";
  auto named = the_news();
  named.id = 75;
  as_updates.chats = {named};
  update(as_updates);
  EXPECT_EQ(answer(tl::encode(told)), 0U) << "nothing is taken from what is known";
  cache.clear();
  as_updates.chats = {group};
  EXPECT_GT(update(as_updates), 0U);
  EXPECT_EQ(find(peer_kind::channel, 75), club);
}

TEST_F(peer_notes, lists_and_objects_within_objects_bring_some_too) {
  EXPECT_EQ(answer(tl::encode(std::vector<tl::User>{ann(), ben()})), 6U);
  EXPECT_TRUE(find(peer_kind::user, 8));
  answer(tl::encode(tl::ChatInvite{tl::chatInviteAlready{.chat = the_news()}}));
  EXPECT_TRUE(find(peer_kind::channel, 70));
  tl::updates_ inner;
  inner.chats = {the_club()};
  answer(tl::encode(tl::messages::invitedUsers{.updates = inner}));
  EXPECT_TRUE(find(peer_kind::group, 5));
}

TEST_F(peer_notes, a_look_at_its_first_words_says_whether_an_answer_may_bring_some) {
  for (const auto& some :
       {tl::encode(tl::messages::dialogs{}), tl::encode(tl::contacts::resolvedPeer{}),
        tl::encode(tl::auth::authorization{.user = ann()}),
        tl::encode(tl::messages::invitedUsers{}), tl::encode(std::vector<tl::User>{ann()}),
        tl::encode(tl::User{ann()})}) {
    EXPECT_TRUE(brings_peers(some));
  }
  for (const auto& none :
       {tl::encode(true), tl::encode(tl::updates::state{}), tl::encode(tl::config{}),
        tl::encode(tl::messages::affectedMessages{}), tl::encode(std::vector<tl::User>{}),
        tl::encode(std::vector<std::int64_t>{1, 2}), bytes{}, bytes{1, 2, 3}}) {
    EXPECT_FALSE(brings_peers(none)) << to_hex(none);
  }
}

TEST_F(peer_notes, octets_that_end_too_soon_or_make_no_sense_do_no_harm) {
  tl::messages::messages told;
  told.messages = {post(1, 7)};
  told.users = {ann(), ben(), stranger()};
  const auto whole = tl::encode(told);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    answer({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
  }
  auto garbled = whole;
  for (auto& octet : garbled) {
    octet ^= 0x5a;
    answer(garbled);
    octet ^= 0x5a;
  }
  EXPECT_EQ(find(peer_kind::user, 9), std::nullopt) << "no part tells where it was seen";
}

TEST_F(peer_notes, one_of_a_min_constructor_is_noted_with_a_message_that_names_it) {
  tl::updates_ told;
  told.updates = {tl::updateNewChannelMessage{.message = post(3, 7)},
                  tl::updateNewChannelMessage{.message = post(4, 9)},
                  tl::updateNewChannelMessage{.message = post(5, 9)},
                  tl::updateNewChannelMessage{.message = post(6, 7)}};
  told.users = {ann(), stranger()};
  told.chats = {the_news()};
  update(told);
  const auto found = find(peer_kind::user, 9);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->seen_in, (message_source{peer_kind::channel, 70, 5})) << "the latest one";
  told.updates = {tl::updateNewChannelMessage{.message = post(900, 7)}};
  EXPECT_EQ(update(told), 0U) << "it is named by none of these";
}

TEST_F(peer_notes, messages_name_by_forwards_mentions_and_services_too) {
  auto forward = post(1, 7);
  forward.fwd_from = tl::messageFwdHeader{.from_id = tl::peerUser{.user_id = 11}, .date = 1};
  auto mention = post(2, 7);
  mention.entities = std::vector<tl::MessageEntity>{
      tl::messageEntityMentionName{.offset = 0, .length = 2, .user_id = 12}};
  const tl::messageService joined{.id = 3,
                                  .from_id = tl::peerUser{.user_id = 7},
                                  .peer_id = tl::peerChat{.chat_id = 5},
                                  .date = 1,
                                  .action = tl::messageActionChatAddUser{.users = {13}}};
  auto of_channel = post(4, 7);
  of_channel.fwd_from =
      tl::messageFwdHeader{.from_id = tl::peerChannel{.channel_id = 14}, .date = 1};
  tl::messages::messages told;
  told.messages = {forward, mention, joined, of_channel};
  const auto min_user = [](std::int64_t id) {
    auto out = stranger();
    out.id = id;
    return out;
  };
  auto min_channel = the_news();
  min_channel.id = 14;
  min_channel.min = true;
  told.users = {min_user(11), min_user(12), min_user(13), min_user(14)};
  told.chats = {min_channel};
  answer(tl::encode(told));
  EXPECT_EQ(seen_in(peer_kind::user, 11), (message_source{peer_kind::channel, 70, 1}));
  EXPECT_EQ(seen_in(peer_kind::user, 12), (message_source{peer_kind::channel, 70, 2}));
  EXPECT_EQ(seen_in(peer_kind::user, 13), (message_source{peer_kind::group, 5, 3}));
  EXPECT_EQ(seen_in(peer_kind::channel, 14), (message_source{peer_kind::channel, 70, 4}));
  EXPECT_EQ(find(peer_kind::user, 14), std::nullopt) << "a channel of the same number is another";
  tl::updates_ as_updates;
  as_updates.updates = {
      tl::updateNewMessage{.message = forward}, tl::updateNewMessage{.message = mention},
      tl::updateNewMessage{.message = joined}, tl::updateNewMessage{.message = of_channel}};
  as_updates.users = told.users;
  as_updates.chats = told.chats;
  EXPECT_EQ(update(as_updates), 0U) << "both ways tell the same";
}

TEST_F(peer_notes, nobody_is_named_by_a_message_of_his_own_private_chat) {
  auto message = post(1, 9);
  message.peer_id = tl::peerUser{.user_id = 9};
  tl::updates_ told;
  told.updates = {tl::updateNewMessage{.message = message}};
  told.users = {stranger()};
  update(told);
  EXPECT_EQ(find(peer_kind::user, 9), std::nullopt) << "the chat's address would be his";
}

TEST(peer_names, are_read_as_in_the_bot_api) {
  const auto is = [](const peer_name& name, peer_name::form what, std::int64_t id) {
    return name.what() == what && name.id() == id && name.by_id();
  };
  EXPECT_TRUE(is(peer_name::marked(7), peer_name::form::user, 7));
  EXPECT_TRUE(is(peer_name::marked(-7), peer_name::form::group, 7));
  EXPECT_TRUE(is(peer_name::marked(-1'000'000'000'007), peer_name::form::channel, 7));
  EXPECT_EQ(to_string(peer_name::marked(-7)), "group 7");
  EXPECT_EQ(to_string(peer_name::username("@Ann")), "@ann");
  EXPECT_EQ(to_string(peer_name::phone("+1555")), "a phone number") << "it stands in no log";
  EXPECT_FALSE(peer_name::phone("1555").by_id());
}

TEST(peer_names, become_addresses) {
  const account person{.id = 1, .bot = false, .first_name = {}, .username = {}};
  auto bot = person;
  bot.bot = true;
  const storage::peer_address whole{peer_kind::user, 7, 70};
  EXPECT_EQ(tl::get_if<tl::inputPeerUser>(*address_for(person, whole, nullptr))->access_hash, 70);
  const storage::peer_address named{peer_kind::user, 9, 1,
                                    message_source{peer_kind::channel, 70, 5}};
  EXPECT_FALSE(address_for(person, named, nullptr));
  const storage::peer_address chat{peer_kind::channel, 70, 700};
  const auto by_message = address_for(person, named, &chat);
  const auto* from = tl::get_if<tl::inputPeerUserFromMessage>(*by_message);
  ASSERT_NE(from, nullptr);
  EXPECT_EQ(from->msg_id, 5);
  EXPECT_EQ(tl::get_if<tl::inputPeerChannel>(from->peer)->access_hash, 700);
  auto also_named = chat;
  also_named.seen_in = message_source{peer_kind::channel, 71, 2};
  EXPECT_FALSE(address_for(person, named, &also_named)) << "it takes one that stands by itself";
  const auto of_bot = address_for(bot, named, nullptr);
  const auto* without = tl::get_if<tl::inputPeerUser>(*of_bot);
  ASSERT_NE(without, nullptr) << "bots may name nobody by a message";
  EXPECT_EQ(without->access_hash, 0);
}

} // namespace cafegram

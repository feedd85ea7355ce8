#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/sandbox/rooms.hpp>
#include <cafegram/sandbox/store.hpp>
#include <cafegram/sandbox/world.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace cafegram::sandbox {

/// A conversation as its owner has it.
struct dialog {
  std::int32_t top = 0;         ///< id of the newest message, 0 where all are gone
  std::int32_t read_inbox = 0;  ///< what the owner has read
  std::int32_t read_outbox = 0; ///< what the other one, or anybody else, has read
  std::int32_t unread = 0;
};

/// One step of a bot's `qts`: an update that moves it. Spec: "Working with Updates".
struct secondary_event {
  std::int32_t qts = 0; ///< after it
  std::int64_t date = 0;
  json update;                ///< with its `qts`
  std::vector<peer_id> about; ///< whom it names
};

/// A person or a bot, with its message box. Spec: "Working with Updates".
struct account {
  account_id id = 0;
  bool bot = false;
  bool scripted = false;
  std::string first_name;
  std::string last_name;
  std::string username;
  std::string phone;
  std::string about;
  std::string token;             ///< of a bot, from its first login on
  json commands = json::array(); ///< `botCommand`s
  std::int32_t info_version = 1; ///< grows with name, about and commands of a bot
  std::int64_t seen = 0;         ///< Unix time of the last `account.updateStatus`
  bool online = false;           ///< as the last `account.updateStatus` said
  bool privacy = true;           ///< a bot's: of groups it sees only what concerns it
  std::set<account_id> blocked;
  std::int32_t pts = 1;
  std::int32_t qts = 0; ///< of a bot, from 1 on
  std::int32_t last_message = 0;
  /// Of what has no pts and no qts; what is kept is a bound of it, so that it never goes back.
  std::int32_t seq = 1;
  std::int32_t kept_seq = 0;

  std::map<std::int32_t, std::int64_t> box; ///< message id -> number of the message
  std::map<peer_id, std::map<std::int32_t, std::int64_t>> chats; ///< the same, by chat
  std::vector<box_event> events;                                 ///< pts ascending
  std::vector<secondary_event> secondary;                        ///< qts ascending
  std::map<peer_id, dialog> dialogs;                             ///< with users and basic groups
  std::set<peer_id> channels;                                    ///< that it is in
  std::unordered_map<std::int64_t, std::int64_t> random_ids;     ///< -> number of the message
};

/// A message in the box of one account.
struct message_copy {
  account_id owner = 0;
  std::int32_t id = 0;
  std::int32_t pts = 0; ///< of the box when it came
  bool gone = false;
};

/// Where a forwarded message comes from.
struct forward_origin {
  peer_id from = 0; ///< 0: not forwarded
  std::int64_t date = 0;
  std::int32_t post = 0; ///< id in the channel
};

/// A message: one content; in private chats and basic groups one copy for each who has it.
struct message_record {
  std::int64_t number = 0; ///< in the whole sandbox
  account_id from = 0;
  account_id to = 0; ///< 0: in a room
  peer_id room = 0;  ///< 0: in a private chat
  std::int64_t date = 0;
  std::int64_t edited = 0; ///< 0: never
  bool edit_hidden = false;
  bool silent = false;
  bool pinned = false;
  std::string text;
  json entities = json::array();
  json markup; ///< null where there is none
  json action; ///< `MessageAction` of a service message, else null
  std::int64_t random_id = 0;
  std::int64_t reply_to = 0; ///< number of the message, 0 for none
  forward_origin forward;
  std::vector<message_copy> copies;  ///< the sender's first; none in a channel
  std::vector<account_id> unseen_by; ///< bots that are in the room and do not get it
  std::int32_t id = 0;               ///< in a channel
  std::int32_t pts = 0;              ///< of the channel when it came
  bool gone = false;                 ///< from a channel

  bool in_channel() const { return is_channel(room); }
  const message_copy* copy_of(account_id owner) const;
  message_copy* copy_of(account_id owner);
  /// 0 for who never had it.
  std::int32_t id_for(account_id owner) const;
  peer_id peer_of(account_id owner) const { return room != 0 ? room : owner == from ? to : from; }
};

/// A login under way.
struct login_code {
  std::string hash;
  std::string phone;
  std::string code;
  std::int64_t sent = 0;
  std::int64_t until = 0;
  std::int32_t wrong = 0; ///< tries
  bool passed = false;    ///< right code for a phone without account: `auth.signUp` may follow
};

/// The sandbox's state, written through to a store. What is changed is kept with the next `commit`.
class model {
public:
  explicit model(std::unique_ptr<store> records)
    : store_{std::move(records)} {}

  /// Errors: `storage` for a record that does not read.
  result<void> load(random_source& random);
  result<void> commit() { return store_->commit(); }

  account* find(account_id id);
  const account* find(account_id id) const;
  account* find_username(std::string_view name);
  /// The user or channel of that name; 0: nobody's.
  peer_id find_name(std::string_view name) const;
  account* find_phone(std::string_view phone);
  const std::map<account_id, account>& accounts() const { return accounts_; }
  account& add(account fresh);
  /// Keeps the account's own fields and what it is found by.
  void save(account& changed);
  account_id next_person_id() const;

  const message_record* message(std::int64_t number) const;
  std::int64_t last_number() const { return last_number_; }
  message_record* message(std::int64_t number);
  /// Null for what is not, or not any more, in that box.
  message_record* in_box(const account& owner, std::int32_t id);
  /// Numbers the message, puts it into the boxes of all whom it concerns, and moves their pts.
  message_record& deliver(message_record draft);
  void save(const message_record& changed);
  /// Takes messages out of one box; the ids must be in it. All of one chat.
  void remove(account& owner, peer_id peer, const std::vector<std::int32_t>& ids);
  /// Moves pts by one for each id (the reads: by one).
  const box_event& note(account& owner, event_kind what, peer_id peer,
                        std::vector<std::int32_t> ids);
  /// Keeps an update that moves the bot's qts, which is written into it.
  const secondary_event& note(account& bot, json update, std::vector<peer_id> about,
                              std::int64_t date);
  /// The next `seq` of an account.
  std::int32_t next_seq(account& owner);
  dialog& dialog_of(account& owner, peer_id peer) { return owner.dialogs[peer]; }
  /// Counts anew what a dialog says of its messages.
  void recount(account& owner, peer_id peer);
  void save_dialog(const account& owner, peer_id peer);

  // -- rooms: model_rooms.cpp
  room* find_room(peer_id id);
  const room* find_room(peer_id id) const;
  const std::map<peer_id, room>& rooms() const { return rooms_; }
  room& add(room fresh);
  /// Keeps the room's own fields and what it is found by.
  void save(room& changed);
  void save(room& in, const room_member& changed);
  peer_id next_group_id() const { return marked_group(last_group_ + 1); }
  peer_id next_channel_id() const { return marked_channel(last_channel_ + 1); }
  room* find_link(std::string_view hash);
  /// Null for what is not, or not any more, in that channel.
  message_record* in_channel(const room& in, std::int32_t id);
  /// The message with that id as `owner` sees the chat; null: there is none, or it is not for it.
  message_record* find_message(const account& owner, peer_id peer, std::int32_t id);
  void remove(room& from, const std::vector<std::int32_t>& ids, std::int64_t date);
  const box_event& note(room& in, event_kind what, std::vector<std::int32_t> ids,
                        std::int64_t date);
  /// What of a channel's event that account is told; empty: nothing.
  std::vector<std::int32_t> seen_ids(const box_event& event, const room& in,
                                     account_id viewer) const;
  /// By how much that account sees the pts move with an event that it sees: who does not see all
  /// sees the steps between as part of the next one.
  std::int32_t step_for(const box_event& event, const room& in, account_id viewer) const;
  /// The channel's pts as that account knows it.
  static std::int32_t pts_for(const room& in, account_id viewer);

  /// `target`: a user or a channel. The hash of a `min` constructor is another one.
  std::int64_t access_hash(account_id viewer, peer_id target, bool min = false) const;

  const std::map<std::uint64_t, key_record>& keys() const { return keys_; }
  key_record* find_key(std::uint64_t id);
  /// Adds or replaces; a key is logged in for one account at most.
  void save(const key_record& key);
  /// The keys that are logged in for an account.
  const std::vector<std::uint64_t>& keys_of(account_id user) const;
  void forget_key(std::uint64_t id);

  std::map<std::string, login_code, std::less<>>& codes() { return codes_; }
  const std::map<std::string, login_code, std::less<>>& codes() const { return codes_; }
  void save(const login_code& code);
  void forget_code(std::string hash);

private:
  result<void> take(std::string_view kind, std::string_view key, std::string_view value);
  result<void> take_owned(std::string_view kind, std::string_view key, const json& from);
  result<void> take_room(std::string_view kind, std::string_view key, const json& from);
  result<void> put_together();
  result<void> put_message(const message_record& message);
  void put_rooms();
  void index(const account& owner);
  void index(const room& in);
  void name(peer_id who, const std::string& username);
  void file(account& owner, const message_record& message);
  void keep(const account& changed);
  void keep(const room& changed);
  void put_copy(message_record& kept, message_copy& copy);
  void deliver_private(message_record& kept);
  void deliver_to_group(message_record& kept);
  void deliver_to_channel(message_record& kept);
  void unbind(std::uint64_t key);
  /// Whether that account does not get a message of a channel: a bot what was said before it came,
  /// what its privacy mode keeps from it, and nothing at all where it is not inside.
  static bool is_hidden(const room& in, const message_record& message, const account& from);

  std::unique_ptr<store> store_;
  std::map<account_id, account> accounts_;
  account_id last_person_ = 5'000'000;
  std::unordered_map<std::string, peer_id> usernames_;
  std::unordered_map<std::string, account_id> phones_;
  std::map<peer_id, room> rooms_;
  std::unordered_map<std::string, peer_id> links_;
  std::int64_t last_group_ = 4'000'000;
  std::int64_t last_channel_ = 1'500'000'000;
  std::unordered_map<std::int64_t, message_record> messages_;
  std::int64_t last_number_ = 0;
  std::uint64_t secret_ = 0; ///< of the access hashes
  std::map<std::uint64_t, key_record> keys_;
  std::unordered_map<account_id, std::vector<std::uint64_t>> keys_by_user_;
  std::map<std::string, login_code, std::less<>> codes_;
};

std::string lower_case(std::string_view ascii);

} // namespace cafegram::sandbox

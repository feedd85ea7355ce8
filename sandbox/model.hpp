#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/sandbox/store.hpp>
#include <cafegram/sandbox/world.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace cafegram::sandbox {

/// A conversation as its owner has it.
struct dialog {
  std::int32_t top = 0;         ///< id of the newest message, 0 where all are gone
  std::int32_t read_inbox = 0;  ///< what the owner has read
  std::int32_t read_outbox = 0; ///< what the other one has read
  std::int32_t unread = 0;
};

enum class event_kind : std::uint8_t { message, edited, deleted, read_inbox, read_outbox };

/// One step of an account's message box: moves `pts` by `count`.
struct box_event {
  std::int32_t pts = 0; ///< after it
  std::int32_t count = 0;
  event_kind kind = event_kind::message;
  account_id peer = 0;
  std::vector<std::int32_t> ids; ///< of the messages; for the reads the highest one
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
  std::int32_t pts = 1;
  std::int32_t last_message = 0;

  std::map<std::int32_t, std::int64_t> box; ///< message id -> number of the message
  std::map<account_id, std::map<std::int32_t, std::int64_t>> chats; ///< the same, by chat
  std::vector<box_event> events;                                    ///< pts ascending
  std::map<account_id, dialog> dialogs;
  std::unordered_map<std::int64_t, std::int64_t> random_ids; ///< -> number of the message
};

/// A message: one text, and one id for each of the two who have it.
struct message_record {
  std::int64_t number = 0; ///< in the whole sandbox
  account_id from = 0;
  account_id to = 0;
  std::int64_t date = 0;
  std::int64_t edited = 0; ///< 0: never
  bool edit_hidden = false;
  bool silent = false;
  std::string text;
  json entities = json::array();
  json markup; ///< null where there is none
  std::int64_t random_id = 0;
  std::int64_t reply_to = 0; ///< number of the message, 0 for none
  std::int32_t sender_id = 0;
  std::int32_t receiver_id = 0;
  bool gone_for_sender = false;
  bool gone_for_receiver = false;

  std::int32_t id_for(account_id owner) const { return owner == from ? sender_id : receiver_id; }
  account_id peer_of(account_id owner) const { return owner == from ? to : from; }
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
  /// Numbers the message, puts it into both boxes, and moves both pts. Both accounts exist.
  message_record& deliver(message_record draft);
  void save(const message_record& changed);
  /// Takes messages out of one box; the ids must be in it. All of one chat.
  void remove(account& owner, account_id peer, const std::vector<std::int32_t>& ids);
  /// Moves pts by one for each id (the reads: by one).
  const box_event& note(account& owner, event_kind what, account_id peer,
                        std::vector<std::int32_t> ids);
  dialog& dialog_of(account& owner, account_id peer) { return owner.dialogs[peer]; }
  /// Counts anew what a dialog says of its messages.
  void recount(account& owner, account_id peer);
  void save_dialog(const account& owner, account_id peer);

  std::int64_t access_hash(account_id viewer, account_id target) const;

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
  result<void> put_together();
  void index(const account& owner);
  void file(account& owner, const message_record& message);
  void keep(const account& changed);
  void unbind(std::uint64_t key);

  std::unique_ptr<store> store_;
  std::map<account_id, account> accounts_;
  std::unordered_map<std::string, account_id> usernames_;
  std::unordered_map<std::string, account_id> phones_;
  std::unordered_map<std::int64_t, message_record> messages_;
  std::int64_t last_number_ = 0;
  std::uint64_t secret_ = 0; ///< of the access hashes
  std::map<std::uint64_t, key_record> keys_;
  std::unordered_map<account_id, std::vector<std::uint64_t>> keys_by_user_;
  std::map<std::string, login_code, std::less<>> codes_;
};

std::string lower_case(std::string_view ascii);

} // namespace cafegram::sandbox

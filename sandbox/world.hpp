#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/sandbox/page_model.hpp>
#include <cafegram/sandbox/rooms.hpp>
#include <cafegram/sandbox/store.hpp>
#include <cafegram/tl/json.hpp>

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cafegram::sandbox {

/// An `rpc_error` to be: code and Telegram's text.
struct rpc_refusal {
  std::int32_t code = 400;
  std::string text;
  friend bool operator==(const rpc_refusal&, const rpc_refusal&) = default;
};

/// The value of a function in the names of the newest layer, or the refusal.
using answer = std::expected<json, rpc_refusal>;

/// Who calls. `call` is chosen by the server, unique among the calls that wait.
struct caller {
  std::uint64_t key = 0; ///< id of the key that it came under, permanent or temporary
  std::uint64_t session = 0;
  std::uint64_t call = 0;
  std::int64_t msg_id = 0; ///< of the request
  std::int32_t dc = 0;     ///< that it came to; 0: the one that its key was made for
};

/// Updates for every session that is logged in with one of `keys` (permanent ones), but for the one
/// that caused them (it has them in its answer). `updates` is of type `Updates`, in the newest
/// layer's names.
struct push {
  account_id user = 0;
  std::vector<std::uint64_t> keys;
  std::uint64_t except_key = 0; ///< as the caller's: it may be temporary; 0: nobody is left out
  std::uint64_t except_session = 0;
  json updates;
};

/// A call that had to wait and has its answer now.
struct settled_call {
  caller who;
  answer value;
};

/// What a step of the world brought. Everything in it is already in the store. The reply goes
/// first, then the rest in order.
struct outcome {
  std::optional<answer> reply; ///< none: the call waits and comes back in `settled` of a later step
  std::vector<push> pushes;
  std::vector<settled_call> settled;
  std::vector<page_event> events;        ///< for watchers
  std::vector<std::uint64_t> ended_keys; ///< temporary ones that are no more
};

/// What an action of the page gave, and what it brought about.
template <class T>
struct paged {
  result<T> value;
  outcome effects;
};

/// An authorization key as the server keeps it.
struct key_record {
  std::uint64_t id = 0;
  bytes secret; ///< 256 octets
  std::int32_t dc = 0;
  std::int32_t layer = 0; ///< 0: not told yet
  account_id user = 0;    ///< 0: not logged in
  std::int64_t salt = 0;
  std::int64_t created = 0; ///< Unix time
};

struct message_record;

struct world_options {
  std::int32_t dc_id = 2;
  bool test_mode = false;
  std::string address = "127.0.0.1"; ///< of every `dcOption`
  std::uint16_t port = 0;
  std::map<std::int32_t, std::pair<std::string, std::uint16_t>> data_centres; ///< others than ours
  /// Where accounts are at home, by account id or phone number (digits). The others: a phone of
  /// Telegram's tests, 99966X..., in data centre X where it is here; else in `dc_id`.
  std::map<std::string, std::int32_t> homes = {};
  std::int32_t file_dc = 0;  ///< that has the files; 0: `dc_id`
  std::int32_t stats_dc = 0; ///< that has the statistics; 0: `dc_id`
  bool alice = true;         ///< she answers each message
  /// People are told of simple messages as Telegram does it (`updateShortMessage` and the like).
  bool short_forms = true;
  std::int32_t difference_slice = 100; ///< events in one answer of a difference
  /// A longer gap than this is `updates.differenceTooLong`; 0: only where a client asks for that.
  std::int32_t difference_total = 0;
  std::chrono::seconds callback_deadline{15};
  std::chrono::seconds code_lifetime{300};
  std::filesystem::path message_log; ///< see `message_log`; empty: none is written
};

/// The state behind the API: accounts, chats of all kinds, messages, update counters, keys. A pure
/// model: requests and time in, answers and pushes out; the store is told of each step before its
/// outcome leaves. Not thread-safe: owned by one actor.
class world {
public:
  /// Reads what `records` holds and seeds `alice` where she is missing.
  /// Errors: `storage` where a record cannot be read.
  static result<std::unique_ptr<world>> open(world_options options, std::unique_ptr<store> records,
                                             std::shared_ptr<random_source> random, wall_time now);
  ~world();

  /// Runs one function, as the dynamic codec decodes it (`{"_":"messages.sendMessage",...}`); names
  /// and members of older layers are understood. The answer is in the newest layer's names but for
  /// what sandbox/layer_forms.hpp names. A call that waits (`outcome::reply` is none) comes back in
  /// the `settled` of a later step, by `who.call`, which must not be 0.
  outcome call(const caller& who, const json& request, wall_time now);

  /// Settles what is due: waiting calls whose deadline has passed.
  outcome poll(wall_time now);
  /// When `poll` has something to do next.
  std::optional<wall_time> next_deadline() const;
  /// Somebody is there again to take the updates of this permanent key: pushes, for that key alone,
  /// of what is in no difference and still waits for its account.
  outcome came_back(std::uint64_t key, wall_time now);
  /// Forgets the waiting calls of a session that is gone.
  void drop_session(std::uint64_t key, std::uint64_t session);

  // -- messages, as they are stored
  std::int64_t last_message() const; ///< number; 0: there is none
  std::vector<message_record> messages_after(std::int64_t number) const;

  // -- keys
  result<void> add_key(const key_record& key);
  const key_record* find_key(std::uint64_t id) const;
  /// A temporary key, to be bound; lives in memory until `expires` (Unix time).
  outcome add_temporary_key(std::uint64_t id, std::int64_t expires, wall_time now);
  /// The permanent key that one stands for, itself included; null: unknown, or not bound yet.
  const key_record* permanent(std::uint64_t key) const;
  /// The temporary keys that are bound to a permanent one.
  std::vector<std::uint64_t> bound_to(std::uint64_t permanent) const;
  /// Of the permanent key beneath; nothing happens where there is none.
  result<void> set_layer(std::uint64_t key, std::int32_t layer);
  result<void> set_salt(std::uint64_t key, std::int64_t salt);
  /// A permanent one takes those that are bound to it with it. The keys that are gone.
  result<std::vector<std::uint64_t>> forget_key(std::uint64_t key);
  std::vector<key_record> keys() const; ///< secrets left out

  /// Moves an account: its login at any other data centre is sent there from now on.
  void move_home(account_id who, std::int32_t dc);

  // -- the page's side: what the accounts, chats and calls add to a `page_state`
  void describe(page_state& out, wall_time now) const;
  /// None: there is no such account.
  std::optional<page_user> user(account_id id) const;
  result<std::vector<page_message>> messages(account_id owner, peer_id peer, std::int32_t before,
                                             std::int32_t limit) const;
  /// Each of these is done as if by a client of that person.
  paged<page_message> send(const page_text& text, wall_time now);
  paged<page_message> edit(std::int32_t message, const page_text& text, wall_time now);
  paged<void> remove(account_id as, peer_id chat, std::int32_t message, wall_time now);
  paged<void> mark_read(account_id as, peer_id chat, std::int32_t up_to, wall_time now);
  /// The answer comes as `page_events::click_answered` with the number given back here.
  paged<std::uint64_t> click(const page_click& click, wall_time now);
  paged<page_user> create_person(const std::string& name, const std::string& username,
                                 wall_time now);
  paged<page_group> create_group(const page_new_group& wanted, wall_time now);
  paged<page_group> change_member(const page_membership& change, wall_time now);
  paged<page_user> set_privacy(account_id bot, bool on, wall_time now);
  paged<std::vector<page_load_chat>> create_load(const page_load& wanted, wall_time now);
  /// Counts a call that no account model answers, for the list of calls.
  void count_call(std::string_view method, bool failed);

  /// The names of all functions that are simulated, sorted.
  static std::vector<std::string_view> simulated_methods();
  static bool is_simulated(std::string_view name);

private:
  struct impl;
  explicit world(std::unique_ptr<impl> state);
  std::unique_ptr<impl> impl_;
};

} // namespace cafegram::sandbox

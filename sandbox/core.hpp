#pragma once

#include <cafegram/sandbox/model.hpp>
#include <cafegram/sandbox/temporary_keys.hpp>
#include <cafegram/sandbox/world.hpp>

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the methods of the world share. Internal to the sandbox.
namespace cafegram::sandbox {

/// A click that waits for the bot's answer.
struct waiting_click {
  caller who; ///< `call` is 0 for the page's own
  account_id user = 0;
  account_id bot = 0;
  std::int64_t message = 0; ///< number of the message
  std::string data;         ///< base64, as the button has it
  wall_time deadline;
};

/// An answer that the bot allows to be given again.
struct cached_click {
  json answer;
  wall_time until;
};

struct call_count {
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;
};

/// A login on its way to another data centre.
struct exported_login {
  account_id user = 0;
  std::int32_t dc = 0;
  std::int64_t until = 0; ///< Unix time
};

/// Everything that outlives a call.
struct core {
  world_options options;
  model data;
  std::shared_ptr<random_source> random;
  std::map<std::int64_t, waiting_click> clicks; ///< by query id
  std::map<std::pair<std::int64_t, std::string>, cached_click> cached_clicks;
  std::map<std::string, call_count, std::less<>> counts;
  temporary_keys temporary;
  std::map<std::string, exported_login> exported = {}; ///< by what proves them, in base64
  bool broken = false; ///< a commit failed: memory is ahead of the store
};

inline std::unexpected<rpc_refusal> refuse(std::string text, std::int32_t code = 400) {
  return std::unexpected(rpc_refusal{code, std::move(text)});
}

template <class T>
using or_refusal = std::expected<T, rpc_refusal>;

/// Where messages stand, as one account sees it: a private chat with `user`, or a room.
struct place {
  account* user = nullptr;
  room* in = nullptr;

  peer_id id() const { return user != nullptr ? user->id : in->id; }
  bool is_channel() const { return in != nullptr && in->is_channel(); }
};

/// One call under way: who calls, when, and what it brings about.
struct step {
  core& in;
  caller who;
  account* me = nullptr; ///< null: not logged in
  wall_time now;
  outcome& out;
  /// The permanent key that the caller's stands for; 0: a temporary one that is not bound.
  std::uint64_t key = 0;
  bool waits = false;  ///< set by a method whose answer comes later
  std::int32_t dc = 0; ///< that the call has come to
  /// What the caller's account is told of this step: its other sessions by a push, this one in its
  /// answer; see `own_updates`.
  json own = json::array();
  std::vector<peer_id> own_about = {};

  std::int64_t unix_time() const {
    return std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  }

  // -- whom the caller means: step_peers.cpp

  /// The account of an `InputPeer` or `InputUser`; the access hash must be the caller's own.
  /// Refusals: `PEER_ID_INVALID`, for an `InputUser` `USER_ID_INVALID`,
  /// `FROM_MESSAGE_BOT_DISABLED`.
  or_refusal<account*> peer(const json& input);
  /// The chat of an `InputPeer` that the caller may look into.
  /// Refusals: as `peer`; `CHANNEL_INVALID`, `CHANNEL_PRIVATE`.
  or_refusal<place> chat(const json& input);
  /// The same of the member of that name of a request.
  or_refusal<place> chat_of(const json& request, std::string_view name = "peer");
  /// A channel or supergroup that the caller may look into, whether it is in there or not.
  /// Refusals: `CHANNEL_INVALID`, `CHANNEL_PRIVATE`.
  or_refusal<room*> channel(const json& input);
  /// The same, not looking whether the caller may.
  or_refusal<room*> any_channel(const json& input);
  /// A basic group that the caller is, or was, in. Refusal: `CHAT_ID_INVALID`.
  or_refusal<room*> group(std::int64_t id);

  // -- telling of it

  /// Moves the box of `owner` on, tells its sessions and the page.
  void note(account& owner, event_kind what, peer_id peer, std::vector<std::int32_t> ids);
  /// Tells the page and the sessions what the box's newest event is.
  void announce(account& owner, const box_event& event);
  /// Moves the channel's box on, and tells those who are in it.
  void note(room& where, event_kind what, std::vector<std::int32_t> ids);
  void announce(room& where, const box_event& event);
  /// Keeps an update that moves the bot's qts, and tells it.
  void note(account& bot, json update, std::vector<peer_id> about);

  /// To all sessions of `to` but the caller's own. `about`: who has to be described with it.
  void push(account& to, json update, std::vector<peer_id> about);
  /// The same as one with several updates.
  void push_all(account& to, json updates, std::vector<peer_id> about);
  /// `Updates` with all that the caller's account is told, `first` in front.
  json own_updates(json first = json::array());
};

/// Messages and chats that one call may name; what deletes or fetches them takes the first ones and
/// passes the rest over, as Telegram does.
inline constexpr std::size_t most_at_once = 100;

/// Who may call a method.
enum class audience : std::uint8_t { anyone, logged_in, person, bot };

struct method {
  std::string_view name;
  audience who = audience::logged_in;
  answer (*run)(step& at, const json& request) = nullptr;
};

// One table per file `methods_*.cpp`.
std::span<const method> auth_methods();
std::span<const method> help_methods();
std::span<const method> account_methods();
std::span<const method> message_methods();
std::span<const method> history_methods();
std::span<const method> bot_methods();
std::span<const method> update_methods();
std::span<const method> migration_methods();
std::span<const method> group_methods();
std::span<const method> channel_methods();
std::span<const method> member_methods();
std::span<const method> invite_methods();
std::span<const method> pin_methods();

/// The caller's key stands for this account from now on; `auth.authorization`.
json log_in(step& at, account& user);

/// The number of a data centre as a key names it: plus 10000 for a test one, negative for media.
std::int32_t dc_number(std::int32_t told);
/// True for a data centre of this sandbox.
bool is_here(const world_options& options, std::int32_t dc);
/// Where an account is at home; see `world_options::homes`.
std::int32_t home_of(const world_options& options, const account& who);
/// The same for a phone number that may have no account yet; none where nothing is said of it.
std::optional<std::int32_t> home_of_phone(const world_options& options, const std::string& phone);
/// True where a call has come to that data centre, or where there is no other.
bool is_home(const step& at, std::int32_t home);
/// The refusal of a call that belongs to another data centre.
std::optional<rpc_refusal> misplaced(const step& at, std::string_view method);

/// A message to be sent.
struct draft {
  std::string text;
  json entities = json::array();
  json markup;
  std::int64_t random_id = 0;
  std::int32_t reply_to = 0; ///< as the sender sees it
  bool silent = false;
  forward_origin forward = {};
};

/// Checks, keeps and announces a message; `alice` answers hers.
/// Refusals: Telegram's for `messages.sendMessage`.
or_refusal<message_record*> send_message(step& at, account& from, const place& to, draft what);
/// What is told of the chat itself: who has come, a new title.
message_record& send_service(step& at, account& from, const place& to, json action,
                             std::int32_t reply_to = 0);
/// Tells all who have the message, and are still in the room, that it is another one.
void announce_change(step& at, const place& where, const message_record& message, event_kind what);
or_refusal<message_record*> edit_message(step& at, account& from, const place& where,
                                         std::int32_t id, const json& request);
/// Deletes from the box of `from` what is there of `ids`, and with `revoke` from the others too.
/// How many were there.
or_refusal<std::int32_t> delete_messages(step& at, account& from,
                                         const std::vector<std::int32_t>& ids, bool revoke);
/// Deletes from a channel. Refusal: `MESSAGE_DELETE_FORBIDDEN`.
or_refusal<std::int32_t> delete_posts(step& at, account& from, room& where,
                                      const std::vector<std::int32_t>& ids);
/// The number of messages that were unread until now.
std::int32_t read_history(step& at, account& reader, const place& where, std::int32_t up_to);

/// Asks the bot that has sent the message; the query's id.
or_refusal<std::int64_t> click_button(step& at, account& user, const place& where,
                                      std::int32_t message, const std::string& data);
/// Tells the bot once more of all clicks that wait for it.
void repeat_clicks(step& at, account& bot);
/// Gives the answer to whoever waits for it.
void settle_click(outcome& out, std::int64_t query, const waiting_click& click, answer value);

/// The reply markup as it is kept. Refusals: `BUTTON_DATA_INVALID`, `REPLY_MARKUP_INVALID`, ...
or_refusal<json> check_markup(const json& given);
/// True where a callback button of the markup has this data (base64).
bool has_callback_data(const json& markup, std::string_view data);

} // namespace cafegram::sandbox

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

  std::int64_t unix_time() const {
    return std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  }

  /// Whom an `InputPeer` or `InputUser` means; the access hash must be the caller's own.
  /// Refusals: `PEER_ID_INVALID`, for an `InputUser` `USER_ID_INVALID`.
  or_refusal<account*> peer(const json& input);

  /// Moves the box of `owner` on, tells its sessions and the page. The update as `owner` sees it.
  json note(account& owner, event_kind what, account_id peer, std::vector<std::int32_t> ids);
  /// Tells the page and the sessions what the box's newest event is.
  json announce(account& owner, const box_event& event);

  /// To all sessions of `to` but the caller's own. `about`: the accounts to be described with it.
  void push(const account& to, json update, std::vector<account_id> about);
};

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
  std::int32_t reply_to = 0; ///< in the sender's box
  bool silent = false;
};

/// Checks, keeps and announces a message; `alice` answers hers.
/// Refusals: Telegram's for `messages.sendMessage`.
or_refusal<message_record*> send_message(step& at, account& from, account& to, draft what);
or_refusal<message_record*> edit_message(step& at, account& from, std::int32_t id,
                                         const json& request);
/// Deletes from the box of `from` what is there of `ids`, and with `revoke` from the other one too.
/// How many were there.
std::int32_t delete_messages(step& at, account& from, const std::vector<std::int32_t>& ids,
                             bool revoke);
/// The number of messages that were unread until now.
std::int32_t read_history(step& at, account& reader, account& writer, std::int32_t up_to);

/// Asks the bot; the query's id.
or_refusal<std::int64_t> click_button(step& at, account& user, account& bot, std::int32_t message,
                                      const std::string& data);
/// Tells the bot once more of all clicks that wait for it.
void repeat_clicks(step& at, account& bot);
/// Gives the answer to whoever waits for it.
void settle_click(outcome& out, std::int64_t query, const waiting_click& click, answer value);

/// The reply markup as it is kept. Refusals: `BUTTON_DATA_INVALID`, `REPLY_MARKUP_INVALID`, ...
or_refusal<json> check_markup(const json& given);
/// True where a callback button of the markup has this data (base64).
bool has_callback_data(const json& markup, std::string_view data);

} // namespace cafegram::sandbox

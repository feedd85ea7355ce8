#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/environment.hpp>
#include <cafegram/base/error.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// What the sandbox's page shows and does, without a word on how the sandbox keeps it. Ids of users
/// are below 2^53, those of groups above -2^53, so that a browser can hold them as numbers; times
/// are wall-clock times.
namespace cafegram::sandbox {

/// A command that a bot offers: `/start`, without the slash.
struct page_command {
  std::string command;
  std::string description;
};

/// A person or a bot.
struct page_user {
  std::int64_t id = 0;
  std::string name;     ///< first and last name, never empty
  std::string username; ///< without the `@`; empty when there is none
  std::string phone;    ///< digits; empty for bots
  std::string about;
  bool bot = false;
  bool scripted = false; ///< played by the sandbox itself: answers each message
  bool online = false;   ///< has at least one connection that is logged in
  bool privacy = false;  ///< a bot that gets of groups only what concerns it
  std::vector<page_command> commands;
};

enum class page_group_kind : std::uint8_t { group, supergroup, channel };

/// Somebody who is in a group.
struct page_member {
  std::int64_t user = 0;
  bool admin = false;
  bool writes = true; ///< may write there
};

/// A basic group, a supergroup or a channel. Its id is below zero, as in the Bot API.
struct page_group {
  std::int64_t id = 0;
  page_group_kind kind = page_group_kind::group;
  std::string title;
  std::string username; ///< empty when there is none
  std::string about;
  std::int64_t creator = 0;
  std::int32_t size = 0;            ///< how many are in there
  std::vector<page_member> members; ///< the first 200, admins before the others
  bool closed = false;              ///< nothing more can be said there
};

/// A span of a text. `offset` and `length` count UTF-16 code units, as in the API.
struct page_entity {
  std::string type; ///< the TL constructor's name, such as `messageEntityBold`
  std::int32_t offset = 0;
  std::int32_t length = 0;
  std::string url;          ///< of `messageEntityTextUrl`
  std::string language;     ///< of `messageEntityPre`
  std::int64_t user_id = 0; ///< of `messageEntityMentionName`
};

/// One button of a keyboard.
struct page_button {
  std::string type; ///< the TL constructor's name, such as `keyboardButtonCallback`
  std::string text;
  std::string url; ///< of `keyboardButtonUrl`
  bytes data;      ///< of `keyboardButtonCallback`; comes back with a click
};

/// What hangs below a message, or replaces the user's keyboard.
struct page_markup {
  std::string type; ///< `replyInlineMarkup`, `replyKeyboardMarkup`, `replyKeyboardHide`, ...
  std::vector<std::vector<page_button>> rows;
  bool single_use = false;
  std::string placeholder;
};

enum class page_delivery : std::uint8_t {
  sent, ///< the sandbox keeps it
  read,
};

/// A message as one user sees it: `id` is that user's own, but in channels.
struct page_message {
  std::int32_t id = 0;
  std::int64_t from = 0; ///< the user who wrote it, or the channel that it is a post of
  bool out = false;      ///< written by the user who looks
  wall_time date;
  std::optional<wall_time> edited;
  std::int32_t reply_to = 0; ///< id of the message answered; 0 for none
  std::string text;
  bool service = false; ///< a word of the chat's own: who has come, a new title
  std::vector<page_entity> entities;
  std::optional<page_markup> markup;
  page_delivery delivery = page_delivery::sent;
};

/// A conversation as its owner sees it.
struct page_chat {
  std::int64_t owner = 0;
  std::int64_t peer = 0; ///< a user or, below zero, a group
  std::int32_t unread = 0;
  std::optional<page_message> last;
};

/// A socket of a client.
struct page_connection {
  std::uint64_t id = 0;
  std::string remote; ///< `127.0.0.1:54321`
  std::string framing;
  bool obfuscated = false;
  std::int32_t dc = 0;
  std::string key;          ///< auth key id, 16 hexadecimal digits; empty before the exchange
  std::int32_t layer = 0;   ///< 0 while unknown
  std::int64_t user_id = 0; ///< 0 while nobody is logged in
  std::string client;       ///< device, system and version, as the client says
  wall_time opened;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t calls = 0;
};

/// An authorization key: its id and what hangs on it, never the key.
struct page_key {
  std::string id; ///< 16 hexadecimal digits
  wall_time created;
  bool temporary = false;
  std::int32_t layer = 0;
  std::int64_t user_id = 0;
  std::uint32_t sessions = 0;
};

/// How often a method was called.
struct page_method {
  std::string name;
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;
};

/// One call, for the list of the latest.
struct page_call {
  wall_time at;
  std::uint64_t connection = 0;
  std::string method;
  std::string error; ///< such as `400 PEER_ID_INVALID`; empty when it succeeded
  std::chrono::microseconds took{0};
};

/// A login code that a person would have received.
struct page_code {
  std::string phone;
  std::string code;
  wall_time at;
};

/// Everything but the messages.
struct page_state {
  std::string address; ///< where clients connect: `127.0.0.1:10443`
  std::int32_t dc = 0;
  std::int32_t layer = 0;           ///< the newest that the sandbox speaks
  std::vector<std::int32_t> layers; ///< all whose schema it has
  std::string rsa_fingerprint;      ///< 16 hexadecimal digits
  wall_time started;
  std::vector<page_user> users;
  std::vector<page_group> groups;
  std::vector<page_chat> chats;
  std::vector<page_connection> connections;
  std::vector<page_key> keys;
  std::vector<page_method> methods;
  std::vector<page_method> missing; ///< called, in the schema, not simulated
  std::vector<page_call> calls;     ///< the latest, newest last, at most 200
  std::vector<page_code> codes;     ///< the latest, newest last, at most 20
};

/// Text that somebody at the page wrote.
struct page_text {
  std::int64_t as = 0; ///< who writes
  std::int64_t to = 0; ///< in which chat
  std::string text;    ///< 1 to 4,096 UTF-16 code units
  std::vector<page_entity> entities;
  std::int32_t reply_to = 0;
};

/// A group that a person makes.
struct page_new_group {
  std::int64_t as = 0;
  page_group_kind kind = page_group_kind::group;
  std::string title;
  std::string username; ///< of supergroups and channels; may be empty
  /// Who is in it from the start; a bot comes into a channel as an admin.
  std::vector<std::int64_t> members;
};

enum class page_member_change : std::uint8_t { add, remove, promote, demote };

/// What `as` does with `user` in a group; with itself: come in, or leave.
struct page_membership {
  std::int64_t as = 0;
  std::int64_t chat = 0;
  std::int64_t user = 0;
  page_member_change change = page_member_change::add;
};

/// Many chats with a bot at once, for tests under load: private ones, groups, supergroups and
/// channels in turn.
struct page_load {
  std::int64_t bot = 0;
  std::int32_t chats = 0;  ///< 1 to 100,000
  std::int32_t people = 0; ///< among whom groups and channels are shared out; 1 to 10,000
};

struct page_load_chat {
  std::int64_t chat = 0;   ///< as the writer sees it: the bot, or a group
  std::int64_t writer = 0; ///< a person who may write there
};

/// A click on a callback button.
struct page_click {
  std::int64_t as = 0;
  std::int64_t chat = 0;
  std::int32_t message = 0;
  bytes data; ///< at most 64 octets
};

/// Things that happen; each is told to every open page.
namespace page_events {

/// `owner` sees `message` in the chat with `peer` for the first time.
struct message_new {
  std::int64_t owner = 0;
  std::int64_t peer = 0;
  page_message message;
};
/// A message has changed: text, keyboard, or how far it has come.
struct message_edited {
  std::int64_t owner = 0;
  std::int64_t peer = 0;
  page_message message;
};
struct messages_deleted {
  std::int64_t owner = 0;
  std::int64_t peer = 0;
  std::vector<std::int32_t> ids;
};
/// All that `owner` wrote up to `up_to` has been read by `peer`.
struct messages_read {
  std::int64_t owner = 0;
  std::int64_t peer = 0;
  std::int32_t up_to = 0;
};
/// `peer` is (or, with `on` false, is no longer) writing to `owner`.
struct typing {
  std::int64_t owner = 0;
  std::int64_t peer = 0;
  bool on = true;
};
/// What a bot answered to a click; or, with `timed_out`, that it did not.
struct click_answered {
  std::uint64_t query = 0; ///< what `page_model::click` returned
  std::string text;
  bool alert = false;
  std::string url;
  bool timed_out = false;
};
struct user_changed {
  page_user user; ///< new, or changed
};
struct group_changed {
  page_group group; ///< new, or changed
};
struct connection_changed {
  page_connection connection;
  bool open = true;
};
struct key_changed {
  page_key key;
};
struct code_shown {
  page_code code;
};
/// A call came to its end. The first kind to be left out when a page cannot keep up.
struct call_done {
  page_call call;
};
/// So much has changed that a page should ask for the state anew.
struct reload {};

} // namespace page_events

using page_event =
    std::variant<page_events::message_new, page_events::message_edited,
                 page_events::messages_deleted, page_events::messages_read, page_events::typing,
                 page_events::click_answered, page_events::user_changed, page_events::group_changed,
                 page_events::connection_changed, page_events::key_changed, page_events::code_shown,
                 page_events::call_done, page_events::reload>;

/// The sandbox as its page sees it. Called from several threads of the HTTP server at once, none of
/// them a scheduler or I/O thread; a call may wait, but not for longer than a few seconds.
/// Errors: `bad_argument` becomes 400, `not_found` 404, `rpc` 400 with Telegram's name,
/// `deadline` 504, anything else 500; the page shows `error::what`.
class page_model {
public:
  virtual ~page_model() = default;

  virtual result<page_state> state() = 0;

  /// The chat of `owner` with `peer`, a user or a group, oldest first: the last `limit` (1 to 200)
  /// messages with an id below `before` (0: no bound).
  virtual result<std::vector<page_message>> messages(std::int64_t owner, std::int64_t peer,
                                                     std::int32_t before, std::int32_t limit) = 0;

  /// Sends as if by a client of `text.as`; returns the message as the sender sees it.
  virtual result<page_message> send(const page_text& text) = 0;

  /// Replaces text and entities of a message that `text.as` has written.
  virtual result<page_message> edit(std::int32_t message, const page_text& text) = 0;

  /// Deletes a message for both sides.
  virtual result<void> remove(std::int64_t as, std::int64_t chat, std::int32_t message) = 0;

  /// Marks what `chat` wrote to `as` as read, up to `up_to`.
  virtual result<void> mark_read(std::int64_t as, std::int64_t chat, std::int32_t up_to) = 0;

  /// Clicks; returns at once with the number that `page_events::click_answered` will carry.
  virtual result<std::uint64_t> click(const page_click& click) = 0;

  /// Makes a person. `username` may be empty; one that is taken is a `bad_argument`.
  virtual result<page_user> create_user(const std::string& name, const std::string& username) = 0;

  virtual result<page_group> create_group(const page_new_group& wanted) = 0;
  virtual result<page_group> change_member(const page_membership& change) = 0;
  /// Whether a bot gets of groups only what concerns it; it is on for new bots.
  virtual result<page_user> set_privacy(std::int64_t bot, bool on) = 0;
  virtual result<std::vector<page_load_chat>> create_load(const page_load& wanted) = 0;
};

} // namespace cafegram::sandbox

#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

/// An account's updates, as the boxes see them: places and sizes. What is in an update only its
/// owner knows. Spec: "Working with Updates".
namespace cafegram::protocol {

/// Which counter orders an update. Spec: "Message-related event sequences".
enum class box_kind : std::uint8_t {
  none,      ///< no counter: handed out as it comes
  common,    ///< `pts` of private chats and basic groups
  secondary, ///< `qts`
  sequence,  ///< `seq` of containers
  channel,   ///< `pts` of one channel
};

/// Names a box. `channel` is 0 for all but those of channels.
struct box_id {
  box_kind kind = box_kind::none;
  std::int64_t channel = 0;

  friend auto operator<=>(const box_id&, const box_id&) = default;
};

inline constexpr box_id common_box{box_kind::common, 0};
inline constexpr box_id secondary_box{box_kind::secondary, 0};
inline constexpr box_id sequence_box{box_kind::sequence, 0};

constexpr box_id channel_box(std::int64_t channel) {
  return {box_kind::channel, channel};
}

/// Where an account stands. Spec: "updates.state".
struct account_place {
  std::int32_t pts = 0;
  std::int32_t qts = 0;
  std::int32_t date = 0;
  std::int32_t seq = 0;
  /// What a server's answer does not have: differences have named the channels that moved by then
  /// (the server's time). 0: by `date`, which containers with `seq` move too.
  std::int32_t named_until = 0;

  friend bool operator==(const account_place&, const account_place&) = default;
};

/// Where a channel stands.
struct channel_place {
  std::int64_t channel = 0;
  std::int32_t pts = 0;
  /// More may have been there already when this was written: who begins with it has to ask.
  bool unsure = false;
  /// It could not be seen any more. Heard of again it begins there, not before this place.
  bool closed = false;
  /// It was heard of for the first time, and is looked through for what has come since then (the
  /// server's time, in seconds): what is older is history. 0: nothing is.
  std::int32_t since = 0;

  friend bool operator==(const channel_place&, const channel_place&) = default;
};

/// What an update is; its owner derives from this.
class update_body {
public:
  virtual ~update_body() = default;

protected:
  update_body() = default;
  update_body(const update_body&) = default;
  update_body& operator=(const update_body&) = default;
};

/// What an update means to the boxes.
enum class update_role : std::uint8_t {
  ordinary,
  transient,        ///< comes in no difference, so nothing holds it up: queries, typing, status
  channel_hint,     ///< ordinary, and says that its channel stands at `value` or further
  channel_too_long, ///< a channel's difference is needed; `value` is its pts, 0 where not told
  state_lost,       ///< the common box has begun anew: `updatePtsChanged`
};

/// One update and its place: after it the counter of `box` is `value`, and `count` steps were in
/// it. A count of 0 moves nothing and holds only at exactly `value`.
struct update_item {
  box_id box;
  std::int32_t value = 0;
  std::int32_t count = 0;
  update_role role = update_role::ordinary;
  /// It names somebody who cannot be addressed with what is known: the difference tells who.
  bool strangers = false;
  std::uint64_t mark = 0;                  ///< of its content; tells apart those with a count of 0
  std::int32_t date = 0;                   ///< server time in seconds, 0 where not told
  std::uint32_t octets = 0;                ///< what it takes while it waits
  std::shared_ptr<const update_body> body; ///< null: only moves the counter
};

/// One `Updates` object in one form. Short forms are containers without `seq`.
struct update_container {
  std::vector<update_item> items;
  std::int32_t date = 0;
  std::int32_t seq_start = 0; ///< 0: stands outside the order of containers
  std::int32_t seq = 0;
  bool too_long = false; ///< `updatesTooLong`
  bool own = false;      ///< the result of an own call: no sign that the server pushes
};

/// An answer to `updates.getDifference`.
struct account_difference {
  enum class form : std::uint8_t { empty, whole, slice, too_long };

  form what = form::empty;
  std::vector<update_item> items;
  account_place place;          ///< empty: `date` and `seq` alone; too_long: `pts` alone
  std::int32_t server_time = 0; ///< seconds; 0: no bound on the age of updates holds
};

/// An answer to `updates.getChannelDifference`.
struct channel_difference {
  enum class form : std::uint8_t { empty, updates, too_long };

  form what = form::empty;
  bool final = true;
  std::vector<update_item> items;
  std::int32_t pts = 0;     ///< of too_long: that of its dialog
  std::int32_t timeout = 0; ///< seconds; 0: not told
  std::int32_t server_time = 0;
};

/// Why there is no difference.
enum class difference_failure : std::uint8_t {
  later,         ///< network, flood limits, trouble at the server: asked again with back-off
  forbidden,     ///< the account may not see this channel (any more)
  no_address,    ///< the channel's access hash is not known
  place_unknown, ///< the server does not have this place
  unreadable,    ///< the answer cannot be read
};

/// Updates of one box, in its order. All that it takes to know each again whatever way it comes is
/// the box and the update's `value`; in a difference some have none, those are known by what they
/// are. The box stands at `from` before and at `to` after them (both 0 for `box_kind::none`).
struct accepted_updates {
  box_id box;
  std::int32_t from = 0;
  std::int32_t to = 0;
  std::vector<update_item> updates;
};

/// Why updates are lost.
enum class loss : std::uint8_t {
  too_long,   ///< the server has more than it tells
  forbidden,  ///< the channel may not be seen any more
  too_old,    ///< older than the owner wants
  not_wanted, ///< the owner begins with what comes from now on
  place_lost, ///< the server has lost the place, or begun anew
  never_came, ///< no difference brings what is missing
  no_room,    ///< too many channels at once
};

/// What cannot be recovered: what is beyond `from`, up to `to`, unless it is handed out beside
/// this. Without `to`: until the box is next heard of.
struct updates_lost {
  box_id box;
  std::int32_t from = 0;
  std::optional<std::int32_t> to;
  loss why = loss::too_long;
};

struct channel_question {
  std::int64_t channel = 0;
  std::int32_t pts = 0;
  std::int32_t limit = 0;
};

/// At most so many places that are unsure, of channels beyond this one, by rising numbers.
struct unsure_page {
  std::int64_t beyond = 0;
  std::size_t most = 0;
};

/// What the owner has to do, in this order. What is told, saved and forgotten belongs into one
/// transaction: the places are always those behind what has been told. What `loaded` says belongs
/// into the same one: a difference may have named its channel, and behind `save` none does again.
struct update_outcome {
  std::vector<std::variant<accepted_updates, updates_lost>> told;
  std::optional<account_place> save;
  std::vector<channel_place> save_channels;
  bool forget_all = false; ///< all places that are stored; before the others are saved
  /// All channels' places that are stored, but for the closed ones, become unsure; before the
  /// others are saved.
  bool doubt_all = false;

  // Then, each answered once:
  std::vector<std::int64_t> load_channels;    ///< `account_updates::loaded`
  std::optional<unsure_page> load_unsure;     ///< `account_updates::loaded_unsure`
  bool ask_place = false;                     ///< `updates.getState`
  std::optional<account_place> ask;           ///< `updates.getDifference`
  std::vector<channel_question> ask_channels; ///< `updates.getChannelDifference`

  bool empty() const {
    return told.empty() && !save && save_channels.empty() && !forget_all && !doubt_all &&
           load_channels.empty() && !load_unsure && !ask_place && !ask && ask_channels.empty();
  }
};

} // namespace cafegram::protocol

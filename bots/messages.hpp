#pragma once

#include <cafegram/actors/messages.hpp>
#include <cafegram/base/environment.hpp>
#include <cafegram/bots/updates.hpp>

#include <caf/error.hpp>
#include <caf/meta/load_callback.hpp>
#include <caf/meta/type_name.hpp>
#include <caf/sec.hpp>
#include <caf/type_id.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace cafegram {

/// `chat_ref::marked_id`: which conversation.
using chat_key = std::int64_t;

/// So many messages an album has at most. Spec: messages.sendMultiMedia.
inline constexpr std::uint32_t album_most = 10;

/// An update as bytes: `version:u32 identity:string account:i64 username:string lost:u64
/// kind:u32 id:i64 access_hash:i64`, then `update:bytes users:Vector<User> chats:Vector<Chat>
/// album:u32`, with so many times `part:bytes`, each an update without an album, or of a loss
/// `gap:u32` and with a gap of 1 or 2 `channel:i64 box:string from:i32 to:i32 why:string` (2: no
/// `to`).
bytes encode_update(const update_data& data);
/// Errors: `malformed`, `limit`.
result<std::shared_ptr<const update_data>> decode_update(bytes_view data);

/// Handle this update. In one process the pointer travels, between processes its bytes.
struct deliver {
  chat_key chat = 0;
  std::uint64_t number = 0; ///< counts the deliveries of the dispatcher; 0 is none
  std::shared_ptr<const update_data> update;
  bool kept = false;                 ///< it comes again if this does not come to its end
  std::vector<made_send> sends = {}; ///< made when it was delivered before: they are not made again
  bool for_waiting = false;          ///< to coroutines that wait for it; else it is `refused`
};

/// How the handling of an update ended.
enum class handling : std::uint8_t {
  done,        ///< the handler has returned, its coroutine has ended, its sends are answered
  cancelled,   ///< its coroutine was ended, for it holds too many: this is the last one
  refused,     ///< too many coroutines run in this conversation
  unsent,      ///< a send of it has no outcome, or none that lasts: kept, it is handled again
  interrupted, ///< its coroutine was ended over another update
};
std::string_view to_string(handling how);

/// A send made while handling, and what became of it.
struct effect {
  std::int64_t random_id = 0;
  std::int32_t message_id = 0; ///< 0: not told
  bool sent = false;
};

/// An update is dealt with: nothing that it caused is under way any more.
struct finished {
  chat_key chat = 0;
  std::uint64_t number = 0;
  handling how = handling::done;
  std::vector<effect> effects;
  /// What was stored meanwhile: only with `done`, and written in one change with the end of all.
  std::vector<chat_value> values = {};
  std::vector<std::uint64_t> more = {}; ///< deliveries that end in the same change
};

/// What a coroutine has stored that holds no update: there is no end to write it with.
struct values_stored {
  chat_key chat = 0;
  std::vector<chat_value> values;
  std::int64_t account = 0; ///< that its first update came to
};

/// Sends for an update that goes on are answered.
struct sends_made {
  chat_key chat = 0;
  std::uint64_t number = 0;
  std::vector<made_send> sends;
};

/// The coroutine that handles an update waits for the next one or for time.
struct suspended {
  chat_key chat = 0;
  std::uint64_t number = 0;
};

/// Send `wake` at this time; `steady_time::max()`: no more.
struct wake_at {
  chat_key chat = 0;
  steady_time when;
};

/// An update made in this process.
struct local_update {
  std::shared_ptr<const update_data> update;
};

/// A picture of a dispatcher.
struct dispatcher_status {
  std::size_t chats = 0;       ///< known: awake, or with something in the queue
  std::size_t awake = 0;       ///< conversations that exist
  std::size_t queued = 0;      ///< updates that wait
  std::size_t in_flight = 0;   ///< delivered and not finished
  std::uint64_t delivered = 0; ///< in all, as the rest
  std::uint64_t finished = 0;
  std::uint64_t failed = 0;    ///< updates whose handler threw, or died
  std::uint64_t lost = 0;      ///< dropped because a chat's queue was full
  std::uint64_t cancelled = 0; ///< of the finished ones: their coroutine was ended from outside
  std::uint64_t refused = 0;   ///< of the finished ones: too many coroutines ran already
  std::uint64_t unsent = 0;    ///< of the finished ones: a send did not come to its end
  std::uint64_t sent = 0;      ///< messages that Telegram has taken
  std::uint64_t put_to_sleep = 0;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, made_send& x) {
  return f(caf::meta::type_name("cafegram::made_send"), x.random_id, x.sent_id, x.date,
           x.was_duplicate);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, chat_value& x) {
  return f(caf::meta::type_name("cafegram::chat_value"), x.key, x.value, x.erased);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, deliver& x) {
  bytes payload;
  if constexpr (Inspector::reads_state) {
    if (x.update) {
      payload = encode_update(*x.update);
    }
  }
  auto load = [&]() -> caf::error {
    if constexpr (Inspector::writes_state) {
      auto update = decode_update(payload);
      if (!update) {
        return caf::make_error(caf::sec::invalid_argument, to_string(update.error()));
      }
      x.update = *std::move(update);
    }
    return caf::none;
  };
  return f(caf::meta::type_name("cafegram::deliver"), x.chat, x.number, payload, x.kept, x.sends,
           x.for_waiting, caf::meta::load_callback(load));
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, sends_made& x) {
  return f(caf::meta::type_name("cafegram::sends_made"), x.chat, x.number, x.sends);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, effect& x) {
  return f(caf::meta::type_name("cafegram::effect"), x.random_id, x.message_id, x.sent);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, finished& x) {
  return f(caf::meta::type_name("cafegram::finished"), x.chat, x.number, x.how, x.effects, x.values,
           x.more);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, values_stored& x) {
  return f(caf::meta::type_name("cafegram::values_stored"), x.chat, x.values, x.account);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, suspended& x) {
  return f(caf::meta::type_name("cafegram::suspended"), x.chat, x.number);
}

} // namespace cafegram

CAF_BEGIN_TYPE_ID_BLOCK(cafegram_bots, caf::id_block::cafegram::end)

CAF_ADD_TYPE_ID(cafegram_bots, (cafegram::deliver))
CAF_ADD_TYPE_ID(cafegram_bots, (cafegram::finished))
CAF_ADD_TYPE_ID(cafegram_bots, (cafegram::suspended))
CAF_ADD_TYPE_ID(cafegram_bots, (cafegram::sends_made))
CAF_ADD_TYPE_ID(cafegram_bots, (cafegram::values_stored))
CAF_ADD_ATOM(cafegram_bots, cafegram, wake_atom, "wake")

CAF_END_TYPE_ID_BLOCK(cafegram_bots)

// They point into this process, or speak of its clock.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::wake_at)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::local_update)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cafegram::dispatcher_status)

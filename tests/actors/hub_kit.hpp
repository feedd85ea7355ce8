#pragma once

#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/peer_notes.hpp>
#include <cafegram/actors/update_hub.hpp>
#include <cafegram/actors/updates.hpp>
#include <cafegram/storage/inbox.hpp>
#include <cafegram/storage/peers.hpp>
#include <cafegram/storage/session.hpp>
#include <cafegram/tl/api.hpp>

#include <fmt/format.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "played_change.hpp"
#include "virtual_time.hpp"

namespace cafegram::test {

inline constexpr std::int64_t me = 4242;

inline tl::Message message_of(std::int32_t id, std::int64_t user = 7) {
  return tl::message{.id = id,
                     .peer_id = tl::peerUser{.user_id = user},
                     .date = 1000 + id,
                     .message = fmt::format("m{}", id)};
}

inline tl::Update fresh(std::int32_t id, std::int32_t pts, std::int64_t user = 7) {
  return tl::updateNewMessage{.message = message_of(id, user), .pts = pts, .pts_count = 1};
}

/// A message in a channel.
inline tl::Update posted(std::int64_t channel, std::int32_t id, std::int32_t pts) {
  tl::message what{.id = id,
                   .peer_id = tl::peerChannel{.channel_id = channel},
                   .date = 1000 + id,
                   .message = fmt::format("p{}", id)};
  return tl::updateNewChannelMessage{.message = std::move(what), .pts = pts, .pts_count = 1};
}

inline tl::Update query(std::int64_t id) {
  return tl::updateBotCallbackQuery{
      .query_id = id, .user_id = 7, .peer = tl::peerUser{.user_id = 7}, .msg_id = 1};
}

/// Has a counter neither of its own nor of a box.
inline tl::Update name_of(std::int64_t user) {
  return tl::updateUserPhone{.user_id = user, .phone = "1"};
}

inline raw_updates live(std::vector<tl::Update> updates, std::int32_t seq = 0) {
  return {std::make_shared<const bytes>(
      tl::encode(tl::Updates{tl::updates_{.updates = std::move(updates), .date = 1, .seq = seq}}))};
}

inline raw_updates short_message(std::int32_t id, std::int64_t from, std::int32_t pts) {
  return {std::make_shared<const bytes>(tl::encode(tl::updateShortMessage{
      .id = id, .user_id = from, .message = "hi", .pts = pts, .pts_count = 1, .date = 5}))};
}

/// What the tests see of one update: a message's id, or another thing's.
inline std::int64_t mark_of(const tl::Update& update) {
  if (const auto* message = tl::get_if<tl::updateNewMessage>(update)) {
    return tl::get_if<tl::message>(message->message)->id;
  }
  if (const auto* message = tl::get_if<tl::updateNewChannelMessage>(update)) {
    return tl::get_if<tl::message>(message->message)->id;
  }
  if (const auto* asked = tl::get_if<tl::updateBotCallbackQuery>(update)) {
    return asked->query_id;
  }
  if (const auto* named = tl::get_if<tl::updateUserPhone>(update)) {
    return named->user_id;
  }
  if (const auto* stopped = tl::get_if<tl::updateBotStopped>(update)) {
    return stopped->user_id;
  }
  return 0;
}

/// As above; of the note that some are lost -1.
inline std::int64_t mark_of(const received_update& update) {
  return update.lost ? -1 : mark_of(update.update);
}

/// The server, the store and the receiver of one hub.
struct hub_world {
  tl::updates::state state{.pts = 10, .qts = 3, .date = 1, .seq = 1};
  std::deque<result<tl::updates::Difference>> differences; ///< then `differenceEmpty`
  std::vector<tl::updates::getDifference> asked;
  /// Of each channel; then `channelDifferenceEmpty` from where it was asked.
  std::map<std::int64_t, std::deque<result<tl::updates::ChannelDifference>>> channel_differences;
  std::vector<tl::updates::getChannelDifference> asked_channels;
  int garbled = 0;   ///< so many differences cannot be read
  bool hold = false; ///< the next difference waits for `network_available`
  std::optional<caf::typed_response_promise<invoke_answer>> held;

  int unreadable = 0; ///< so many times the store cannot be read
  int looked_up = 0;  ///< channels in the store
  bool answers_look_ups = true;
  /// What the store is asked and does not answer: "load", "flush", "inbox", or "rows" of it.
  std::string unanswered;
  storage::session_state stored;
  std::shared_ptr<storage::backend> rows = storage::make_memory_store();
  storage::peer_cache noted;
  std::vector<peers_came> peers;   ///< that the store was told
  std::vector<std::string> orders; ///< `peers` and `write`, as they came to the store
  std::deque<session_change> unwritten;
  bool failing = false;    ///< nothing can be written
  bool hides_rows = false; ///< those that are asked for by number cannot be read
  bool holds_writes = false;
  std::deque<caf::response_promise> held_writes;
  std::vector<std::int64_t> seen;

  caf::result<void> write() {
    if (failing) {
      return to_caf(error::make(errc::storage, "no room on the device"));
    }
    for (; !unwritten.empty(); unwritten.pop_front()) {
      make_change(unwritten.front(), stored);
      if (const auto& progress = unwritten.front().progress) {
        storage::batch changes;
        changes.changes = progress->rows;
        EXPECT_TRUE(rows->apply(changes));
      }
    }
    return caf::unit;
  }
  caf::result<session_snapshot> load() {
    if (unanswered == "load") {
      return caf::delegated<session_snapshot>{}; // to nobody
    }
    if (unreadable > 0) {
      --unreadable;
      return to_caf(error::make(errc::storage, "not now"));
    }
    // What is on its way to the disk is told already.
    auto newest = stored;
    for (const auto& change : unwritten) {
      make_change(change, newest);
    }
    return session_snapshot{std::make_shared<const storage::session_state>(std::move(newest))};
  }

  caf::result<inbox_page> page(const inbox_request& what) const {
    if (unanswered == (what.numbers.empty() ? "inbox" : "rows")) {
      return caf::delegated<inbox_page>{};
    }
    if (hides_rows && !what.numbers.empty()) {
      return to_caf(error::make(errc::storage, "not now"));
    }
    return inbox_page{std::make_shared<const storage::inbox_content>(
        what.numbers.empty() ? *read_unfinished(*rows, what.after, {.rows = 2})
                             : *read_unfinished(*rows, what.numbers))};
  }

  /// The write that is under way ends.
  void let_write() {
    auto promise = std::move(held_writes.front());
    held_writes.pop_front();
    static_cast<void>(write());
    promise.deliver(caf::unit);
  }

  /// A row of the user's own, as it is written.
  std::optional<std::string> value(const std::string& key) const {
    const auto found = rows->get(storage::table::value, key).value();
    return found ? std::optional{std::string{as_text(*found)}} : std::nullopt;
  }

  /// The same with what is on its way to the disk.
  std::optional<std::string> latest_value(const std::string& key) const {
    auto out = value(key);
    for (const auto& one : unwritten) {
      if (!one.progress) {
        continue;
      }
      for (const auto& row : one.progress->rows) {
        if (row.in == storage::table::value && row.key == key) {
          out = row.what == storage::change::kind::put
                    ? std::optional{std::string{as_text(row.value)}}
                    : std::nullopt;
        }
      }
    }
    return out;
  }

  static invoke_answer encoded(const auto& value) {
    return {std::make_shared<const bytes>(tl::encode(value))};
  }

  static invoke_answer nothing_readable() {
    return {std::make_shared<const bytes>(bytes{1, 2, 3, 4})};
  }

  result<invoke_answer> next_difference() {
    if (garbled > 0) {
      --garbled;
      return nothing_readable();
    }
    if (differences.empty()) {
      return encoded(
          tl::updates::Difference{tl::updates::differenceEmpty{.date = 1, .seq = state.seq}});
    }
    const auto next = std::move(differences.front());
    differences.pop_front();
    return next ? result<invoke_answer>{encoded(*next)} : std::unexpected(next.error());
  }

  result<invoke_answer>
  next_channel_difference(const tl::updates::getChannelDifference& asked_for) {
    asked_channels.push_back(asked_for);
    if (garbled > 0) {
      --garbled;
      return nothing_readable();
    }
    auto& queue = channel_differences[tl::get_if<tl::inputChannel>(asked_for.channel)->channel_id];
    if (queue.empty()) {
      return encoded(tl::updates::ChannelDifference{
          tl::updates::channelDifferenceEmpty{.final = true, .pts = asked_for.pts}});
    }
    const auto next = std::move(queue.front());
    queue.pop_front();
    return next ? result<invoke_answer>{encoded(*next)} : std::unexpected(next.error());
  }

  /// Messages of a channel, up to a place.
  void bring_posts(std::int64_t channel, const std::vector<std::int32_t>& messages,
                   std::int32_t pts) {
    tl::updates::channelDifference out{.final = true, .pts = pts};
    for (const auto id : messages) {
      out.new_messages.push_back(
          tl::get_if<tl::updateNewChannelMessage>(posted(channel, id, 0))->message);
    }
    channel_differences[channel].emplace_back(tl::updates::ChannelDifference{std::move(out)});
  }

  /// `messages` and what else, up to a place.
  void bring(const std::vector<std::int32_t>& messages, std::vector<tl::Update> others,
             const tl::updates::state& to) {
    tl::updates::difference out{.other_updates = std::move(others), .state = to};
    for (const auto id : messages) {
      out.new_messages.push_back(message_of(id));
    }
    differences.emplace_back(tl::updates::Difference{std::move(out)});
  }
};

inline client_actor::behavior_type played_client(client_actor::pointer self,
                                                 std::shared_ptr<hub_world> world) {
  return {
      [self, world](const invoke_request& request) -> caf::result<invoke_answer> {
        const auto give = [](result<invoke_answer> answer) -> caf::result<invoke_answer> {
          if (!answer) {
            return to_caf(answer.error());
          }
          return *std::move(answer);
        };
        switch (tl::reader{*request.function}.peek_u32()) {
        case tl::updates::getState::tl_id:
          return hub_world::encoded(tl::updates::State{world->state});
        case tl::updates::getChannelDifference::tl_id:
          return give(world->next_channel_difference(
              *tl::decode<tl::updates::getChannelDifference>(*request.function)));
        default:
          break;
        }
        world->asked.push_back(*tl::decode<tl::updates::getDifference>(*request.function));
        if (world->hold) {
          world->held = self->make_response_promise<invoke_answer>();
          return *world->held;
        }
        return give(world->next_difference());
      },
      [](const callback_call&) {},
      [](const cancel_calls&) {},
      [](const peer_request&) -> caf::result<resolved_peer> { return caf::sec::invalid_argument; },
      [](const session_export&) -> caf::result<exported_session> {
        return caf::sec::invalid_argument;
      },
      [](const bot_login&) -> caf::result<account> { return caf::sec::invalid_argument; },
      [](caf::subscribe_atom, const caf::actor&) {},
      [](const channel_follow&) {},
      [](const update_claim&) {},
      [](status_atom) { return client_status{}; },
      [world](const network_available&) {
        if (auto promise = std::exchange(world->held, std::nullopt)) {
          world->hold = false;
          promise->deliver(world->next_difference().value());
        }
      },
      [](const stop_request&) -> caf::result<caf::ok_atom> { return caf::ok_atom_v; },
      [](const connection_report&) {},
      [](const login_lost&) {},
      [](caf::tick_atom, std::uint64_t) {},
  };
}

inline session_store_actor::behavior_type played_store(session_store_actor::pointer self,
                                                       std::shared_ptr<hub_world> world) {
  return {
      [world](load_atom) { return world->load(); },
      [self, world](const session_change& by) -> caf::result<void> {
        world->unwritten.push_back(by);
        world->orders.emplace_back("write");
        if (world->holds_writes) {
          world->held_writes.push_back(self->make_response_promise());
          return world->held_writes.back();
        }
        return world->write();
      },
      [world](const inbox_request& what) { return world->page(what); },
      [world](const value_lookup& what) { return stored_value{world->latest_value(what.key)}; },
      [](const session_export&) -> caf::result<exported_session> {
        return caf::sec::invalid_argument;
      },
      [world](const peers_came& what) {
        storage::batch rows;
        for (const auto& seen : what.seen) {
          note_peers(world->noted, *seen, rows);
        }
        EXPECT_TRUE(world->rows->apply(rows));
        world->peers.push_back(what);
        world->orders.emplace_back("peers");
      },
      [world](const peer_lookup& what) -> caf::result<peer_found> {
        ++world->looked_up;
        if (!world->answers_look_ups) {
          return caf::delegated<peer_found>{}; // to nobody
        }
        const auto found = find_peer(*world->rows, kind_of(what.what), what.what.id());
        return peer_found{
            *found ? std::make_shared<const storage::peer_address>(address_of(**found)) : nullptr};
      },
      [world](caf::flush_atom) -> caf::result<void> {
        if (world->unanswered == "flush") {
          return caf::delegated<void>{};
        }
        return world->write();
      },
      [](const session_ended&) {},
      [world](caf::tick_atom) { world->let_write(); },
  };
}

/// A hub between a server, a store and a receiver that a test plays, on a clock that it moves.
struct hub_stage {
  std::shared_ptr<hub_world> world = std::make_shared<hub_world>();
  test::virtual_system actors;
  client_actor client = actors.system().spawn(played_client, world);
  session_store_actor store = actors.system().spawn(played_store, world);
  caf::actor receiver = actors.system().spawn([world = world]() -> caf::behavior {
    return {[world](const update_event& event) { world->seen.push_back(mark_of(*event.update)); }};
  });
  update_hub_actor hub = spawn_update_hub(actors.system(), actors.services(), client, store);

  hub_stage() = default;
  hub_stage(const hub_stage&) = delete;
  hub_stage& operator=(const hub_stage&) = delete;
  ~hub_stage() {
    for (const auto& actor : {caf::actor_cast<caf::actor>(hub), caf::actor_cast<caf::actor>(client),
                              caf::actor_cast<caf::actor>(store), receiver}) {
      caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    }
    world->held.reset();
    world->held_writes.clear();
    actors.run();
  }

  void begin(updates_from from, std::int64_t account = me, bool bot = true) {
    caf::anon_send(hub,
                   hub_start{{.id = account, .bot = bot, .first_name = {}, .username = {}}, from});
    actors.run();
  }
  void subscribe() {
    caf::anon_send(hub, caf::subscribe_atom_v, receiver);
    actors.run();
  }
  void wire(raw_updates updates) {
    caf::anon_send(hub, std::move(updates));
    actors.run();
  }
  std::vector<std::int64_t> take() { return std::exchange(world->seen, {}); }

  using marks = std::vector<std::int64_t>;
};

} // namespace cafegram::test

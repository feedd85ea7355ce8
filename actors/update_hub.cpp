#include <cafegram/actors/alarm.hpp>
#include <cafegram/actors/backoff.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/invoke.hpp>
#include <cafegram/actors/peer_memory.hpp>
#include <cafegram/actors/update_fanout.hpp>
#include <cafegram/actors/update_hub.hpp>
#include <cafegram/actors/update_parts.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/protocol/update_box.hpp>
#include <cafegram/storage/session.hpp>
#include <cafegram/tl/api.hpp>

#include <caf/all.hpp>

#include <deque>
#include <map>
#include <unordered_map>

namespace cafegram {

namespace {

using protocol::update_box;
using protocol::update_token;
using std::chrono::milliseconds;

constexpr std::chrono::minutes silence_limit{15};
constexpr milliseconds retry_least{500};
constexpr milliseconds retry_most{30'000};
constexpr std::size_t max_kept = 1024; ///< objects that come before the state is known

/// An update that a box holds, with what came with it.
struct boxed_update {
  tl::Update update;
  std::shared_ptr<const peers_seen> peers;
  std::int32_t date = 0;
  bool own = false;
};

struct update_hub_state {
  explicit update_hub_state(update_hub_actor::pointer actor)
    : self{actor} {}

  update_hub_actor::pointer self;
  runtime::services services;
  client_actor client;
  session_store_actor store;

  account who;
  bool started = false;
  bool fetching = false;
  /// Where the counting began at this login, until what came before is handed out: updates up to
  /// here come in no difference, and nobody has seen them.
  std::optional<storage::update_state> beginning;
  bool again = false; ///< another difference once this one is done
  storage::update_state state;
  update_box common;
  update_box secondary;
  std::unordered_map<std::uint64_t, boxed_update> held;
  std::uint64_t next_token = 1;
  std::deque<shared_bytes> kept;
  peer_memory users;

  std::optional<update_fanout> receivers;
  bool behind = false; ///< receivers are slow: what a difference brings again is left to it
  alarm ticks;
  backoff waits{retry_least, retry_most};
  std::optional<steady_time> retry_at;
  steady_time last_sign{};

  steady_time now() const { return services.clock->steady_now(); }

  // -- beginning
  void begin(const hub_start& how);
  void fetch_state();
  void take_state(const tl::updates::state& from);

  // -- from the wire
  void receive(const raw_updates& what);
  void process(bytes_view object, bool own);
  void process(const update_batch& batch, bool own);
  bool in_sequence(const update_batch& batch) const;
  void offer(update_box& box, boxed_update what, const update_place& place);
  void settle(const protocol::box_verdict& verdict);
  void move_counter(const update_place& place);
  void suspect(const updates_suspect& why);
  void own(const own_result& what);

  // -- difference
  void fetch_difference();
  void take_difference(const tl::updates::Difference& answer);
  template <class Difference>
  void apply_difference(const Difference& from, const tl::updates::State& to);
  void retry_later(const error& why);
  void finish_difference();
  void restart_boxes();

  // -- out
  void deliver(const boxed_update& what);
  void relieved();
  void subscribe(const caf::actor& receiver);

  void save() const;
  void check();
  void tick(std::uint64_t number);
};

// -- beginning ----------------------------------------------------------------------------------

void update_hub_state::begin(const hub_start& how) {
  who = how.who;
  if (how.from == updates_from::now) {
    fetch_state();
    return;
  }
  self->request(store, caf::infinite, load_atom_v)
      .then(
          [this, from = how.from](const session_snapshot& now_stored) {
            if (const auto& stored = now_stored.state->updates) {
              state = *stored;
              if (from == updates_from::login) {
                beginning = state;
              }
              started = true;
              again = true;
              check();
            } else {
              fetch_state();
            }
          },
          [](const caf::error& why) {
            log::error("update_hub", "no state: {}", to_string(to_error(why)));
          });
}

void update_hub_state::fetch_state() {
  fetching = true;
  invoke(self, client, tl::updates::getState{}, [this](const result<tl::updates::State>& answer) {
    const auto* now_there = answer ? tl::get_if<tl::updates::state>(*answer) : nullptr;
    if (now_there == nullptr) {
      fetching = false;
      retry_later(answer ? error::make(errc::malformed, "updates.getState") : answer.error());
      return;
    }
    take_state(*now_there);
    if (!started) {
      beginning = state;
    }
    started = true;
    finish_difference();
  });
}

void update_hub_state::take_state(const tl::updates::state& from) {
  state = {from.pts, from.qts, from.date, from.seq};
  restart_boxes();
  save();
}

void update_hub_state::restart_boxes() {
  settle(common.restart(state.pts, now()));
  settle(secondary.restart(state.qts, now()));
}

// -- from the wire ------------------------------------------------------------------------------

void update_hub_state::receive(const raw_updates& what) {
  last_sign = now();
  if (!started) {
    // Where this belongs is known when the state is.
    if (kept.size() < max_kept) {
      kept.push_back(what.object);
    } else {
      again = true;
    }
    return;
  }
  if (receivers->empty()) {
    // Taken from nobody: the state stays, and the first receiver gets the difference.
    again = true;
    return;
  }
  process(*what.object, false);
  check();
}

void update_hub_state::process(bytes_view object, bool own) {
  const auto batch = read_updates(object, who.id);
  if (!batch) {
    log::warn("update_hub", "updates that cannot be read: {}", to_string(batch.error()));
    return;
  }
  process(*batch, own);
}

void update_hub_state::process(const update_batch& batch, bool own) {
  users.note(*batch.peers);
  if (batch.too_long || !in_sequence(batch)) {
    again = true;
    return;
  }
  if (batch.own) {
    move_counter(*batch.own);
  }
  std::shared_ptr<const peers_seen> peers = batch.peers;
  if (batch.short_form) {
    peers = users.known(batch);
  }
  for (const auto& update : batch.updates) {
    const auto place = place_of(update);
    boxed_update what{update, peers, batch.date, own};
    if (place.order == update_order::common) {
      offer(common, std::move(what), place);
    } else if (place.order == update_order::secondary) {
      offer(secondary, std::move(what), place);
    } else {
      deliver(what);
    }
  }
  if (batch.seq != 0 && batch.seq > state.seq) {
    state.seq = batch.seq;
    state.date = std::max(state.date, batch.date);
  }
}

bool update_hub_state::in_sequence(const update_batch& batch) const {
  return batch.seq_start == 0 || state.seq == 0 || batch.seq_start <= state.seq + 1;
}

void update_hub_state::offer(update_box& box, boxed_update what, const update_place& place) {
  if (beginning && place.value <= (&box == &common ? beginning->pts : beginning->qts)) {
    deliver(what);
    return;
  }
  const auto token = next_token++;
  held.emplace(token, std::move(what));
  settle(box.offer(update_token{token}, place.value, place.count, now()));
}

void update_hub_state::settle(const protocol::box_verdict& verdict) {
  for (const auto token : verdict.drop) {
    held.erase(static_cast<std::uint64_t>(token));
  }
  if (verdict.apply.empty()) {
    return;
  }
  // Told to the store first: who has seen an update may rely on it that no later hub brings it
  // again. A hub dies between two messages, never between these two steps.
  state.pts = common.value().value_or(state.pts);
  state.qts = secondary.value().value_or(state.qts);
  save();
  for (const auto token : verdict.apply) {
    const auto found = held.find(static_cast<std::uint64_t>(token));
    const auto what = std::move(found->second);
    held.erase(found);
    if (what.update) {
      deliver(what);
    }
  }
}

void update_hub_state::move_counter(const update_place& place) {
  // Nothing to hand out, but without it the next update would look like a gap.
  offer(common, {}, place);
}

void update_hub_state::suspect(const updates_suspect& why) {
  log::debug("update_hub", "difference, because {}", why.reason);
  again = true;
  check();
}

void update_hub_state::own(const own_result& what) {
  if (!started) {
    return;
  }
  if (const auto place = place_of_result(*what.object)) {
    move_counter(*place);
  } else {
    process(*what.object, true);
  }
  check();
}

// -- difference ---------------------------------------------------------------------------------

void update_hub_state::check() {
  if (!started || fetching || behind || receivers->empty()) {
    return;
  }
  if ((again || common.behind() || secondary.behind()) && !retry_at) {
    fetch_difference();
    return;
  }
  const auto at = now();
  auto next = std::min(common.next_deadline(), secondary.next_deadline());
  next = std::min(next, last_sign + silence_limit);
  next = std::min(next, retry_at.value_or(steady_time::max()));
  ticks.set(self, next, at);
}

void update_hub_state::fetch_difference() {
  fetching = true;
  again = false;
  common.begin_difference();
  secondary.begin_difference();
  last_sign = now();
  invoke(self, client,
         tl::updates::getDifference{.pts = state.pts, .date = state.date, .qts = state.qts},
         [this](const result<tl::updates::Difference>& answer) {
           fetching = false;
           if (answer) {
             waits.reset();
             take_difference(*answer);
           } else {
             retry_later(answer.error());
           }
         });
}

void update_hub_state::take_difference(const tl::updates::Difference& answer) {
  tl::match(
      answer,
      [this](const tl::updates::differenceEmpty& empty) {
        state.date = std::max(state.date, empty.date);
        state.seq = empty.seq;
        restart_boxes();
        finish_difference();
      },
      [this](const tl::updates::difference& whole) {
        apply_difference(whole, whole.state);
        finish_difference();
      },
      [this](const tl::updates::differenceSlice& part) {
        apply_difference(part, part.intermediate_state);
        if (behind) {
          // The rest stays with the server until the receivers have taken this.
          again = true;
          finish_difference();
        } else {
          fetch_difference();
        }
      },
      [this](const tl::updates::differenceTooLong& gap) {
        log::warn("update_hub", "updates are lost between pts {} and {}", state.pts, gap.pts);
        state.pts = gap.pts;
        fetch_difference();
      },
      [this](const tl::unknown&) {
        log::warn("update_hub", "a difference that this schema does not know; going on after it");
        fetch_state();
      });
}

template <class Difference>
void update_hub_state::apply_difference(const Difference& from, const tl::updates::State& to) {
  const auto peers = std::make_shared<peers_seen>();
  note_users(*peers, from.users);
  note_chats(*peers, from.chats);
  users.note(*peers);
  for (const auto& message : from.new_messages) {
    deliver({tl::updateNewMessage{.message = message, .pts = 0, .pts_count = 0}, peers, 0, false});
  }
  for (const auto& update : from.other_updates) {
    deliver({update, peers, 0, false});
  }
  if (const auto* known = tl::get_if<tl::updates::state>(to)) {
    take_state(*known);
  }
}

void update_hub_state::retry_later(const error& why) {
  retry_at = now() + waits.take(*services.random);
  log::info("update_hub", "no difference yet: {}", to_string(why));
  again = true;
  ticks.set(self, *retry_at, now());
}

void update_hub_state::finish_difference() {
  fetching = false;
  if (receivers->empty()) {
    return;
  }
  auto waiting = std::exchange(kept, {});
  for (const auto& object : waiting) {
    process(*object, false);
  }
  beginning.reset();
  check();
}

// -- out ----------------------------------------------------------------------------------------

void update_hub_state::deliver(const boxed_update& what) {
  if (what.own || !what.update) {
    return;
  }
  auto event = std::make_shared<received_update>();
  event->identity = identity_of(who.id, what.update);
  event->update = what.update;
  event->peers = what.peers;
  event->date = what.date;
  event->account = who.id;
  receivers->add(event);
  if (!behind && receivers->backlog() > update_backlog) {
    behind = true;
    common.fall_behind();
    secondary.fall_behind();
    log::warn("update_hub", "receivers are slow: {} updates wait", receivers->backlog());
  }
}

void update_hub_state::subscribe(const caf::actor& receiver) {
  const bool first = receivers->empty();
  receivers->subscribe(receiver);
  if (first && started && !fetching) {
    finish_difference();
  }
}

void update_hub_state::relieved() {
  if (behind && receivers->backlog() < update_backlog / 2) {
    behind = false;
    again = true;
    check();
  }
}

void update_hub_state::save() const {
  self->send(store, session_change{
                        [to = state](storage::session_state& session) { session.updates = to; }});
}

void update_hub_state::tick(std::uint64_t number) {
  if (!ticks.rings(number)) {
    return;
  }
  const auto at = now();
  common.poll(at);
  secondary.poll(at);
  if (retry_at && *retry_at <= at) {
    retry_at.reset();
    if (!started) {
      fetch_state();
    }
  }
  again = again || at >= last_sign + silence_limit;
  check();
}

update_hub_actor::behavior_type hub(update_hub_actor::stateful_pointer<update_hub_state> self,
                                    const runtime::services& services, client_actor client,
                                    session_store_actor store) {
  auto& state = self->state;
  state.services = services;
  state.client = std::move(client);
  state.store = std::move(store);
  state.last_sign = state.now();
  state.receivers.emplace(self, [self] { self->state.relieved(); });
  self->set_down_handler([self](const caf::down_msg& down) {
    self->state.receivers->remove(down.source);
    self->state.relieved();
  });
  return {
      [self](const raw_updates& what) { self->state.receive(what); },
      [self](const updates_suspect& why) { self->state.suspect(why); },
      [self](const own_result& what) { self->state.own(what); },
      [self](caf::subscribe_atom, const caf::actor& receiver) { self->state.subscribe(receiver); },
      [self](const hub_start& how) { self->state.begin(how); },
      [self](caf::tick_atom, std::uint64_t number) { self->state.tick(number); },
  };
}

} // namespace

update_hub_actor spawn_update_hub(caf::actor_system& system, const runtime::services& services,
                                  client_actor client, session_store_actor store) {
  return system.spawn(hub, services, std::move(client), std::move(store));
}

} // namespace cafegram

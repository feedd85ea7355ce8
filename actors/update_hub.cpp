#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/invoke.hpp>
#include <cafegram/actors/update_hub_state.hpp>
#include <cafegram/base/log.hpp>

#include <caf/all.hpp>

namespace cafegram {

namespace {

constexpr std::chrono::minutes silence_limit{15};

} // namespace

// -- beginning ----------------------------------------------------------------------------------

void update_hub_state::begin(const hub_start& how) {
  if (who.id != 0 && who.id != how.who.id) {
    forget_account();
  }
  who = how.who;
  start = how.from;
  find_beginning();
}

/// Another one's counters say nothing about this one's updates.
void update_hub_state::forget_account() {
  ++life;
  started = false;
  fetching = false;
  again = false;
  beginning.reset();
  retry_at.reset();
  state = {};
  common = protocol::update_box{};
  secondary = protocol::update_box{};
  held.clear();
  kept = {};
}

void update_hub_state::find_beginning() {
  if (start == updates_from::now) {
    fetch_state();
    return;
  }
  self->request(store, caf::infinite, load_atom_v)
      .then(
          [this, of = life](const session_snapshot& stored) {
            if (of == life) {
              take_stored(stored);
            }
          },
          [this, of = life](const caf::error& why) {
            log::error("update_hub", "the stored state cannot be read: {}",
                       to_string(to_error(why)));
            if (of == life) {
              retry_later(to_error(why));
            }
          });
}

void update_hub_state::take_stored(const session_snapshot& stored) {
  if (!stored.state->updates) {
    fetch_state();
    return;
  }
  waits.reset();
  state = *stored.state->updates;
  if (start == updates_from::login) {
    beginning = state;
  }
  started = true;
  again = true;
  check();
}

void update_hub_state::fetch_state() {
  fetching = true;
  invoke(self, client, tl::updates::getState{},
         [this, of = life](const result<tl::updates::State>& answer) {
           if (of != life) {
             return;
           }
           const auto* now_there = answer ? tl::get_if<tl::updates::state>(*answer) : nullptr;
           if (now_there == nullptr) {
             fetching = false;
             retry_later(answer ? error::make(errc::malformed, "updates.getState")
                                : answer.error());
             return;
           }
           waits.reset();
           take_state(*now_there);
           if (!started) {
             beginning = state;
           }
           started = true;
           finish_difference();
         });
}

void update_hub_state::take_state(const tl::updates::state& now_there) {
  state = {now_there.pts, now_there.qts, now_there.date, now_there.seq};
  restart_boxes();
  save();
}

void update_hub_state::restart_boxes() {
  // Both stand where the state is before either hands anything out: what is saved then is the
  // place of both.
  const auto first = common.restart(state.pts, now());
  const auto second = secondary.restart(state.qts, now());
  settle(first);
  settle(second);
}

// -- out ----------------------------------------------------------------------------------------

void update_hub_state::deliver(const boxed_update& what) {
  if (what.own || !what.update) {
    return;
  }
  auto event = std::make_shared<received_update>();
  event->identity = identity_of(who.id, what.update);
  if (is_query(what.update) && !queries.add(event->identity)) {
    return;
  }
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
      find_beginning();
    }
  }
  again = again || at >= last_sign + silence_limit;
  check();
}

namespace {

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

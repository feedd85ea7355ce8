#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/model.hpp>
#include <cafegram/sandbox/router.hpp>
#include <cafegram/sandbox/text.hpp>

#include <caf/all.hpp>

#include <algorithm>
#include <set>

namespace cafegram::sandbox {
namespace {

constexpr std::size_t most_latest_calls = 200;
constexpr std::size_t most_failed = 256;
constexpr auto tick_every = std::chrono::milliseconds{250};

std::string text_of(const rpc_refusal& refusal) {
  return fmt::format("{} {}", refusal.code, refusal.text);
}

} // namespace

void router_state::start(router_parts given) {
  parts = std::move(given);
  logged = parts.model->last_message();
  self->delayed_send(self, tick_every, caf::tick_atom_v);
}

void router_state::joined(std::uint64_t number, const connection_actor& who) {
  peers[number].actor = who;
  self->monitor(who);
  if (faults) {
    self->send(who, *faults);
  }
  if (stopping) {
    self->send(who, caf::close_atom_v);
  }
}

/// A connection that ends well has parked its sessions before; one that died took them with it.
void router_state::left(const caf::actor_addr& who) {
  const auto found = std::ranges::find_if(
      peers, [&who](const auto& entry) { return entry.second.actor.address() == who; });
  if (found == peers.end()) {
    return;
  }
  const std::uint64_t number = found->first;
  if (parts.events) {
    parts.events.tell(self, event_lines::closed(now(), number));
  }
  parts.feed->publish(page_events::connection_changed{found->second.about, false});
  const account_id user = found->second.about.user_id;
  peers.erase(found);
  publish_presence(user);
  std::erase_if(sessions, [this, number](const auto& entry) {
    const bool lost = entry.second.connection == number && !entry.second.moving;
    if (lost) {
      parts.model->drop_session(entry.first.key, entry.first.session);
    }
    return lost;
  });
  if (stopping && peers.empty()) {
    self->quit();
  }
}

void router_state::stop() {
  stopping = true;
  for (const auto& [number, one] : peers) {
    self->send(one.actor, caf::close_atom_v);
  }
  if (peers.empty()) {
    self->quit();
  }
}

void router_state::noted(const connection_note& note) {
  const auto found = peers.find(note.about.id);
  if (found == peers.end()) {
    return;
  }
  page_connection about = note.about;
  about.calls = found->second.about.calls;
  about.user_id = user_of(about.key);
  const account_id before = std::exchange(found->second.about, about).user_id;
  if (note.open) {
    const account_id user = about.user_id;
    parts.feed->publish(page_events::connection_changed{std::move(about), true});
    if (user != before) {
      publish_presence(before);
      publish_presence(user);
    }
  } else {
    // All that was on its way to it has been sent before this: it may go.
    self->send(found->second.actor, caf::close_atom_v);
  }
}

bool router_state::is_sender(const connection_actor& who) const {
  return self->current_sender() == caf::actor_cast<caf::strong_actor_ptr>(who);
}

/// The first session that asked for anything without `invokeWithoutUpdates` gets the updates, until
/// it is gone or another one asks for the state: that is what main sessions do.
void router_state::subscribe(const api_call& what, slot& at) {
  if (what.without_updates) {
    return;
  }
  at.wants_updates = true;
  const key_record* permanent = parts.model->permanent(what.name.key);
  if (permanent == nullptr) {
    return;
  }
  session_name& current = main_session[permanent->id];
  const auto held = sessions.find(current);
  const bool free = held == sessions.end() || held->second.connection == 0;
  if (free || what.method == "updates.getState" || what.method == "updates.getDifference") {
    current = what.name;
  }
}

/// What was pushed while nobody was there went to a session that may never come back, and queries
/// come in no difference: who takes the updates now hears of those that nobody has answered.
void router_state::tell_what_waits(const session_name& name) {
  const key_record* permanent = parts.model->permanent(name.key);
  if (permanent == nullptr) {
    return;
  }
  told_session& last = told_last[permanent->id];
  const bool same_user = last.user == permanent->user;
  if ((same_user && last.session == name) || updates_go_to(permanent->id) != name) {
    return;
  }
  const auto before = sessions.find(last.session);
  if (!same_user || before == sessions.end() || before->second.connection == 0) {
    last = {name, permanent->user};
    spread(parts.model->came_back(permanent->id, now()));
  }
}

void router_state::call(const api_call& what) {
  slot& at = sessions[what.name];
  subscribe(what, at);
  const wall_time started = now();
  const bool waits_for_failed = std::ranges::any_of(what.after, [&at](std::int64_t id) {
    return std::ranges::find(at.failed, id) != at.failed.end();
  });
  outcome out;
  if (waits_for_failed) {
    out.reply = answer{std::unexpected(rpc_refusal{400, "MSG_WAIT_FAILED"})};
  } else {
    out = parts.model->call({what.name.key, what.name.session, what.call, what.msg_id, what.dc},
                            *what.request, started);
  }
  if (what.method == "auth.bindTempAuthKey" && out.reply && *out.reply) {
    bound(what.name.key);
  }
  std::string problem;
  if (out.reply && !*out.reply) {
    problem = text_of(out.reply->error());
    at.failed.push_back(what.msg_id);
    if (at.failed.size() > most_failed) {
      at.failed.pop_front();
    }
  }
  log_call(what.name, {.connection = what.connection,
                       .msg_id = what.msg_id,
                       .method = what.method,
                       .digest = what.print.digest,
                       .random_id = what.print.random_id,
                       .executed = !waits_for_failed,
                       .error = problem});
  if (out.reply) {
    reply(what.name, what.call, *std::move(out.reply));
  }
  spread(out);
  tell_what_waits(what.name);
  record(what.connection, what.method, std::move(problem), started);
}

void router_state::refused(const call_refused& what) {
  auto& failed = sessions[what.name].failed;
  failed.push_back(what.msg_id);
  if (failed.size() > most_failed) {
    failed.pop_front();
  }
  log_call(what.name, {.connection = what.connection,
                       .msg_id = what.msg_id,
                       .method = what.method,
                       .digest = what.print.digest,
                       .random_id = what.print.random_id,
                       .executed = false,
                       .error = what.error});
  record(what.connection, what.method, what.error, now());
}

void router_state::log_call(const session_name& name, call_event event) const {
  if (!parts.events) {
    return;
  }
  const key_record* permanent = parts.model->permanent(name.key);
  event.key = permanent != nullptr ? permanent->id : name.key;
  event.session = name.session;
  event.user = permanent != nullptr ? permanent->user : 0;
  parts.events.tell(self, event_lines::called(now(), event));
}

/// What has been stored since the last time.
void router_state::log_messages() {
  if (!parts.events) {
    return;
  }
  for (const message_record& message : parts.model->messages_after(logged)) {
    parts.events.tell(self, event_lines::stored(now(), message));
    logged = message.number;
  }
}

void router_state::tell_faults(const faults_told& told) {
  faults = told;
  if (parts.events) {
    parts.events.tell(self, event_lines::planned(now(), *told.plan));
  }
  for (const auto& [number, one] : peers) {
    self->send(one.actor, told);
  }
}

void router_state::record(std::uint64_t connection, std::string_view method, std::string error,
                          wall_time started) {
  if (const auto found = peers.find(connection); found != peers.end()) {
    page_connection& about = found->second.about;
    ++about.calls;
    if (const account_id user = user_of(about.key); user != about.user_id) {
      const account_id before = std::exchange(about.user_id, user);
      parts.feed->publish(page_events::connection_changed{about, true});
      publish_presence(before);
      publish_presence(user);
    }
  }
  page_call done{started, connection, std::string{method}, std::move(error),
                 std::chrono::duration_cast<std::chrono::microseconds>(now() - started)};
  parts.feed->publish(page_events::call_done{done});
  latest_calls.push_back(std::move(done));
  if (latest_calls.size() > most_latest_calls) {
    latest_calls.pop_front();
  }
}

void router_state::spread(const outcome& out) {
  log_messages();
  for (const settled_call& settled : out.settled) {
    reply({settled.who.key, settled.who.session}, settled.who.call, settled.value);
  }
  for (const push& news : out.pushes) {
    push_out(news);
  }
  for (const page_event& event : out.events) {
    publish(event);
  }
  for (const std::uint64_t key : out.ended_keys) {
    drop_key(key);
  }
}

bool router_state::is_connected(account_id user) const {
  return std::ranges::any_of(
      peers, [user](const auto& entry) { return entry.second.about.user_id == user; });
}

void router_state::publish(page_event event) {
  if (auto* changed = std::get_if<page_events::user_changed>(&event)) {
    changed->user.online = changed->user.online || is_connected(changed->user.id);
  }
  parts.feed->publish(event);
}

void router_state::publish_presence(account_id user) {
  if (auto known = user != 0 ? parts.model->user(user) : std::nullopt) {
    publish(page_events::user_changed{*std::move(known)});
  }
}

void router_state::reply(const session_name& name, std::uint64_t call, answer value) {
  deliver({name, std::make_shared<const session_letter>(letter_answer{call, std::move(value)})});
}

std::optional<session_name> router_state::updates_go_to(std::uint64_t permanent) {
  const auto main = main_session.find(permanent);
  if (main != main_session.end()) {
    const auto found = sessions.find(main->second);
    if (found != sessions.end() && found->second.connection != 0) {
      return found->first;
    }
  }
  // The main one is away: any other that listens, else it waits for the main one to come back.
  auto family = parts.model->bound_to(permanent);
  family.push_back(permanent);
  for (const std::uint64_t key : family) {
    for (auto at = sessions.lower_bound({key, 0}); at != sessions.end() && at->first.key == key;
         ++at) {
      if (at->second.wants_updates && at->second.connection != 0) {
        return at->first;
      }
    }
  }
  const bool parked = main != main_session.end() && sessions.contains(main->second);
  return parked ? std::optional{main->second} : std::nullopt;
}

void router_state::push_out(const push& what) {
  const auto letter = std::make_shared<const session_letter>(letter_updates{what.updates});
  for (const std::uint64_t key : what.keys) {
    const auto target = updates_go_to(key);
    if (target && *target != session_name{what.except_key, what.except_session}) {
      deliver({*target, letter});
    }
  }
}

void router_state::tick() {
  const wall_time at = now();
  if (const auto due = parts.model->next_deadline(); due && *due <= at) {
    spread(parts.model->poll(at));
  }
  drop_stale();
  self->delayed_send(self, tick_every, caf::tick_atom_v);
}

page_state router_state::describe() const {
  page_state out = parts.about;
  parts.model->describe(out, now());
  std::map<std::string, std::uint32_t> held; // sessions by key
  for (const auto& [name, at] : sessions) {
    held[hex_of(name.key)] += at.connection != 0 ? 1U : 0U;
  }
  for (page_key& key : out.keys) {
    const auto found = held.find(key.id);
    key.sessions = found != held.end() ? found->second : 0;
  }
  std::set<account_id> connected;
  for (const auto& [number, one] : peers) {
    out.connections.push_back(one.about);
    out.connections.back().user_id = user_of(one.about.key);
    connected.insert(out.connections.back().user_id);
  }
  for (page_user& user : out.users) {
    user.online = user.online || connected.contains(user.id);
  }
  out.calls.assign(latest_calls.begin(), latest_calls.end());
  return out;
}

namespace {

router_actor::behavior_type router(router_actor::stateful_pointer<router_state> self,
                                   const std::shared_ptr<router_parts>& parts) {
  auto& state = self->state;
  state.start(std::move(*parts));
  self->set_down_handler([self](const caf::down_msg& down) { self->state.left(down.source); });
  return {
      [self](caf::put_atom, std::uint64_t number, const connection_actor& who) {
        self->state.joined(number, who);
      },
      [self](const key_query& query) {
        return key_answer{self->state.find_key(query.id, query.dc)};
      },
      [self](const key_made& made) { return key_answer{self->state.keep_key(made)}; },
      [self](const session_query& query) { return self->state.give_session(query); },
      [self](const session_parked& parked) { self->state.park(parked); },
      [self](const session_end& end) { return self->state.end_session(end.name); },
      [self](const key_end& end) { return self->state.end_key(end.key); },
      [self](const api_call& what) { self->state.call(what); },
      [self](const call_refused& what) { self->state.refused(what); },
      [self](const layer_told& told) { self->state.learn_layer(told); },
      [self](const session_mail& mail) { self->state.deliver(mail); },
      [self](const connection_note& note) { self->state.noted(note); },
      [self](const router_task& task) { (*task.run)(self->state); },
      [self](caf::tick_atom) { self->state.tick(); },
  };
}

} // namespace

router_actor spawn_router(caf::actor_system& system, router_parts parts, bool own_thread) {
  auto shared = std::make_shared<router_parts>(std::move(parts));
  return own_thread ? system.spawn<caf::detached>(router, std::move(shared))
                    : system.spawn(router, std::move(shared));
}

} // namespace cafegram::sandbox

#include <cafegram/actors/dc_pool_state.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/policy_guard.hpp>
#include <cafegram/actors/time_budget.hpp>
#include <cafegram/base/log.hpp>

#include <caf/all.hpp>

#include <algorithm>
#include <limits>

namespace cafegram {

namespace {

/// A connection that has lived so long has not died of what it does at its start.
constexpr std::chrono::seconds long_life{60};

} // namespace

std::string to_string(const line_slot& slot) {
  return "dc " + std::to_string(slot.dc) + " " + std::string{to_string(slot.purpose)} + " " +
         std::to_string(slot.index);
}

std::size_t dc_pool_state::most_of(connection_purpose purpose) const {
  const auto& most = setup.profile->pool;
  switch (purpose) {
  case connection_purpose::main:
    return 1;
  case connection_purpose::upload:
    return std::max<std::size_t>(most.upload_connections, 1);
  case connection_purpose::download:
    return std::max<std::size_t>(most.download_connections, 1);
  case connection_purpose::cdn:
    return std::max<std::size_t>(most.cdn_connections, 1);
  }
  return 1;
}

/// The connection with the fewest calls; a new one while all have some and there may be more.
std::optional<line_slot> dc_pool_state::pick(std::int32_t dc, connection_purpose purpose) const {
  std::optional<line_slot> best;
  std::optional<line_slot> unused;
  auto least = std::numeric_limits<std::size_t>::max();
  for (std::uint32_t index = 0; index < most_of(purpose); ++index) {
    const line_slot slot{dc, purpose, index};
    const auto found = connections.find(slot);
    if (found == connections.end()) {
      unused = unused.value_or(slot);
    } else if (found->second.load < least) {
      best = slot;
      least = found->second.load;
    }
  }
  if (unused && (!best || least > 0)) {
    best = unused;
  }
  const bool reachable =
      connections.contains(*best) || !setup.addresses.route(dc, purpose).addresses.empty();
  return reachable ? best : std::nullopt;
}

held_connection& dc_pool_state::connection_at(const line_slot& slot) {
  const auto [at, fresh] = connections.try_emplace(slot);
  if (fresh) {
    start(slot, at->second);
  }
  return at->second;
}

void dc_pool_state::start(const line_slot& slot, held_connection& connection) {
  connection_setup to;
  to.profile = slot.purpose == connection_purpose::cdn ? cdn_profile(slot.dc) : setup.profile;
  to.dc = slot.dc;
  to.route = setup.addresses.route(slot.dc, slot.purpose);
  const auto at = now();
  connection.media = to.route.media;
  connection.restart_at.reset();
  connection.started_at = connection.idle_since = at;
  connection.phase = connection_phase::waiting;
  connection.key_reports = 0;
  // Who makes keys is chosen among those that are there.
  connection.told = centre(slot.dc).keys.order(connection.media, false, at);
  to.keys = connection.told;
  connection.actor = setup.connect(self->system(), services, std::move(to), self);
  self->monitor(connection.actor);
  choose_makers(slot.dc);
  tell_keys(slot.dc);
}

std::map<line_slot, held_connection>::iterator
dc_pool_state::find(const caf::strong_actor_ptr& actor) {
  return std::ranges::find_if(connections,
                              [&actor](const auto& entry) { return entry.second.actor == actor; });
}

void dc_pool_state::report(const connection_report& what) {
  const auto found = find(self->current_sender());
  if (found == connections.end()) {
    return;
  }
  auto& [slot, connection] = *found;
  connection.phase = what.phase;
  auto& circuit = centre(slot.dc).circuit;
  if (what.phase == connection_phase::waiting) {
    connection.trouble = what.detail;
  }
  if (what.failed) {
    circuit.failed(now());
    if (slot.purpose == connection_purpose::cdn) {
      doubt_cdn_keys(slot.dc);
    }
  }
  if (what.phase == connection_phase::ready) {
    connection.trouble.clear();
    circuit.reachable(now());
    // What it was given before leaves now.
    for (auto& [id, call] : calls) {
      call.may_have_left = call.may_have_left || call.at == slot;
    }
  }
  if (slot == home_line()) {
    reconnects += what.phase == connection_phase::waiting ? 1 : 0;
    auto told = what;
    told.key_unknown = centre(slot.dc).key_unknown;
    self->send(owner, std::move(told));
  }
}

void dc_pool_state::ended(const caf::down_msg& down) {
  const auto found = std::ranges::find_if(
      connections, [&down](const auto& entry) { return entry.second.actor == down.source; });
  if (found == connections.end()) {
    farewell_over(caf::actor_cast<caf::strong_actor_ptr>(down.source));
    return;
  }
  auto& [slot, connection] = *found;
  if (now() - connection.started_at >= long_life) {
    connection.deaths = 0;
  }
  const auto& profile = *setup.profile;
  // Its own word that it makes no more attempts is no accident.
  const auto pause = to_error(down.reason).code == errc::connection_lost
                         ? std::nullopt
                         : ask_restart(profile.restart.get(), profile.timing,
                                       {"dc_connection", ++connection.deaths}, *services.random);
  if (!pause) {
    give_up(line_slot{slot});
    return;
  }
  log::error("dc_pool", "the connection {} died ({}); again in {} ms", to_string(slot),
             caf::to_string(down.reason), pause->count());
  connection.actor = nullptr;
  connection.phase = connection_phase::waiting;
  connection.restart_at = later(now(), *pause);
  give_up_running(slot);
  choose_makers(slot.dc);
  tell_keys(slot.dc);
  schedule(now());
}

/// In the order in which they were made.
template <class Which>
std::vector<call_id> dc_pool_state::calls_of(const line_slot& slot, Which which) const {
  std::vector<call_id> out;
  for (const auto& [id, call] : calls) {
    if (call.at == slot && which(call)) {
      out.push_back(id);
    }
  }
  std::ranges::sort(out);
  return out;
}

/// A line that is not tried again: what waits for it ends. The next call for it begins afresh.
void dc_pool_state::give_up(const line_slot& slot) {
  log::error("dc_pool", "the connection {} is given up", to_string(slot));
  give_up_running(slot);
  const auto lost = calls_of(slot, [](const held_call&) { return true; });
  connections.erase(slot);
  choose_makers(slot.dc);
  tell_keys(slot.dc);
  for (const auto id : lost) {
    answer(id, fail(errc::connection_lost, "no connection, and no more attempts are made"));
  }
  schedule(now());
}

/// Of the calls that a dead connection had: those that may have run and may not run twice.
void dc_pool_state::give_up_running(const line_slot& slot) {
  const auto lost = calls_of(
      slot, [](const held_call& call) { return call.may_have_left && !call.call.may_repeat; });
  for (const auto id : lost) {
    answer(id, fail(errc::unknown_outcome, "its connection died before the answer came"));
  }
}

void dc_pool_state::restart_due(steady_time at) {
  for (auto& [slot, connection] : connections) {
    if (!connection.restart_at || *connection.restart_at > at) {
      continue;
    }
    start(slot, connection);
    for (const auto id : calls_of(slot, [](const held_call&) { return true; })) {
      auto& call = calls.at(id);
      call.may_have_left = false;
      self->send(connection.actor, call.call);
    }
  }
}

/// Home's main connection stays.
bool dc_pool_state::may_idle(const line_slot& slot, const held_connection& connection) const {
  return slot != home_line() && connection.load == 0;
}

void dc_pool_state::close_idle(steady_time at) {
  const auto after = setup.profile->pool.idle_after;
  std::vector<line_slot> idle;
  for (const auto& [slot, connection] : connections) {
    if (may_idle(slot, connection) && at - connection.idle_since >= after) {
      idle.push_back(slot);
    }
  }
  for (const auto& slot : idle) {
    close(slot);
  }
}

void dc_pool_state::close(const line_slot& slot) {
  auto node = connections.extract(slot);
  log::debug("dc_pool", "closes {}", to_string(slot));
  if (node.mapped().actor) {
    self->demonitor(node.mapped().actor.address());
    self->send_exit(node.mapped().actor, caf::exit_reason::user_shutdown);
  }
  choose_makers(slot.dc);
  tell_keys(slot.dc);
}

/// The login is carried even where it has been: what a data centre beside home has forgotten is
/// found out there and carried again, but not any more once that one is home.
caf::typed_response_promise<home_move> dc_pool_state::migrate(std::int32_t dc) {
  auto promise = self->make_response_promise<home_move>();
  if (!setup.logged_in || dc == setup.home_dc) {
    move_home(dc);
    promise.deliver(home_move{.moved = true});
    return promise;
  }
  auto& login = centre(dc).login;
  login.moves.push_back(promise);
  if (login.now == foreign_login::step::done) {
    login.was_done = true;
    login.now = foreign_login::step::none;
  }
  carry_login(dc);
  return promise;
}

/// The old home keeps the login as data centres beside home have it.
void dc_pool_state::move_home(std::int32_t dc) {
  const auto before = setup.home_dc;
  if (dc == before) {
    return;
  }
  log::info("dc_pool", "home moves from dc {} to dc {}", before, dc);
  if (const auto old = connections.find(home_line()); old != connections.end()) {
    old->second.idle_since = now();
  }
  setup.home_dc = dc;
  if (connections.contains(home_line())) {
    tell_home(); // it says nothing by itself before its next step
  }
  connect_home();
  if (setup.logged_in) {
    centre(before).login.now = foreign_login::step::done;
    store_authorised(before, true);
    self->send(updates, updates_suspect{"home has moved"});
  }
  schedule(now());
}

/// What the owner would have heard of home's main connection.
void dc_pool_state::tell_home() {
  connection_report told;
  told.dc = setup.home_dc;
  if (const auto found = connections.find(home_line()); found != connections.end()) {
    told.phase = found->second.phase;
  }
  told.key_unknown = centre(setup.home_dc).key_unknown;
  self->send(owner, std::move(told));
}

void dc_pool_state::connect_home() {
  if (setup.addresses.knows(setup.home_dc)) {
    connection_at(home_line());
  }
}

bool dc_pool_state::is_main(const caf::strong_actor_ptr& sender) {
  const auto found = connections.find(home_line());
  return found != connections.end() && found->second.actor == sender;
}

} // namespace cafegram

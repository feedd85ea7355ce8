#include <cafegram/actors/dc_pool_state.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/storage/session.hpp>
#include <cafegram/tl/api.hpp>

#include <caf/all.hpp>

#include <algorithm>
#include <utility>

// How a login comes to data centres beside home, and how its keys end.

namespace cafegram {

namespace {

using step = foreign_login::step;

constexpr int max_imports = 2;
constexpr std::chrono::seconds farewell_patience{5};

error not_carried(std::int32_t dc, error why) {
  why.what = "the login did not come to dc " + std::to_string(dc) + ": " + why.what;
  return why;
}

} // namespace

void dc_pool_state::noted(const login_noted& what) {
  setup.logged_in = what.logged_in;
  if (what.logged_in) {
    return;
  }
  for (auto& [dc, known] : centres) {
    if (known.login.now == step::done) {
      known.login.now = step::none;
      store_authorised(dc, false);
    }
  }
  setup.authorised.clear();
}

bool dc_pool_state::needs_login(std::int32_t dc) const {
  if (!setup.logged_in || dc == setup.home_dc) {
    return false;
  }
  const auto known = centres.find(dc);
  return known == centres.end() ? !setup.authorised.contains(dc)
                                : known->second.login.now != step::done;
}

void dc_pool_state::await_login(call_id id, std::int32_t dc) {
  centre(dc).login.waiting.push_back(id);
  carry_login(dc);
}

/// One import serves all that wait for it.
void dc_pool_state::carry_login(std::int32_t dc) {
  if (centre(dc).login.now != step::none) {
    return;
  }
  if (setup.addresses.knows(dc)) {
    export_login(dc);
  } else {
    login_carried(dc, fail(errc::not_found, "no address is known", dc));
  }
}

void dc_pool_state::export_login(std::int32_t dc) {
  log::info("dc_pool", "carries the login from dc {} to dc {}", setup.home_dc, dc);
  centre(dc).login.now = step::exporting;
  call_internally(setup.home_dc, tl::encode(tl::auth::exportAuthorization{.dc_id = dc}),
                  [this, dc](const result<shared_bytes>& outcome) { import_login(dc, outcome); });
}

void dc_pool_state::import_login(std::int32_t dc, const result<shared_bytes>& exported) {
  if (!exported) {
    if (setup.logged_in && ends_login(exported.error())) {
      setup.logged_in = false; // other exports are refused too; a login that comes is another one
      self->send(owner, login_lost{exported.error()});
    }
    login_carried(dc, exported);
    return;
  }
  const auto decoded = tl::decode<tl::auth::ExportedAuthorization>(**exported);
  const auto* ticket = decoded ? tl::get_if<tl::auth::exportedAuthorization>(*decoded) : nullptr;
  if (ticket == nullptr) {
    login_carried(dc, fail(errc::malformed, "auth.ExportedAuthorization"));
    return;
  }
  centre(dc).login.now = step::importing;
  call_internally(
      dc, tl::encode(tl::auth::importAuthorization{.id = ticket->id, .bytes = ticket->bytes}),
      [this, dc](const result<shared_bytes>& outcome) { login_carried(dc, outcome); });
}

void dc_pool_state::login_carried(std::int32_t dc, const result<shared_bytes>& outcome) {
  auto& login = centre(dc).login;
  const auto waiting = std::exchange(login.waiting, {});
  auto moves = std::exchange(login.moves, {});
  login.now = outcome ? step::done : step::none;
  if (outcome) {
    store_authorised(dc, true);
  } else {
    log::warn("dc_pool", "the login did not come to dc {}: {}", dc, to_string(outcome.error()));
  }
  for (auto& promise : moves) {
    if (outcome) {
      move_home(dc);
      promise.deliver(caf::ok_atom_v);
    } else {
      promise.deliver(to_caf(not_carried(dc, outcome.error())));
    }
  }
  for (const auto id : waiting) {
    if (!calls.contains(id)) {
      continue; // its time is over
    }
    if (outcome) {
      place(id);
    } else {
      answer(id, std::unexpected(not_carried(dc, outcome.error())));
    }
  }
}

void dc_pool_state::store_authorised(std::int32_t dc, bool is) const {
  auto apply = [dc, is](storage::session_state& state) {
    if (const auto record = state.data_centres.find(dc); record != state.data_centres.end()) {
      record->second.authorised = is;
    }
  };
  self->send(store, session_change{std::move(apply), false});
}

/// A 401 beside home means that the login has to be carried there again, and so does the end of the
/// key that it hung on; the call did not run.
bool dc_pool_state::try_after_import(call_id id, const error& why) {
  auto& call = calls.at(id);
  const bool refused = why.is_rpc("AUTH_KEY_DUPLICATED") ||
                       (why.rpc && why.rpc->code == 401 && !why.is_rpc("SESSION_PASSWORD_NEEDED"));
  if (!refused || call.internal || !setup.logged_in || call.dc == setup.home_dc ||
      ++call.imports > max_imports) {
    return false;
  }
  if (const auto at = call.at ? connections.find(*call.at) : connections.end();
      at != connections.end() && --at->second.load == 0) {
    at->second.idle_since = now();
  }
  call.at.reset();
  call.may_have_left = false;
  if (auto& login = centre(call.dc).login; login.now == step::done) {
    login.now = step::none;
    store_authorised(call.dc, false);
  }
  await_login(id, call.dc);
  return true;
}

/// All keys end with the login that they stood for. New ones are made at once for home.
caf::typed_response_promise<caf::ok_atom> dc_pool_state::destroy_all() {
  auto promise = self->make_response_promise<caf::ok_atom>();
  noted({false});
  for (const auto& [dc, key] : setup.keys) {
    centre(dc);
  }
  setup.keys.clear();
  for (auto& [dc, known] : centres) {
    if (const auto key = known.keys.permanent()) {
      known.keys.drop_all();
      say_farewell(dc, *key);
    }
  }
  for (const auto& gone : farewells) {
    choose_makers(gone.dc);
    tell_keys(gone.dc);
  }
  farewell_waiters.push_back(promise);
  farewell_until = now() + farewell_patience;
  if (farewells.empty()) {
    end_farewells();
  }
  schedule(now());
  return promise;
}

/// Over a connection of its own and without a temporary key: what it ends is the permanent one.
void dc_pool_state::say_farewell(std::int32_t dc, const dc_key& key) {
  connection_setup to;
  to.profile = setup.profile;
  to.dc = dc;
  to.route = setup.addresses.route(dc, connection_purpose::main);
  to.keys.permanent = key;
  to.destroy_key = true;
  auto actor = setup.connect(self->system(), services, std::move(to), self);
  self->monitor(actor);
  farewells.push_back({dc, std::move(actor)});
}

void dc_pool_state::farewell_over(const caf::strong_actor_ptr& to) {
  const auto found =
      std::ranges::find_if(farewells, [&to](const farewell& one) { return one.actor == to; });
  if (found == farewells.end()) {
    return;
  }
  self->demonitor(found->actor.address());
  self->send_exit(found->actor, caf::exit_reason::user_shutdown);
  farewells.erase(found);
  if (farewells.empty()) {
    end_farewells();
  }
}

void dc_pool_state::end_farewells() {
  for (const auto& left : farewells) {
    log::warn("dc_pool", "the key of dc {} was not destroyed in time", left.dc);
    self->demonitor(left.actor.address());
    self->send_exit(left.actor, caf::exit_reason::user_shutdown);
  }
  farewells.clear();
  farewell_until = steady_time::max();
  for (auto& promise : std::exchange(farewell_waiters, {})) {
    promise.deliver(caf::ok_atom_v);
  }
}

} // namespace cafegram

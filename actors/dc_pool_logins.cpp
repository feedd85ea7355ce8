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
constexpr int max_new_tickets = 2;
constexpr std::chrono::seconds farewell_patience{5};

error not_carried(std::int32_t dc, error why) {
  why.what = "the login did not come to dc " + std::to_string(dc) + ": " + why.what;
  return why;
}

/// The same question would have the same answer.
bool refused_for_good(const error& why) {
  if (!why.rpc) {
    return false;
  }
  const auto kind = why.rpc->kind();
  return kind == rpc_class::bad_request || kind == rpc_class::see_other ||
         kind == rpc_class::forbidden || kind == rpc_class::not_acceptable;
}

} // namespace

void dc_pool_state::noted(const login_noted& what) {
  login_ended();
  setup.logged_in = what.logged_in;
  if (what.logged_in) {
    return;
  }
  for (auto& [dc, known] : centres) {
    auto& login = known.login;
    const bool was_done = std::exchange(login.was_done, false);
    if (was_done || login.now == step::done) {
      login.now = was_done ? login.now : step::none;
      store_authorised(dc, false);
    }
  }
  setup.authorised.clear();
}

/// Other exports of it are refused too; a login that comes is another one.
void dc_pool_state::login_ended() {
  setup.logged_in = false;
  ++login_number;
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
  auto& login = centre(dc).login;
  if (login.now != step::none) {
    return;
  }
  login.refused = 0;
  if (setup.addresses.knows(dc)) {
    export_login(dc);
  } else {
    login_stayed(dc, error::make(errc::not_found, "no address is known", dc), false);
  }
}

/// What was being carried is of no use any more: the login is another one, or home is elsewhere.
void dc_pool_state::carry_anew(std::int32_t dc) {
  centre(dc).login.now = step::none;
  if (needs_login(dc)) {
    carry_login(dc);
  } else {
    login_arrived(dc);
  }
}

void dc_pool_state::export_login(std::int32_t dc) {
  const auto from = setup.home_dc;
  const auto which = login_number;
  log::info("dc_pool", "carries the login from dc {} to dc {}", from, dc);
  centre(dc).login.now = step::exporting;
  call_internally(from, tl::encode(tl::auth::exportAuthorization{.dc_id = dc}),
                  [this, dc, from, which](const result<shared_bytes>& outcome) {
                    if (!outcome) {
                      export_refused(dc, {outcome.error(), from, which});
                    } else if (which != login_number) {
                      carry_anew(dc);
                    } else {
                      import_login(dc, **outcome);
                    }
                  });
}

/// An account that has been moved is not known where it was: while the login is on its way to
/// another home, what the old one says of it is no proof that it has ended.
void dc_pool_state::export_refused(std::int32_t dc, refused_export what) {
  auto& login = centre(dc).login;
  if (what.login != login_number || what.from != setup.home_dc) {
    carry_anew(dc);
  } else if (ends_login(what.why) && home_moves_elsewhere(dc)) {
    login.now = step::doubted;
    login.doubt = std::move(what);
  } else {
    login_not_exported(dc, what.why);
  }
}

bool dc_pool_state::home_moves_elsewhere(std::int32_t dc) const {
  return std::ranges::any_of(centres, [dc](const auto& entry) {
    const auto& [other, known] = entry;
    const auto& login = known.login;
    return other != dc && !login.moves.empty() &&
           (login.now == step::exporting || login.now == step::importing);
  });
}

/// A move has ended. What home had said meanwhile was an old home's word where it has moved, and
/// counts where it stays; after a fault that passes (`undecided`) whoever asks next hears it again.
void dc_pool_state::settle_doubts(bool undecided) {
  std::vector<std::int32_t> doubted;
  for (const auto& [dc, known] : centres) {
    if (known.login.now == step::doubted) {
      doubted.push_back(dc);
    }
  }
  for (const auto dc : doubted) {
    auto& login = centre(dc).login;
    auto what = std::exchange(login.doubt, std::nullopt);
    if (!what) {
      continue;
    }
    login.now = step::exporting;
    if (undecided && what->login == login_number && what->from == setup.home_dc) {
      login.now = login.was_done ? step::done : step::none;
      login_stayed(dc, what->why, false);
    } else {
      export_refused(dc, *std::move(what));
    }
  }
}

void dc_pool_state::login_not_exported(std::int32_t dc, const error& why) {
  auto& login = centre(dc).login;
  const bool ended = ends_login(why);
  const bool refused = ended || refused_for_good(why);
  if (login.was_done) {
    // It may still be there. What is being carried again is so for a move.
    login.now = step::done;
    log::info("dc_pool", "the login is not carried to dc {} again: {}", dc, to_string(why));
    if (refused) {
      login_arrived(dc);
      return;
    }
  } else if (ended && setup.logged_in) {
    login_ended();
    self->send(owner, login_lost{why});
  }
  login_stayed(dc, why, refused);
}

void dc_pool_state::import_login(std::int32_t dc, bytes_view exported) {
  const auto decoded = tl::decode<tl::auth::ExportedAuthorization>(exported);
  const auto* ticket = decoded ? tl::get_if<tl::auth::exportedAuthorization>(*decoded) : nullptr;
  if (ticket == nullptr) {
    login_stayed(dc, error::make(errc::malformed, "auth.ExportedAuthorization"), false);
    return;
  }
  centre(dc).login.now = step::importing;
  call_internally(
      dc, tl::encode(tl::auth::importAuthorization{.id = ticket->id, .bytes = ticket->bytes}),
      [this, dc, which = login_number](const result<shared_bytes>& outcome) {
        if (which != login_number) {
          carry_anew(dc);
        } else {
          login_imported(dc, outcome);
        }
      });
}

void dc_pool_state::login_imported(std::int32_t dc, const result<shared_bytes>& outcome) {
  auto& login = centre(dc).login;
  if (outcome) {
    login.now = step::done;
    store_authorised(dc, true);
    login_arrived(dc);
  } else if (refused_for_good(outcome.error()) && ++login.refused <= max_new_tickets) {
    // What is exported can be imported once, within minutes, and to one key: an answer that was
    // lost, or another key, makes it void.
    log::info("dc_pool", "dc {} does not take the login: {}", dc, to_string(outcome.error()));
    export_login(dc);
  } else {
    login_stayed(dc, outcome.error(), false);
  }
}

/// Or none is needed there any more.
void dc_pool_state::login_arrived(std::int32_t dc) {
  auto& login = centre(dc).login;
  const auto waiting = std::exchange(login.waiting, {});
  auto moves = std::exchange(login.moves, {});
  login.was_done = false;
  for (auto& promise : moves) {
    move_home(dc);
    promise.deliver(home_move{.moved = true});
  }
  for (const auto id : waiting) {
    if (calls.contains(id)) { // its time may be over
      place(id);
    }
  }
  if (!moves.empty()) {
    settle_doubts(false);
  }
}

void dc_pool_state::login_stayed(std::int32_t dc, const error& why, bool kept_back) {
  log::warn("dc_pool", "the login did not come to dc {}: {}", dc, to_string(why));
  auto& login = centre(dc).login;
  const auto waiting = std::exchange(login.waiting, {});
  login.was_done = false;
  const bool is_there = login.now == step::done;
  login.now = is_there ? step::done : step::none;
  auto moves = std::exchange(login.moves, {});
  for (auto& promise : moves) {
    promise.deliver(home_move{.kept_back = kept_back, .why = not_carried(dc, why)});
  }
  for (const auto id : waiting) {
    if (is_there && calls.contains(id)) {
      place(id);
    } else {
      answer(id, std::unexpected(not_carried(dc, why)));
    }
  }
  if (!moves.empty()) {
    settle_doubts(!kept_back);
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
      call.purpose == connection_purpose::cdn || ++call.imports > max_imports) {
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
    const auto key = known.keys.permanent();
    if (key && !is_cdn(dc)) { // nothing hangs on that of a CDN
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

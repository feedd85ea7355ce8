#include <cafegram/actors/client_state.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/tl/api.hpp>

#include <caf/all.hpp>

#include <algorithm>
#include <utility>

// Where data centres are and which of them a call goes to.

namespace cafegram {

namespace {

constexpr int max_migrations = 3;
constexpr std::chrono::seconds config_least{60};
constexpr std::chrono::hours config_most{24};

bool moves_home(const error& why) {
  return why.is_rpc("USER_MIGRATE") || why.is_rpc("PHONE_MIGRATE") || why.is_rpc("NETWORK_MIGRATE");
}

bool moves_this_call(const error& why) {
  return why.is_rpc("FILE_MIGRATE") || why.is_rpc("STATS_MIGRATE");
}

protocol::dc_address address_of(const tl::dcOption& told) {
  return {.dc = protocol::dc_id{told.id},
          .host = told.ip_address,
          .port = static_cast<std::uint16_t>(told.port),
          .ipv6 = told.ipv6,
          .media_only = told.media_only,
          .tcpo_only = told.tcpo_only,
          .cdn = told.cdn,
          .is_static = told.static_,
          .this_port_only = told.this_port_only,
          .secret = told.secret.value_or(bytes{})};
}

storage::dc_address stored(const protocol::dc_address& from) {
  return {.host = from.host,
          .port = from.port,
          .ipv6 = from.ipv6,
          .media_only = from.media_only,
          .tcpo_only = from.tcpo_only,
          .cdn = from.cdn,
          .is_static = from.is_static,
          .this_port_only = from.this_port_only,
          .secret = from.secret};
}

protocol::dc_address loaded(std::int32_t dc, const storage::dc_address& from) {
  return {.dc = protocol::dc_id{dc},
          .host = from.host,
          .port = from.port,
          .ipv6 = from.ipv6,
          .media_only = from.media_only,
          .tcpo_only = from.tcpo_only,
          .cdn = from.cdn,
          .is_static = from.is_static,
          .this_port_only = from.this_port_only,
          .secret = from.secret};
}

/// The session's addresses are those that the server told last.
void keep_addresses(storage::session_state& session,
                    const std::vector<protocol::dc_address>& told) {
  for (auto& [dc, record] : session.data_centres) {
    record.addresses.clear();
  }
  for (const auto& one : told) {
    session.data_centres[number(one.dc)].addresses.push_back(stored(one));
  }
}

} // namespace

/// True if the call is on its way to another data centre. Spec: "Error handling", 303 SEE_OTHER.
bool client_state::followed(std::uint64_t id, running_call& call, const error& why) {
  const bool home = moves_home(why);
  if ((!home && !moves_this_call(why)) || !why.rpc->value || call.migrations >= max_migrations) {
    return false;
  }
  ++call.migrations;
  const auto dc = static_cast<std::int32_t>(*why.rpc->value);
  // What has to happen first is not to outlast its deadline.
  rest(id, call, later(now(), call.time.left(now())));
  call.place = call_place::moving;
  const auto purpose = home ? connection_purpose::main : call.request.options.purpose;
  if (setup.addresses.serves(dc, purpose)) {
    go_to(id, dc, home);
    return true;
  }
  after_config.emplace_back([this, id, dc, home, purpose] {
    if (setup.addresses.serves(dc, purpose)) {
      go_to(id, dc, home);
    } else {
      finish(id, fail(errc::not_found, "no address is known for dc " + std::to_string(dc), dc));
    }
  });
  fetch_config();
  return true;
}

void client_state::go_to(std::uint64_t id, std::int32_t dc, bool with_home) {
  const auto found = calls.find(id);
  if (found == calls.end()) {
    return; // given up meanwhile
  }
  if (!with_home) {
    found->second.request.options.dc = dc;
    send_on(id);
    return;
  }
  if (auto& named = found->second.request.options.dc) {
    named = dc; // where it was named would say the same again
  }
  auto& waiting = moves[dc];
  waiting.push_back(id);
  if (waiting.size() == 1) {
    self->request(pool, caf::infinite, caf::migrate_atom_v, dc)
        .then([this, dc](const home_move& outcome) { home_moved(dc, outcome); },
              [this, dc](const caf::error& why) { home_moved(dc, {.why = to_error(why)}); });
  }
}

/// A call that waits for a move goes to the pool now: it has been refused, not made, and is not
/// made again.
void client_state::send_on(std::uint64_t id) {
  const auto found = calls.find(id);
  if (found == calls.end()) {
    return;
  }
  leave_place(id, found->second);
  let_go(found->second, now());
  send(id);
}

/// True where the call waits for home to move: an account that has been moved is not known where it
/// was. It has been refused, not made.
bool client_state::doubted(std::uint64_t id, running_call& call, const error& why) {
  if (moves.empty() || stopping || call.migrations >= max_migrations) {
    return false;
  }
  ++call.migrations;
  auto& [dc, waiting] = *moves.begin();
  if (auto& named = call.request.options.dc) {
    named = dc;
  }
  rest(id, call, later(now(), call.time.left(now())));
  call.place = call_place::moving;
  call.doubt = why;
  waiting.push_back(id);
  return true;
}

/// Home is in another data centre, with the login that there was; or it stays where it is.
void client_state::home_moved(std::int32_t dc, const home_move& outcome) {
  const auto waiting = std::move(moves.extract(dc).mapped());
  if (outcome.moved) {
    home_dc = dc;
    self->send(store, session_change{
                          [dc](storage::session_state& session) { session.home_dc = dc; }, true});
    fetch_config();
  } else if (login == login_state::logged_in && outcome.kept_back &&
             !setup.options.bot_token.empty()) {
    // Where it is, the login is of no use any more. A bot can do without.
    logged_out(outcome.why);
  }
  for (const auto id : waiting) {
    const auto found = calls.find(id);
    if (found == calls.end()) {
      continue; // given up meanwhile
    }
    const auto doubt = std::exchange(found->second.doubt, std::nullopt);
    if (outcome.moved) {
      send_on(id);
    } else if (doubt && outcome.kept_back) {
      leave_place(id, found->second);
      let_go(found->second, now());
      failed(id, *doubt);
    } else {
      finish(id, std::unexpected(doubt.value_or(outcome.why)));
    }
  }
}

// -- help.getConfig -----------------------------------------------------------------------------

/// In the background: past the client's own calls, which a stop waits for.
void client_state::fetch_config() {
  if (fetching_config || closing) {
    return;
  }
  fetching_config = true;
  config_at.reset();
  invoke_request request{std::make_shared<const bytes>(tl::encode(tl::help::getConfig{})), {}};
  request.options.may_repeat = true;
  self->request(pool, caf::infinite, std::move(request))
      .then([this](const invoke_answer& answer) { config_came(answer.result); },
            [this](const caf::error& why) { config_came(std::unexpected(to_error(why))); });
}

void client_state::config_came(const result<shared_bytes>& outcome) {
  fetching_config = false;
  if (!outcome || !take_config(**outcome)) {
    log::info("client", "no configuration: {}",
              outcome ? "it cannot be read" : to_string(outcome.error()));
    config_at = now() + config_waits.take(*services.random);
  }
  for (const auto& then : std::exchange(after_config, {})) {
    then();
  }
  schedule();
}

bool client_state::take_config(bytes_view object) {
  const auto decoded = tl::decode<tl::Config>(object);
  const auto* config = decoded ? tl::get_if<tl::config>(*decoded) : nullptr;
  if (config == nullptr) {
    return false;
  }
  config_waits.reset();
  config_taken = now();
  const std::chrono::seconds good_for{std::int64_t{config->expires} - config->date};
  config_at = now() + std::clamp<std::chrono::seconds>(good_for, config_least, config_most);
  if (config->test_mode != setup.options.test_dcs) {
    log::warn("client", "the server's configuration is for {} data centres: not taken",
              config->test_mode ? "test" : "production");
    return true;
  }
  std::vector<protocol::dc_address> told;
  for (const auto& option : config->dc_options) {
    const auto* one = tl::get_if<tl::dcOption>(option);
    if (one != nullptr && one->port > 0 && one->port <= 65535 && one->id > 0) {
      told.push_back(address_of(*one));
    }
  }
  if (told.empty() || told == setup.addresses.told()) {
    return true;
  }
  setup.addresses.learn(told);
  self->send(pool, addresses_learned{setup.addresses.told()});
  self->send(store,
             session_change{[told = setup.addresses.told()](storage::session_state& session) {
                              keep_addresses(session, told);
                            },
                            false});
  return true;
}

/// After trouble on the way the addresses may be out of date, long before they expire. A line that
/// was merely cut says nothing against them.
void client_state::note_trouble(const connection_report& what) {
  if (what.phase == connection_phase::ready && std::exchange(addresses_doubted, false)) {
    const auto soonest =
        config_taken ? later(*config_taken, config_least) : config_at.value_or(now());
    if (soonest <= now()) {
      fetch_config();
    } else {
      config_at = std::min(config_at.value_or(soonest), soonest);
      schedule();
    }
  }
  addresses_doubted = addresses_doubted || (what.failed && phase != connection_phase::ready);
}

void client_state::take_stored_addresses() {
  std::vector<protocol::dc_address> told;
  for (const auto& [dc, record] : setup.session.data_centres) {
    for (const auto& address : record.addresses) {
      told.push_back(loaded(dc, address));
    }
  }
  setup.addresses.learn(std::move(told));
}

} // namespace cafegram

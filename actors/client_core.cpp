#include <cafegram/actors/alarm.hpp>
#include <cafegram/actors/backoff.hpp>
#include <cafegram/actors/client_core.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/method_traits.hpp>
#include <cafegram/actors/session_store.hpp>
#include <cafegram/actors/update_hub.hpp>
#include <cafegram/actors/update_parts.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/protocol/auth_key.hpp>
#include <cafegram/tl/api.hpp>

#include <caf/all.hpp>

#include <charconv>
#include <deque>
#include <map>

namespace cafegram {

namespace {

using std::chrono::milliseconds;
using answer_function = std::function<void(const result<shared_bytes>&)>;
using account_promise = caf::typed_response_promise<account>;

constexpr int max_migrations = 3;
constexpr int max_waits = 5;
constexpr int max_retries = 3;
constexpr milliseconds retry_least{500};
constexpr milliseconds retry_most{8'000};
constexpr std::size_t max_restarts = 5;
constexpr std::chrono::seconds restart_window{60};

/// A call between its caller and the pool.
struct running_call {
  invoke_request request;
  answer_function done;
  int migrations = 0;
  int waits = 0;
  int retries = 0;
};

/// A login with a bot's token and who waits for it.
struct running_login {
  std::string token;
  std::vector<account_promise> waiting;
};

std::int64_t bot_id_of(std::string_view token) {
  std::int64_t id = 0;
  const auto [end, problem] = std::from_chars(token.data(), token.data() + token.size(), id);
  const bool good = problem == std::errc{} && end != token.data() + token.size() && *end == ':';
  return good ? id : 0;
}

bool is_login_loss(const error& why) {
  return why.rpc && why.rpc->code == 401 && why.rpc->name != "SESSION_PASSWORD_NEEDED" &&
         why.rpc->name != "AUTH_KEY_PERM_EMPTY";
}

bool is_home_migration(const error& why) {
  return why.is_rpc("USER_MIGRATE") || why.is_rpc("PHONE_MIGRATE") || why.is_rpc("NETWORK_MIGRATE");
}

bool is_flood_wait(const error& why) {
  return why.is_rpc("FLOOD_WAIT") || why.is_rpc("FLOOD_PREMIUM_WAIT") ||
         why.is_rpc("SLOWMODE_WAIT");
}

bool is_server_trouble(const error& why) {
  return why.rpc && (why.rpc->code >= 500 || why.rpc->code == -503);
}

struct client_state {
  explicit client_state(client_actor::pointer actor)
    : self{actor} {}
  ~client_state();

  client_actor::pointer self;
  runtime::services services;
  client_setup setup;

  session_store_actor store;
  update_hub_actor hub;
  dc_pool_actor pool;
  std::deque<steady_time> restarts;
  std::vector<caf::actor> subscribers;

  connection_phase phase = connection_phase::waiting;
  std::uint64_t reconnects = 0;
  login_state login = login_state::unknown;
  account who;
  std::int32_t home_dc = 0;
  std::string last_error;
  std::optional<running_login> logging_in;
  backoff login_waits{retry_least, retry_most};
  std::optional<steady_time> login_at;

  std::map<std::uint64_t, running_call> calls;
  std::multimap<steady_time, std::uint64_t> resend_at;
  std::uint64_t next_id = 1;
  alarm ticks;

  bool stopping = false;
  bool closing = false;
  steady_time stop_at = steady_time::max();
  std::vector<caf::typed_response_promise<caf::ok_atom>> stops;
  std::size_t children = 0;

  steady_time now() const { return services.clock->steady_now(); }

  // -- children
  void start();
  void start_store();
  void start_pool();
  void start_hub();
  void begin_updates(bool resume);
  void child_ended(const caf::down_msg& down);
  bool may_restart();
  template <class Handle>
  void restart(Handle& child);

  // -- calls
  void call(invoke_request request, answer_function done);
  caf::typed_response_promise<invoke_answer> invoke(const invoke_request& request);
  void send(std::uint64_t id);
  void succeeded(std::uint64_t id, const invoke_answer& answer);
  void failed(std::uint64_t id, const error& why);
  bool tried_again(std::uint64_t id, running_call& call, const error& why);
  void resend_later(std::uint64_t id, milliseconds pause);
  void finish(std::uint64_t id, const result<shared_bytes>& outcome);
  void migrate(std::uint64_t id, std::int32_t dc);
  void learn_addresses(std::uint64_t id, std::int32_t dc);

  // -- login
  account_promise log_in(const bot_login& how);
  void log_in_bot();
  void bot_logged_in(const result<shared_bytes>& outcome);
  void take_authorization(bytes_view object);
  void logged_in(const tl::user& user);
  void logged_out(const error& why);
  void keep_login();

  // -- end, time, picture
  void stop(const stop_request& how);
  void close_when_idle();
  void ended();
  void schedule();
  void tick(std::uint64_t number);
  client_status status() const;
  void report(const connection_report& what);
};

client_state::~client_state() {
  const auto why = error::make(errc::cancelled, "the client has stopped");
  for (auto& [id, call] : calls) {
    call.done(std::unexpected(why));
  }
  if (logging_in) {
    for (auto& promise : logging_in->waiting) {
      promise.deliver(to_caf(why));
    }
  }
  caf::anon_send_exit(pool, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(hub, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(store, caf::exit_reason::user_shutdown);
}

// -- children -----------------------------------------------------------------------------------

void client_state::start() {
  const auto& stored = setup.session;
  home_dc = setup.options.dc ? setup.options.dc->id : stored.home_dc != 0 ? stored.home_dc : 2;
  if (stored.user) {
    login = login_state::logged_in;
    who = {stored.user->id, stored.user->bot, stored.user->first_name, stored.user->username};
  }
  start_store();
  start_hub();
  start_pool();
  const auto& token = setup.options.bot_token;
  const bool is_that_bot = login == login_state::logged_in && who.id == bot_id_of(token);
  if (!token.empty() && !is_that_bot) {
    logging_in = running_login{token, {}};
    log_in_bot();
  } else if (login == login_state::logged_in) {
    begin_updates(setup.options.catch_up);
  } else {
    login = login_state::logged_out;
  }
}

void client_state::start_store() {
  store = spawn_session_store(self->system(), setup.backend, setup.session);
  self->monitor(store);
  ++children;
}

void client_state::start_hub() {
  hub = spawn_update_hub(self->system(), services, self, store);
  self->monitor(hub);
  ++children;
  for (const auto& receiver : subscribers) {
    self->send(hub, caf::subscribe_atom_v, receiver);
  }
}

void client_state::start_pool() {
  pool_setup to;
  to.profile = setup.profile;
  to.addresses = setup.addresses;
  to.home_dc = home_dc;
  to.logged_in = login == login_state::logged_in;
  for (const auto& [id, record] : setup.session.data_centres) {
    if (record.auth_key) {
      if (auto key = protocol::auth_key::from(record.auth_key->view())) {
        to.keys[id] = {id, std::make_shared<const protocol::auth_key>(*std::move(key)),
                       static_cast<std::int64_t>(record.salt), record.created_at};
      }
    }
  }
  pool = spawn_dc_pool(self->system(), services, std::move(to), store, self, hub);
  self->monitor(pool);
  ++children;
}

void client_state::begin_updates(bool resume) {
  self->send(hub, hub_start{who, resume});
}

void client_state::child_ended(const caf::down_msg& down) {
  --children;
  if (closing) {
    if (children == 0) {
      ended();
    }
    return;
  }
  log::error("client", "a part of the client died: {}", caf::to_string(down.reason));
  if (!may_restart()) {
    last_error = "parts of the client died too often";
    self->quit(to_caf(error::make(errc::connection_lost, last_error)));
    return;
  }
  if (down.source == hub) {
    start_hub();
    self->send(pool, caf::put_atom_v, update_sink_actor{hub});
    if (login == login_state::logged_in) {
      begin_updates(true);
    }
  } else if (down.source == pool) {
    self->request(store, caf::infinite, load_atom_v)
        .then(
            [this](const session_snapshot& newest) {
              setup.session = *newest.state;
              start_pool();
            },
            [this](const caf::error& why) { self->quit(why); });
  } else {
    // Without its store nothing may go on: what it would have kept is lost at the next start.
    last_error = "the session store died";
    self->quit(to_caf(error::make(errc::storage, last_error)));
  }
}

bool client_state::may_restart() {
  const auto at = now();
  restarts.push_back(at);
  while (restarts.front() + restart_window < at) {
    restarts.pop_front();
  }
  return restarts.size() <= max_restarts;
}

// -- calls --------------------------------------------------------------------------------------

void client_state::call(invoke_request request, answer_function done) {
  if (stopping) {
    done(fail(errc::cancelled, "the client is stopping"));
    return;
  }
  if (!request.function || request.function->empty()) {
    done(fail(errc::bad_argument, "an empty call"));
    return;
  }
  if (!request.options.may_repeat) {
    request.options.may_repeat = may_repeat_by_default(*request.function);
  }
  const auto id = next_id++;
  calls.emplace(id, running_call{std::move(request), std::move(done)});
  send(id);
}

caf::typed_response_promise<invoke_answer> client_state::invoke(const invoke_request& request) {
  auto promise = self->make_response_promise<invoke_answer>();
  call(request, [promise](const result<shared_bytes>& outcome) mutable {
    if (outcome) {
      promise.deliver(invoke_answer{*outcome});
    } else {
      promise.deliver(to_caf(outcome.error()));
    }
  });
  return promise;
}

void client_state::send(std::uint64_t id) {
  self->request(pool, caf::infinite, calls.at(id).request)
      .then([this, id](const invoke_answer& answer) { succeeded(id, answer); },
            [this, id](const caf::error& why) { failed(id, to_error(why)); });
}

void client_state::succeeded(std::uint64_t id, const invoke_answer& answer) {
  const auto found = calls.find(id);
  if (found == calls.end()) {
    return;
  }
  const auto effect = login_effect_of(*found->second.request.function);
  if (effect == login_effect::in) {
    take_authorization(*answer.result);
  } else if (effect == login_effect::out) {
    logged_out(error::make(errc::logged_out, "logged out by auth.logOut"));
  }
  if (is_updates(*answer.result) || place_of_result(*answer.result)) {
    self->send(hub, own_result{answer.result});
  }
  finish(id, answer.result);
}

void client_state::failed(std::uint64_t id, const error& why) {
  const auto found = calls.find(id);
  if (found == calls.end()) {
    return;
  }
  auto& call = found->second;
  if (!stopping && tried_again(id, call, why)) {
    return;
  }
  const bool at_home = !call.request.options.dc || *call.request.options.dc == home_dc;
  if (is_login_loss(why) && at_home && login == login_state::logged_in) {
    logged_out(why);
  }
  auto told = why;
  if (told.rpc) {
    told.what = std::string{method_name(*call.request.function)};
  }
  finish(id, std::unexpected(std::move(told)));
}

bool client_state::tried_again(std::uint64_t id, running_call& call, const error& why) {
  if (is_home_migration(why) && why.rpc->value && call.migrations < max_migrations) {
    ++call.migrations;
    migrate(id, static_cast<std::int32_t>(*why.rpc->value));
    return true;
  }
  const auto& timing = setup.options.timing;
  if (is_flood_wait(why) && why.rpc->value && call.waits < max_waits) {
    const milliseconds wait = std::chrono::seconds{std::max<std::int64_t>(*why.rpc->value, 0)};
    if (wait <= timing.flood_wait_threshold) {
      ++call.waits;
      // Never less than was asked for.
      resend_later(id, wait + milliseconds{services.random->integer<std::uint8_t>()});
      return true;
    }
  }
  const bool may_repeat = call.request.options.may_repeat.value_or(false);
  if (is_server_trouble(why) && may_repeat && call.retries < max_retries) {
    resend_later(id, retry_least * (1 << call.retries++));
    return true;
  }
  return false;
}

void client_state::resend_later(std::uint64_t id, milliseconds pause) {
  resend_at.emplace(now() + pause, id);
  schedule();
}

void client_state::finish(std::uint64_t id, const result<shared_bytes>& outcome) {
  const auto done = std::move(calls.at(id).done);
  calls.erase(id);
  done(outcome);
  if (stopping) {
    close_when_idle();
  }
}

void client_state::migrate(std::uint64_t id, std::int32_t dc) {
  if (!setup.addresses.contains(dc)) {
    learn_addresses(id, dc);
    return;
  }
  home_dc = dc;
  self->send(pool, caf::migrate_atom_v, dc);
  self->send(store,
             session_change{[dc](storage::session_state& session) { session.home_dc = dc; }, true});
  send(id);
}

void client_state::learn_addresses(std::uint64_t id, std::int32_t dc) {
  invoke_request request{std::make_shared<const bytes>(tl::encode(tl::help::getConfig{})), {}};
  request.options.may_repeat = true;
  call(std::move(request), [this, id, dc](const result<shared_bytes>& outcome) {
    const auto config = outcome ? tl::decode<tl::Config>(**outcome)
                                : result<tl::Config>{std::unexpected(outcome.error())};
    const auto* known = config ? tl::get_if<tl::config>(*config) : nullptr;
    if (known != nullptr) {
      for (const auto& option : known->dc_options) {
        const auto* address = tl::get_if<tl::dcOption>(option);
        if (address != nullptr && !address->media_only && !address->cdn && !address->tcpo_only) {
          setup.addresses[address->id].push_back(
              {address->ip_address, static_cast<std::uint16_t>(address->port)});
        }
      }
      self->send(pool, addresses_learned{setup.addresses});
    }
    if (!calls.contains(id)) {
      return;
    }
    if (setup.addresses.contains(dc)) {
      migrate(id, dc);
    } else {
      finish(id, fail(errc::not_found, "no address is known for dc " + std::to_string(dc), dc));
    }
  });
}

// -- login --------------------------------------------------------------------------------------

account_promise client_state::log_in(const bot_login& how) {
  auto promise = self->make_response_promise<account>();
  const auto id = bot_id_of(how.token);
  if (id == 0) {
    promise.deliver(to_caf(error::make(
        errc::bad_argument, "not a bot token: it has the form NUMBER:LETTERS, from @BotFather")));
  } else if (login == login_state::logged_in && who.id == id && !logging_in) {
    promise.deliver(who);
  } else if (logging_in && logging_in->token == how.token) {
    logging_in->waiting.push_back(promise);
  } else if (logging_in) {
    promise.deliver(to_caf(error::make(errc::bad_argument, "another login is under way")));
  } else {
    logging_in = running_login{how.token, {promise}};
    log_in_bot();
  }
  return promise;
}

void client_state::log_in_bot() {
  const tl::auth::importBotAuthorization request{.flags = 0,
                                                 .api_id = setup.options.api_id,
                                                 .api_hash = setup.options.api_hash,
                                                 .bot_auth_token = logging_in->token};
  invoke_request encoded{std::make_shared<const bytes>(tl::encode(request)), {}};
  call(std::move(encoded), [this](const result<shared_bytes>& outcome) { bot_logged_in(outcome); });
}

void client_state::bot_logged_in(const result<shared_bytes>& outcome) {
  if (!logging_in) {
    return;
  }
  if (!outcome && !outcome.error().rpc && !stopping) {
    // The server has not refused: it was not there.
    last_error = to_string(outcome.error());
    login_at = now() + login_waits.take(*services.random);
    schedule();
    return;
  }
  const auto waiting = std::move(logging_in->waiting);
  logging_in.reset();
  if (!outcome) {
    last_error = to_string(outcome.error());
    log::error("client", "the bot cannot log in: {}", last_error);
    if (login == login_state::unknown) {
      login = login_state::logged_out;
    }
  }
  for (auto promise : waiting) {
    if (outcome && login == login_state::logged_in) {
      promise.deliver(who);
    } else {
      promise.deliver(
          to_caf(outcome ? error::make(errc::malformed, "auth.Authorization") : outcome.error()));
    }
  }
}

void client_state::take_authorization(bytes_view object) {
  const auto decoded = tl::decode<tl::auth::Authorization>(object);
  const auto* good = decoded ? tl::get_if<tl::auth::authorization>(*decoded) : nullptr;
  const auto* user = good != nullptr ? tl::get_if<tl::user>(good->user) : nullptr;
  if (user != nullptr) {
    logged_in(*user);
  }
}

void client_state::logged_in(const tl::user& user) {
  const bool same = user.id == who.id;
  login = login_state::logged_in;
  who = {user.id, user.bot, user.first_name.value_or(""), user.username.value_or("")};
  last_error.clear();
  log::info("client", "logged in as {} ({})", who.username.empty() ? who.first_name : who.username,
            who.id);
  self->send(pool, login_noted{true});
  keep_login();
  begin_updates(same && setup.options.catch_up);
}

void client_state::keep_login() {
  auto apply = [account = who, dc = home_dc](storage::session_state& session) {
    if (session.user && session.user->id != account.id) {
      session.updates.reset();
      session.channel_pts.clear();
      session.peers.clear();
    }
    session.user =
        storage::user_record{account.id, account.bot, account.first_name, account.username};
    session.home_dc = dc;
  };
  self->request(store, caf::infinite, session_change{std::move(apply), true})
      .then([]() {},
            [](const caf::error& why) {
              log::error("client", "the login is not saved: {}", to_string(to_error(why)));
            });
}

void client_state::logged_out(const error& why) {
  login = login_state::logged_out;
  last_error = to_string(why);
  log::warn("client", "logged out: {}", last_error);
  self->send(pool, login_noted{false});
  const auto& token = setup.options.bot_token;
  if (!token.empty() && why.rpc && !logging_in) {
    logging_in = running_login{token, {}};
    log_in_bot();
  }
}

// -- end, time, picture -------------------------------------------------------------------------

void client_state::stop(const stop_request& how) {
  stopping = true;
  stop_at = std::min(stop_at, now() + how.timeout);
  schedule();
  close_when_idle();
}

void client_state::close_when_idle() {
  if (closing || (!calls.empty() && now() < stop_at)) {
    return;
  }
  closing = true;
  self->send_exit(pool, caf::exit_reason::user_shutdown);
  self->send_exit(hub, caf::exit_reason::user_shutdown);
  // Ends last of what it has been told before: the mailbox keeps the order.
  self->send_exit(store, caf::exit_reason::user_shutdown);
  if (children == 0) {
    ended();
  }
}

void client_state::ended() {
  for (auto& promise : stops) {
    promise.deliver(caf::ok_atom_v);
  }
  stops.clear();
  self->quit();
}

void client_state::schedule() {
  auto next = closing ? steady_time::max() : stop_at;
  if (!resend_at.empty()) {
    next = std::min(next, resend_at.begin()->first);
  }
  next = std::min(next, login_at.value_or(steady_time::max()));
  ticks.set(self, next, now());
}

void client_state::tick(std::uint64_t number) {
  if (!ticks.rings(number)) {
    return;
  }
  const auto at = now();
  while (!resend_at.empty() && resend_at.begin()->first <= at) {
    const auto id = resend_at.begin()->second;
    resend_at.erase(resend_at.begin());
    if (calls.contains(id)) {
      send(id);
    }
  }
  if (login_at && *login_at <= at) {
    login_at.reset();
    log_in_bot();
  }
  if (stopping) {
    close_when_idle();
  }
  schedule();
}

client_status client_state::status() const {
  client_status out;
  out.connection = phase;
  out.reconnects = reconnects;
  out.login = login;
  out.self = who;
  out.home_dc = home_dc;
  out.pending_calls = calls.size();
  out.last_error = last_error;
  out.signing = setup.signing;
  return out;
}

void client_state::report(const connection_report& what) {
  phase = what.phase;
  if (what.phase == connection_phase::waiting) {
    ++reconnects;
    last_error = what.detail;
  }
}

client_actor::behavior_type client_behavior(client_actor::stateful_pointer<client_state> self,
                                            const runtime::services& services, client_setup setup) {
  self->state.services = services;
  self->state.setup = std::move(setup);
  self->set_down_handler([self](const caf::down_msg& down) { self->state.child_ended(down); });
  self->state.start();
  return {
      [self](const invoke_request& request) { return self->state.invoke(request); },
      [self](const callback_call& call) {
        self->state.call(call.request, [done = call.done](const result<shared_bytes>& outcome) {
          (*done)(outcome ? result<bytes>{**outcome} : std::unexpected(outcome.error()));
        });
      },
      [self](const bot_login& how) { return self->state.log_in(how); },
      [self](caf::subscribe_atom, const caf::actor& receiver) {
        self->state.subscribers.push_back(receiver);
        self->send(self->state.hub, caf::subscribe_atom_v, receiver);
      },
      [self](status_atom) { return self->state.status(); },
      [self](const network_available& news) { self->send(self->state.pool, news); },
      [self](const stop_request& how) {
        auto promise = self->make_response_promise<caf::ok_atom>();
        self->state.stops.push_back(promise);
        self->state.stop(how);
        return promise;
      },
      [self](const connection_report& what) { self->state.report(what); },
      [self](caf::tick_atom, std::uint64_t number) { self->state.tick(number); },
  };
}

} // namespace

client_actor spawn_client(caf::actor_system& system, const runtime::services& services,
                          client_setup setup) {
  return system.spawn(client_behavior, services, std::move(setup));
}

} // namespace cafegram

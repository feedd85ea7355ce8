#include <cafegram/actors/services.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/listener.hpp>
#include <cafegram/sandbox/page_access.hpp>
#include <cafegram/sandbox/server.hpp>
#include <cafegram/sandbox/server_parts.hpp>

#include <caf/all.hpp>

#include <map>
#include <utility>

namespace cafegram::sandbox {

struct server::state {
  caf::actor_system* system = nullptr;
  router_actor router;
  std::vector<caf::actor> listeners;
  caf::actor watcher;
  std::map<std::int32_t, std::uint16_t> ports;
  std::int32_t dc = 0; ///< the first data centre
  std::vector<std::uint16_t> mtproxy_ports;
  std::map<std::int32_t, std::string> public_pems;
  event_sink events;
  std::shared_ptr<fault_counts> counts;
  std::shared_ptr<const clock_source> clock;
  std::unique_ptr<page_access> page;
  std::shared_ptr<page_feed> feed = std::make_shared<page_feed>();

  void note_ports(const std::vector<door>& doors);
  void note_keys(const rsa_keys& keys);
  void listen(std::vector<door> doors, connection_parts parts);
};

void server::state::note_ports(const std::vector<door>& doors) {
  for (const door& one : doors) {
    if (one.mtproxy) {
      mtproxy_ports.push_back(one.handle->port());
    } else {
      ports[one.dc] = one.handle->port();
    }
  }
}

void server::state::note_keys(const rsa_keys& keys) {
  for (const auto& [id, key] : *keys) {
    public_pems[id] = key->public_key().to_pem();
  }
}

void server::state::listen(std::vector<door> doors, connection_parts parts) {
  for (door& one : doors) {
    parts.dc = one.dc;
    parts.mtproxy = std::move(one.mtproxy);
    listeners.push_back(spawn_listener(*system, std::move(one.handle), parts));
  }
}

namespace {

page_state constants(const server_options& options, std::uint16_t port, const layer_set& layers,
                     const crypto::rsa_public_key& key, wall_time now) {
  page_state out;
  out.address = fmt::format("{}:{}", options.host, port);
  out.dc = options.dc_id;
  out.layer = layers.newest();
  out.layers = layers.layers();
  out.rsa_fingerprint = fmt::format("{:016x}", static_cast<std::uint64_t>(key.fingerprint()));
  out.started = now;
  return out;
}

} // namespace

server::server(std::unique_ptr<state> s)
  : state_{std::move(s)} {}

result<std::unique_ptr<server>> server::start(runtime& on, const server_options& options) {
  auto made = std::make_unique<state>();
  made->system = &on.system();
  made->dc = options.dc_id;
  made->clock = options.clock ? options.clock : on.shared().clock;
  const auto random = options.random ? options.random : on.shared().random;
  if (auto good = check_centres(options); !good) {
    return std::unexpected(good.error());
  }
  auto layers = layer_set::load(options.schemas);
  if (!layers) {
    return std::unexpected(layers.error());
  }
  auto keys = load_keys(options);
  if (!keys) {
    return std::unexpected(keys.error());
  }
  made->note_keys(*keys);
  auto doors = open_doors(on.system(), options);
  if (!doors) {
    return std::unexpected(doors.error());
  }
  made->note_ports(*doors);
  const wall_time now = made->clock->wall_now();
  auto model = open_world(options, made->ports, random, now);
  if (!model) {
    return std::unexpected(model.error());
  }
  auto events = open_log(on.system(), options, made->clock);
  if (!events) {
    return std::unexpected(events.error());
  }
  made->events = *events;
  auto about = constants(options, made->ports.at(options.dc_id), **layers,
                         (*keys)->at(options.dc_id)->public_key(), now);
  made->router = spawn_router(
      on.system(), {*std::move(model), *layers, made->feed, made->clock, std::move(about), *events},
      true);
  made->page = std::make_unique<page_access>(made->router);
  connection_parts parts{made->router, *layers, *keys, made->clock, random, 0, options.test_mode};
  parts.faults = std::make_shared<const fault_plan>(options.faults);
  parts.events = *events;
  parts.strangers = options.strangers;
  parts.salt_lifetime = options.salt_lifetime;
  made->counts = parts.counts;
  made->listen(*std::move(doors), std::move(parts));
  made->watcher = watch(on.system(), {made->router, made->listeners, made->events.writer()},
                        options.on_failure);
  return std::unique_ptr<server>{new server{std::move(made)}};
}

server::~server() {
  stop();
}

void server::stop() {
  if (!state_->router) {
    return;
  }
  {
    caf::scoped_actor waiter{*state_->system};
    // First the one who would call this a failure.
    waiter->monitor(state_->watcher);
    caf::anon_send_exit(std::exchange(state_->watcher, nullptr), caf::exit_reason::user_shutdown);
    waiter->receive([](const caf::down_msg&) {});
    for (const auto& listener : std::exchange(state_->listeners, {})) {
      waiter->monitor(listener);
      caf::anon_send_exit(listener, caf::exit_reason::user_shutdown);
      waiter->receive([](const caf::down_msg&) {},
                      caf::after(std::chrono::seconds{5}) >>
                          [] { log::warn("sandbox", "a listener did not end in time"); });
    }
    waiter->monitor(state_->router);
    caf::anon_send(state_->router, router_task{std::make_shared<std::function<void(router_state&)>>(
                                       [](router_state& at) { at.stop(); })});
    waiter->receive([](const caf::down_msg&) {},
                    caf::after(std::chrono::seconds{5}) >>
                        [] { log::warn("sandbox", "the router did not end in time"); });
  }
  if (state_->events) {
    state_->events.tell_always(event_lines::stopped(state_->clock->wall_now()));
    flush_log();
    caf::anon_send_exit(state_->events.writer(), caf::exit_reason::user_shutdown);
    state_->events = {};
  }
  state_->page->disconnect();
  state_->router = nullptr;
  state_->feed->wake();
}

void server::set_faults(fault_plan plan) {
  if (!state_->router) {
    return;
  }
  const faults_told told{std::make_shared<const fault_plan>(std::move(plan))};
  caf::anon_send(state_->router, router_task{std::make_shared<std::function<void(router_state&)>>(
                                     [told](router_state& at) { at.tell_faults(told); })});
  for (const auto& listener : state_->listeners) {
    caf::anon_send(listener, told);
  }
}

const fault_counts& server::faults() const {
  return *state_->counts;
}

void server::flush_log() {
  if (!state_->events) {
    return;
  }
  caf::scoped_actor waiter{*state_->system};
  waiter->request(state_->events.writer(), std::chrono::seconds{5}, caf::flush_atom_v)
      .receive([](caf::ok_atom) {},
               [](const caf::error&) { log::warn("sandbox", "the log was not written in time"); });
}

std::uint16_t server::port() const {
  return port(state_->dc);
}

std::uint16_t server::port(std::int32_t dc) const {
  const auto found = state_->ports.find(dc);
  return found != state_->ports.end() ? found->second : 0;
}

const std::vector<std::uint16_t>& server::mtproxy_ports() const {
  return state_->mtproxy_ports;
}

const std::string& server::public_key_pem() const {
  return state_->public_pems.at(state_->dc);
}

std::vector<std::string> server::public_keys_pem() const {
  std::vector<std::string> out;
  for (const auto& [dc, pem] : state_->public_pems) {
    out.push_back(pem);
  }
  return out;
}

result<void> server::move_home(std::int64_t account, std::int32_t dc) {
  if (!state_->router || !state_->ports.contains(dc)) {
    return fail(errc::bad_argument, fmt::format("there is no data centre {} here", dc));
  }
  caf::anon_send(state_->router,
                 router_task{std::make_shared<std::function<void(router_state&)>>(
                     [account, dc](router_state& at) { at.parts.model->move_home(account, dc); })});
  return {};
}

page_model& server::page() {
  return *state_->page;
}

std::shared_ptr<page_feed> server::feed() const {
  return state_->feed;
}

} // namespace cafegram::sandbox

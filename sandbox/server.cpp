#include <cafegram/actors/services.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/listener.hpp>
#include <cafegram/sandbox/page_access.hpp>
#include <cafegram/sandbox/server.hpp>
#include <cafegram/sandbox/server_key.hpp>

#include <caf/all.hpp>
#include <caf/io/middleman.hpp>
#include <caf/io/network/multiplexer.hpp>

#include <cerrno>

namespace cafegram::sandbox {

struct server::state {
  caf::actor_system* system = nullptr;
  router_actor router;
  caf::actor listener;
  std::vector<caf::actor> mtproxies;
  std::vector<std::uint16_t> mtproxy_ports;
  std::unique_ptr<page_access> page;
  std::shared_ptr<page_feed> feed = std::make_shared<page_feed>();
  std::uint16_t port = 0;
  std::string public_pem;
};

namespace {

result<caf::io::doorman_ptr> open_door(caf::actor_system& system, const std::string& host,
                                       std::uint16_t port) {
  // Reused at once: a sandbox that was killed comes back while its old sockets fade.
  auto door = system.middleman().backend().new_tcp_doorman(port, host.c_str(), true);
  if (!door) {
    return fail(errc::network,
                fmt::format("cannot listen on {}:{}; is something else there?", host, port),
                EADDRINUSE);
  }
  return *std::move(door);
}

result<std::unique_ptr<world>> open_world(const server_options& options, std::uint16_t port,
                                          std::shared_ptr<random_source> random, wall_time now) {
  world_options out;
  out.dc_id = options.dc_id;
  out.test_mode = options.test_mode;
  out.address = options.host;
  out.port = port;
  out.alice = options.alice;
  out.message_log = options.message_log;
  if (options.data.empty()) {
    return world::open(std::move(out), make_memory_store(), std::move(random), now);
  }
  auto records = open_sqlite_store(options.data);
  if (!records) {
    return std::unexpected(records.error());
  }
  return world::open(std::move(out), *std::move(records), std::move(random), now);
}

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
  const auto clock = options.clock ? options.clock : on.shared().clock;
  const auto random = options.random ? options.random : on.shared().random;
  auto layers = layer_set::load(options.schemas);
  if (!layers) {
    return std::unexpected(layers.error());
  }
  auto rsa = load_server_key(options.data);
  if (!rsa) {
    return std::unexpected(rsa.error());
  }
  auto door = open_door(on.system(), options.host, options.port);
  if (!door) {
    return std::unexpected(door.error());
  }
  std::vector<caf::io::doorman_ptr> proxy_doors;
  for (const auto& proxy : options.mtproxies) {
    auto opened = open_door(on.system(), proxy.host, proxy.port);
    if (!opened) {
      return std::unexpected(opened.error());
    }
    made->mtproxy_ports.push_back((*opened)->port());
    proxy_doors.push_back(*std::move(opened));
  }
  made->port = (*door)->port();
  auto model = open_world(options, made->port, random, clock->wall_now());
  if (!model) {
    return std::unexpected(model.error());
  }
  const auto& public_key = (*rsa)->public_key();
  made->public_pem = public_key.to_pem();
  if (!options.key_out.empty()) {
    if (auto kept = write_public_key(options.key_out, public_key); !kept) {
      return std::unexpected(kept.error());
    }
  }
  made->router = spawn_router(
      on.system(), {*std::move(model), *layers, made->feed, clock,
                    constants(options, made->port, **layers, public_key, clock->wall_now())});
  made->page = std::make_unique<page_access>(made->router);
  connection_parts parts{made->router,  *layers,          *rsa, clock, random,
                         options.dc_id, options.test_mode};
  made->listener = spawn_listener(on.system(), *std::move(door), parts);
  for (std::size_t i = 0; i < proxy_doors.size(); ++i) {
    parts.mtproxy = std::make_shared<const mtproxy_port>(options.mtproxies[i].secret);
    made->mtproxies.push_back(spawn_listener(on.system(), std::move(proxy_doors[i]), parts));
  }
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
    auto listeners = std::move(state_->mtproxies);
    listeners.push_back(state_->listener);
    for (const auto& listener : listeners) {
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
  state_->page->disconnect();
  state_->listener = nullptr;
  state_->router = nullptr;
  state_->feed->wake();
}

std::uint16_t server::port() const {
  return state_->port;
}

const std::vector<std::uint16_t>& server::mtproxy_ports() const {
  return state_->mtproxy_ports;
}

const std::string& server::public_key_pem() const {
  return state_->public_pem;
}

page_model& server::page() {
  return *state_->page;
}

std::shared_ptr<page_feed> server::feed() const {
  return state_->feed;
}

} // namespace cafegram::sandbox

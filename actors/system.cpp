#include <cafegram/actors/connector.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/handshake_gate.hpp>
#include <cafegram/actors/services.hpp>
#include <cafegram/actors/session_writer.hpp>
#include <cafegram/actors/system.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/crypto/secure.hpp>

#include <caf/actor_registry.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <thread>

namespace cafegram {

namespace {

thread_local bool runs_actors = false;

class mark_threads final : public caf::thread_hook {
public:
  void init(caf::actor_system&) override {}
  void thread_started() override { runs_actors = true; }
  void thread_terminates() override { runs_actors = false; }
};

class system_config final : public caf::actor_system_config {
public:
  explicit system_config(const runtime_options& options) {
    load<caf::io::middleman>();
    const auto cores = std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
    // One queue for all workers: a message from the I/O thread finds a sleeping worker at once.
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", options.threads == 0 ? cores : options.threads);
    // A busy actor gives way after so many messages; a stop does not wait for long mailboxes.
    set("scheduler.max-throughput", std::size_t{100});
    add_thread_hook<mark_threads>();
    add_error_category(caf::atom("cafegram"), [](std::uint8_t code, caf::atom_value category,
                                                 const caf::message& context) {
      return to_string(to_error(caf::error{code, category, context}));
    });
  }
};

} // namespace

bool on_actor_thread() {
  return runs_actors;
}

struct runtime::state {
  explicit state(runtime_options given)
    : options{std::move(given)}
    , config{options}
    , system{config} {
    shared.clock = system_clock_source();
    shared.random = options.random ? options.random : crypto::system_random();
    shared.primes = std::make_shared<crypto::prime_cache>();
    shared.connector = spawn_kept_connector(system);
    shared.handshakes = spawn_handshake_gate(system);
    shared.writer = spawn_session_writer(system);
  }

  state(const state&) = delete;
  state& operator=(const state&) = delete;

  ~state() {
    caf::anon_send_exit(shared.connector, caf::exit_reason::user_shutdown);
    shared.connector = nullptr;
    caf::anon_send_exit(shared.handshakes, caf::exit_reason::user_shutdown);
    shared.handshakes = nullptr;
    caf::anon_send(shared.writer, shutdown_atom_v); // behind what is to be written
    shared.writer = nullptr;
    await_actors();
  }

  void await_actors() {
    const auto until = std::chrono::steady_clock::now() + options.stop_timeout;
    auto running = system.registry().running();
    while (running > 0 && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
      running = system.registry().running();
    }
    if (running > 0) {
      log::warn("runtime", "{} actors did not end in time and are left behind", running);
      system.await_actors_before_shutdown(false);
    }
  }

  runtime_options options;
  system_config config;
  caf::actor_system system;
  services shared;
};

runtime::runtime(runtime_options options)
  : state_{std::make_unique<state>(std::move(options))} {}
runtime::runtime(runtime&&) noexcept = default;
runtime& runtime::operator=(runtime&&) noexcept = default;
runtime::~runtime() = default;

caf::actor_system& runtime::system() {
  return state_->system;
}

const runtime::services& runtime::shared() const {
  return state_->shared;
}

} // namespace cafegram

#pragma once

#include <cafegram/actors/services.hpp>
#include <cafegram/crypto/dh.hpp>

#include <caf/all.hpp>
#include <caf/io/middleman.hpp>
#include <caf/io/network/test_multiplexer.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <string_view>
#include <utility>

#include "virtual_time.hpp"

namespace cafegram::test {

/// A system of actors without threads and without a network: sockets are buffers, what is in them
/// moves when a test says so, and so does the clock.
class virtual_network {
public:
  virtual_network()
    : system_{configure(config_)}
    , services_{start_connector(), std::make_shared<virtual_clock>(scheduler()),
                std::make_shared<seeded_random>(7), std::make_shared<crypto::prime_cache>()} {}
  virtual_network(const virtual_network&) = delete;
  virtual_network& operator=(const virtual_network&) = delete;
  ~virtual_network() {
    caf::anon_send_exit(services_.connector, caf::exit_reason::kill);
    services_.connector = nullptr;
    run();
    system_.await_actors_before_shutdown(false);
  }

  caf::actor_system& system() { return system_; }
  const runtime::services& services() const { return services_; }
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  }
  caf::io::network::test_multiplexer& sockets() {
    return dynamic_cast<caf::io::network::test_multiplexer&>(system_.middleman().backend());
  }

  /// Until no actor has anything to do, brokers among them, but those that stall.
  void run() {
    do {
      stalled_.run_others(scheduler());
    } while (sockets().try_exec_runnable());
  }
  void stall(const caf::actor& who) { stalled_.add(who); }
  /// All that stall go on.
  void wake() {
    stalled_.clear();
    run();
  }
  void pass(std::chrono::milliseconds time) {
    run();
    scheduler().advance_time(time);
    run();
  }

  /// How many sockets the connector was asked for; each was given one at once.
  std::size_t opened() const { return opened_; }
  caf::io::connection_handle socket() const { return handle_of(opened_); }

  /// A socket that somebody has opened to us.
  caf::io::scribe_ptr accept() {
    ++opened_;
    return sockets().new_scribe(socket());
  }

  /// What was written into the newest socket since it was asked.
  bytes taken() {
    auto& buffer = sockets().output_buffer(socket());
    const auto out = to_bytes(as_bytes(std::string_view{buffer.data(), buffer.size()}));
    buffer.clear();
    return out;
  }
  /// Octets arrive at the newest socket.
  void give(bytes_view data) {
    sockets().virtual_send(socket(), {data.begin(), data.end()});
    run();
  }
  /// The other side closes the newest socket, or the way to it breaks.
  void cut() {
    auto& backend = sockets();
    backend.impl_ptr(socket())->io_failure(&backend, caf::io::network::operation::read);
    run();
  }

private:
  static caf::actor_system_config& configure(caf::actor_system_config& config) {
    config.load<caf::io::middleman, caf::io::network::test_multiplexer>();
    config.set("scheduler.policy", caf::atom("testing"));
    config.set("middleman.manual-multiplexing", true);
    config.set("middleman.attach-utility-actors", true);
    return config;
  }

  /// No descriptor has such a number.
  static caf::io::connection_handle handle_of(std::size_t number) {
    return caf::io::connection_handle::from_int(1'000'000'000 + static_cast<int>(number));
  }

  connector_actor start_connector() {
    return system_.spawn([this]() -> connector_actor::behavior_type {
      return {
          [this](const connect_request& request) {
            return connected{accept(), request.candidates.front()};
          },
          [](poll_atom) {},
      };
    });
  }

  caf::actor_system_config config_;
  caf::actor_system system_;
  runtime::services services_;
  std::size_t opened_ = 0;
  stalled_actors stalled_;
};

} // namespace cafegram::test

#pragma once

#include <cafegram/actors/services.hpp>
#include <cafegram/crypto/dh.hpp>
#include <cafegram/tests/support.hpp>

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <set>

namespace cafegram::test {

/// The scheduler's clock, which moves when a test says so.
class virtual_clock final : public clock_source {
public:
  explicit virtual_clock(caf::scheduler::test_coordinator& scheduler)
    : scheduler_{scheduler} {}
  steady_time steady_now() const override {
    return steady_time{std::chrono::hours{1}} + scheduler_.clock().now().time_since_epoch();
  }
  wall_time wall_now() const override {
    return wall_time{std::chrono::seconds{1'750'000'000}} +
           std::chrono::duration_cast<wall_time::duration>(
               scheduler_.clock().now().time_since_epoch());
  }

private:
  caf::scheduler::test_coordinator& scheduler_;
};

/// Actors that take no turn: nothing that they are sent is looked at, nor do they end.
class stalled_actors {
public:
  void add(const caf::actor& who) {
    all_.insert(dynamic_cast<const caf::resumable*>(caf::actor_cast<caf::abstract_actor*>(who)));
  }
  void clear() { all_.clear(); }

  /// Until none of the others has anything to do.
  void run_others(caf::scheduler::test_coordinator& scheduler) const {
    scheduler.run_jobs_filtered([this](const caf::resumable* job) { return !all_.contains(job); });
  }

private:
  std::set<const caf::resumable*> all_;
};

/// A system of actors without threads: they run in `run`, and time passes in `pass`.
class virtual_system {
public:
  virtual_system()
    : system_{configure(config_)}
    , services_{connector_actor{}, std::make_shared<virtual_clock>(scheduler()),
                std::make_shared<seeded_random>(7), std::make_shared<crypto::prime_cache>()} {}

  caf::actor_system& system() { return system_; }
  const runtime::services& services() const { return services_; }
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  }
  /// Until no actor has anything to do, but those that stall.
  void run() { stalled_.run_others(scheduler()); }
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

private:
  static caf::actor_system_config& configure(caf::actor_system_config& config) {
    config.set("scheduler.policy", caf::atom("testing"));
    return config;
  }

  caf::actor_system_config config_;
  caf::actor_system system_;
  runtime::services services_;
  stalled_actors stalled_;
};

} // namespace cafegram::test

#pragma once

#include <caf/actor.hpp>
#include <caf/fwd.hpp>

#include <atomic>
#include <chrono>
#include <utility>

namespace cafegram {

/// Sends `stop_request{timeout}` and waits until the actor has ended. The actor keeps the deadline;
/// five seconds later one that cannot any more is left behind. On a thread that runs actors, where
/// nobody may wait, it only asks.
void stop_and_wait(caf::actor_system& system, const caf::actor& actor,
                   std::chrono::milliseconds timeout);

/// Stops an actor once: when it is told to, or with the end of this, which the actor must not
/// outlive.
class stop_once {
public:
  stop_once(caf::actor_system& system, caf::actor actor)
    : system_{system}
    , actor_{std::move(actor)} {}
  stop_once(const stop_once&) = delete;
  stop_once& operator=(const stop_once&) = delete;
  ~stop_once() { stop(std::chrono::seconds{5}); }

  void stop(std::chrono::milliseconds timeout) {
    if (!stopped_.exchange(true)) {
      stop_and_wait(system_, actor_, timeout);
    }
  }

  caf::actor_system& system() const { return system_; }
  const caf::actor& actor() const { return actor_; }

private:
  caf::actor_system& system_;
  caf::actor actor_;
  std::atomic<bool> stopped_ = false;
};

} // namespace cafegram

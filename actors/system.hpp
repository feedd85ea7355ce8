#pragma once

#include <cafegram/base/environment.hpp>

#include <caf/fwd.hpp>

#include <chrono>
#include <cstddef>
#include <memory>

namespace cafegram {

/// What the threads of a process are given.
struct runtime_options {
  std::size_t threads = 0; ///< scheduler threads; 0: one per core
  /// How long the destructor waits for actors before it gives up on them and says so.
  std::chrono::milliseconds stop_timeout{5'000};
  std::shared_ptr<random_source> random = {}; ///< default: the operating system's
};

/// The one place that configures CAF: a system of actors with its I/O thread, never reading
/// `caf-application.ini`. Any number of clients, bots and sandboxes share one.
///
/// Everything that holds a handle into it has to go first; the destructor ends what still runs,
/// waits `stop_timeout`, and names what did not end.
class runtime {
public:
  explicit runtime(runtime_options options = {});
  runtime(runtime&&) noexcept;
  runtime& operator=(runtime&&) noexcept;
  ~runtime();

  caf::actor_system& system();

  /// Shared services of this runtime; for the actors of this library.
  struct services;
  const services& shared() const;

private:
  struct state;
  std::unique_ptr<state> state_;
};

/// True on a thread that runs actors: a blocking call there would stop them, and is refused.
bool on_actor_thread();

} // namespace cafegram

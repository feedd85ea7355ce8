#include <cafegram/bench/allocations.hpp>
#include <cafegram/bench/process.hpp>
#include <cafegram/bench/rpc.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>

namespace cafegram::bench {
namespace {

using clock = std::chrono::steady_clock;

/// What a number of callers did.
struct calls_made {
  double wall = 0;
  double client_cpu = 0;
  double server_cpu = 0;
  std::vector<double> micros; ///< of each call, sorted

  double count() const { return static_cast<double>(micros.size()); }
  double at_fraction(double fraction) const {
    return micros[static_cast<std::size_t>(fraction * (count() - 1))];
  }
};

/// Keeps a number of calls under way until the time is over. The callbacks run on the threads of
/// the client; the caller of `run` waits for the last of them.
class pipeline {
public:
  pipeline(std::span<client> on, const rpc_options& options)
    : clients_{on}
    , options_{options} {}

  result<std::vector<double>> run(std::size_t callers, clock::duration time) {
    until_ = clock::now() + time;
    {
      const std::scoped_lock guard{lock_};
      under_way_ = callers;
    }
    for (std::size_t i = 0; i < callers; ++i) {
      call(i % clients_.size());
    }
    std::unique_lock guard{lock_};
    idle_.wait(guard, [this] { return under_way_ == 0; });
    if (failure_) {
      return std::unexpected(*failure_);
    }
    return std::move(micros_);
  }

private:
  void call(std::size_t which) {
    clients_[which].invoke_bytes_async(
        options_.request, {}, [this, which, start = clock::now()](const result<bytes>& answer) {
          settle(which, start, answer);
        });
  }

  void settle(std::size_t which, clock::time_point start, const result<bytes>& answer) {
    const auto end = clock::now();
    bool more = false;
    {
      const std::scoped_lock guard{lock_};
      if (answer) {
        micros_.push_back(seconds(end - start) * 1e6);
      } else if (!failure_) {
        failure_ = answer.error();
      }
      more = !failure_ && end < until_;
      // Told under the lock: the waiting thread owns this object and is free to end it after.
      if (!more && --under_way_ == 0) {
        idle_.notify_one();
      }
    }
    if (more) {
      call(which);
    }
  }

  std::span<client> clients_;
  const rpc_options& options_;
  clock::time_point until_;
  std::mutex lock_; // the callbacks are no actors
  std::condition_variable idle_;
  std::size_t under_way_ = 0;
  std::vector<double> micros_;
  std::optional<error> failure_;
};

result<calls_made> measure(std::span<client> on, const rpc_options& options, std::size_t callers) {
  const auto cpu = own_cpu();
  const auto server = options.server_cpu();
  const auto start = clock::now();
  auto micros = pipeline{on, options}.run(callers, options.time);
  if (!micros) {
    return std::unexpected(std::move(micros).error());
  }
  calls_made out{.wall = seconds(clock::now() - start),
                 .client_cpu = std::max(own_cpu() - cpu, 1e-3),
                 .server_cpu = seconds(options.server_cpu() - server),
                 .micros = *std::move(micros)};
  std::ranges::sort(out.micros);
  return out;
}

/// Of everybody: this project, CAF, the benchmark's own callers.
result<double> allocations_per_call(std::span<client> on, const rpc_options& options,
                                    std::size_t callers) {
  const allocation_counter counter;
  const auto micros = pipeline{on, options}.run(callers, options.time / 10);
  if (!micros) {
    return std::unexpected(micros.error());
  }
  return static_cast<double>(counter.count()) / static_cast<double>(micros->size());
}

} // namespace

result<std::vector<figure>> run_rpc(std::span<client> on, const rpc_options& options) {
  // A connection's first call pays for the connection and the key; it is not measured.
  for (auto& one : on) {
    if (const auto warm = one.invoke_bytes(options.request); !warm) {
      return std::unexpected(warm.error());
    }
  }
  const auto callers = options.in_flight * on.size();
  const auto many = measure(on, options, callers);
  if (!many) {
    return std::unexpected(many.error());
  }
  const auto one = measure(on, options, 1);
  if (!one) {
    return std::unexpected(one.error());
  }
  const auto allocations = allocations_per_call(on, options, callers);
  if (!allocations) {
    return std::unexpected(allocations.error());
  }
  const auto named = [&on](const char* what) {
    return std::string{"rpc/"} + what + "/" + std::to_string(on.size());
  };
  return std::vector<figure>{
      {named("per-second"), many->count() / many->wall, "calls/s"},
      // The same rate, by the name that it had first: scripts look for it.
      {named("pipelined"), many->count() / many->wall, "calls/s"},
      {named("per-client-cpu-second"), many->count() / many->client_cpu, "calls/s"},
      {named("client-cpu"), 100 * many->client_cpu / many->wall, "% of a core"},
      {named("server-cpu"), 100 * many->server_cpu / many->wall, "% of a core"},
      {named("loaded-median-us"), many->at_fraction(0.5), "us"},
      {named("loaded-p99-us"), many->at_fraction(0.99), "us"},
      {named("one-caller-per-second"), one->count() / one->wall, "calls/s"},
      {named("one-caller-per-client-cpu-second"), one->count() / one->client_cpu, "calls/s"},
      {named("median-us"), one->at_fraction(0.5), "us"},
      {named("p99-us"), one->at_fraction(0.99), "us"},
      {named("allocations"), *allocations, "per call"},
  };
}

} // namespace cafegram::bench

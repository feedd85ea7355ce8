#include <cafegram/bench/rpc.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <sys/resource.h>

namespace cafegram::bench {
namespace {

using clock = std::chrono::steady_clock;

double seconds(clock::duration d) {
  return std::chrono::duration<double>(d).count();
}

std::chrono::milliseconds own_cpu() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto ms = [](const timeval& t) { return t.tv_sec * 1000 + t.tv_usec / 1000; };
  return std::chrono::milliseconds{ms(used.ru_utime) + ms(used.ru_stime)};
}

/// Keeps a number of calls under way until the time is over. The callbacks run on the threads of
/// the client; the caller of `run` waits for the last of them.
class pipeline {
public:
  pipeline(client& on, const rpc_options& options)
    : client_{on}
    , options_{options} {}

  result<std::uint64_t> run() {
    until_ = clock::now() + options_.time;
    {
      const std::scoped_lock guard{lock_};
      under_way_ = options_.in_flight;
    }
    for (std::size_t i = 0; i < options_.in_flight; ++i) {
      call();
    }
    std::unique_lock guard{lock_};
    idle_.wait(guard, [this] { return under_way_ == 0; });
    if (failure_) {
      return std::unexpected(*failure_);
    }
    return answered_;
  }

private:
  void call() {
    client_.invoke_bytes_async(options_.request, {},
                               [this](result<bytes> answer) { settle(std::move(answer)); });
  }

  void settle(result<bytes> answer) {
    bool more = false;
    {
      const std::scoped_lock guard{lock_};
      if (answer) {
        ++answered_;
      } else if (!failure_) {
        failure_ = std::move(answer).error();
      }
      more = !failure_ && clock::now() < until_;
      // Told under the lock: the waiting thread owns this object and is free to end it after.
      if (!more && --under_way_ == 0) {
        idle_.notify_one();
      }
    }
    if (more) {
      call();
    }
  }

  client& client_;
  const rpc_options& options_;
  clock::time_point until_;
  std::mutex lock_; // the callbacks are no actors
  std::condition_variable idle_;
  std::size_t under_way_ = 0;
  std::uint64_t answered_ = 0;
  std::optional<error> failure_;
};

result<std::vector<double>> measure_latency(client& on, const rpc_options& options) {
  std::vector<double> micros;
  const auto until = clock::now() + options.time;
  for (auto start = clock::now(); start < until;) {
    if (const auto answer = on.invoke_bytes(options.request); !answer) {
      return std::unexpected(answer.error());
    }
    const auto end = clock::now();
    micros.push_back(seconds(end - start) * 1e6);
    start = end;
  }
  std::ranges::sort(micros);
  return micros;
}

double at_fraction(const std::vector<double>& sorted, double fraction) {
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<std::size_t>(fraction * last)];
}

} // namespace

result<std::vector<figure>> run_rpc(client& on, const rpc_options& options) {
  // The first call pays for the connection and the key; it is not measured.
  if (const auto warm = on.invoke_bytes(options.request); !warm) {
    return std::unexpected(warm.error());
  }
  const auto client_before = own_cpu();
  const auto server_before = options.server_cpu();
  const auto start = clock::now();
  const auto answered = pipeline{on, options}.run();
  if (!answered) {
    return std::unexpected(answered.error());
  }
  const double took = seconds(clock::now() - start);
  const double client_cpu = seconds(own_cpu() - client_before);
  const double server_cpu = seconds(options.server_cpu() - server_before);
  const auto latency = measure_latency(on, options);
  if (!latency) {
    return std::unexpected(latency.error());
  }
  const auto calls = static_cast<double>(*answered);
  return std::vector<figure>{
      {"rpc/pipelined/1", calls / took, "calls/s"},
      {"rpc/per-client-cpu-second/1", calls / std::max(client_cpu, 1e-3), "calls/s"},
      {"rpc/client-cpu/1", 100 * client_cpu / took, "% of a core"},
      {"rpc/server-cpu/1", 100 * server_cpu / took, "% of a core"},
      {"rpc/median-us/1", at_fraction(*latency, 0.5), "us"},
      {"rpc/p99-us/1", at_fraction(*latency, 0.99), "us"},
  };
}

} // namespace cafegram::bench

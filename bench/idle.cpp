#include <cafegram/actors/open_files.hpp>
#include <cafegram/bench/idle.hpp>
#include <cafegram/bench/process.hpp>

#include <thread>

namespace cafegram::bench {
namespace {

/// Beside a socket and a lock file for each session.
constexpr std::size_t other_files = 100;

result<client> start_one(runtime& on, const idle_options& options, std::size_t n) {
  return client::start(on, options.options_of(n));
}

result<void> await_login(client& which, const idle_options& options) {
  auto who = which.login_bot(which.options().bot_token, options.start_timeout);
  return who ? result<void>{} : std::unexpected(std::move(who).error());
}

} // namespace

result<void> allow_sessions(std::size_t count) {
  return allow_open_files(2 * count + other_files);
}

result<std::vector<figure>> run_idle(const idle_options& options) {
  runtime actors;
  auto first = start_one(actors, options, 0);
  if (!first) {
    return std::unexpected(std::move(first).error());
  }
  if (auto in = await_login(*first, options); !in) {
    return std::unexpected(std::move(in).error());
  }
  std::vector<client> clients;
  clients.reserve(options.sessions);
  const auto before = resident_octets();
  const auto cpu_before = own_cpu();
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t n = 1; n <= options.sessions; ++n) {
    auto one = start_one(actors, options, n);
    if (!one) {
      return std::unexpected(std::move(one).error());
    }
    clients.push_back(*std::move(one));
  }
  for (auto& one : clients) {
    if (auto in = await_login(one, options); !in) {
      return std::unexpected(std::move(in).error());
    }
  }
  const double started = seconds(std::chrono::steady_clock::now() - start);
  const double start_cpu = own_cpu() - cpu_before;
  std::this_thread::sleep_for(options.settle);
  const auto after = resident_octets();
  const auto cpu_at_rest = own_cpu();
  const auto rest = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(options.time);
  const double used = own_cpu() - cpu_at_rest;
  const double rested = seconds(std::chrono::steady_clock::now() - rest);
  const auto grown = static_cast<double>(after > before ? after - before : 0);
  return std::vector<figure>{
      {"idle/sessions", static_cast<double>(clients.size()), "sessions"},
      {"idle/bytes-per-session", grown / static_cast<double>(clients.size()), "B"},
      {"idle/cpu-percent", 100 * used / rested, "% of a core"},
      {"idle/start-seconds", started, "s"},
      {"idle/start-cpu-seconds", start_cpu, "s"},
  };
}

} // namespace cafegram::bench

#include <cafegram/actors/updates.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/tl/json.hpp>

#include <CLI/CLI.hpp>
#include <caf/all.hpp>
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>
#include <unistd.h>
#include <vector>

#include "bot_load.hpp"

/// Many bots against a sandbox in which everything goes wrong. Prints `name: ok` or `name: fail`
/// for what only a client can know, and a summary as JSON. See docs/chaos.md.
namespace cafegram::chaos {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds pace{20};
/// Messages are sent again until they are sent, and the last calls have their time.
constexpr seconds longest_end{180};
constexpr int memory_samples = 20;
constexpr int warm_sample = 6;
constexpr std::size_t allowed_growth_kb = 4'096;

struct arguments {
  std::string address;
  std::string key;
  std::uint64_t seed = 1;
  std::uint64_t clients = 64;
  std::uint64_t requests = 500'000;
  double minutes = 20;
  std::size_t in_flight = 16;
};

std::size_t resident_kb() {
  std::ifstream in{"/proc/self/statm"};
  std::size_t all = 0;
  std::size_t resident = 0;
  in >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

/// Each bot has another transport, and every other one temporary keys.
client_options options_of(std::uint64_t number, const endpoint& server, const std::string& pem) {
  constexpr std::array transports = {"obfuscated-intermediate", "padded", "abridged", "full",
                                     "obfuscated-padded"};
  client_options out;
  out.api_id = 1;
  out.api_hash = "0123456789abcdef0123456789abcdef";
  out.bot_token = fmt::format("{}:chaos-{}", 1'000'000 + number, number);
  out.dc = dc_override{2, server};
  out.rsa_keys_pem = {pem};
  out.transport = *transport_choice::parse(transports[number % transports.size()]);
  out.forward_secrecy = number % 2 == 1;
  out.timing.reconnect_min = milliseconds{20};
  out.timing.reconnect_max = milliseconds{500};
  return out;
}

class run {
public:
  explicit run(arguments a)
    : arguments_{std::move(a)} {}

  result<void> start() {
    const auto server = parse_endpoint(arguments_.address);
    if (!server) {
      return fail(errc::bad_argument, "not HOST:PORT: " + arguments_.address);
    }
    std::ostringstream pem;
    pem << std::ifstream{arguments_.key}.rdbuf();
    const auto receiver =
        runtime_.system().spawn([]() -> caf::behavior { return {[](const update_event&) {}}; });
    receiver_ = receiver;
    for (std::uint64_t i = 0; i < arguments_.clients; ++i) {
      auto made = client::start(runtime_, options_of(i, *server, pem.str()));
      if (!made) {
        return std::unexpected(made.error());
      }
      made->subscribe(receiver);
      bots_.push_back(std::make_unique<bot_load>(
          *std::move(made), load_options{arguments_.seed, i, arguments_.in_flight}));
    }
    for (auto& bot : bots_) {
      if (auto ready = bot->prepare(); !ready) {
        return ready;
      }
    }
    return {};
  }

  /// Calls are spread over the time: the server's faults happen to all of them, not to one burst.
  void load() {
    const auto length = std::chrono::duration<double>{arguments_.minutes * 60};
    const auto began = clock::now();
    for (std::uint64_t tick = 1;; ++tick) {
      const auto done = (clock::now() - began) / length;
      sample(done);
      if (done >= 1) {
        return;
      }
      // Ahead of the plan by a tenth: faults hold the last ones up.
      const auto share =
          static_cast<double>(arguments_.requests) / static_cast<double>(arguments_.clients);
      const auto quota = static_cast<std::uint64_t>(share * 1.1 * done) + 1;
      for (auto& bot : bots_) {
        bot->top_up(quota);
      }
      std::this_thread::sleep_until(began + tick * pace); // the beat of the load, judged by nobody
    }
  }

  void finish() {
    const auto until = clock::now() + longest_end;
    const auto all_idle = [this] {
      return std::ranges::all_of(bots_, [](const auto& bot) { return bot->idle(); });
    };
    while (!all_idle() && clock::now() < until) {
      for (auto& bot : bots_) {
        bot->finish_messages();
      }
      std::this_thread::sleep_for(pace);
    }
    memory_.push_back(resident_kb());
  }

  /// Tells what came of it; false if anything is wrong.
  bool report() {
    tally all;
    for (const auto& bot : bots_) {
      all += bot->counts();
    }
    std::uint64_t outcomes = 0;
    for (const auto& [name, count] : all.outcomes) {
      outcomes += count;
    }
    bool good = step("settled-once", all.settled_twice == 0 && outcomes == all.settled,
                     fmt::format("{} calls, {} twice", all.settled, all.settled_twice));
    good &= step("none-stuck", all.under_way() == 0, fmt::format("{} stuck", all.under_way()));
    good &= step("all-sent", all.unsent == 0,
                 fmt::format("{} messages, {} not sent", all.messages, all.unsent));
    good &= step("no-login-lost", lost_logins(all) == 0, fmt::format("{}", lost_logins(all)));
    const auto warm = memory_[std::min<std::size_t>(warm_sample, memory_.size() - 1)];
    good &= step("memory", memory_.back() <= warm + allowed_growth_kb,
                 fmt::format("{} KiB warm, {} KiB at the end", warm, memory_.back()));
    fmt::print("{}\n", tl::json{{"seed", arguments_.seed},
                                {"clients", arguments_.clients},
                                {"issued", all.issued},
                                {"settled", all.settled},
                                {"stuck", all.under_way()},
                                {"messages", all.messages},
                                {"outcomes", all.outcomes},
                                {"reasons", all.reasons},
                                {"memory_kib", memory_}}
                           .dump());
    return good;
  }

  void stop() {
    for (auto& bot : bots_) {
      bot->stop();
    }
    caf::anon_send_exit(receiver_, caf::exit_reason::user_shutdown);
    receiver_ = nullptr;
  }

private:
  static bool step(const char* name, bool good, const std::string& figures) {
    fmt::print("{}: {} ({})\n", name, good ? "ok" : "fail", figures);
    std::fflush(stdout);
    return good;
  }

  static std::uint64_t lost_logins(const tally& all) {
    std::uint64_t out = 0;
    for (const auto& [name, count] : all.outcomes) {
      const bool lost = name == to_string(errc::logged_out) || name == to_string(errc::cancelled) ||
                        name.starts_with("rpc AUTH_") || name.starts_with("rpc SESSION_");
      out += lost ? count : 0;
    }
    return out;
  }

  void sample(double done) {
    if (done * memory_samples >= static_cast<double>(memory_.size())) {
      memory_.push_back(resident_kb());
    }
  }

  arguments arguments_;
  runtime runtime_;
  caf::actor receiver_;
  std::vector<std::unique_ptr<bot_load>> bots_;
  std::vector<std::size_t> memory_;
};

int drive(const arguments& a) {
  log::configure({.threshold = log::level::error, .json = false});
  run all{a};
  if (const auto ready = all.start(); !ready) {
    fmt::print("start: fail ({})\n", to_string(ready.error()));
    all.stop();
    return 1;
  }
  all.load();
  all.finish();
  const bool good = all.report();
  all.stop();
  return good ? 0 : 1;
}

} // namespace
} // namespace cafegram::chaos

int main(int argc, char** argv) {
  CLI::App app{"many bots against a sandbox with faults"};
  cafegram::chaos::arguments a;
  app.add_option("server", a.address, "HOST:PORT")->required();
  app.add_option("--key", a.key, "file with the server's public key")->required();
  app.add_option("--seed", a.seed, "what is asked for, and in which order");
  app.add_option("--clients", a.clients)->check(CLI::Range(1, 1000));
  app.add_option("--requests", a.requests, "at least, of all clients");
  app.add_option("--minutes", a.minutes)->check(CLI::PositiveNumber);
  app.add_option("--in-flight", a.in_flight, "calls that one client has under way, at most");
  CLI11_PARSE(app, argc, argv);
  return cafegram::chaos::drive(a);
}

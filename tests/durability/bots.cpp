#include "bots.hpp"

#include <cafegram/base/log.hpp>
#include <cafegram/bots/bot.hpp>
#include <cafegram/storage/open.hpp>
#include <cafegram/storage/session_rows.hpp>

#include <fmt/format.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string_view>
#include <sys/prctl.h>
#include <thread>
#include <utility>
#include <vector>

#include "kill_points.hpp"

namespace cafegram::durability {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array<std::pair<std::string_view, std::string_view>, 2> words{
    {{"ask ", "answer "}, {"hello ", "welcome "}}};
/// A database may take a moment to see that the process before is gone.
constexpr seconds longest_opening{30};
constexpr milliseconds between_openings{100};
constexpr int login_attempts = 5;

std::string place_of(std::string pattern, std::uint64_t number) {
  if (const auto at = pattern.find('%'); at != std::string::npos) {
    pattern.replace(at, 1, std::to_string(number));
  }
  return pattern;
}

std::string token_of(std::uint64_t number) {
  return fmt::format("{}:durability-{}", 2'000'000 + number, number);
}

result<std::shared_ptr<storage::backend>> open(const std::string& place) {
  const auto until = std::chrono::steady_clock::now() + longest_opening;
  while (true) {
    auto store = storage::open_store(place);
    const bool again = !store && (store.error().code == errc::storage ||
                                  store.error().code == errc::session_in_use);
    if (!again || std::chrono::steady_clock::now() >= until) {
      return store;
    }
    std::this_thread::sleep_for(between_openings);
  }
}

/// Every other one has temporary keys.
client_options options_of(std::uint64_t number, const endpoint& server, const std::string& pem) {
  client_options out;
  out.api_id = 1;
  out.api_hash = "0123456789abcdef0123456789abcdef";
  out.bot_token = token_of(number);
  out.dc = dc_override{2, server};
  out.rsa_keys_pem = {pem};
  out.forward_secrecy = number % 2 == 1;
  // Where an answer gets lost the update is handled again: soon, for the run has many of them.
  out.timing.request_timeout = seconds{10};
  out.timing.reconnect_min = milliseconds{20};
  out.timing.reconnect_max = milliseconds{500};
  return out;
}

/// What is answered to `text`; empty: nothing.
std::string answer_to(std::string_view text) {
  for (const auto& [asked, answered] : words) {
    if (text.starts_with(asked)) {
      return std::string{answered}.append(text.substr(asked.size()));
    }
  }
  return {};
}

void set_up(router& routes, const std::shared_ptr<kill_points>& points) {
  routes.on(when([](const new_message& m) { return !answer_to(m.text()).empty(); }),
            [points](context ctx, new_message m) -> task<> {
              points->pass(point::delivery);
              outgoing text{answer_to(m.text())};
              text.reply_to(m.id());
              const auto sent = co_await ctx.reply(text);
              if (sent) {
                points->pass(point::answer);
              }
            });
}

class bots {
public:
  bots(arguments a, std::shared_ptr<kill_points> points)
    : arguments_{std::move(a)}
    , points_{std::move(points)} {}

  result<void> start() {
    const auto server = parse_endpoint(arguments_.address);
    if (!server) {
      return fail(errc::bad_argument, "not HOST:PORT: " + arguments_.address);
    }
    std::ostringstream pem;
    pem << std::ifstream{arguments_.key}.rdbuf();
    for (std::uint64_t i = 0; i < arguments_.bots; ++i) {
      if (auto started = start_one(i, options_of(i, *server, pem.str())); !started) {
        return started;
      }
    }
    for (std::uint64_t i = 0; i < arguments_.bots; ++i) {
      if (auto known = log_in(i); !known) {
        return known;
      }
    }
    return {};
  }

  void stop() {
    for (auto& one : bots_) {
      one.stop();
    }
    for (auto& one : clients_) {
      one.stop();
    }
  }

private:
  result<void> start_one(std::uint64_t number, client_options options) {
    auto store = open(place_of(arguments_.session, number));
    if (!store) {
      return std::unexpected(std::move(store.error()));
    }
    options.session = storage::keep_session(deadly_store(*std::move(store), points_));
    auto account = client::start(runtime_, std::move(options));
    if (!account) {
      return std::unexpected(std::move(account.error()));
    }
    auto running = bot::start(*account, [this](router& routes) { set_up(routes, points_); });
    if (!running) {
      return std::unexpected(std::move(running.error()));
    }
    clients_.push_back(*std::move(account));
    bots_.push_back(*std::move(running));
    return {};
  }

  result<void> log_in(std::uint64_t number) {
    for (int attempt = 1;; ++attempt) {
      const auto who = clients_[number].login_bot(token_of(number));
      if (who) {
        bots_[number].logged_in_as(*who);
        return {};
      }
      if (attempt == login_attempts) {
        return std::unexpected(who.error());
      }
    }
  }

  const arguments arguments_;
  std::shared_ptr<kill_points> points_;
  runtime runtime_;
  std::vector<client> clients_;
  std::vector<bot> bots_;
};

} // namespace

int work(const arguments& a) {
  // Whatever happens to the supervisor, nothing of it is left.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Before any thread is made: they inherit the mask.
  sigset_t ends{};
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGTERM);
  ::sigaddset(&ends, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  log::configure({.threshold = log::level::error, .json = false});
  auto points = std::make_shared<kill_points>();
  if (!a.die_at.empty()) {
    const auto where = point_of(a.die_at);
    if (!where) {
      fmt::print(stderr, "there is no point {}\n", a.die_at);
      return 2;
    }
    points = std::make_shared<kill_points>(*where, milliseconds{a.die_after}, a.die_passes);
  }
  bots all{a, points};
  if (const auto started = all.start(); !started) {
    fmt::print(stderr, "{}\n", to_string(started.error()));
    all.stop();
    return 1;
  }
  fmt::print("ready\n");
  std::fflush(stdout);
  int taken = 0;
  ::sigwait(&ends, &taken);
  all.stop();
  return 0;
}

} // namespace cafegram::durability

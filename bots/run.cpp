#include <cafegram/actors/interfaces.hpp>
#include <cafegram/actors/system.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/bots/run.hpp>
#include <cafegram/bots/watcher.hpp>

#include <caf/actor_system.hpp>
#include <caf/send.hpp>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <optional>
#include <poll.h>
#include <pthread.h>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <utility>

namespace cafegram {

namespace {

enum exit_code { stopped = 0, failed = 1, misused = 2 };

constexpr int status_interval_ms = 5'000;
/// So many intervals long.
constexpr int unknown_key_patience = 12;

/// Tells the main thread, which sleeps in `poll`, that something is over. Closed with the last
/// holder: an actor may still write when the main thread has gone on.
class end_signal {
public:
  end_signal()
    : fd_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {}
  end_signal(const end_signal&) = delete;
  end_signal& operator=(const end_signal&) = delete;
  ~end_signal() { ::close(fd_); }

  void raise() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof(one));
  }
  int fd() const { return fd_; }

private:
  int fd_;
};

/// SIGINT and SIGTERM as something to poll for. Before any thread is made: they inherit the mask.
class stop_signals {
public:
  stop_signals()
    : fd_{block(before_)} {}
  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;
  ~stop_signals() {
    signalfd_siginfo taken{};
    while (::read(fd_, &taken, sizeof(taken)) > 0) {
    }
    ::close(fd_);
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  int fd() const { return fd_; }

private:
  static int block(sigset_t& before) {
    sigset_t both{};
    ::sigemptyset(&both);
    ::sigaddset(&both, SIGINT);
    ::sigaddset(&both, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &both, &before);
    return ::signalfd(-1, &both, SFD_CLOEXEC | SFD_NONBLOCK);
  }

  sigset_t before_{};
  int fd_;
};

// Until a signal, the end of an actor, or a login that is lost and stays lost.
exit_code wait_for_end(client& account_client, const stop_signals& signals, const end_signal& end) {
  std::array<pollfd, 2> fds{{{signals.fd(), POLLIN, 0}, {end.fd(), POLLIN, 0}}};
  bool lost = false;
  int unknown = 0;
  for (;;) {
    const auto ready = ::poll(fds.data(), fds.size(), status_interval_ms);
    if (ready > 0 && (fds[0].revents & POLLIN) != 0) {
      return stopped;
    }
    if (ready > 0) {
      return failed;
    }
    const auto status = account_client.status();
    // The key is kept, for the fault may be the server's; but somebody has to hear of it.
    unknown = status.key_unknown ? unknown + 1 : 0;
    if (unknown > unknown_key_patience) {
      log::error("bot",
                 "the server has not known this login for {} s: start again if it is about to come "
                 "back, else remove the session and log in anew",
                 unknown_key_patience * status_interval_ms / 1'000);
      return failed;
    }
    const bool out = status.login == login_state::logged_out;
    if (out && lost) { // twice: between loss and new login it may be so for a moment
      log::error("bot", "the login is lost and could not be renewed");
      return failed;
    }
    lost = out;
  }
}

exit_code run_with(bot_settings settings, const bot::setup_function& setup, bot_options options) {
  const stop_signals signals;
  const auto end = std::make_shared<const end_signal>();
  const auto token = settings.client.bot_token;
  runtime on;
  auto account_client = client::start(on, std::move(settings.client));
  if (!account_client) {
    std::fprintf(stderr, "%s\n", to_string(account_client.error()).c_str());
    return failed;
  }
  auto running = bot::start(*account_client, setup, options);
  if (!running) {
    std::fprintf(stderr, "%s\n", to_string(running.error()).c_str());
    return failed;
  }
  log::info("bot", "connecting to {}; Ctrl-C stops", settings.target);
  const auto watching =
      spawn_watcher(on.system(), caf::actor_cast<client_actor>(account_client->untyped_actor()),
                    running->untyped_actor(), token, [end] { end->raise(); });
  const auto code = wait_for_end(*account_client, signals, *end);
  caf::anon_send_exit(watching, caf::exit_reason::user_shutdown);
  running->stop();
  account_client->stop();
  return code;
}

} // namespace

int bot::run(int argc, char** argv, const setup_function& setup, bot_options options) {
  const std::string program = argc > 0 ? argv[0] : "the bot";
  for (int i = 1; i < argc; ++i) {
    if (std::string_view{argv[i]} == "--help" || std::string_view{argv[i]} == "-h") {
      std::fputs(how_to_run(program).c_str(), stdout);
      return stopped;
    }
  }
  auto settings = read_bot_settings(argc, argv);
  if (!settings) {
    std::fprintf(stderr, "%s\n\n%s", settings.error().what.c_str(), how_to_run(program).c_str());
    return misused;
  }
  return run_with(*std::move(settings), setup, options);
}

} // namespace cafegram

#pragma once

#include <cafegram/actors/client.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/bots/options.hpp>
#include <cafegram/bots/router.hpp>

#include <caf/fwd.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace cafegram {

struct account;
struct dispatcher_status;

/// What the command line and the environment of a bot's program say.
struct bot_settings {
  client_options client;
  std::string target; ///< for people: "Telegram" or the sandbox's address
};

/// A bot at work: a dispatcher over a client. A handle; copies share the bot.
class bot {
public:
  using setup_function = std::function<void(router&)>;

  /// The `main` of a program that is one bot. Settings come from the command line, then from the
  /// environment:
  ///
  ///     API_ID, API_HASH, BOT_TOKEN       against Telegram itself
  ///     --sandbox HOST:PORT --rsa-key PEM against a sandbox (CAFEGRAM_SANDBOX, CAFEGRAM_RSA_KEY);
  ///                                       the three above then have defaults
  ///     --session PATH                    the session's file; default: kept in memory
  ///
  /// Runs until SIGINT or SIGTERM, then lets handlers end, saves and returns.
  /// Exit code: 0 stopped, 1 cannot log in or lost the login, 2 wrong or missing settings.
  static int run(int argc, char** argv, const setup_function& setup, bot_options options = {});

  /// Starts over a client, best before it is logged in: no update is missed then.
  static result<bot> start(client& over, const setup_function& setup, bot_options options = {});

  /// Takes no more updates, lets handlers end within `timeout`, cancels coroutines that wait.
  /// Idempotent.
  void stop(std::chrono::milliseconds timeout = std::chrono::seconds{5});

  /// Who the bot is, once the client is logged in: updates wait until then. Only needed where the
  /// client was not yet when the bot started.
  void logged_in_as(const account& who);
  dispatcher_status status() const;
  /// A `dispatcher_actor` (interfaces.hpp), as CAF's untyped handle.
  caf::actor untyped_actor() const;

private:
  struct state;
  explicit bot(std::shared_ptr<state> s);
  std::shared_ptr<state> state_;
};

/// Reads settings as `bot::run` does. Errors: `bad_argument`, with a text for the user.
result<bot_settings> read_bot_settings(int argc, const char* const* argv);

/// What a person who has no settings yet should do.
std::string how_to_run(std::string_view program);

} // namespace cafegram

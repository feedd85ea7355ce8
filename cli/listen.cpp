#include <cafegram/actors/updates.hpp>
#include <cafegram/cli/connection.hpp>
#include <cafegram/cli/listen_watch.hpp>
#include <cafegram/cli/signals.hpp>
#include <cafegram/tl/api.hpp>

#include <CLI/CLI.hpp>
#include <caf/all.hpp>

#include <atomic>
#include <cstdio>
#include <iostream>

namespace cafegram::cli {
namespace {

/// One line of JSON; an update that the built-in layer does not know is told by its octets.
std::string to_line(const tl::dynamic_codec& codec, const received_update& update) {
  if (const auto& lost = update.lost) {
    tl::json line{{"_", "lost"},
                  {"channel", lost->channel},
                  {"box", lost->box},
                  {"from", lost->from},
                  {"why", lost->why}};
    if (lost->to) {
      line["to"] = *lost->to;
    }
    return line.dump();
  }
  const auto encoded = tl::encode(update.update);
  const auto value = codec.decode(encoded);
  const tl::json line = value ? *value : tl::json{{"_", "unknown"}, {"bytes", to_base64(encoded)}};
  return line.dump(-1, ' ', false, tl::json::error_handler_t::replace);
}

caf::behavior printer(caf::event_based_actor*, std::shared_ptr<const tl::dynamic_codec> codec) {
  return {
      [codec = std::move(codec)](const update_event& event) {
        std::cout << to_line(*codec, *event.update) << '\n' << std::flush;
      },
  };
}

/// Who listens: the bot of the token, or the user whose login the session file has.
result<std::string> log_in(session& on, const std::string& token) {
  if (!token.empty()) {
    const auto login = on.account->login_bot(token, on.timeout);
    if (!login) {
      return std::unexpected(login.error());
    }
    return login->first_name + " (" + std::to_string(login->id) + ")";
  }
  const tl::json self{{"_", "users.getUsers"},
                      {"id", tl::json::array({tl::json{{"_", "inputUserSelf"}}})}};
  const auto users = call(on, self);
  if (!users) {
    return std::unexpected(users.error());
  }
  return users->empty() ? "nobody" : users->front().value("first_name", std::string{"somebody"});
}

int run_listen(const connection_arguments& a) {
  const signal_wait signals; // before any thread starts, so that none of them gets the signals
  auto options = to_options(a);
  if (!options) {
    return report(options.error());
  }
  const auto token = std::exchange(options->bot_token, {});
  auto session = open_session(*std::move(options), a.timeout);
  if (!session) {
    return report(session.error());
  }
  const auto who = log_in(*session, token);
  if (!who) {
    return report(who.error());
  }
  const auto over = std::make_shared<std::atomic<bool>>(false);
  caf::actor watching;
  {
    auto& actors = session->actors->system();
    // On a thread of its own: whoever reads our output may be slow.
    const auto receiver = actors.spawn<caf::detached>(printer, session->codec);
    session->account->subscribe(receiver);
    watching =
        watch_listening(actors, caf::actor_cast<client_actor>(session->account->untyped_actor()),
                        receiver, [over](const std::string& why) {
                          std::cerr << why << '\n';
                          *over = true;
                          signal_wait::end();
                        });
  }
  std::cerr << "listening as " << *who << "; Ctrl-C ends\n";
  signals.wait();
  caf::anon_send_exit(watching, caf::exit_reason::user_shutdown);
  return *over ? failed : done;
}

} // namespace

void add_listen(CLI::App& app, action& chosen) {
  auto* command = app.add_subcommand("listen", "log in and print updates, one JSON object a line");
  auto arguments = std::make_shared<connection_arguments>();
  add_connection_options(*command, *arguments);
  command->callback(
      [&chosen, arguments] { chosen = [arguments] { return run_listen(*arguments); }; });
}

} // namespace cafegram::cli

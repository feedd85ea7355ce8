#include <cafegram/bench/crypto.hpp>
#include <cafegram/bench/idle.hpp>
#include <cafegram/bench/rpc.hpp>
#include <cafegram/bench/storage.hpp>
#include <cafegram/bench/tl.hpp>
#include <cafegram/bench/updates.hpp>
#include <cafegram/cli/connection.hpp>
#include <cafegram/cli/sandbox_child.hpp>
#include <cafegram/tl/api.hpp>

#include <CLI/CLI.hpp>

namespace cafegram::cli {
namespace {

struct bench_arguments {
  bool json = false;
  double seconds = 5;
  std::size_t in_flight = 64;
  std::vector<std::size_t> connections{1, 8, 64};
  std::size_t sessions = 2'000;
  std::int64_t settle = 10;
  bool forward_secrecy = false;
  bool files = false;
  std::size_t peers = 1'000'000;
  std::size_t updates = 300'000;
  std::string only;

  std::chrono::milliseconds time() const {
    return std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1000)};
  }
};

int print(const result<std::vector<bench::figure>>& figures, bool json) {
  if (!figures) {
    return report(figures.error());
  }
  bench::print(*figures, json ? bench::report_form::json : bench::report_form::table);
  return done;
}

/// A sandbox in a process of its own, and how its clients are started.
class bench_sandbox {
public:
  static result<bench_sandbox> start() {
    auto folder = temporary_folder::make();
    if (!folder) {
      return std::unexpected(std::move(folder).error());
    }
    auto server = start_sandbox({.folder = folder->path()});
    if (!server) {
      return std::unexpected(std::move(server).error());
    }
    connection_arguments where;
    where.dc = server->mtproto;
    where.rsa_keys = {key_path(folder->path())};
    auto options = to_options(where);
    if (!options) {
      return std::unexpected(std::move(options).error());
    }
    return bench_sandbox{*std::move(folder), *std::move(server), *std::move(options)};
  }

  /// Each number is another bot.
  client_options bot(std::size_t number) const {
    auto out = options_;
    out.bot_token = std::to_string(1'000'002 + number) + ":token-of-a-benchmark-in-the-sandbox-00";
    return out;
  }
  const std::string& folder() const { return folder_.path(); }
  std::chrono::milliseconds cpu_time() const { return server_.process.cpu_time(); }

private:
  bench_sandbox(temporary_folder folder, sandbox_child server, client_options options)
    : folder_{std::move(folder)}
    , server_{std::move(server)}
    , options_{std::move(options)} {}

  temporary_folder folder_;
  sandbox_child server_;
  client_options options_;
};

result<std::vector<client>> log_in(runtime& on, const bench_sandbox& server, std::size_t count) {
  std::vector<client> out;
  for (std::size_t n = 0; n < count; ++n) {
    auto started = client::start(on, server.bot(n));
    if (!started) {
      return std::unexpected(std::move(started).error());
    }
    out.push_back(*std::move(started));
  }
  for (auto& one : out) {
    if (auto who = one.login_bot(one.options().bot_token); !who) {
      return std::unexpected(std::move(who).error());
    }
  }
  return out;
}

result<std::vector<bench::figure>> measure_rpc(const bench_arguments& a) {
  const auto server = bench_sandbox::start();
  if (!server) {
    return std::unexpected(server.error());
  }
  auto out = bench::run_rpc_allocations();
  for (const auto connections : a.connections) {
    runtime actors;
    auto clients = log_in(actors, *server, connections);
    if (!clients) {
      return std::unexpected(std::move(clients).error());
    }
    auto figures =
        bench::run_rpc(*clients, {.request = tl::encode(tl::updates::getState{}),
                                  .time = a.time(),
                                  .in_flight = a.in_flight,
                                  .server_cpu = [&server] { return server->cpu_time(); }});
    if (!figures) {
      return figures;
    }
    out.insert(out.end(), figures->begin(), figures->end());
  }
  return out;
}

result<std::vector<bench::figure>> measure_idle(const bench_arguments& a) {
  // The sandbox inherits what this process may open.
  if (auto allowed = bench::allow_sessions(a.sessions); !allowed) {
    return std::unexpected(std::move(allowed).error());
  }
  const auto server = bench_sandbox::start();
  if (!server) {
    return std::unexpected(server.error());
  }
  const auto options_of = [&a, &server](std::size_t n) {
    auto out = server->bot(n);
    out.forward_secrecy = a.forward_secrecy;
    // The last ones wait for their turn as long as the others take.
    out.timing.request_timeout = bench::idle_options{}.start_timeout;
    if (a.files) {
      out.session_path = "file:" + server->folder() + "/session-" + std::to_string(n);
    }
    return out;
  };
  return bench::run_idle({.sessions = a.sessions,
                          .settle = std::chrono::seconds{a.settle},
                          .time = a.time(),
                          .options_of = options_of});
}

result<std::vector<bench::figure>> measure_storage(const bench_arguments& a) {
  const auto folder = temporary_folder::make();
  if (!folder) {
    return std::unexpected(folder.error());
  }
  return bench::run_storage({.folder = folder->path(), .time = a.time(), .peers = a.peers});
}

result<std::vector<bench::figure>> measure_updates(const bench_arguments& a) {
  const auto folder = temporary_folder::make();
  if (!folder) {
    return std::unexpected(folder.error());
  }
  return bench::run_updates({.folder = folder->path(),
                             .updates = a.updates,
                             .for_latency = std::max<std::size_t>(a.updates / 3, 1),
                             .only = a.only});
}

CLI::App* add_bench_command(CLI::App& bench, const char* name, const char* help,
                            bench_arguments& a) {
  auto* command = bench.add_subcommand(name, help);
  command->add_flag("--json", a.json, "one JSON object a line: name, value, unit");
  command->add_option("--seconds", a.seconds, "for each measurement")
      ->check(CLI::Range(0.05, 600.0))
      ->capture_default_str();
  return command;
}

void add_bench_rpc(CLI::App& bench, const std::shared_ptr<bench_arguments>& arguments,
                   action& chosen) {
  auto* rpc = add_bench_command(bench, "rpc",
                                "calls per second and latency against a sandbox in its own process",
                                *arguments);
  rpc->add_option("--in-flight", arguments->in_flight, "calls under way at once on each connection")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  rpc->add_option("--connections", arguments->connections, "bots, each with one connection")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  rpc->callback([&chosen, arguments] {
    chosen = [arguments] { return print(measure_rpc(*arguments), arguments->json); };
  });
}

void add_bench_idle(CLI::App& bench, const std::shared_ptr<bench_arguments>& arguments,
                    action& chosen) {
  auto* idle = add_bench_command(
      bench, "idle", "memory and processor time of bots that are logged in and do nothing",
      *arguments);
  idle->add_option("--sessions", arguments->sessions, "bots in this process")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  idle->add_option("--settle", arguments->settle, "seconds between the last login and measuring")
      ->check(CLI::Range(0, 600))
      ->capture_default_str();
  idle->add_flag("--forward-secrecy", arguments->forward_secrecy, "with temporary keys");
  idle->add_flag("--files", arguments->files, "keep the sessions in files, not in memory");
  idle->callback([&chosen, arguments] {
    chosen = [arguments] { return print(measure_idle(*arguments), arguments->json); };
  });
}

void add_bench_storage(CLI::App& bench, const std::shared_ptr<bench_arguments>& arguments,
                       action& chosen) {
  auto* storage = add_bench_command(
      bench, "storage", "updates a second through each kind of store, and many peers", *arguments);
  storage->add_option("--peers", arguments->peers, "in SQLite")
      ->check(CLI::Range(1, 100'000'000))
      ->capture_default_str();
  storage->callback([&chosen, arguments] {
    chosen = [arguments] { return print(measure_storage(*arguments), arguments->json); };
  });
}

void add_bench_updates(CLI::App& bench, const std::shared_ptr<bench_arguments>& arguments,
                       action& chosen) {
  auto* updates = bench.add_subcommand(
      "updates", "updates a second from the wire through the inbox to a bot's handlers");
  updates->add_flag("--json", arguments->json, "one JSON object a line: name, value, unit");
  updates->add_option("--updates", arguments->updates, "for each measurement")
      ->check(CLI::Range(1, 100'000'000))
      ->capture_default_str();
  updates->add_option("--only", arguments->only,
                      "measure what has this in its name: memory/2threads");
  updates->callback([&chosen, arguments] {
    chosen = [arguments] { return print(measure_updates(*arguments), arguments->json); };
  });
}

} // namespace

void add_bench(CLI::App& app, action& chosen) {
  auto* bench = app.add_subcommand("bench", "measure this build on this machine");
  bench->require_subcommand(1);
  auto arguments = std::make_shared<bench_arguments>();

  add_bench_command(*bench, "tl", "encode and decode a reply of 100 messages", *arguments)
      ->callback([&chosen, arguments] {
        chosen = [arguments] { return print(bench::run_tl(arguments->time()), arguments->json); };
      });
  add_bench_command(*bench, "crypto", "AES-IGE on every path, and messages sealed and opened",
                    *arguments)
      ->callback([&chosen, arguments] {
        chosen = [arguments] {
          return print(bench::run_crypto(arguments->time()), arguments->json);
        };
      });
  add_bench_rpc(*bench, arguments, chosen);
  add_bench_storage(*bench, arguments, chosen);
  add_bench_updates(*bench, arguments, chosen);
  auto at_rest = std::make_shared<bench_arguments>();
  at_rest->seconds = 60; // each session pings once
  add_bench_idle(*bench, at_rest, chosen);
}

} // namespace cafegram::cli

#include <cafegram/actors/messages.hpp>
#include <cafegram/bench/crypto.hpp>
#include <cafegram/bench/rpc.hpp>
#include <cafegram/bench/tl.hpp>
#include <cafegram/cli/connection.hpp>
#include <cafegram/cli/sandbox_child.hpp>

namespace cafegram::cli {
namespace {

struct bench_arguments {
  bool json = false;
  double seconds = 5;
  std::size_t in_flight = 256;

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

/// Client here, sandbox in a process of its own, one connection between them.
result<std::vector<bench::figure>> measure_rpc(const bench_arguments& a) {
  const auto folder = temporary_folder::make();
  if (!folder) {
    return std::unexpected(folder.error());
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
  auto session = open_session(*std::move(options), where.timeout);
  if (!session) {
    return std::unexpected(std::move(session).error());
  }
  const auto login = session->account->login_bot("1000002:token-of-a-benchmark-in-the-sandbox-00",
                                                 session->timeout);
  if (!login) {
    return std::unexpected(login.error());
  }
  auto request = session->codec->encode({{"_", "updates.getState"}});
  if (!request) {
    return std::unexpected(std::move(request).error());
  }
  return bench::run_rpc(*session->account,
                        {.request = *std::move(request),
                         .time = a.time(),
                         .in_flight = a.in_flight,
                         .server_cpu = [&server] { return server->process.cpu_time(); }});
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
  auto* rpc = add_bench_command(*bench, "rpc",
                                "calls per second and latency against a sandbox in its own process",
                                *arguments);
  rpc->add_option("--in-flight", arguments->in_flight, "calls under way at once")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  rpc->callback([&chosen, arguments] {
    chosen = [arguments] { return print(measure_rpc(*arguments), arguments->json); };
  });
}

} // namespace cafegram::cli

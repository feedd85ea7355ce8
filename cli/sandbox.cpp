#include <cafegram/actors/options.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/cli/command.hpp>
#include <cafegram/cli/signals.hpp>
#include <cafegram/sandbox/http.hpp>
#include <cafegram/sandbox/server.hpp>

#include <fmt/format.h>

#include <cstdio>

namespace cafegram::cli {
namespace {

struct sandbox_arguments {
  std::string listen = "127.0.0.1:10443";
  std::string http = "127.0.0.1:8090";
  std::vector<std::string> mtproxies;
  std::vector<std::string> mtproxy_secrets;
  std::string key_out;
  std::string data;
  std::string schemas;
  std::string message_log;
  std::int32_t dc_id = 2;
  bool test = false;
  bool no_page = false;
  bool no_alice = false;
  bool verbose = false;
};

/// As `parse_endpoint`, and port 0 besides, which is no place to connect to but one to listen on.
result<endpoint> read_endpoint(const char* option, const std::string& text) {
  if (text.ends_with(":0")) {
    auto any = parse_endpoint(text.substr(0, text.size() - 1) + "1");
    if (any) {
      any->port = 0;
      return *std::move(any);
    }
  }
  const auto parsed = parse_endpoint(text);
  if (!parsed) {
    return fail(errc::bad_argument, fmt::format("{} is not HOST:PORT: {}", option, text));
  }
  return *parsed;
}

result<void> add_mtproxies(sandbox::server_options& options, const sandbox_arguments& a) {
  if (a.mtproxies.size() != a.mtproxy_secrets.size()) {
    return fail(errc::bad_argument, "each --mtproxy has its --mtproxy-secret");
  }
  for (std::size_t i = 0; i < a.mtproxies.size(); ++i) {
    const auto where = read_endpoint("--mtproxy", a.mtproxies[i]);
    if (!where) {
      return std::unexpected(where.error());
    }
    auto secret = protocol::mtproxy_secret::parse(a.mtproxy_secrets[i]);
    if (!secret) {
      return std::unexpected(std::move(secret).error());
    }
    options.mtproxies.push_back({where->host, where->port, *std::move(secret)});
  }
  return {};
}

result<std::unique_ptr<sandbox::server>> start_server(runtime& on, const sandbox_arguments& a) {
  const auto where = read_endpoint("--listen", a.listen);
  if (!where) {
    return std::unexpected(where.error());
  }
  sandbox::server_options options;
  options.host = where->host;
  options.port = where->port;
  options.dc_id = a.dc_id;
  options.test_mode = a.test;
  options.data = a.data;
  options.key_out = a.key_out;
  options.schemas = a.schemas;
  options.alice = !a.no_alice;
  options.message_log = a.message_log;
  if (auto good = add_mtproxies(options, a); !good) {
    return std::unexpected(std::move(good).error());
  }
  return sandbox::server::start(on, options);
}

result<std::unique_ptr<sandbox::http_server>> start_page(sandbox::server& server,
                                                         const sandbox_arguments& a) {
  if (a.no_page) {
    return nullptr;
  }
  const auto where = read_endpoint("--http", a.http);
  if (!where) {
    return std::unexpected(where.error());
  }
  return sandbox::http_server::start({.host = where->host, .port = where->port}, server.page(),
                                     server.feed());
}

/// Programs read these lines: `deploy/demo.sh`, the tests of other clients, `check`.
void announce(const sandbox::server& server, const sandbox::http_server* page,
              const sandbox_arguments& a) {
  const auto host = read_endpoint("--listen", a.listen)->host;
  fmt::print("mtproto {}\n", to_string(endpoint{.host = host, .port = server.port()}));
  if (page != nullptr) {
    fmt::print("page {}\n", page->url());
  }
  for (std::size_t i = 0; i < a.mtproxies.size(); ++i) {
    fmt::print("proxy tg://proxy?server={}&port={}&secret={}\n",
               read_endpoint("--mtproxy", a.mtproxies[i])->host, server.mtproxy_ports()[i],
               a.mtproxy_secrets[i]);
  }
  if (!a.key_out.empty()) {
    fmt::print("key {}\n", a.key_out);
  }
  fmt::print("data {}\n", a.data.empty() ? "in memory, lost at the end" : a.data);
  fmt::print("ready\n");
  std::fflush(stdout);
}

int run_sandbox(const sandbox_arguments& a) {
  const signal_wait signals; // before any thread starts, so that none of them gets the signals
  log::configure({.threshold = a.verbose ? log::level::debug : log::level::info, .json = false});
  runtime actors;
  const auto server = start_server(actors, a);
  if (!server) {
    return report(server.error());
  }
  {
    const auto page = start_page(**server, a);
    if (!page) {
      return report(page.error());
    }
    announce(**server, page->get(), a);
    signals.wait();
  }
  (*server)->stop();
  return done;
}

void add_options(CLI::App& command, sandbox_arguments& a) {
  command.add_option("--listen", a.listen, "HOST:PORT for MTProto; port 0 takes any free one")
      ->capture_default_str();
  command.add_option("--http", a.http, "HOST:PORT of the page, on loopback only")
      ->capture_default_str();
  command.add_option("--mtproxy", a.mtproxies,
                     "HOST:PORT that is entered like an MTProxy (port 0: any); may be repeated");
  command.add_option("--mtproxy-secret", a.mtproxy_secrets,
                     "its secret in hexadecimal digits: 16 octets, or dd and 16, or ee, 16 and a "
                     "domain; one for each --mtproxy");
  command.add_flag("--no-page", a.no_page, "without the page");
  command.add_option("--dc-id", a.dc_id, "number of the data centre")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_flag("--test", a.test, "as a test data centre");
  command.add_option("--key-out", a.key_out, "where the public key is written (PKCS#1, PEM)");
  command.add_option("--data", a.data,
                     "folder that keeps keys, accounts and messages (default: in memory)");
  command.add_option("--schemas", a.schemas, "folder with schemas of other layers, TL or JSON")
      ->check(CLI::ExistingDirectory);
  command.add_option("--message-log", a.message_log,
                     "file to which each message is appended as JSON");
  command.add_flag("--no-alice", a.no_alice, "without the scripted user who answers messages");
  command.add_flag("--verbose", a.verbose, "log more");
}

} // namespace

void add_sandbox(CLI::App& app, action& chosen) {
  auto* command = app.add_subcommand("sandbox", "a Telegram of one's own, with a page to use it");
  auto arguments = std::make_shared<sandbox_arguments>();
  add_options(*command, *arguments);
  command->callback(
      [&chosen, arguments] { chosen = [arguments] { return run_sandbox(*arguments); }; });
}

} // namespace cafegram::cli

#include <cafegram/actors/options.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/cli/command.hpp>
#include <cafegram/cli/signals.hpp>
#include <cafegram/sandbox/http.hpp>
#include <cafegram/sandbox/server.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <functional>
#include <utility>

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
  std::string event_log;
  std::vector<std::string> faults;
  std::vector<std::string> exact_faults;
  std::uint64_t fault_seed = 1;
  std::int64_t salt_lifetime = 3'600;
  std::int32_t difference_slice = 100;
  std::int32_t difference_total = 0;
  bool no_short_forms = false;
  std::int32_t dc_id = 2;
  std::vector<std::string> more_dcs;
  std::vector<std::string> homes;
  std::int32_t file_dc = 0;
  std::int32_t stats_dc = 0;
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

/// What is before and behind the mark. Errors: `bad_argument` without one, or without a number
/// where there must be one.
result<std::pair<std::string, std::string>> read_pair(const char* option, const std::string& text) {
  const auto mark = text.find('=');
  if (mark == std::string::npos || mark == 0 || mark + 1 == text.size()) {
    return fail(errc::bad_argument, fmt::format("{} wants a value behind =: {}", option, text));
  }
  return std::pair{text.substr(0, mark), text.substr(mark + 1)};
}

result<std::int32_t> read_dc(const char* option, const std::string& text) {
  std::int32_t out = 0;
  const auto* const last = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), last, out);
  if (problem != std::errc{} || stop != last || out < 1 || out > 1000) {
    return fail(errc::bad_argument,
                fmt::format("{} wants the number of a data centre, 1 to 1000: {}", option, text));
  }
  return out;
}

result<void> add_centres(sandbox::server_options& options, const sandbox_arguments& a) {
  for (const auto& text : a.more_dcs) {
    const auto parts = read_pair("--dc", text);
    const auto id = parts ? read_dc("--dc", parts->first) : std::unexpected(parts.error());
    if (!id) {
      return std::unexpected(id.error());
    }
    const auto where = read_endpoint("--dc", parts->second);
    if (!where) {
      return std::unexpected(where.error());
    }
    options.more_dcs.push_back({*id, where->host, where->port});
  }
  for (const auto& text : a.homes) {
    const auto parts = read_pair("--home", text);
    const auto dc = parts ? read_dc("--home", parts->second) : std::unexpected(parts.error());
    if (!dc) {
      return std::unexpected(dc.error());
    }
    options.homes[parts->first] = *dc;
  }
  options.file_dc = a.file_dc;
  options.stats_dc = a.stats_dc;
  return {};
}

result<void> add_faults(sandbox::server_options& options, const sandbox_arguments& a) {
  options.faults.seed = a.fault_seed;
  options.salt_lifetime = std::chrono::seconds{a.salt_lifetime};
  options.event_log = a.event_log;
  result<void> good;
  for (std::size_t i = 0; good && i < a.faults.size(); ++i) {
    good = options.faults.add(a.faults[i]);
  }
  for (std::size_t i = 0; good && i < a.exact_faults.size(); ++i) {
    good = options.faults.add_exact(a.exact_faults[i]);
  }
  return good;
}

result<std::unique_ptr<sandbox::server>> start_server(runtime& on, const sandbox_arguments& a,
                                                      std::function<void()> on_failure) {
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
  options.short_forms = !a.no_short_forms;
  options.difference_slice = a.difference_slice;
  options.difference_total = a.difference_total;
  options.message_log = a.message_log;
  options.on_failure = std::move(on_failure);
  for (const auto& add : {add_mtproxies, add_centres, add_faults}) {
    if (auto good = add(options, a); !good) {
      return std::unexpected(std::move(good).error());
    }
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
  for (const auto& text : a.more_dcs) {
    const auto parts = read_pair("--dc", text);
    const auto dc = read_dc("--dc", parts->first);
    const auto where = read_endpoint("--dc", parts->second);
    fmt::print("dc {} {}\n", *dc,
               to_string(endpoint{.host = where->host, .port = server.port(*dc)}));
  }
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
  std::atomic<bool> broken = false;
  runtime actors;
  const auto server = start_server(actors, a, [&broken] {
    broken = true;
    signal_wait::end();
  });
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
  return broken ? failed : done;
}

void add_fault_options(CLI::App& command, sandbox_arguments& a) {
  command.add_option("--fault", a.faults,
                     "KIND=N or KIND=N,BOUND: one in N goes wrong; may be repeated. See "
                     "docs/sandbox.md, \"Faults\"");
  command.add_option("--fault-at", a.exact_faults,
                     "KIND=WAY/CONNECTION/NUMBER[,VALUE]: once, there; may be repeated");
  command.add_option("--fault-seed", a.fault_seed, "which ones go wrong")->capture_default_str();
  command.add_option("--log", a.event_log,
                     "file to which calls, messages and faults are appended as JSON");
  command
      .add_option("--salt-lifetime", a.salt_lifetime,
                  "seconds that a salt is good for; another one begins at half of it")
      ->check(CLI::Range(2, 86'400))
      ->capture_default_str();
}

void add_update_options(CLI::App& command, sandbox_arguments& a) {
  command
      .add_option("--difference-slice", a.difference_slice,
                  "events in one answer of updates.getDifference and getChannelDifference")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command
      .add_option("--difference-total", a.difference_total,
                  "a gap of more events than this is differenceTooLong (0: none is)")
      ->check(CLI::Range(0, 1'000'000'000))
      ->capture_default_str();
  command.add_flag("--no-short-forms", a.no_short_forms, "without updateShortMessage and the like");
}

void add_centre_options(CLI::App& command, sandbox_arguments& a) {
  command.add_option("--dc-id", a.dc_id, "number of the data centre")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_option("--dc", a.more_dcs,
                     "ID=HOST:PORT, a further data centre (port 0: any); may be repeated");
  command.add_option("--home", a.homes,
                     "WHO=ID: the account with that id or phone number is at home there; may be "
                     "repeated (default: --dc-id)");
  command.add_option("--file-dc", a.file_dc, "data centre that has the files (default: --dc-id)")
      ->check(CLI::Range(1, 1000));
  command
      .add_option("--stats-dc", a.stats_dc,
                  "data centre that has the statistics (default: --dc-id)")
      ->check(CLI::Range(1, 1000));
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
  command.add_flag("--test", a.test, "as a test data centre");
  command.add_option("--key-out", a.key_out, "where the public key is written (PKCS#1, PEM)");
  command.add_option("--data", a.data,
                     "folder that keeps keys, accounts and messages (default: in memory)");
  command.add_option("--schemas", a.schemas, "folder with schemas of other layers, TL or JSON")
      ->check(CLI::ExistingDirectory);
  command.add_option("--message-log", a.message_log,
                     "file to which each message is appended as JSON (default: messages.jsonl "
                     "in the folder of --data)");
  command.add_flag("--no-alice", a.no_alice, "without the scripted user who answers messages");
  command.add_flag("--verbose", a.verbose, "log more");
}

} // namespace

void add_sandbox(CLI::App& app, action& chosen) {
  auto* command = app.add_subcommand("sandbox", "a Telegram of one's own, with a page to use it");
  auto arguments = std::make_shared<sandbox_arguments>();
  add_options(*command, *arguments);
  add_centre_options(*command, *arguments);
  add_update_options(*command, *arguments);
  add_fault_options(*command, *arguments);
  command->callback(
      [&chosen, arguments] { chosen = [arguments] { return run_sandbox(*arguments); }; });
}

} // namespace cafegram::cli

#include <cafegram/cli/connection.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <mutex>

namespace cafegram::cli {
namespace {

/// Prints what happens as it happens; steps come from several threads.
class step_printer {
public:
  void operator()(std::string_view step, std::string_view detail) {
    const std::scoped_lock guard{lock_};
    const std::chrono::duration<double, std::milli> since =
        std::chrono::steady_clock::now() - start_;
    fmt::print("{:9.1f} ms  {:<22} {}\n", since.count(), step, detail);
    std::fflush(stdout);
  }

private:
  std::mutex lock_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

void print_config(const tl::json& config) {
  fmt::print("\nthis_dc {}  test_mode {}  message_length_max {}\n", config.value("this_dc", 0),
             config.value("test_mode", false), config.value("message_length_max", 0));
  for (const auto& option : config.value("dc_options", tl::json::array())) {
    fmt::print("  dc {}  {}:{}{}{}{}\n", option.value("id", 0),
               option.value("ip_address", std::string{}), option.value("port", 0),
               option.value("ipv6", false) ? "  ipv6" : "",
               option.value("media_only", false) ? "  media" : "",
               option.value("cdn", false) ? "  cdn" : "");
  }
}

int run_connect(const connection_arguments& arguments) {
  auto options = to_options(arguments);
  if (!options) {
    return report(options.error());
  }
  const auto print = std::make_shared<step_printer>();
  options->on_progress = [print](std::string_view step, std::string_view detail) {
    (*print)(step, detail);
  };
  auto session = open_session(*std::move(options), arguments.timeout);
  if (!session) {
    return report(session.error());
  }
  const auto config = call(*session, {{"_", "help.getConfig"}});
  if (!config) {
    return report(config.error());
  }
  (*print)("help.getConfig", "answered");
  print_config(*config);
  return done;
}

} // namespace

void add_connect(CLI::App& app, action& chosen) {
  auto* command = app.add_subcommand("connect", "key exchange and help.getConfig, step by step");
  auto arguments = std::make_shared<connection_arguments>();
  add_connection_options(*command, *arguments);
  command->callback(
      [&chosen, arguments] { chosen = [arguments] { return run_connect(*arguments); }; });
}

} // namespace cafegram::cli

#include <cafegram/actors/open_files.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/cli/command.hpp>
#include <cafegram/tl/schema.hpp>

#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>

using namespace cafegram;

namespace {

int run(int argc, char** argv) {
  // A command's output is its own; `sandbox` says more.
  log::configure({.threshold = log::level::warn});
  // Many connections are many open files; who needs a number of them says so where it is too low.
  (void)allow_open_files(0);
  CLI::App app{"Telegram from the command line, and a Telegram of one's own to try it on."};
  app.name("cafegram");
  app.set_version_flag("--version", "cafegram " CAFEGRAM_VERSION);
  app.require_subcommand(1);
  app.fallthrough(false);

  cli::action chosen;
  cli::add_sandbox(app, chosen);
  cli::add_connect(app, chosen);
  cli::add_listen(app, chosen);
  cli::add_invoke(app, chosen);
  cli::add_session(app, chosen);
  cli::add_inbox(app, chosen);
  cli::add_tl(app, chosen);
  cli::add_bench(app, chosen);
  cli::add_check(app, chosen);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    app.exit(e);
    return cli::usage;
  }
  return chosen();
}

} // namespace

int main(int argc, char** argv) {
  // The one place where an exception of a foreign library could still arrive.
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "cafegram: unexpected: " << e.what() << '\n';
    return cli::failed;
  }
}

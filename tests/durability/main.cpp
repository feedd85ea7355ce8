#include <CLI/CLI.hpp>

#include "bots.hpp"

/// The bots of the durability run, killed and started again all the time. See docs/durability.md.
int main(int argc, char** argv) {
  CLI::App app{"bots that answer, and are killed"};
  cafegram::durability::arguments a;
  app.add_option("server", a.address, "HOST:PORT")->required();
  app.add_option("--key", a.key, "file with the server's public key")->required();
  app.add_option("--session", a.session, "place of the sessions; % is the bot's number")
      ->required();
  app.add_option("--bots", a.bots)->check(CLI::Range(1, 100));
  app.add_option("--die-at", a.die_at, "arrival, commit, delivery, answer or finish");
  app.add_option("--die-after", a.die_after, "milliseconds from the start; earlier passes are none")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--die-passes", a.die_passes, "at which pass then")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  return cafegram::durability::work(a);
}

#include <cafegram/cli/listen_watch.hpp>

#include "../actors/client_kit.hpp"

// What `cafegram listen` does when a part of it ends: docs/supervision.md.
namespace cafegram::cli {

namespace {

/// A client, whoever prints what it hears, and the one who watches both.
struct listening : test::client_kit {
  caf::actor printer;
  caf::actor watcher;
  std::vector<std::string> reasons;

  void listen() {
    stored->user = storage::user_record{7, true, "Ada", "ada"};
    start();
    auto& actors = system.system();
    printer = actors.spawn([]() -> caf::behavior { return {[](const update_event&) {}}; });
    watcher = watch_listening(actors, client, printer,
                              [this](const std::string& why) { reasons.push_back(why); });
    system.run();
    EXPECT_TRUE(reasons.empty());
  }
  void kill(const caf::actor& which) {
    caf::anon_send_exit(which, caf::exit_reason::kill);
    system.run();
  }
  bool has_ended(std::string_view why) const {
    return reasons.size() == 1 && reasons.front().contains(why);
  }
  ~listening() override {
    caf::anon_send_exit(printer, caf::exit_reason::kill);
    caf::anon_send_exit(watcher, caf::exit_reason::kill);
    system.run();
  }
};

struct supervision : listening {};

} // namespace

TEST_F(supervision, listen_printer_dies) {
  listen();
  kill(printer);
  EXPECT_TRUE(has_ended("prints")) << "it would listen for nobody";
}

TEST_F(supervision, listen_client_dies) {
  listen();
  kill(caf::actor_cast<caf::actor>(client));
  EXPECT_TRUE(has_ended("the client has ended"));
}

TEST_F(listening, ends_with_the_login) {
  listen();
  call(tl::help::getNearestDc{});
  refuse(tl::help::getNearestDc{}, 401, "SESSION_REVOKED");
  system.pass(std::chrono::seconds{2});
  EXPECT_TRUE(has_ended("SESSION_REVOKED"));
}

} // namespace cafegram::cli

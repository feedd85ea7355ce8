#include <cafegram/sandbox/server.hpp>
#include <cafegram/storage/session.hpp>
#include <cafegram/tests/watchdog.hpp>

#include <caf/actor_registry.hpp>

#include <filesystem>
#include <iterator>

#include "bot_talk.hpp"
#include "standin.hpp"

// Clients come and go against a server on the loopback; nothing of them stays.
namespace cafegram {

namespace {

using namespace std::chrono_literals;
using test::comes_true;

constexpr auto token = "1000001:a-secret";

/// CAFEGRAM_STARTS; the slow suite asks for a thousand.
int rounds() {
  const char* given = std::getenv("CAFEGRAM_STARTS");
  return given != nullptr ? std::atoi(given) : 30;
}

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, {});
}

/// The `round`-th way to end: in good order after a call, with one under way, before it is
/// connected, and by dropping the handle.
void start_and_stop(runtime& rt, const client_options& options, int round) {
  auto bot = client::start(rt, options);
  ASSERT_TRUE(bot) << to_string(bot.error());
  const auto receiver =
      rt.system().spawn([]() -> caf::behavior { return {[](const update_event&) {}}; });
  bot->subscribe(receiver);
  if (round % 4 < 2) {
    const auto me = test::get_me(*bot);
    ASSERT_TRUE(me) << round << ": " << to_string(me.error());
    EXPECT_TRUE(me->self);
  }
  if (round % 4 == 1) {
    bot->invoke_bytes_async(tl::encode(tl::help::getConfig{}), {}, [](const result<bytes>&) {});
  }
  if (round % 4 != 3) {
    bot->stop(round % 4 == 1 ? 0ms : 5'000ms);
  }
  caf::anon_send_exit(receiver, caf::exit_reason::user_shutdown);
}

} // namespace

TEST(start_stop, a_client_that_comes_and_goes_leaves_nothing_behind) {
  const test::temporary_folder folder;
  runtime server_runtime;
  auto server = sandbox::server::start(server_runtime, {});
  ASSERT_TRUE(server) << to_string(server.error());
  client_options options;
  options.api_id = 1;
  options.api_hash = "hash";
  options.dc = dc_override{2, {"127.0.0.1", (*server)->port()}};
  options.rsa_keys_pem = {(*server)->public_key_pem()};
  options.session_path = folder.file("bot.session");
  runtime rt;
  {
    auto bot = client::start(rt, options);
    ASSERT_TRUE(bot);
    ASSERT_TRUE(bot->login_bot(token));
    bot->stop();
  }
  const auto actors = [&rt] { return rt.system().registry().running(); };
  start_and_stop(rt, options, 0); // what is made once is made
  const auto before = actors();
  const auto descriptors = open_descriptors();
  const int count = rounds();
  for (int round = 0; round < count && !HasFatalFailure(); ++round) {
    start_and_stop(rt, options, round);
  }
  EXPECT_TRUE(comes_true([&] { return actors() <= before; })) << actors() << " > " << before;
  // The server sees the end of each connection a little later.
  EXPECT_TRUE(comes_true([&] { return open_descriptors() <= descriptors; }))
      << open_descriptors() << " > " << descriptors;
}

} // namespace cafegram

#include <cafegram/actors/client.hpp>
#include <cafegram/actors/system.hpp>
#include <cafegram/sandbox/server.hpp>
#include <cafegram/storage/session.hpp>
#include <cafegram/tests/interop/bot_talk.hpp>
#include <cafegram/tests/interop/relay.hpp>

#include <filesystem>
#include <iostream>

#include "recording.hpp"

// Records what our client and a sandbox say to each other over each framing, and makes the seeds of
// all corpora from it.
//
//     fuzz_record FOLDER    writes FOLDER/NAME/... ; see seeds.sh
namespace cafegram::fuzz {
namespace {

using namespace std::chrono_literals;

constexpr auto token = "1000001:a-secret";

client_options options_for(const endpoint& entry, const sandbox::server& server,
                           transport_kind kind, std::shared_ptr<storage::session_backend> session) {
  client_options out;
  out.api_id = 1;
  out.api_hash = "hash";
  out.dc = dc_override{2, entry};
  out.rsa_keys_pem = {server.public_key_pem()};
  out.transport = {.kind = kind, .obfuscated = false};
  out.session = std::move(session);
  return out;
}

/// A bot logs in, asks this and that, talks to alice, and is interrupted in between.
void talk(client& bot, runtime& on, test::relay& line) {
  holds(bot.login_bot(token).has_value(), "the bot logs in");
  test::update_log log;
  bot.subscribe(log.receiver(on.system()));
  const auto alice = test::resolve(bot, "alice");
  holds(alice.has_value(), "alice is there");
  holds(test::send_bold(bot, *alice, "hello there", 1000).has_value(), "a message is sent");
  holds(log.message(0).has_value(), "alice answers");
  (void)bot.invoke_sync(tl::help::getConfig{});
  (void)bot.invoke_sync(tl::updates::getState{});
  (void)bot.invoke_sync(tl::updates::getDifference{.pts = 1, .date = 1, .qts = 0});
  (void)bot.invoke_sync(tl::messages::getHistory{.peer = *alice, .limit = 10});
  holds(!bot.invoke_sync(tl::messages::sendMessage{.peer = *alice, .message = ""}), "an error too");
  line.cut();
  bot.network_available();
  holds(test::get_me(bot).has_value(), "it goes on after a cut");
}

recording record(transport_kind kind) {
  recording out;
  out.kind = static_cast<protocol::framing>(kind);
  runtime server_runtime;
  runtime rt;
  auto server = sandbox::server::start(server_runtime, {}).value();
  const auto session = std::shared_ptr{storage::make_memory_backend()};
  {
    test::relay line{{"127.0.0.1", server->port()},
                     [&out](std::size_t connection, bool from_client, bytes_view data) {
                       out.pieces.push_back({connection, from_client, to_bytes(data)});
                     }};
    auto bot = client::start(rt, options_for(line.where(), *server, kind, session)).value();
    talk(bot, rt, line);
    bot.stop();
  }
  out.session = session->load().value().value();
  server->stop();
  return out;
}

} // namespace
} // namespace cafegram::fuzz

int main(int argc, char** argv) {
  using namespace cafegram;
  if (argc != 2) {
    std::cerr << "usage: fuzz_record FOLDER\n";
    return 2;
  }
  const fuzz::seed_folder to{argv[1]};
  for (const auto kind : {transport_kind::abridged, transport_kind::intermediate,
                          transport_kind::padded, transport_kind::full}) {
    make_seeds(fuzz::record(kind), to);
  }
  make_written_seeds(to);
  std::cout << to.count() << " seeds\n";
  return 0;
}

#include <cafegram/actors/client.hpp>
#include <cafegram/sandbox/server.hpp>

#include <iostream>

using namespace cafegram;

// A server that keeps its world in a file, and a client that logs in to it.
int main(int, char** argv) {
  runtime rt;
  sandbox::server_options at;
  at.data = argv[1];
  auto server = sandbox::server::start(rt, at);
  if (!server) {
    std::cerr << to_string(server.error()) << '\n';
    return 1;
  }
  client_options with;
  with.api_id = 1;
  with.api_hash = "hash";
  with.dc = dc_override{at.dc_id, {at.host, (*server)->port()}};
  with.rsa_keys_pem = {(*server)->public_key_pem()};
  auto made = client::start(rt, with);
  if (!made) {
    std::cerr << to_string(made.error()) << '\n';
    return 1;
  }
  const auto who = made->login_bot("42:secret", std::chrono::seconds{30});
  if (!who) {
    std::cerr << to_string(who.error()) << '\n';
    return 1;
  }
  std::cout << who->id << '\n';
}

// The page over a sandbox that only pretends: what the browser test talks to.
#include <cafegram/sandbox/http.hpp>

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "page_fake.hpp"

/// page_demo [--empty] [PORT]: prints the page's address, serves until standard input ends. With
/// `--empty` nobody is there yet.
int main(int argc, char** argv) {
  using namespace cafegram;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool empty = std::ranges::find(arguments, "--empty") != arguments.end();
  const bool told = !arguments.empty() && arguments.back() != "--empty";
  const auto port = static_cast<std::uint16_t>(told ? std::stoi(arguments.back()) : 0);
  const auto feed = std::make_shared<sandbox::page_feed>();
  test::page_fake fake{feed, std::chrono::system_clock::now(), !empty};
  const auto server = sandbox::http_server::start({.host = "127.0.0.1", .port = port}, fake, feed);
  if (!server) {
    std::cerr << to_string(server.error()) << '\n';
    return 1;
  }
  std::cout << (*server)->url() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
  }
}

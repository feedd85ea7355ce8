// The page over a sandbox that only pretends: what the browser test talks to.
#include <cafegram/sandbox/http.hpp>

#include <iostream>
#include <string>

#include "page_fake.hpp"

/// Prints the page's address, serves until standard input ends. `--empty`: nobody is there yet.
int main(int argc, char** argv) {
  using namespace cafegram;
  const bool empty = argc > 1 && std::string{argv[1]} == "--empty";
  const auto feed = std::make_shared<sandbox::page_feed>();
  test::page_fake fake{feed, std::chrono::system_clock::now(), !empty};
  const auto server = sandbox::http_server::start({}, fake, feed);
  if (!server) {
    std::cerr << to_string(server.error()) << '\n';
    return 1;
  }
  std::cout << (*server)->url() << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
  }
}

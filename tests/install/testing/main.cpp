#include <cafegram/bots/bot.hpp>
#include <cafegram/testing/lab.hpp>

#include <iostream>

using namespace cafegram;

behavior echo(bot_actor self) {
  return {[self](const new_message& m) { self->reply(m, "Echo: " + m.formatted()); }};
}

// The example of docs/bots.md.
int main() {
  auto room = testing::lab::start([](router& r) { r.otherwise(echo); });
  if (!room) {
    std::cerr << to_string(room.error()) << '\n';
    return 1;
  }
  auto ann = (*room)->make_person("Ann");
  if (!ann || !ann->says("hi")) {
    return 1;
  }
  const auto heard = ann->hears();
  std::cout << (heard ? heard->text : to_string(heard.error())) << '\n';
}

#include <cafegram/bots/bot.hpp>
using namespace cafegram;

behavior echo(bot_actor self) {
  return {
      [self](const new_message& m) { self->reply(m, "Echo: " + m.formatted()); },
      [self](const callback_query& q) { self->answer(q, "Done"); },
  };
}

int main(int argc, char** argv) {
  return bot::run(argc, argv, [](router& r) { r.otherwise(echo); });
}

// The bot of the demonstration. It shows the three ways to write one: an actor with a behavior, a
// handler per command, and a coroutine that asks and waits.
#include <cafegram/bots/bot.hpp>

#include <algorithm>
#include <charconv>

using namespace cafegram;

namespace {

constexpr std::chrono::seconds default_patience{60};
constexpr std::chrono::seconds click_patience{300};

const char* const help_text = "/start - who I am\n"
                              "/help - this list\n"
                              "/buttons - an inline keyboard\n"
                              "/survey [seconds] - I ask, you answer in time\n"
                              "Anything else comes back to you.";

// An actor: one per chat, with a state of its own.
behavior echo(bot_actor self) {
  return {
      [self](const new_message& m) {
        if (!m.text().empty()) {
          self->reply(m, "Echo: " + m.formatted());
        }
      },
      [self](const callback_query& q) { self->answer(q, "This button is out of date"); },
  };
}

// A handler: the same for all chats.
void start(context ctx) {
  const auto* message = ctx.get<new_message>();
  const auto* user = message != nullptr ? message->sender_user() : nullptr;
  const auto name = user != nullptr ? user->first_name.value_or("stranger") : "stranger";
  ctx.reply("Hello, " + bold(name) + "! I am a bot made with " + italic("cafegram") +
            ", an actor that speaks MTProto.\n\n" + help_text);
}

// A coroutine: a conversation from top to bottom.
task<> buttons(context ctx) {
  const auto sent =
      co_await ctx.reply(outgoing("Tea or coffee?")
                             .markup(inline_keyboard{}.row(callback_button("Tea", "tea"),
                                                           callback_button("Coffee", "coffee"))));
  if (!sent) {
    co_return;
  }
  const auto click = co_await ctx.wait_for_click(*sent, click_patience);
  if (!click) {
    co_await ctx.edit(sent->ref(), "Nobody chose.");
    co_return;
  }
  const auto choice = std::string{click->data_text()};
  co_await ctx.answer(*click, "You chose " + choice);
  co_await ctx.edit(*click, "You chose " + bold(choice) + ".");
}

// `/survey 5` waits five seconds for each answer.
std::chrono::seconds patience(std::string_view argument) {
  int seconds = 0;
  std::from_chars(argument.data(), argument.data() + argument.size(), seconds);
  return seconds > 0 ? std::chrono::seconds{std::min(seconds, 3600)} : default_patience;
}

task<> survey(context ctx) {
  const auto time = patience(ctx.args());
  const auto name = co_await ctx.ask("What is your name?", time);
  if (!name) {
    co_await ctx.reply("No answer in time. Try /survey again.");
    co_return;
  }
  const auto colour = co_await ctx.ask("Your favourite colour, " + name->text() + "?", time);
  if (!colour) {
    co_await ctx.reply("No answer in time. Try /survey again.");
    co_return;
  }
  co_await ctx.reply(bold(name->text()) + " likes " + italic(colour->text()) + ". Thank you!");
}

} // namespace

int main(int argc, char** argv) {
  return bot::run(argc, argv, [](router& r) {
    r.on(command("start"), start)
        .on(command("help"), [](context ctx) { ctx.reply(help_text); })
        .on(command("buttons"), buttons)
        .on(command("survey"), survey)
        .otherwise(echo);
  });
}

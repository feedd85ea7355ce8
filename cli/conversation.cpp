#include <cafegram/base/bytes.hpp>
#include <cafegram/cli/command.hpp>
#include <cafegram/cli/conversation.hpp>

#include <fmt/format.h>

#include <cstdio>
#include <ranges>

namespace cafegram::cli {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::seconds;

/// "" when equal, else an error that shows both.
result<void> equal(const std::string& what, const tl::json& found, const tl::json& wanted) {
  if (found == wanted) {
    return {};
  }
  const auto show = [](const tl::json& v) {
    return v.dump(-1, ' ', false, tl::json::error_handler_t::replace);
  };
  return fail(errc::malformed,
              fmt::format("{} is {} instead of {}", what, show(found), show(wanted)));
}

std::string text_of(const tl::json& message) {
  return message.value("text", std::string{});
}

/// The first that failed of several comparisons, or what was seen.
result<std::string> unless(std::initializer_list<result<void>> comparisons, std::string seen) {
  for (const auto& same : comparisons) {
    if (!same) {
      return std::unexpected(same.error());
    }
  }
  return seen;
}

/// `messageEntityBold` at these UTF-16 units, and nothing else.
result<void> only_bold(const tl::json& message, int offset, int length) {
  const tl::json wanted = tl::json::array(
      {tl::json{{"_", "messageEntityBold"}, {"offset", offset}, {"length", length}}});
  return equal("the formatting", message.value("entities", tl::json::array()), wanted);
}

} // namespace

void conversation::step(const char* name, const std::function<outcome()>& work) {
  ++steps_;
  const auto start = clock::now();
  const auto seen = work();
  const std::chrono::duration<double> took = clock::now() - start;
  passed_ += seen ? 1 : 0;
  fmt::print("{}: {} {} ({:.2f} s)\n", name, seen ? "ok" : "fail",
             seen ? *seen : to_string(seen.error()), took.count());
  std::fflush(stdout);
}

void conversation::run_all(const std::function<result<void>()>& restart) {
  step("arrive", [this] { return arrive(); });
  step("echo with an entity", [this] { return echo_with_entity(); });
  step("command", [this] { return command(); });
  step("buttons", [this] { return buttons(); });
  step("press and answer", [this] { return press(); });
  step("edit", [this] { return edited(); });
  step("ask, answered", [this] { return ask_with_answer(); });
  step("ask, no answer in time", [this] { return ask_without_answer(); });
  step("kill -9 and restart of the sandbox", [this, &restart] { return restarted(restart); });
  step("answered once by the log", [this] { return answered_once(); });
}

bool conversation::is_ours(const tl::json& event, const char* type) const {
  return event.value("type", "") == type && event.value("owner", std::int64_t{0}) == person_ &&
         event.value("peer", std::int64_t{0}) == bot_;
}

result<tl::json> conversation::say(const std::string& text, const tl::json& entities) {
  return page_().post("/api/send",
                      {{"as", person_}, {"to", bot_}, {"text", text}, {"entities", entities}});
}

result<tl::json> conversation::hear(std::chrono::milliseconds within) {
  auto event = page_().wait(
      [this](const tl::json& e) {
        return is_ours(e, "message") && !e["message"].value("out", false);
      },
      within);
  if (!event) {
    return event;
  }
  heard_.push_back(text_of(event->at("message")));
  return event->at("message");
}

conversation::outcome conversation::expect(const std::string& text,
                                           std::chrono::milliseconds within) {
  const auto message = hear(within);
  if (!message) {
    return std::unexpected(message.error());
  }
  if (auto same = equal("the text", text_of(*message), text); !same) {
    return std::unexpected(std::move(same).error());
  }
  return text;
}

conversation::outcome conversation::arrive() {
  const auto made = page_().post("/api/users", {{"name", "Checker"}, {"username", "checker"}});
  if (!made) {
    return std::unexpected(made.error());
  }
  person_ = made->value("id", std::int64_t{0});
  return fmt::format("as user {}", person_);
}

conversation::outcome conversation::echo_with_entity() {
  const tl::json bold{{"_", "messageEntityBold"}, {"offset", 10}, {"length", 4}};
  if (const auto sent = say("plain and bold", tl::json::array({bold})); !sent) {
    return std::unexpected(sent.error());
  }
  const auto message = hear();
  if (!message) {
    return std::unexpected(message.error());
  }
  return unless(
      {equal("the text", text_of(*message), "Echo: plain and bold"), only_bold(*message, 16, 4)},
      text_of(*message));
}

conversation::outcome conversation::command() {
  if (const auto sent = say("/start"); !sent) {
    return std::unexpected(sent.error());
  }
  const auto message = hear();
  if (!message) {
    return std::unexpected(message.error());
  }
  const std::string greeting = "Hello, Checker!";
  return unless({equal("the greeting", text_of(*message).substr(0, greeting.size()), greeting)},
                greeting);
}

conversation::outcome conversation::buttons() {
  if (const auto sent = say("/buttons"); !sent) {
    return std::unexpected(sent.error());
  }
  auto message = hear();
  if (!message) {
    return std::unexpected(message.error());
  }
  offered_ = *std::move(message);
  tl::json titles = tl::json::array();
  for (const auto& row : offered_.value("markup", tl::json::object()).value("rows", tl::json{})) {
    for (const auto& button : row) {
      titles.push_back(button.value("text", ""));
    }
  }
  return unless({equal("the keyboard", titles, {"Tea", "Coffee"})},
                text_of(offered_) + " " + titles.dump());
}

conversation::outcome conversation::press() {
  const auto click = page_().post("/api/click", {{"as", person_},
                                                 {"chat", bot_},
                                                 {"message", offered_.value("id", 0)},
                                                 {"data", to_base64(as_bytes("tea"))}});
  if (!click) {
    return std::unexpected(click.error());
  }
  const auto query = click->at("query");
  const auto answer = page_().wait(
      [&query](const tl::json& e) {
        return e.value("type", "") == "answer" && e["query"] == query;
      },
      seconds{10});
  if (!answer) {
    return std::unexpected(answer.error());
  }
  return unless({equal("the answer", text_of(*answer), "You chose tea")}, text_of(*answer));
}

conversation::outcome conversation::edited() {
  const auto event = page_().wait(
      [this](const tl::json& e) {
        return is_ours(e, "edited") && e["message"]["id"] == offered_["id"] &&
               e["message"].contains("edited");
      },
      seconds{10});
  if (!event) {
    return std::unexpected(event.error());
  }
  const auto& message = event->at("message");
  return unless({equal("the text", text_of(message), "You chose tea."), only_bold(message, 10, 3)},
                text_of(message));
}

conversation::outcome conversation::ask_with_answer() {
  const std::pair<const char*, const char*> lines[] = {
      {"/survey", "What is your name?"},
      {"Ada", "Your favourite colour, Ada?"},
      {"blue", "Ada likes blue. Thank you!"},
  };
  outcome last;
  for (const auto& [said, heard] : lines) {
    if (const auto sent = say(said); !sent) {
      return std::unexpected(sent.error());
    }
    last = expect(heard);
    if (!last) {
      return last;
    }
  }
  return last;
}

conversation::outcome conversation::ask_without_answer() {
  if (const auto sent = say("/survey 2"); !sent) {
    return std::unexpected(sent.error());
  }
  if (auto asked = expect("What is your name?"); !asked) {
    return asked;
  }
  const auto start = clock::now();
  auto gave_up = expect("No answer in time. Try /survey again.");
  if (!gave_up) {
    return gave_up;
  }
  const std::chrono::duration<double> waited = clock::now() - start;
  if (waited < std::chrono::milliseconds{1500} || waited > seconds{6}) {
    return fail(errc::deadline,
                fmt::format("the bot waited {:.1f} s instead of 2 s", waited.count()));
  }
  return fmt::format("after {:.1f} s", waited.count());
}

conversation::outcome conversation::restarted(const std::function<result<void>()>& restart) {
  if (const auto up = restart(); !up) {
    return std::unexpected(up.error());
  }
  const auto start = clock::now();
  if (const auto sent = say("are you back?"); !sent) {
    return std::unexpected(sent.error());
  }
  if (auto back = expect("Echo: are you back?"); !back) {
    return back;
  }
  const std::chrono::duration<double> waited = clock::now() - start;
  // A second answer to the first message would stand before the answer to this one.
  if (const auto sent = say("only once?"); !sent) {
    return std::unexpected(sent.error());
  }
  if (auto again = expect("Echo: only once?"); !again) {
    return again;
  }
  return fmt::format("answered once, after {:.1f} s", waited.count());
}

conversation::outcome conversation::answered_once() {
  const auto log = read_file(message_log_);
  if (!log) {
    return std::unexpected(log.error());
  }
  tl::json stored = tl::json::array();
  for (const auto line : std::views::split(*log, '\n')) {
    const auto message = tl::json::parse(line.begin(), line.end(), nullptr, false);
    if (message.is_object() && message.value("from", std::int64_t{0}) == bot_ &&
        message.value("to", std::int64_t{0}) == person_) {
      stored.push_back(message.value("text", ""));
    }
  }
  return unless({equal("the bot's part of the log", stored, heard_)},
                fmt::format("{} messages", stored.size()));
}

} // namespace cafegram::cli

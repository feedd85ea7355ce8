#pragma once

#include <cafegram/cli/page_client.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace cafegram::cli {

/// The scripted conversation of `cafegram check`: somebody at the page talks to the demonstration
/// bot, each step is compared with what is expected, and printed.
class conversation {
public:
  /// `page` gives the present connection to the page; it changes when the server is restarted.
  /// `message_log` is the sandbox's, which outlives the server's restart.
  conversation(std::function<page_client&()> page, std::int64_t bot, std::string message_log)
    : page_{std::move(page)}
    , bot_{bot}
    , message_log_{std::move(message_log)} {}

  void run_all(const std::function<result<void>()>& restart);

  int steps() const { return steps_; }
  int passed() const { return passed_; }

private:
  using outcome = result<std::string>; ///< what was seen, for people

  void step(const char* name, const std::function<outcome()>& work);

  outcome arrive();
  outcome echo_with_entity();
  outcome command();
  outcome buttons();
  outcome press();
  outcome edited();
  outcome ask_with_answer();
  outcome ask_without_answer();
  outcome restarted(const std::function<result<void>()>& restart);
  /// What the server has stored of the bot is what was heard, each once, in this order.
  outcome answered_once();

  result<tl::json> say(const std::string& text, const tl::json& entities = tl::json::array());
  /// The bot's next message in this chat.
  result<tl::json> hear(std::chrono::milliseconds within = std::chrono::seconds{10});
  /// The next message has to be this text.
  outcome expect(const std::string& text,
                 std::chrono::milliseconds within = std::chrono::seconds{10});
  bool is_ours(const tl::json& event, const char* type) const;

  std::function<page_client&()> page_;
  std::int64_t bot_ = 0;
  std::int64_t person_ = 0;
  std::string message_log_;
  std::vector<std::string> heard_; ///< texts of the bot
  tl::json offered_;               ///< the message with buttons
  int steps_ = 0;
  int passed_ = 0;
};

} // namespace cafegram::cli

#pragma once

#include <cafegram/cli/page_client.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace cafegram::cli {

/// The scripted conversation of `cafegram check`: somebody at the page talks to the demonstration
/// bot, each step is compared with what is expected, and printed.
class conversation {
public:
  /// `page` gives the present connection to the page; it changes when the server is restarted.
  conversation(std::function<page_client&()> page, std::int64_t bot)
    : page_{std::move(page)}
    , bot_{bot} {}

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
  tl::json offered_; ///< the message with buttons
  int steps_ = 0;
  int passed_ = 0;
};

} // namespace cafegram::cli

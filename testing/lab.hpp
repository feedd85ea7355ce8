#pragma once

#include <cafegram/actors/client.hpp>
#include <cafegram/actors/system.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/bots/run.hpp>
#include <cafegram/sandbox/page_feed.hpp>
#include <cafegram/sandbox/page_model.hpp>
#include <cafegram/sandbox/server.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cafegram::testing {

using sandbox::page_entity;
using sandbox::page_message;

/// A simulated person who talks to the bot of a `lab`. All waits end by themselves: a `deadline`
/// error names what did not come.
class person {
public:
  std::int64_t id() const { return id_; }

  /// Writes to the bot; gives the message as the person sees it.
  result<page_message> says(std::string text, std::vector<page_entity> entities = {});
  /// The bot's next message, in the order in which they came.
  result<page_message> hears();
  /// The new form of a message that the bot changes.
  result<page_message> sees_edited(std::int32_t message);
  /// Presses a callback button and waits for the bot's answer to it.
  result<sandbox::page_events::click_answered> presses(const page_message& message,
                                                       std::string_view data);

private:
  friend class lab;
  person(class lab& in, std::int64_t id)
    : lab_{&in}
    , id_{id} {}
  lab* lab_;
  std::int64_t id_;
};

/// A Telegram of one's own in this process, with one bot that is connected to it through a real
/// socket: for tests of bots with simulated people.
///
/// ```
/// auto room = testing::lab::start([](router& r) { r.otherwise(echo); });
/// auto ann = (*room)->make_person("Ann");
/// ann->says("hi");
/// EXPECT_EQ(ann->hears()->text, "Echo: hi");
/// ```
class lab {
public:
  /// Starts sandbox and bot, and waits until the bot is logged in. Without `setup` no bot is
  /// started: a program may connect with `port`, `public_key_pem` and `bot_token`.
  static result<std::unique_ptr<lab>> start(const bot::setup_function& setup,
                                            bot_options options = {});
  ~lab();
  lab(const lab&) = delete;
  lab& operator=(const lab&) = delete;

  result<person> make_person(const std::string& name);

  /// The sandbox beneath: its faults, its page.
  sandbox::server& telegram() { return *server_; }
  std::uint16_t port() const { return server_->port(); }
  const std::string& public_key_pem() const { return server_->public_key_pem(); }
  static const char* bot_token();
  /// Until the bot of another program is logged in.
  result<void> wait_for_bot();

  /// How long a person waits for the bot.
  std::chrono::milliseconds patience{10'000};

private:
  friend class person;
  lab() = default;
  result<void> open(const bot::setup_function& setup, bot_options options);
  /// Takes the first event that `fits`, waiting for it if need be. Others stay for later.
  result<sandbox::page_event> take(const std::function<bool(const sandbox::page_event&)>& fits,
                                   std::string_view awaited);

  // In the order in which they are made; they go the other way.
  std::unique_ptr<runtime> runtime_;
  std::unique_ptr<sandbox::server> server_;
  std::unique_ptr<sandbox::page_feed::reader> events_;
  std::unique_ptr<client> client_;
  std::unique_ptr<bot> bot_;
  std::deque<sandbox::page_event> seen_;
};

} // namespace cafegram::testing

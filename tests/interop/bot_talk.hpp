#pragma once

#include <cafegram/actors/client.hpp>
#include <cafegram/actors/invoke.hpp>
#include <cafegram/actors/updates.hpp>
#include <cafegram/tests/interop/peer_in.hpp>
#include <cafegram/tl/api.hpp>

#include <caf/all.hpp>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace cafegram::test {

/// Collects updates from the actor that it makes, for the thread of the test.
class update_log {
public:
  /// The receiver: answers each event at once.
  caf::actor receiver(caf::actor_system& system) {
    return system.spawn(
        [this]() -> caf::behavior { return {[this](const update_event& event) { add(event); }}; });
  }

  /// The text of the `n`-th new message (from 0), waiting for it.
  std::optional<std::string> message(std::size_t n,
                                     std::chrono::seconds limit = std::chrono::seconds{20}) {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, limit, [&] { return texts_.size() > n; });
    return texts_.size() > n ? std::optional{texts_[n]} : std::nullopt;
  }

  std::vector<std::string> messages() {
    const std::lock_guard lock{mutex_};
    return texts_;
  }

private:
  void add(const update_event& event) {
    const auto* fresh = tl::get_if<tl::updateNewMessage>(event.update->update);
    const auto* message = fresh != nullptr ? tl::get_if<tl::message>(fresh->message) : nullptr;
    if (message != nullptr && !message->out) {
      const std::lock_guard lock{mutex_};
      texts_.push_back(message->message);
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> texts_;
};

/// `users.getUsers` of oneself.
inline result<tl::user> get_me(client& bot) {
  auto users = bot.invoke_sync(tl::users::getUsers{.id = {tl::inputUserSelf{}}});
  if (!users) {
    return std::unexpected(users.error());
  }
  const auto* me = users->size() == 1 ? tl::get_if<tl::user>(users->front()) : nullptr;
  return me != nullptr ? result<tl::user>{*me} : fail(errc::malformed, "not one user");
}

/// The peer behind a user name.
inline result<tl::InputPeer> resolve(client& bot, std::string username) {
  return peer_in(bot.invoke_sync(tl::contacts::resolveUsername{.username = std::move(username)}));
}

/// Sends `text`, its first five letters bold.
inline result<tl::Updates> send_bold(client& bot, const tl::InputPeer& to, std::string text,
                                     std::int64_t random_id) {
  return bot.invoke_sync(tl::messages::sendMessage{
      .peer = to,
      .message = std::move(text),
      .random_id = random_id,
      .entities = std::vector<tl::MessageEntity>{tl::messageEntityBold{.offset = 0, .length = 5}}});
}

} // namespace cafegram::test

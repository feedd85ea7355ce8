#pragma once

#include <cafegram/actors/interfaces.hpp>
#include <cafegram/actors/updates.hpp>

#include <caf/actor.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <vector>

namespace cafegram {

/// Hands updates to receivers, to each in order, at most `update_window` unanswered. Part of the
/// hub's actor.
class update_fanout {
public:
  /// `relieved` is called when a receiver has answered.
  update_fanout(update_hub_actor::pointer self, std::function<void()> relieved);

  void subscribe(const caf::actor& receiver);
  void remove(const caf::actor_addr& receiver);
  void add(const std::shared_ptr<const received_update>& update);
  /// Nobody is there to be given anything.
  bool empty() const { return subscribers_.empty(); }
  /// The longest queue of any receiver.
  std::size_t backlog() const;

private:
  /// What a receiver has not been given yet, and how much it has not answered.
  struct subscriber {
    caf::actor actor;
    std::deque<std::shared_ptr<const received_update>> queue;
    std::size_t unanswered = 0;
    std::uint64_t dropped = 0;
  };

  void push(subscriber& to);
  void answered(const caf::actor& receiver);

  update_hub_actor::pointer self_;
  std::function<void()> relieved_;
  std::vector<subscriber> subscribers_;
};

} // namespace cafegram

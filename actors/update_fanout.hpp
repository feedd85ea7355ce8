#pragma once

#include <cafegram/actors/interfaces.hpp>
#include <cafegram/actors/updates.hpp>

#include <caf/actor.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <vector>

namespace cafegram {

/// Hands updates to receivers, to each in order, at most `update_window` unanswered. Part of the
/// hub's actor.
class update_fanout {
public:
  /// What becomes of an update with one receiver.
  enum class fate : std::uint8_t {
    answered,
    dropped, ///< the receiver is too slow, and it was not kept
    left,    ///< the receiver has ended before
  };
  using settled_function = std::function<void(std::uint64_t number, fate how)>;

  update_fanout(update_hub_actor::pointer self, settled_function settled);

  void subscribe(const caf::actor& receiver);
  /// False for one that is none.
  bool remove(const caf::actor_addr& receiver);
  /// `settled` is called for each of them, perhaps at once.
  void add(const update_event& event);
  std::size_t size() const { return subscribers_.size(); }
  /// Nobody is there to be given anything.
  bool empty() const { return subscribers_.empty(); }
  /// The longest queue of any receiver.
  std::size_t backlog() const;

private:
  /// What a receiver has not been given yet, and what it has not answered.
  struct subscriber {
    caf::actor actor;
    std::deque<update_event> queue = {};
    std::multiset<std::uint64_t> unanswered = {};
    std::uint64_t dropped = 0;
  };

  void drop_oldest(subscriber& of);
  void push(subscriber& to);
  void answered(const caf::actor& receiver, std::uint64_t number);

  update_hub_actor::pointer self_;
  settled_function settled_;
  std::vector<subscriber> subscribers_;
};

} // namespace cafegram

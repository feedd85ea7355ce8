#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/update_fanout.hpp>
#include <cafegram/actors/update_hub.hpp>
#include <cafegram/base/log.hpp>

#include <caf/all.hpp>

#include <algorithm>

namespace cafegram {

update_fanout::update_fanout(update_hub_actor::pointer self, settled_function settled)
  : self_{self}
  , settled_{std::move(settled)} {}

void update_fanout::subscribe(const caf::actor& receiver) {
  if (std::ranges::find(subscribers_, receiver, &subscriber::actor) == subscribers_.end()) {
    self_->monitor(receiver);
    subscribers_.push_back({.actor = receiver});
  }
}

bool update_fanout::remove(const caf::actor_addr& receiver) {
  const auto found = std::ranges::find_if(
      subscribers_, [&receiver](const subscriber& one) { return one.actor == receiver; });
  if (found == subscribers_.end()) {
    return false;
  }
  const auto gone = std::move(*found);
  subscribers_.erase(found);
  for (const auto number : gone.unanswered) {
    settled_(number, fate::left);
  }
  for (const auto& event : gone.queue) {
    settled_(event.number, fate::left);
  }
  return true;
}

void update_fanout::add(const update_event& event) {
  for (auto& to : subscribers_) {
    to.queue.push_back(event);
    if (to.queue.size() > 2 * update_backlog) {
      drop_oldest(to);
    }
    push(to);
  }
}

/// Of what no difference brings again; of the rest there is no more than was accepted.
void update_fanout::drop_oldest(subscriber& of) {
  const auto oldest = std::ranges::find(of.queue, false, &update_event::kept);
  if (oldest == of.queue.end()) {
    return;
  }
  if (of.dropped++ == 0) {
    log::warn("update_hub", "a receiver is too slow: its oldest updates are dropped");
  }
  const auto number = oldest->number;
  of.queue.erase(oldest);
  settled_(number, fate::dropped);
}

std::size_t update_fanout::backlog() const {
  std::size_t out = 0;
  for (const auto& one : subscribers_) {
    out = std::max(out, one.queue.size());
  }
  return out;
}

void update_fanout::push(subscriber& to) {
  while (!to.queue.empty() && to.unanswered.size() < update_window) {
    auto event = std::move(to.queue.front());
    to.queue.pop_front();
    to.unanswered.insert(event.number);
    auto done = [this, receiver = to.actor, number = event.number]() {
      answered(receiver, number);
    };
    self_->request(to.actor, caf::infinite, std::move(event))
        .then(done, [done](const caf::error& why) {
          const auto error = to_error(why);
          if (error.code != errc::cancelled) { // it is about to end, or has: the next one gets this
            log::warn("update_hub", "a receiver failed: {}", to_string(error));
            done();
          }
        });
  }
}

void update_fanout::answered(const caf::actor& receiver, std::uint64_t number) {
  const auto found = std::ranges::find(subscribers_, receiver, &subscriber::actor);
  if (found == subscribers_.end()) {
    return;
  }
  if (const auto at = found->unanswered.find(number); at != found->unanswered.end()) {
    found->unanswered.erase(at);
  }
  push(*found);
  settled_(number, fate::answered);
}

} // namespace cafegram

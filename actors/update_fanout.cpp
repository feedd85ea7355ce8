#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/update_fanout.hpp>
#include <cafegram/actors/update_hub.hpp>
#include <cafegram/base/log.hpp>

#include <caf/all.hpp>

#include <algorithm>

namespace cafegram {

update_fanout::update_fanout(update_hub_actor::pointer self, std::function<void()> relieved)
  : self_{self}
  , relieved_{std::move(relieved)} {}

void update_fanout::subscribe(const caf::actor& receiver) {
  if (std::ranges::find(subscribers_, receiver, &subscriber::actor) == subscribers_.end()) {
    self_->monitor(receiver);
    subscribers_.push_back({receiver, {}, 0, 0});
  }
}

void update_fanout::remove(const caf::actor_addr& receiver) {
  std::erase_if(subscribers_, [&receiver](const subscriber& one) { return one.actor == receiver; });
}

void update_fanout::add(const std::shared_ptr<const received_update>& update) {
  for (auto& to : subscribers_) {
    to.queue.push_back(update);
    if (to.queue.size() > 2 * update_backlog) {
      // Only what no difference brings again gets this far; the oldest is worth least.
      to.queue.pop_front();
      if (to.dropped++ == 0) {
        log::warn("update_hub", "a receiver is too slow: its oldest updates are dropped");
      }
    }
    push(to);
  }
}

std::size_t update_fanout::backlog() const {
  std::size_t out = 0;
  for (const auto& one : subscribers_) {
    out = std::max(out, one.queue.size());
  }
  return out;
}

void update_fanout::push(subscriber& to) {
  while (!to.queue.empty() && to.unanswered < update_window) {
    ++to.unanswered;
    update_event event{std::move(to.queue.front())};
    to.queue.pop_front();
    auto done = [this, receiver = to.actor]() { answered(receiver); };
    self_->request(to.actor, caf::infinite, std::move(event))
        .then(done, [done](const caf::error& why) {
          log::warn("update_hub", "a receiver failed: {}", to_string(to_error(why)));
          done();
        });
  }
}

void update_fanout::answered(const caf::actor& receiver) {
  const auto found = std::ranges::find(subscribers_, receiver, &subscriber::actor);
  if (found != subscribers_.end()) {
    --found->unanswered;
    push(*found);
  }
  relieved_();
}

} // namespace cafegram

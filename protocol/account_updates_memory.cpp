#include <cafegram/protocol/account_updates.hpp>

#include <limits>

// Which channels are in memory, and what is kept of them.
namespace cafegram::protocol {

namespace {

/// So many of the longest unused are looked at for one that the store can keep.
constexpr int most_looked_at = 16;
constexpr std::size_t unsure_at_once = 32;

} // namespace

account_updates::channel_state* account_updates::find(std::int64_t channel) {
  const auto found = channels_.find(channel);
  return found == channels_.end() ? nullptr : &found->second;
}

/// Null where there is no room.
account_updates::channel_state* account_updates::find_or_make(std::int64_t channel) {
  if (auto* known = find(channel)) {
    return known;
  }
  if (!make_room(false)) {
    return nullptr;
  }
  auto& made = make(channel);
  made.since = account_.named_until;
  account_.heard_early = account_.heard_early || !account_.started;
  out_.load_channels.push_back(channel);
  return &made;
}

account_updates::channel_state& account_updates::make(std::int64_t channel) {
  auto& made = channels_.try_emplace(channel, channel, room_).first->second;
  busy_.push_front(channel);
  made.used = busy_.begin();
  return made;
}

/// The longest unused go; their places are in the store. Where all are at something, one that only
/// waits to be fetched is left to the store as unsure.
bool account_updates::make_room(bool of_unsure) {
  if (channels_.size() < bounds_.most_channels) {
    return true;
  }
  if (!idle_.empty()) {
    evict(channels_.at(idle_.back()));
    return true;
  }
  int looked_at = 0;
  for (auto it = busy_.rbegin(); !of_unsure && it != busy_.rend() && looked_at < most_looked_at;
       ++it, ++looked_at) {
    auto& which = channels_.at(*it);
    if (which.now == phase::resting && !which.followed) {
      which.owed = true;
      evict(which);
      return true;
    }
  }
  return false;
}

void account_updates::evict(channel_state& which) {
  save(which);
  // One that rested may owe a difference since this very call.
  unsure_left_ = unsure_left_ || which.saved.unsure;
  erase(which);
}

void account_updates::erase(channel_state& which) {
  if (which.timer != steady_time::max()) {
    timers_.erase({which.timer, which.id});
  }
  asked_ -= which.now == phase::asked ? 1 : 0;
  followed_ -= which.followed ? 1 : 0;
  (which.idle ? idle_ : busy_).erase(which.used);
  channels_.erase(which.id);
}

/// After each call: what is to be asked, kept, and when to look again.
void account_updates::settle(channel_state& which) {
  if (which.now == phase::resting && which.owed && !which.queued && !is_full(which) &&
      !which.retry_at && !which.awaiting) {
    which.queued = true;
    queue_.push_back(which.id);
  }
  save(which);
  set_timer(which);
  const bool idle =
      which.now == phase::resting && !which.owed && !which.followed && which.box.calm();
  auto& to = idle ? idle_ : busy_;
  to.splice(to.begin(), which.idle ? idle_ : busy_, which.used);
  which.idle = idle;
}

void account_updates::save(channel_state& which) {
  const bool unsure = which.owed || which.again || which.now != phase::resting || !which.box.calm();
  auto pts = which.box.value();
  if (!which.box.known()) {
    pts = which.now == phase::opening ? which.box.lowest().value_or(0) : 0;
  }
  const channel_place place{.channel = which.id,
                            .pts = pts,
                            .unsure = unsure,
                            .closed = false,
                            .since = which.box.known() ? which.since : 0};
  if (pts > 0 && place != which.saved) {
    which.saved = place;
    out_.save_channels.push_back(place);
  }
}

void account_updates::set_timer(channel_state& of) {
  auto at = of.now == phase::resting ? of.box.deadline() : steady_time::max();
  for (const auto& other : {of.retry_at, of.poll_at, of.open_at}) {
    at = std::min(at, other.value_or(steady_time::max()));
  }
  if (at == of.timer) {
    return;
  }
  if (of.timer != steady_time::max()) {
    timers_.erase({of.timer, of.id});
  }
  of.timer = at;
  if (at != steady_time::max()) {
    timers_.emplace(at, of.id);
  }
}

// -- unsure places in the store -----------------------------------------------------------------

void account_updates::ask_unsure() {
  const bool room = channels_.size() < bounds_.most_channels || !idle_.empty();
  if ((unsure_left_ || unsure_passing_) && !unsure_asked_ && room &&
      queue_.size() < bounds_.most_asked) {
    if (!unsure_passing_) {
      unsure_passing_ = true;
      unsure_left_ = false;
      unsure_beyond_ = std::numeric_limits<std::int64_t>::min();
    }
    unsure_asked_ = true;
    out_.load_unsure = unsure_page{unsure_beyond_, unsure_at_once};
  }
}

update_outcome account_updates::loaded_unsure(const std::vector<channel_place>& stored,
                                              steady_time now) {
  if (!unsure_asked_) {
    return finish(now);
  }
  unsure_asked_ = false;
  unsure_passing_ = stored.size() >= unsure_at_once;
  for (const auto& place : stored) {
    if (find(place.channel) == nullptr && place.pts > 0) {
      if (!make_room(true)) {
        unsure_passing_ = true;
        break;
      }
      auto& made = make(place.channel);
      made.saved = place;
      made.since = place.since;
      made.named = place.since > 0;
      made.owed = true;
      touch(made);
      open(made, place.pts, now);
    }
    unsure_beyond_ = place.channel;
  }
  return finish(now);
}

std::optional<channel_place> account_updates::stands(std::int64_t channel) const {
  const auto found = channels_.find(channel);
  if (found == channels_.end() || !found->second.box.known()) {
    return {};
  }
  return channel_place{channel, found->second.box.value(), found->second.saved.unsure};
}

} // namespace cafegram::protocol

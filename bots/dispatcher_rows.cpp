#include <cafegram/actors/errors.hpp>
#include <cafegram/bots/dispatcher.hpp>
#include <cafegram/bots/self.hpp>

#include <caf/send.hpp>

#include <algorithm>
#include <utility>

// Updates that the account's inbox keeps: answered when they are finished, tried again when they
// fail, and when that is too often given up.
namespace cafegram {

namespace {

/// A hub that is started again hands out what the one before had not heard to be finished.
constexpr std::size_t most_ended_rows = 4096;

steady_time::duration wait_after(std::uint32_t failures) {
  return failures <= 1   ? std::chrono::seconds{0}
         : failures == 2 ? std::chrono::seconds{1}
                         : std::chrono::seconds{5};
}

/// The delivery over which a conversation has ended itself; 0: it does not say.
std::uint64_t blamed_by(const caf::error& reason) {
  const bool by_itself = reason.category() == caf::atom("cafegram");
  return by_itself ? static_cast<std::uint64_t>(to_error(reason).number) : 0;
}

} // namespace

void dispatcher_state::accept_row(const update_event& event, admission promise) {
  if (const auto known = rows_.find(event.number); known != rows_.end()) {
    known->second = std::move(promise); // by another hub: it is under way already
    return;
  }
  if (stopping_) {
    promise.deliver(to_caf(error::make(errc::cancelled, "the bot is stopping")));
    return;
  }
  auto update = ended_rows_.contains(event.number) ? nullptr : intake(event, setup_.self);
  if (!wanted(update)) {
    promise.deliver(caf::unit);
    return;
  }
  rows_.emplace(event.number, std::move(promise));
  admit({.data = std::move(update),
         .row = event.number,
         .kept = event.kept,
         .failures = event.failures,
         .sends = event.sends ? *event.sends : std::vector<made_send>{}});
}

void dispatcher_state::end_row(std::uint64_t row, const std::optional<error>& given_up) {
  auto node = rows_.extract(row);
  if (node.empty()) {
    return;
  }
  given_up ? node.mapped().deliver(to_caf(*given_up)) : node.mapped().deliver(caf::unit);
  ended_rows_.insert(row);
  if (ended_rows_.size() > most_ended_rows) {
    ended_rows_.erase(ended_rows_.begin());
  }
}

/// False where that was once too often.
bool dispatcher_state::count_failure(queued_update& what, const std::string& why) {
  if (++what.failures >= setup_.options.max_failures) {
    end_row(what.row, error::make(errc::bad_argument, why));
    return false;
  }
  if (const auto hub = caf::actor_cast<caf::strong_actor_ptr>(hub_)) {
    caf::anon_send(caf::actor_cast<caf::actor>(hub), update_failed{what.row, why});
  }
  return true;
}

/// What was under way when the conversation ended, by its order. One that was in its hands has
/// failed; a coroutine that waited has not, and begins again.
std::vector<dispatcher_state::queued_update> dispatcher_state::left_by(chat_state& chat,
                                                                       const caf::error& reason) {
  const auto said = blamed_by(reason);
  std::vector<queued_update> out;
  for (auto& [number, update] : std::exchange(chat.in_flight, {})) {
    --in_flight_;
    const bool in_hand = !chat.busy || number == chat.current;
    const bool blamed = said != 0 ? number == said : in_hand;
    counts_.failed += blamed || !update.kept ? 1 : 0;
    if (!update.kept) {
      end_row(update.row, {});
    } else if (!blamed || count_failure(update, to_error(reason).what)) {
      out.push_back(std::move(update));
    }
  }
  chat.busy = false;
  return out;
}

/// In front of all that came after it.
void dispatcher_state::try_again(chat_key key, chat_state& chat, std::vector<queued_update> what) {
  steady_time::duration wait{};
  for (auto& one : what) {
    wait = std::max(wait, wait_after(one.failures));
    if (!stopping_) {
      const auto later = std::ranges::find_if(
          chat.waiting, [&one](const queued_update& other) { return other.row > one.row; });
      chat.waiting.insert(later, std::move(one));
      ++queued_;
    }
  }
  if (wait > steady_time::duration::zero()) {
    chat.blocked_until = now() + wait;
    retries_.emplace(chat.blocked_until, key);
    arm();
  }
}

void dispatcher_state::retry_due(steady_time time) {
  while (!retries_.empty() && retries_.begin()->first <= time) {
    const auto key = retries_.begin()->second;
    retries_.erase(retries_.begin());
    if (chats_.contains(key)) {
      pump(key);
    }
  }
}

void dispatcher_state::on_sends_made(sends_made& message) {
  const auto at = chats_.find(message.chat);
  if (at == chats_.end()) {
    return;
  }
  const auto found = at->second.in_flight.find(message.number);
  if (found == at->second.in_flight.end()) {
    return;
  }
  auto& update = found->second;
  const auto hub = caf::actor_cast<caf::strong_actor_ptr>(hub_);
  for (auto& one : message.sends) {
    if (hub) {
      caf::anon_send(caf::actor_cast<caf::actor>(hub),
                     update_sent{update.row, std::make_shared<const made_send>(one)});
    }
    update.sends.push_back(std::move(one));
  }
}

} // namespace cafegram

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
/// In one message to the hub: far less than are known to a new one.
constexpr std::size_t most_ends_together = 256;

steady_time::duration wait_after(std::uint32_t failures) {
  return failures <= 1   ? std::chrono::seconds{0}
         : failures == 2 ? std::chrono::seconds{1}
                         : std::chrono::seconds{5};
}

/// After the first time a second, doubled each time up to a minute.
steady_time::duration wait_for_sends(std::uint32_t unsent) {
  return std::chrono::seconds{unsent == 0 ? 0 : std::min(1U << std::min(unsent - 1, 6U), 60U)};
}

/// Where a coroutine ends after a checkpoint, nobody says so.
constexpr std::chrono::seconds parked_longest{5};

/// The delivery over which a conversation has ended itself, 0: over none; none where it was ended
/// from outside.
std::optional<std::uint64_t> blamed_by(const caf::error& reason) {
  if (reason.category() != caf::atom("cafegram")) {
    return {};
  }
  return static_cast<std::uint64_t>(to_error(reason).number);
}

} // namespace

void dispatcher_state::ended_rows::add(std::uint64_t row, end how) {
  if (const auto found = known_.find(row); found != known_.end()) {
    found->second = std::move(how);
    return;
  }
  order_.push_back(row);
  if (order_.size() <= most_ended_rows) {
    known_.emplace(row, std::move(how));
    return;
  }
  // The oldest one's node, for this comes with each update.
  auto node = known_.extract(order_.front());
  order_.pop_front();
  node.key() = row;
  node.mapped() = std::move(how);
  known_.insert(std::move(node));
}

/// In front of all that came after it.
void dispatcher_state::chat_state::queue(queued_update&& update) {
  const auto later = std::ranges::find_if(
      waiting, [&update](const queued_update& other) { return other.row > update.row; });
  waiting.insert(later, std::move(update));
}

dispatcher_state::queued_update* dispatcher_state::chat_state::delivered(std::uint64_t number) {
  const auto found = std::ranges::find(in_flight, number, &delivered_update::number);
  return found != in_flight.end() ? &found->what : nullptr;
}

std::optional<dispatcher_state::queued_update>
dispatcher_state::chat_state::land(std::uint64_t number) {
  const auto found = std::ranges::find(in_flight, number, &delivered_update::number);
  if (found == in_flight.end()) {
    return std::nullopt;
  }
  auto out = std::move(found->what);
  in_flight.erase(found);
  return out;
}

void dispatcher_state::ended_rows::set_values(std::uint64_t row,
                                              std::shared_ptr<const updates_finished> values) {
  if (const auto found = known_.find(row); found != known_.end()) {
    found->second.values = std::move(values);
  }
}

std::vector<std::shared_ptr<const updates_finished>>
dispatcher_state::ended_rows::unwritten_values() const {
  std::vector<std::shared_ptr<const updates_finished>> out;
  for (const auto row : order_) {
    // Rows that have ended as one stand beside each other.
    const auto& values = known_.at(row).values;
    if (values && (out.empty() || out.back() != values)) {
      out.push_back(values);
    }
  }
  return out;
}

const dispatcher_state::ended_rows::end*
dispatcher_state::ended_rows::find(std::uint64_t row) const {
  const auto found = known_.find(row);
  return found == known_.end() ? nullptr : &found->second;
}

void dispatcher_state::accept_row(const update_event& event, admission promise) {
  if (const auto known = rows_.find(event.number); known != rows_.end()) {
    known->second = std::move(promise); // by another hub: it is under way already
    if (waiting_rows_.contains(event.number)) {
      tell_hub(update_waits{event.number, true});
    }
    return;
  }
  if (const auto* ended = ended_.find(event.number)) {
    answer_row(event.number, promise, ended->given_up.get());
    return;
  }
  if (stopping_) {
    if (promise.pending()) {
      promise.deliver(to_caf(error::make(errc::cancelled, "the bot is stopping")));
    }
    return;
  }
  auto update = intake(event, setup_.self);
  if (!wanted(update)) {
    answer_row(event.number, promise, nullptr);
    return;
  }
  rows_.emplace(event.number, std::move(promise));
  admit({.data = std::move(update),
         .row = event.number,
         .kept = event.kept,
         .failures = event.failures,
         .sends = event.sends ? *event.sends : std::vector<made_send>{}});
}

/// One that came in a batch is told of with others, when what has come meanwhile is done.
void dispatcher_state::answer_row(std::uint64_t row, admission& promise, const error* given_up) {
  if (promise.pending()) {
    given_up != nullptr ? promise.deliver(to_caf(*given_up)) : promise.deliver(caf::unit);
    return;
  }
  if (ends_.empty()) {
    self_->send(self_, caf::flush_atom_v);
  }
  if (given_up != nullptr) {
    ends_.push_back({{row}, to_string(*given_up)});
  } else if (ends_.empty() || ends_.back().given_up) {
    ends_.push_back({{row}});
  } else {
    ends_.back().numbers.push_back(row);
  }
  if (ends_.back().numbers.size() == most_ends_together) {
    tell_ends();
  }
}

void dispatcher_state::tell_ends() {
  for (auto& one : std::exchange(ends_, {})) {
    tell_hub(std::move(one));
  }
}

/// `told`: the hub knows of its end, and only an answer that somebody waits for is owed.
void dispatcher_state::end_row(std::uint64_t row, const std::optional<error>& given_up, bool told) {
  auto node = rows_.extract(row);
  if (node.empty()) {
    return;
  }
  if (!told || node.mapped().pending()) {
    answer_row(row, node.mapped(), given_up ? &*given_up : nullptr);
  }
  waiting_rows_.erase(row);
  ended_.add(row, {given_up ? std::make_unique<const error>(*given_up) : nullptr});
}

/// Where they are several the hub ends them in one change, before it gets answers of those that
/// came as requests; of those that came in batches that is all that it is told.
void dispatcher_state::end_rows(const queued_update& of, const std::optional<error>& given_up) {
  const bool as_one = of.kept && !of.more_rows.empty();
  if (as_one) {
    updates_finished all;
    of.each_row([&all](std::uint64_t row) { all.numbers.push_back(row); });
    if (given_up) {
      all.given_up = to_string(*given_up);
    }
    tell_hub(std::move(all));
  }
  of.each_row([&](std::uint64_t row) { end_row(row, given_up, as_one); });
}

template <class T>
void dispatcher_state::tell_hub(T what) {
  if (const auto hub = caf::actor_cast<caf::strong_actor_ptr>(hub_)) {
    caf::anon_send(caf::actor_cast<caf::actor>(hub), std::move(what));
  }
}

void dispatcher_state::tell_waits(std::uint64_t row, bool waits) {
  const bool new_to_hub = waits ? waiting_rows_.insert(row).second : waiting_rows_.erase(row) > 0;
  if (new_to_hub) {
    tell_hub(update_waits{row, waits});
  }
}

/// False where that was once too often.
bool dispatcher_state::count_failure(queued_update& what, const std::string& why) {
  if (++what.failures >= setup_.options.max_failures) {
    end_rows(what, error::make(errc::bad_argument, why));
    return false;
  }
  what.each_row([&](std::uint64_t row) { tell_hub(update_failed{row, why}); });
  return true;
}

/// One that the inbox keeps, and that is not done yet.
void dispatcher_state::not_done(chat_key key, chat_state& chat, handling how,
                                queued_update&& update) {
  if (how == handling::refused) {
    park(key, chat, std::move(update));
    return;
  }
  if (how == handling::unsent) {
    ++update.unsent;
  } else if (how != handling::interrupted && !count_failure(update, std::string{to_string(how)})) {
    return;
  }
  std::vector<queued_update> again;
  again.push_back(std::move(update));
  try_again(key, chat, std::move(again));
}

/// What was under way when the conversation ended, by its order, with what had no room in it. The
/// one that was in its hands has failed; a coroutine that waited has not, and begins again.
std::vector<dispatcher_state::queued_update> dispatcher_state::left_by(chat_state& chat,
                                                                       const caf::error& reason) {
  const auto said = blamed_by(reason);
  const auto guilty = said ? *said : chat.busy ? chat.current : 0;
  std::vector<queued_update> out;
  for (auto& [row, update] : std::exchange(chat.parked, {})) {
    --queued_;
    out.push_back(std::move(update));
  }
  for (auto& [number, update] : std::exchange(chat.in_flight, {})) {
    --in_flight_;
    const bool blamed = number == guilty;
    counts_.failed += blamed || !update.kept ? 1 : 0;
    update.unowned += guilty == 0 ? 1 : 0;
    if (!update.kept) {
      end_rows(update, {});
    } else if (!blamed || count_failure(update, to_error(reason).what)) {
      out.push_back(std::move(update));
    }
  }
  chat.busy = false;
  return out;
}

void dispatcher_state::try_again(chat_key key, chat_state& chat, std::vector<queued_update> what) {
  steady_time::duration wait{};
  for (auto& one : what) {
    one.each_row([this](std::uint64_t row) { tell_waits(row, false); });
    wait = std::max(
        {wait, wait_after(one.failures), wait_after(one.unowned), wait_for_sends(one.unsent)});
    if (!stopping_) {
      chat.queue(std::move(one));
      ++queued_;
    }
  }
  if (wait > steady_time::duration::zero()) {
    block(key, chat, wait);
  }
}

void dispatcher_state::block(chat_key key, chat_state& chat, steady_time::duration pause) {
  chat.blocked_until = std::max(chat.blocked_until, now() + pause);
  retries_.emplace(chat.blocked_until, key);
  arm();
}

/// Until a coroutine of its chat has ended. What waiting coroutines want goes by, or none would
/// ever end; all else that the inbox keeps stays behind it.
void dispatcher_state::park(chat_key key, chat_state& chat, queued_update&& update) {
  if (stopping_) {
    return;
  }
  const auto row = update.row;
  chat.parked.emplace(row, std::move(update));
  ++queued_;
  retries_.emplace(now() + parked_longest, key);
  arm();
}

/// The first of them sees whether there is room now.
void dispatcher_state::unpark_one(chat_state& chat) {
  if (!chat.parked.empty() && !chat.busy) {
    chat.queue(std::move(chat.parked.extract(chat.parked.begin()).mapped()));
  }
}

void dispatcher_state::retry_due(steady_time time) {
  while (!retries_.empty() && retries_.begin()->first <= time) {
    const auto key = retries_.begin()->second;
    retries_.erase(retries_.begin());
    if (const auto found = chats_.find(key); found != chats_.end()) {
      unpark_one(found->second);
      pump(key, found->second);
    }
  }
}

void dispatcher_state::on_sends_made(sends_made& message) {
  const auto at = chats_.find(message.chat);
  if (at == chats_.end()) {
    return;
  }
  auto* update = at->second.delivered(message.number);
  if (update == nullptr) {
    return;
  }
  for (auto& one : message.sends) {
    tell_hub(update_sent{update->row, std::make_shared<const made_send>(one)});
    update->sends.push_back(std::move(one));
  }
}

} // namespace cafegram

#include <cafegram/actors/errors.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/bots/dispatcher.hpp>
#include <cafegram/bots/self.hpp>

#include <algorithm>
#include <concepts>
#include <utility>
#include <variant>

namespace cafegram {

namespace {

// A tick that is under way holds the actor; this is how long at most.
constexpr std::chrono::seconds longest_tick{1};
constexpr std::chrono::milliseconds longest_album{5'000};

/// Who types and who is here is worth nothing seconds later: of a chat's bound it takes a quarter,
/// and leaves the rest to what somebody waits for an answer to.
std::size_t room_for(const update_data& update, std::size_t bound) {
  const bool presence = user_typing::made_of(update.update) || user_status::made_of(update.update);
  return presence ? (bound + 3) / 4 : bound;
}

/// Written by the account itself; in a business account's chat, where what that one has written is
/// outgoing too, by this bot.
bool own(const std::shared_ptr<const update_data>& data) {
  // Most are messages, and nothing need be made of them to see that.
  if (const auto* fresh = tl::get_if<tl::updateNewMessage>(data->update)) {
    if (const auto* message = tl::get_if<tl::message>(fresh->message)) {
      return message->out;
    }
  }
  return std::visit(
      []<class U>(const U& update) {
        if constexpr (std::derived_from<U, business_message_update>) {
          return update.raw().via_business_bot_id == update.account();
        } else if constexpr (std::derived_from<U, message_update>) {
          return update.outgoing();
        } else {
          return false;
        }
      },
      update_factory::make(data));
}

} // namespace

void dispatcher_state::start(dispatcher_setup setup) {
  setup_ = std::move(setup);
  auto& bounds = setup_.options;
  bounds.queue_per_chat = std::max<std::size_t>(bounds.queue_per_chat, 1);
  bounds.conversations = std::max<std::size_t>(bounds.conversations, 1);
  bounds.albums_within =
      std::clamp(bounds.albums_within, std::chrono::milliseconds{0}, longest_album);
  self_->set_down_handler([this](const caf::down_msg& message) { on_down(message); });
}

// A filter for commands has to know the bot's name: until then updates wait. The inbox has bounds.
caf::result<void> dispatcher_state::receive(const update_event& event) {
  if (setup_.self.id != 0 && event.number == 0) {
    return take(intake(event, setup_.self));
  }
  // Before the promise, which takes the sender along.
  hear_from_hub();
  auto promise = self_->make_response_promise<admission>();
  if (setup_.self.id == 0) {
    early_.emplace_back(event, promise);
  } else {
    accept_row(event, promise);
  }
  return promise;
}

void dispatcher_state::receive(const update_events& batch) {
  hear_from_hub();
  for (const auto& event : batch.events) {
    if (setup_.self.id == 0) {
      early_.emplace_back(event, admission{});
    } else {
      accept_row(event, {});
    }
  }
}

void dispatcher_state::know(const account& self) {
  setup_.self = self;
  for (auto& [event, promise] : std::exchange(early_, {})) {
    if (event.number != 0) {
      accept_row(event, promise);
      continue;
    }
    if (auto update = intake(event, self); wanted(update)) {
      admit({.data = std::move(update)});
    }
    promise.deliver(caf::unit);
  }
}

bool dispatcher_state::wanted(const std::shared_ptr<const update_data>& update) const {
  return update != nullptr && (setup_.options.outgoing_messages || !own(update));
}

caf::result<void> dispatcher_state::take(std::shared_ptr<const update_data> update) {
  if (stopping_) {
    return to_caf(error::make(errc::cancelled, "the bot is stopping"));
  }
  if (!wanted(update)) {
    return caf::unit;
  }
  admit({.data = std::move(update)});
  if (load() <= setup_.options.queue_total) {
    return caf::unit;
  }
  auto promise = self_->make_response_promise<admission>();
  held_.push_back(promise);
  return promise;
}

void dispatcher_state::admit(queued_update update) {
  const auto& from = update.data->chat;
  const auto key = from.marked_id();
  auto [at, is_new] = chats_.try_emplace(key);
  auto& chat = at->second;
  if (is_new || from.access_hash != 0) {
    chat.chat = from;
  }
  if (gather(key, chat, update)) {
    pump(key, chat);
    return;
  }
  if (!update.kept &&
      chat.waiting.size() >= room_for(*update.data, setup_.options.queue_per_chat)) {
    note_loss(chat, *update.data);
    end_row(update.row, {});
    return;
  }
  chat.waiting.push_back(std::move(update));
  ++queued_;
  pump(key, chat);
}

// The note stands where the lost updates would have stood. It comes on top of the bound: at most
// one between two updates that were taken.
void dispatcher_state::note_loss(chat_state& chat, const update_data& dropped) {
  ++counts_.lost;
  auto note = std::make_shared<update_data>();
  note->account = setup_.self.id;
  note->account_username = setup_.self.username;
  note->chat = chat.chat;
  note->lost = 1;
  note->identity = "lost/" + dropped.identity;
  if (auto& last = chat.waiting.back(); last.row == 0 && last.data->lost != 0) {
    note->lost += last.data->lost;
    last.data = std::move(note);
    return;
  }
  log::warn("dispatcher", "chat {}: {} updates wait already, what comes now is lost",
            chat.chat.marked_id(), chat.waiting.size());
  chat.waiting.push_back({.data = std::move(note)});
  ++queued_;
}

void dispatcher_state::pump(chat_key key, chat_state& chat) {
  if (chat.busy || chat.waiting.empty() || chat.blocked_until > now() ||
      chat.waiting.front().gathers_until > now() || waits_for_store(key, chat) ||
      !wake_up(key, chat)) {
    return;
  }
  auto update = std::move(chat.waiting.front());
  update.gathering.reset();
  chat.waiting.pop_front();
  --queued_;
  ++in_flight_;
  ++counts_.delivered;
  chat.busy = true;
  chat.last_used = now();
  chat.current = ++last_number_;
  used_.splice(used_.begin(), used_, chat.used);
  const bool behind_parked =
      update.kept && !chat.parked.empty() && chat.parked.begin()->first < update.row;
  self_->send(chat.actor,
              deliver{key, chat.current, update.data, update.kept, update.sends, behind_parked});
  chat.in_flight.push_back({chat.current, std::move(update)});
}

// False where there are as many conversations as may be, and all have something to do.
bool dispatcher_state::wake_up(chat_key key, chat_state& chat) {
  if (chat.actor) {
    return true;
  }
  if (by_actor_.size() >= setup_.options.conversations) {
    const auto idle = std::find_if(used_.rbegin(), used_.rend(),
                                   [&](chat_key other) { return chats_.at(other).idle(); });
    if (idle == used_.rend()) {
      if (!std::exchange(chat.starving, true)) {
        starving_.push_back(key);
      }
      return false;
    }
    put_to_sleep(*idle);
  }
  conversation_setup setup{setup_.client, dispatcher_actor{self_}, setup_.signing, setup_.routes,
                           chat.chat};
  chat.actor = self_->spawn<conversation_self, caf::monitored>(std::move(setup));
  by_actor_.emplace(chat.actor.id(), key);
  used_.push_front(key);
  chat.used = used_.begin();
  arm();
  return true;
}

void dispatcher_state::put_to_sleep(chat_key key) {
  auto& chat = chats_.at(key);
  ++counts_.put_to_sleep;
  by_actor_.erase(chat.actor.id());
  used_.erase(chat.used);
  set_wake(key, chat, steady_time::max());
  self_->demonitor(chat.actor.address());
  self_->send_exit(chat.actor, caf::exit_reason::user_shutdown);
  chats_.erase(key);
}

void dispatcher_state::on_finished(const finished& message) {
  const auto at = chats_.find(message.chat);
  auto taken = at != chats_.end() ? at->second.land(message.number) : std::nullopt;
  if (!taken) {
    return;
  }
  auto& [key, chat] = *at;
  auto& update = *taken;
  ++counts_.finished;
  counts_.cancelled +=
      message.how == handling::cancelled || message.how == handling::interrupted ? 1 : 0;
  counts_.refused += message.how == handling::refused ? 1 : 0;
  counts_.unsent += message.how == handling::unsent ? 1 : 0;
  counts_.sent += static_cast<std::uint64_t>(std::ranges::count_if(message.effects, &effect::sent));
  --in_flight_;
  if (message.number == chat.current) {
    chat.busy = false;
  }
  if (!message.values.empty()) {
    end_with_values(chat, message, update);
  } else if (message.how == handling::done || !update.kept) {
    end_rows(update, {});
  } else {
    not_done(key, chat, message.how, std::move(update));
  }
  if (message.how != handling::refused) {
    unpark_one(chat);
  }
  pump(key, chat);
  feed_starving();
  release_held();
  finish_stop_if_done();
}

void dispatcher_state::on_suspended(const suspended& message) {
  const auto at = chats_.find(message.chat);
  if (at == chats_.end() || at->second.current != message.number) {
    return;
  }
  at->second.busy = false;
  if (const auto* one = at->second.delivered(message.number); one != nullptr && one->kept) {
    one->each_row([this](std::uint64_t row) { tell_waits(row, true); });
  }
  unpark_one(at->second);
  pump(message.chat, at->second);
  finish_stop_if_done();
}

void dispatcher_state::set_wake(chat_key key, chat_state& chat, steady_time when) {
  wakes_.erase({chat.wake, key});
  chat.wake = when;
  if (when != steady_time::max()) {
    wakes_.emplace(when, key);
  }
}

void dispatcher_state::on_wake_at(const wake_at& message) {
  const auto at = chats_.find(message.chat);
  if (at != chats_.end() && at->second.actor) {
    set_wake(message.chat, at->second, message.when);
    arm();
  }
}

void dispatcher_state::on_down(const caf::down_msg& message) {
  const auto known = by_actor_.find(message.source.id());
  if (known == by_actor_.end()) {
    return;
  }
  const auto key = known->second;
  auto& chat = chats_.at(key);
  by_actor_.erase(known);
  used_.erase(chat.used);
  set_wake(key, chat, steady_time::max());
  chat.actor = nullptr;
  log::error("dispatcher", "chat {}: its conversation died ({}) over {} updates", key,
             to_string(to_error(message.reason)), chat.in_flight.size());
  try_again(key, chat, left_by(chat, message.reason));
  pump(key, chat);
  forget_if_empty(key);
  feed_starving();
  release_held();
  finish_stop_if_done();
}

void dispatcher_state::forget_if_empty(chat_key key) {
  const auto& chat = chats_.at(key);
  if (!chat.actor && chat.empty()) {
    chats_.erase(key);
  }
}

void dispatcher_state::release_held() {
  while (!held_.empty() && load() <= setup_.options.queue_total) {
    held_.front().deliver(caf::unit);
    held_.pop_front();
  }
}

// A chat has become idle, or an actor has gone: those who wait for a place go on.
void dispatcher_state::feed_starving() {
  for (auto n = starving_.size(); n != 0; --n) {
    const auto key = starving_.front();
    starving_.pop_front();
    const auto at = chats_.find(key);
    if (at == chats_.end()) {
      continue;
    }
    at->second.starving = false;
    pump(key, at->second);
    if (at->second.starving) {
      starving_.pop_back(); // still no place: it keeps its turn
      starving_.push_front(key);
      return;
    }
  }
}

void dispatcher_state::arm() {
  if (by_actor_.empty() && retries_.empty() && stop_deadline_ == steady_time::max()) {
    return;
  }
  const auto time = now();
  auto next = std::min(time + longest_tick, stop_deadline_);
  if (!wakes_.empty()) {
    next = std::min(next, wakes_.begin()->first);
  }
  if (!retries_.empty()) {
    next = std::min(next, retries_.begin()->first);
  }
  if (next >= next_tick_) {
    return;
  }
  next_tick_ = next;
  self_->delayed_send(self_, std::max(next - time, steady_time::duration::zero()), caf::tick_atom_v,
                      ++tick_generation_);
}

void dispatcher_state::on_tick(std::uint64_t generation) {
  if (generation != tick_generation_) {
    return;
  }
  next_tick_ = steady_time::max();
  const auto time = now();
  wake_due(time);
  retry_due(time);
  sleep_idle(time);
  if (time >= stop_deadline_) {
    finish_stop_if_done();
    return;
  }
  arm();
}

void dispatcher_state::wake_due(steady_time time) {
  while (!wakes_.empty() && wakes_.begin()->first <= time) {
    const auto key = wakes_.begin()->second;
    auto& chat = chats_.at(key);
    set_wake(key, chat, steady_time::max());
    self_->send(chat.actor, wake_atom_v);
  }
}

void dispatcher_state::sleep_idle(steady_time time) {
  while (!used_.empty()) {
    const auto key = used_.back();
    auto& chat = chats_.at(key);
    if (chat.last_used + setup_.options.idle_after > time) {
      return;
    }
    if (!chat.idle()) { // a coroutine waits in it: looked at again after another while
      chat.last_used = time;
      used_.splice(used_.begin(), used_, chat.used);
      continue;
    }
    put_to_sleep(key);
  }
}

caf::result<void> dispatcher_state::stop(std::chrono::milliseconds timeout) {
  auto promise = self_->make_response_promise<admission>();
  if (stopping_) {
    promise.deliver(to_caf(error::make(errc::cancelled, "the bot is stopping already")));
    return promise;
  }
  stopping_ = promise;
  stop_deadline_ = now() + timeout;
  for (auto& held : held_) {
    held.deliver(caf::unit); // in the queue, and handled before the end if time allows
  }
  held_.clear();
  // What the inbox keeps comes again with the next start.
  for (auto& [key, chat] : chats_) {
    queued_ -= std::erase_if(chat.waiting, [](const queued_update& one) { return one.kept; });
    queued_ -= chat.parked.size();
    chat.parked.clear();
  }
  arm();
  finish_stop_if_done();
  return promise;
}

// Coroutines that wait for somebody are not waited for: they are cancelled with their actors.
void dispatcher_state::finish_stop_if_done() {
  if (!stopping_) {
    return;
  }
  const auto working = [](const auto& entry) {
    return entry.second.busy || !entry.second.waiting.empty();
  };
  if (now() < stop_deadline_ && std::ranges::any_of(chats_, working)) {
    return;
  }
  tell_ends();
  stopping_->deliver(caf::unit);
  self_->quit();
}

// CAF destroys the state when the actor ends, however that came: no conversation outlives it, and
// nobody waits for it.
dispatcher_state::~dispatcher_state() {
  tell_ends();
  const auto reason = to_caf(error::make(errc::cancelled, "the bot has ended"));
  for (auto& [key, chat] : chats_) {
    if (chat.actor) {
      caf::anon_send_exit(chat.actor, caf::exit_reason::user_shutdown);
    }
  }
  for (auto& held : held_) {
    held.deliver(reason);
  }
  for (auto& [event, promise] : early_) {
    promise.deliver(reason);
  }
  for (auto& [row, promise] : rows_) {
    promise.deliver(reason);
  }
}

dispatcher_status dispatcher_state::status() const {
  auto out = counts_;
  out.chats = chats_.size();
  out.awake = by_actor_.size();
  out.queued = queued_;
  out.in_flight = in_flight_;
  return out;
}

dispatcher_actor::behavior_type dispatcher(dispatcher_state::pointer self, dispatcher_setup setup) {
  self->state.start(std::move(setup));
  return {
      [self](const update_event& event) { return self->state.receive(event); },
      [self](const update_events& batch) { self->state.receive(batch); },
      [self](const local_update& local) { return self->state.take(local.update); },
      [self](const account& who) { self->state.know(who); },
      [self](const finished& message) { self->state.on_finished(message); },
      [self](const suspended& message) { self->state.on_suspended(message); },
      [self](sends_made& message) { self->state.on_sends_made(message); },
      [self](const value_request& what) { return self->state.value_of(what); },
      [self](values_stored& message) { self->state.on_values_stored(message); },
      [self](const wake_at& message) { self->state.on_wake_at(message); },
      [self](const stop_request& request) { return self->state.stop(request.timeout); },
      [self](status_atom) { return self->state.status(); },
      [self](caf::flush_atom) { self->state.tell_ends(); },
      [self](caf::tick_atom, std::uint64_t generation) { self->state.on_tick(generation); },
  };
}

} // namespace cafegram

#include <cafegram/actors/pacer.hpp>
#include <cafegram/actors/time_budget.hpp>

#include <algorithm>

namespace cafegram {

// -- rate_window --------------------------------------------------------------------------------

steady_time rate_window::free_at(std::uint32_t messages, steady_time now) const {
  auto counted = count_;
  auto out = now;
  for (auto at = sent_.begin(); at != sent_.end() && counted + messages > rate_.messages; ++at) {
    out = std::max(out, later(at->first, rate_.within));
    counted -= at->second;
  }
  return out;
}

void rate_window::sent(std::uint32_t messages, steady_time now) {
  if (rate_.messages == 0) {
    return;
  }
  sent_.emplace_back(now, messages);
  count_ += messages;
  // What is older than one rate's worth never decides.
  while (count_ - sent_.front().second >= rate_.messages) {
    count_ -= sent_.front().second;
    sent_.pop_front();
  }
}

bool rate_window::idle(steady_time now) const {
  return sent_.empty() || later(sent_.back().first, rate_.within) <= now;
}

// -- pacer --------------------------------------------------------------------------------------

pacer::pacer(const pacing_options& options)
  : options_{options}
  , all_{options.all} {}

pacing_verdict pacer::arrive(std::uint64_t id, const send_target& to, steady_time now) {
  sweep(now);
  auto& chat = chats_.try_emplace(to.chat, options_, to.group).first->second;
  const bool first = chat.queue.empty();
  // Nobody who may go before is passed by.
  const bool in_turn = turns_.empty() || std::get<0>(*turns_.begin()) > now;
  if (first && in_turn && free_at(chat, to.messages, now) <= now &&
      all_.free_at(to.messages, now) <= now) {
    count(chat, to.messages, now);
    return pacing_verdict::go;
  }
  if (waiting_.size() >= options_.most_waiting ||
      chat.queue.size() >= options_.most_waiting_per_chat) {
    return pacing_verdict::refused;
  }
  const auto expires_at = later(now, options_.longest_wait);
  waiting_.emplace(id, waiting_send{to.chat, to.messages, expires_at});
  expiries_.emplace(expires_at, id);
  chat.queue.push_back(id);
  if (first) {
    take_turn(to.chat, chat, now);
  }
  return pacing_verdict::queued;
}

void pacer::forget(std::uint64_t id) {
  if (waiting_.contains(id)) {
    take_out(id, steady_time::min());
  }
}

std::vector<paced_release> pacer::due(steady_time now) {
  std::vector<paced_release> out;
  expire(out, now);
  while (!turns_.empty() && std::get<0>(*turns_.begin()) <= now) {
    auto& chat = chats_.at(std::get<2>(*turns_.begin()));
    const auto id = chat.queue.front();
    const auto messages = waiting_.at(id).messages;
    if (all_.free_at(messages, now) > now) {
      break;
    }
    count(chat, messages, now);
    take_out(id, now);
    out.push_back({id, false});
  }
  return out;
}

steady_time pacer::next_deadline(steady_time now) const {
  auto next = expiries_.empty() ? steady_time::max() : expiries_.begin()->first;
  if (!turns_.empty()) {
    const auto& [at, since, name] = *turns_.begin();
    const auto messages = waiting_.at(chats_.at(name).queue.front()).messages;
    next = std::min(next, std::max(at, all_.free_at(messages, now)));
  }
  return next;
}

steady_time pacer::free_at(const chat_line& chat, std::uint32_t messages, steady_time now) const {
  return std::max(chat.own.free_at(messages, now), chat.group.free_at(messages, now));
}

void pacer::count(chat_line& chat, std::uint32_t messages, steady_time now) {
  all_.sent(messages, now);
  chat.own.sent(messages, now);
  chat.group.sent(messages, now);
}

void pacer::take_turn(std::uint64_t name, chat_line& chat, steady_time now) {
  const auto messages = waiting_.at(chat.queue.front()).messages;
  chat.turn = {free_at(chat, messages, now), next_turn_++};
  turns_.emplace(std::get<0>(chat.turn), std::get<1>(chat.turn), name);
}

void pacer::leave_turn(std::uint64_t name, const chat_line& chat) {
  turns_.erase({std::get<0>(chat.turn), std::get<1>(chat.turn), name});
}

/// The turn stays with the next one of the chat's where it was not at its head.
void pacer::take_out(std::uint64_t id, steady_time now) {
  const auto node = waiting_.extract(id);
  const auto& [name, messages, expires_at] = node.mapped();
  expiries_.erase({expires_at, id});
  auto& chat = chats_.at(name);
  const bool was_first = chat.queue.front() == id;
  std::erase(chat.queue, id);
  if (was_first) {
    leave_turn(name, chat);
    if (!chat.queue.empty()) {
      take_turn(name, chat, now);
    }
  }
}

void pacer::expire(std::vector<paced_release>& out, steady_time now) {
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    const auto id = expiries_.begin()->second;
    take_out(id, now);
    out.push_back({id, true});
  }
}

/// Forgets chats of which nothing counts any more: now and then, when there are many.
void pacer::sweep(steady_time now) {
  if (chats_.size() < sweep_at_) {
    return;
  }
  std::erase_if(chats_, [now](const chat_map::value_type& entry) {
    const auto& chat = entry.second;
    return chat.queue.empty() && chat.own.idle(now) && chat.group.idle(now);
  });
  sweep_at_ = std::max<std::size_t>(2 * chats_.size(), 1024);
}

} // namespace cafegram

#include <cafegram/sandbox/router.hpp>

#include <caf/all.hpp>

#include <algorithm>
#include <utility>

// Where each session is, and how it gets from one connection to another.
namespace cafegram::sandbox {
namespace {

constexpr std::size_t most_parked = 1000;
constexpr auto keep_parked = std::chrono::minutes{10};
/// Who has been away for longer than this fetches what it has missed.
constexpr auto long_away = std::chrono::minutes{5};

} // namespace

waiting_connections::~waiting_connections() {
  // The session is gone: each of them begins a new one.
  for (auto& waiting : asked_) {
    waiting.promise.deliver(session_answer{});
  }
}

void waiting_connections::add(std::uint64_t connection,
                              caf::typed_response_promise<session_answer> promise) {
  asked_.push_back({connection, std::move(promise)});
}

std::optional<waiting_connections::request> waiting_connections::take() {
  if (asked_.empty()) {
    return std::nullopt;
  }
  auto out = std::move(asked_.front());
  asked_.pop_front();
  return out;
}

caf::result<session_answer> router_state::give_session(const session_query& query) {
  slot& at = sessions[query.name];
  auto promise = self->make_response_promise<session_answer>();
  if (at.moving) {
    // Two that take from one holder would both begin anew, and one would lose what waits in it.
    at.asked.add(query.connection, promise);
  } else {
    hand_over(query, promise);
  }
  return promise;
}

void router_state::hand_over(const session_query& query,
                             caf::typed_response_promise<session_answer> promise) {
  slot& at = sessions[query.name];
  const std::uint64_t before = std::exchange(at.connection, query.connection);
  auto parked = std::exchange(at.session, nullptr);
  const auto holder = peers.find(before);
  if (before == 0 && parked) {
    hand_news(at, *parked);
  }
  if (before == 0 || before == query.connection || holder == peers.end()) {
    promise.deliver(session_answer{std::move(parked)});
    return;
  }
  at.moving = true;
  self->request(holder->second.actor, std::chrono::seconds{5}, session_release{query.name})
      .then(
          [this, promise, name = query.name](const session_answer& given) mutable {
            promise.deliver(given.session ? given : take_parked(name));
            moved(name);
          },
          [this, promise, name = query.name](const caf::error&) mutable {
            promise.deliver(take_parked(name));
            moved(name);
          });
}

/// What has come for a session while its client was away.
void router_state::hand_news(slot& at, live_session& session) {
  if (!at.letters.empty() && now() - at.parked_at > long_away) {
    at.letters.lose();
  }
  for (const auto& letter : at.letters.take()) {
    session.take(*letter, *parts.layers);
  }
}

/// A holder that has ended meanwhile has left the session here before it answered.
session_answer router_state::take_parked(const session_name& name) {
  const auto found = sessions.find(name);
  return found == sessions.end() ? session_answer{}
                                 : session_answer{std::exchange(found->second.session, nullptr)};
}

/// The new holder has the session in its mailbox: now it gets what has come meanwhile.
void router_state::moved(const session_name& name) {
  const auto found = sessions.find(name);
  if (found == sessions.end()) {
    return;
  }
  found->second.moving = false;
  if (!peers.contains(found->second.connection)) {
    found->second.connection = 0;
    found->second.parked_at = now();
  }
  for (auto& letter : found->second.letters.take()) {
    deliver({name, std::move(letter)});
  }
  while (auto next = found->second.asked.take()) {
    if (peers.contains(next->connection)) {
      hand_over({name, next->connection}, std::move(next->promise));
      return;
    }
    next->promise.deliver(session_answer{});
  }
}

void router_state::park(const session_parked& parked) {
  const auto found = sessions.find(parked.name);
  if (found == sessions.end()) {
    return;
  }
  if (parked.session) {
    found->second.session = parked.session;
  }
  found->second.parked_at = now();
  const auto holder = peers.find(found->second.connection);
  // Another connection may have asked for it already; then it stays there for that one to take.
  const bool is_holder = holder != peers.end() && is_sender(holder->second.actor);
  if (is_holder) {
    found->second.connection = 0;
  }
  // Who asked for it while it was still held has not begun its successor yet.
  if ((is_holder || found->second.moving) && !found->second.session) {
    parts.model->drop_session(parked.name.key, parked.name.session);
  }
}

bool router_state::end_session(const session_name& name) {
  const bool existed = sessions.erase(name) > 0;
  parts.model->drop_session(name.key, name.session);
  return existed;
}

void router_state::deliver(const session_mail& mail) {
  const auto found = sessions.find(mail.name);
  if (found == sessions.end()) {
    return;
  }
  auto& there = found->second;
  const auto holder = there.moving ? peers.end() : peers.find(there.connection);
  if (holder != peers.end()) {
    self->send(holder->second.actor, mail);
  } else if (there.moving ||
             (there.session && std::holds_alternative<letter_updates>(*mail.letter))) {
    there.letters.add(mail.letter);
  } else if (there.session) {
    there.session->take(*mail.letter, *parts.layers);
  }
}

void router_state::drop_stale() {
  const wall_time at = now();
  std::vector<std::pair<wall_time, session_name>> parked;
  for (const auto& [name, one] : sessions) {
    if (one.connection == 0) {
      parked.emplace_back(one.parked_at, name);
    }
  }
  std::ranges::sort(parked);
  std::size_t surplus = parked.size() - std::min(parked.size(), most_parked);
  for (const auto& [since, name] : parked) {
    if (surplus == 0 && at - since <= keep_parked) {
      return;
    }
    surplus -= surplus > 0 ? 1 : 0;
    end_session(name);
  }
}

} // namespace cafegram::sandbox

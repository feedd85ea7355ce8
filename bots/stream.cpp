#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/messages.hpp>
#include <cafegram/actors/system.hpp>
#include <cafegram/bots/stream.hpp>

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/response_promise.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

namespace cafegram {

namespace {

/// Far from where clocks overflow; who waits without a limit begins again.
constexpr std::chrono::hours longest_wait{24 * 365};

std::unexpected<error> stream_closed() {
  return fail(errc::cancelled, "the stream is closed, or its client has stopped");
}

/// One that waits for the thread that pulls.
struct pulled_update {
  update_event event;
  std::uint64_t number = 0; ///< to be finished; 0: it is
};

/// Between the actor that receives and the thread that pulls. Neither holds the lock for long.
class pull_queue {
public:
  explicit pull_queue(const stream_options& options)
    : looks_on_{options.looks_on}
    , capacity_{std::max<std::size_t>(options.capacity, 1)} {}

  bool looks_on() const { return looks_on_; }

  void push(pulled_update update) {
    {
      const std::lock_guard lock{mutex_};
      if (looks_on_ && waiting_.size() >= capacity_) {
        waiting_.pop_front();
        ++lost_;
        ++dropped_;
      }
      waiting_.push_back(std::move(update));
    }
    changed_.notify_one();
  }

  void close() {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    changed_.notify_all();
  }

  struct pulled {
    std::uint64_t lost = 0; ///< the note of a loss, if not 0
    pulled_update update;
  };

  result<pulled> pull(std::optional<duration> timeout) {
    std::unique_lock lock{mutex_};
    const auto ready = [this] { return closed_ || lost_ > 0 || !waiting_.empty(); };
    const auto time = std::min<duration>(timeout.value_or(longest_wait), longest_wait);
    while (!changed_.wait_for(lock, time, ready)) {
      if (timeout) {
        return fail(errc::deadline, "no update has come in time");
      }
    }
    if (closed_) {
      return stream_closed();
    }
    if (lost_ > 0) {
      return pulled{std::exchange(lost_, 0), {}};
    }
    pulled out{0, std::move(waiting_.front())};
    waiting_.pop_front();
    return out;
  }

  std::uint64_t dropped() const {
    const std::lock_guard lock{mutex_};
    return dropped_;
  }

private:
  const bool looks_on_;
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<pulled_update> waiting_;
  std::uint64_t lost_ = 0; ///< in front of those, not told yet
  std::uint64_t dropped_ = 0;
  bool closed_ = false;
};

struct source_state {
  [[maybe_unused]] static inline const char* name = "update_stream";

  struct handed {
    update_event event;
    caf::response_promise promise;
  };
  std::shared_ptr<pull_queue> queue;
  std::map<std::uint64_t, handed> unfinished; ///< by number
  detail::finished_before before;

  source_state() = default;
  source_state(const source_state&) = delete;
  source_state& operator=(const source_state&) = delete;
  ~source_state() {
    for (auto& [number, one] : unfinished) {
      one.promise.deliver(to_caf(error::make(errc::cancelled, "the stream is closed")));
    }
    if (queue) {
      queue->close();
    }
  }

  /// What a hub that was started again hands out once more comes once: it is finished, or under way
  /// already, and then the new hub is told of its end.
  caf::result<void> receive(caf::event_based_actor* self, const update_event& event) {
    if (!event.update || before.knows(event)) {
      return caf::unit;
    }
    if (queue->looks_on() || event.number == 0) {
      before.add(event);
      queue->push({event, 0});
      return caf::unit;
    }
    auto promise = self->make_response_promise<caf::response_promise>();
    if (unfinished.insert_or_assign(event.number, handed{event, promise}).second) {
      queue->push({event, event.number});
    }
    return promise;
  }

  void finish(std::uint64_t number) {
    if (auto node = unfinished.extract(number); !node.empty()) {
      before.add(node.mapped().event);
      node.mapped().promise.deliver(caf::unit);
    }
  }
};

caf::behavior stream_source(caf::stateful_actor<source_state>* self, const caf::actor& client,
                            std::shared_ptr<pull_queue> queue) {
  self->state.queue = std::move(queue);
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  self->monitor(client);
  return {
      [self](const update_event& event) { return self->state.receive(self, event); },
      [self](caf::ok_atom, std::uint64_t number) { self->state.finish(number); },
      // Of normal priority: what is finished is answered before.
      [self](caf::close_atom) { self->quit(); },
  };
}

} // namespace

struct update_stream::state {
  caf::actor_system& system;
  caf::actor_addr client;
  account self;
  std::shared_ptr<pull_queue> queue;
  caf::actor source;
  std::mutex mutex; ///< over what follows
  std::uint64_t in_hand = 0;
  bool closing = false;
  std::uint64_t notes = 0; ///< of losses, by the thread that pulls alone

  state(caf::actor_system& of, const caf::actor& over, account who, const stream_options& options)
    : system{of}
    , client{over.address()}
    , self{std::move(who)}
    , queue{std::make_shared<pull_queue>(options)}
    , source{of.spawn(stream_source, over, queue)} {
    caf::anon_send(over, caf::subscribe_atom_v, source);
  }
  state(const state&) = delete;
  state& operator=(const state&) = delete;
  ~state() { end_source(); }

  void end_source() {
    if (source) {
      caf::anon_send(source, caf::close_atom_v);
      source = nullptr;
    }
  }

  void done() {
    const std::lock_guard lock{mutex};
    if (const auto number = std::exchange(in_hand, 0); number != 0 && source) {
      caf::anon_send(source, caf::ok_atom_v, number);
    }
    if (closing) {
      end_source();
    }
  }

  /// A note of what this stream had no room for.
  any_update note_of(std::uint64_t lost) {
    auto note = std::make_shared<update_data>();
    note->account = self.id;
    note->account_username = self.username;
    note->chat = {chat_kind::user, self.id, 0};
    note->lost = lost;
    note->identity = "lost/stream/" + std::to_string(++notes);
    return update_factory::make(std::move(note));
  }

  /// The name is known with the login, which may have come after the stream.
  void know(std::int64_t id) {
    if (self.id == id) {
      return;
    }
    self = account{}; // another one's name is none of this one's
    self.id = id;     // whatever the answer: asked for once
    if (const auto there = caf::actor_cast<caf::strong_actor_ptr>(client)) {
      caf::scoped_actor asker{system};
      asker->request(caf::actor_cast<caf::actor>(there), std::chrono::seconds{5}, status_atom_v)
          .receive(
              [this](const client_status& now) {
                if (now.self.id == self.id) {
                  self = now.self;
                }
              },
              [](const caf::error&) {});
    }
  }

  result<any_update> take(std::optional<duration> timeout) {
    done();
    auto got = queue->pull(timeout);
    if (!got) {
      return std::unexpected(std::move(got.error()));
    }
    if (got->lost != 0) {
      return note_of(got->lost);
    }
    {
      const std::lock_guard lock{mutex};
      if (closing) { // meanwhile, so the source has told that it is not finished
        return stream_closed();
      }
      in_hand = got->update.number;
    }
    know(got->update.event.update->account);
    return typed(got->update.event, self);
  }
};

update_stream::update_stream(std::shared_ptr<state> s)
  : state_{std::move(s)} {}

result<update_stream> update_stream::open(client& of, stream_options options) {
  if (on_actor_thread()) {
    return fail(errc::bad_argument, "a stream is pulled by a thread that may wait: actors use "
                                    "client::subscribe");
  }
  const auto now = of.status();
  if (!now.signing) {
    return fail(errc::cancelled, "the client does not answer: " + now.last_error);
  }
  return over(of.system(), of.untyped_actor(), now.self, options);
}

update_stream update_stream::over(caf::actor_system& system, const caf::actor& client, account self,
                                  stream_options options) {
  return update_stream{std::make_shared<state>(system, client, std::move(self), options)};
}

result<any_update> update_stream::next(duration timeout) {
  if (on_actor_thread()) {
    return fail(errc::bad_argument, "a stream may not be waited for on a thread that runs actors");
  }
  return state_->take(timeout);
}

result<any_update> update_stream::next() {
  if (on_actor_thread()) {
    return fail(errc::bad_argument, "a stream may not be waited for on a thread that runs actors");
  }
  return state_->take(std::nullopt);
}

std::optional<any_update> update_stream::try_next() {
  if (on_actor_thread()) { // the account's name is waited for
    return std::nullopt;
  }
  auto update = state_->take(duration::zero());
  return update ? std::optional{*std::move(update)} : std::nullopt;
}

void update_stream::done() {
  state_->done();
}

void update_stream::close() {
  state_->queue->close();
  const std::lock_guard lock{state_->mutex};
  state_->closing = true;
  if (state_->in_hand == 0) {
    state_->end_source();
  }
}

std::uint64_t update_stream::dropped() const {
  return state_->queue->dropped();
}

} // namespace cafegram

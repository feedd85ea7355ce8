#include <cafegram/actors/errors.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/bots/conversation.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace cafegram {

namespace {

thread_local conversation* running_here = nullptr;

/// The update that a coroutine has taken last; 0 where it has dealt with all.
std::uint64_t in_hand_of(const detail::root_task& root) {
  return root.held.empty() ? 0 : root.held.back()->number;
}

} // namespace

conversation* conversation::running() {
  return running_here;
}

conversation::running_guard::running_guard(conversation* now)
  : before_{std::exchange(running_here, now)} {}

conversation::running_guard::~running_guard() {
  running_here = before_;
}

conversation::conversation(conversation_self& self, conversation_setup setup)
  : self_{self}
  , setup_{std::move(setup)}
  , link_{std::make_shared<detail::home_link>(this)}
  , behaviors_(setup_.routes->routes().size()) {}

conversation::~conversation() {
  end();
}

void conversation::end() {
  link_->home = nullptr;
  // A frame's end runs destructors of the user, who may start nothing any more.
  std::exchange(roots_, {}).clear();
  waiters_.clear();
  behaviors_.clear();
  open_.clear();
  joint_.clear();
  loads_.clear();
  addressing_.clear();
  setup_.client = nullptr;
  setup_.owner = nullptr;
}

steady_time conversation::now() const {
  return self_.clock().now();
}

caf::error conversation::fail(std::string_view why) {
  failed_ = true;
  log::error("conversation", "chat {}: a handler threw: {}; the conversation starts anew",
             setup_.chat.marked_id(), why);
  auto reason = error::make(errc::bad_argument, std::string{why});
  reason.number = static_cast<std::int64_t>(in_hand_);
  self_.quit(to_caf(reason));
  return to_caf(reason);
}

void conversation::on_deliver(const deliver& message) {
  if (failed_ || !message.update) {
    return;
  }
  guarded(message.number, [&] {
    auto origin = std::make_shared<detail::delivery>(link_, message.number, setup_.signing,
                                                     message.update->identity);
    origin->account = message.update->account;
    origin->kept = message.kept;
    origin->before = message.sends;
    const auto update = update_factory::make(message.update, origin);
    open_.push_back(origin);
    current_ = message.number;
    told_suspended_ = false;
    if (offer_to_waiters(update)) {
      return;
    }
    if (message.for_waiting) {
      origin->how = handling::refused;
    } else {
      route(update);
    }
  });
  settle();
}

void conversation::on_wake() {
  const auto time = now();
  told_wake_ = steady_time::max();
  // One after the other: each may end or start others.
  while (!failed_) {
    const auto due =
        std::ranges::find_if(waiters_, [&](const waiter& w) { return w.deadline <= time; });
    if (due == waiters_.end()) {
      break;
    }
    const auto ripe = *due;
    waiters_.erase(due);
    auto* root = ripe.awaiter->root_;
    guarded(in_hand_of(*root), [&] { go_on(root, ripe.frame); });
  }
  fail_late_loads(time);
  settle();
}

// The question asked last is the one that is answered first.
bool conversation::offer_to_waiters(const any_update& update) {
  const auto found = std::find_if(waiters_.rbegin(), waiters_.rend(), [&](const waiter& w) {
    const auto& wait = w.awaiter->wait_;
    return wait.matches && !w.awaiter->root_->cancelled && wait.matches(update);
  });
  if (found == waiters_.rend()) {
    return false;
  }
  const auto taker = *found;
  waiters_.erase(std::next(found).base());
  auto& root = *taker.awaiter->root_;
  const auto& origin = common(update).origin();
  root.held.push_back(origin);
  origin->consumer = root.weak_from_this();
  ++origin->holders;
  if (root.held.size() > max_held) {
    log::error("conversation",
               "chat {}: a coroutine has consumed {} updates without `co_await ctx.checkpoint()` "
               "and is cancelled",
               setup_.chat.marked_id(), root.held.size());
    root.cancelled = true;
    return true;
  }
  taker.awaiter->arrived_ = update;
  go_on(&root, taker.frame);
  return true;
}

void conversation::route(const any_update& update) {
  const auto& routes = setup_.routes->routes();
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const auto& line = routes[i];
    if (line.when && !(*line.when)(update)) {
      continue;
    }
    if (line.handler) {
      start(line.handler(context{update}), update, i);
      return;
    }
    if (!behaviors_[i]) {
      behaviors_[i].emplace(line.factory(&self_));
    }
    if (behaviors_[i]->handles(update)) {
      run_behavior(i, update);
      return;
    }
  }
}

void conversation::run_behavior(std::size_t index, const any_update& update) {
  active_route_ = index;
  const auto part_of = *behaviors_[index]; // kept over a `become` of the handler
  start(part_of.run(update), update, index);
  active_route_.reset();
}

void conversation::become(behavior next) {
  if (!active_route_ || !behaviors_[*active_route_]) {
    log::error("conversation", "chat {}: `become` outside the handlers of a behavior does nothing",
               setup_.chat.marked_id());
    return;
  }
  behaviors_[*active_route_] = std::move(next);
}

void conversation::start(task<> frame, const any_update& update, std::size_t route) {
  if (!frame) {
    return;
  }
  const auto& origin = common(update).origin();
  if (roots_.size() >= max_coroutines) {
    log::warn("conversation", "chat {}: {} coroutines run already, no other is started",
              setup_.chat.marked_id(), roots_.size());
    origin->how = handling::refused;
    return;
  }
  auto root = std::make_shared<detail::root_task>();
  root->home = this;
  root->route = route;
  root->part_of = behaviors_[route];
  root->held.push_back(origin);
  root->first = origin;
  root->values = std::exchange(origin->values, nullptr);
  origin->consumer = root;
  ++origin->holders;
  frame.get().promise().root = root.get();
  const auto handle = frame.get();
  root->frame = std::move(frame);
  roots_.push_back(std::move(root));
  go_on(roots_.back().get(), handle);
}

void conversation::go_on(detail::root_task* root, std::coroutine_handle<> frame) {
  const auto before = std::exchange(active_route_, root->route);
  frame.resume();
  active_route_ = before;
}

void conversation::resume(const std::shared_ptr<detail::resume_point>& point) {
  const auto frame = std::exchange(point->frame, nullptr);
  if (!frame || point->root->home != this || point->root->cancelled) {
    return;
  }
  go_on(point->root, frame);
}

std::uint64_t conversation::wait(detail::wait_base& awaiter, std::coroutine_handle<> frame,
                                 duration timeout) {
  const auto time = std::clamp(timeout, duration::zero(), max_wait);
  const auto deadline = now() + std::chrono::duration_cast<steady_time::duration>(time);
  waiters_.push_back({++last_wait_, deadline, &awaiter, frame});
  return last_wait_;
}

void conversation::forget(std::uint64_t wait_id) {
  std::erase_if(waiters_, [&](const waiter& w) { return w.id == wait_id; });
}

void conversation::release(detail::root_task& root) {
  for (const auto& held : root.held) {
    --held->holders;
  }
  join(std::exchange(root.held, {}), std::exchange(root.values, nullptr), root.first->account);
}

void conversation::settle() {
  if (failed_) {
    return;
  }
  sweep_roots();
  report_finished();
  if (failed_) {
    return;
  }
  report_sends();
  if (current_ != 0 && !told_suspended_ && outstanding_ == 0 && !open_.empty() &&
      open_.back()->number == current_) {
    told_suspended_ = true;
    self_.send(setup_.owner, suspended{setup_.chat.marked_id(), current_});
  }
  report_wake();
}

void conversation::sweep_roots() {
  for (std::size_t i = 0; i < roots_.size() && !failed_;) {
    auto& root = *roots_[i];
    if (!root.cancelled && !root.frame.done()) {
      ++i;
      continue;
    }
    if (root.cancelled) {
      std::ranges::for_each(root.held, [](const auto& d) { d->how = handling::interrupted; });
      root.held.back()->how = handling::cancelled;
      root.values = nullptr;
    } else if (const auto failure = root.frame.get().promise().failure) {
      guarded(in_hand_of(root), [&] { std::rethrow_exception(failure); });
      return; // what it holds is not dealt with
    }
    release(root);
    const auto gone = std::move(roots_[i]);
    roots_.erase(roots_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

/// Also when the conversation has ended itself over a coroutine that holds none of them.
void conversation::report_finished() {
  report_joint_ends();
  for (auto at = open_.begin(); at != open_.end();) {
    auto& d = **at;
    if (d.outstanding != 0 || d.holders != 0 || d.joint) {
      ++at;
      continue;
    }
    if (d.how == handling::done && !d.unsent.empty()) {
      d.how = handling::unsent;
    }
    if (d.how != handling::done) {
      report_sends_of(d);
    }
    self_.send(setup_.owner,
               finished{setup_.chat.marked_id(), d.number, d.how, std::move(d.effects)});
    d.open = false;
    d.made.clear();
    at = open_.erase(at);
  }
}

/// Of updates that go on, or come again: what is done takes nothing with it.
void conversation::report_sends() {
  for (const auto& one : open_) {
    report_sends_of(*one);
  }
}

void conversation::report_sends_of(detail::delivery& one) {
  if (!one.made.empty()) {
    self_.send(setup_.owner,
               sends_made{setup_.chat.marked_id(), one.number, std::exchange(one.made, {})});
  }
}

void conversation::report_wake() {
  auto earliest = steady_time::max();
  for (const auto& w : waiters_) {
    earliest = std::min(earliest, w.deadline);
  }
  if (!loads_.empty()) {
    earliest = std::min(earliest, loads_.begin()->second.deadline);
  }
  // To be woken too early costs less than to tell of each load that has been answered.
  if (earliest < told_wake_) {
    told_wake_ = earliest;
    self_.send(setup_.owner, wake_at{setup_.chat.marked_id(), earliest});
  }
}

namespace detail {

const made_send* delivery::find_made(std::int64_t random_id) const {
  const auto found = std::ranges::find(before, random_id, &made_send::random_id);
  return found != before.end() ? &*found : nullptr;
}

conversation* home_of(const root_task* root) {
  return root != nullptr ? root->home : nullptr;
}

void resume(const std::shared_ptr<resume_point>& point) {
  if (point->frame) {
    point->root->home->resume(point);
  }
}

wait_base::~wait_base() {
  if (id_ != 0) {
    root_->home->forget(id_);
  }
}

void wait_base::await_suspend(std::coroutine_handle<> frame) {
  id_ = root_->home->wait(*this, frame, wait_.timeout);
}

std::optional<any_update>& wait_base::arrived() {
  return arrived_;
}

} // namespace detail

void checkpoint_awaitable::awaiter::await_resume() {
  root_->home->release(*root_);
}

// -- the actor ------------------------------------------------------------------------------------

conversation_self::conversation_self(caf::actor_config& config, conversation_setup setup)
  : conversation_actor::base{config}
  , core_{std::make_unique<conversation>(*this, std::move(setup))} {
  set_exception_handler([this](std::exception_ptr& thrown) -> caf::error {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
      return core_->fail(e.what());
    } catch (...) {
      return core_->fail("something that is no std::exception");
    }
  });
}

conversation_self::~conversation_self() = default;

const chat_ref& conversation_self::chat() const {
  return core_->chat();
}

void conversation_self::become(behavior next) {
  core_->become(std::move(next));
}

conversation_self::behavior_type conversation_self::make_behavior() {
  return {
      [this](const deliver& message) { core_->on_deliver(message); },
      [this](wake_atom) { core_->on_wake(); },
  };
}

void conversation_self::on_exit() {
  const conversation::running_guard here{core_.get()};
  core_->end();
}

const char* conversation_self::name() const {
  return "conversation";
}

caf::resumable::resume_result conversation_self::resume(caf::execution_unit* unit,
                                                        std::size_t max) {
  const conversation::running_guard here{core_.get()};
  return conversation_actor::base::resume(unit, max);
}

} // namespace cafegram

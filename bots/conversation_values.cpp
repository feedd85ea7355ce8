#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/session_store.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/bots/conversation.hpp>

#include <algorithm>
#include <iterator>
#include <ranges>
#include <utility>

// Values of a chat: they are written with the end of the updates over which they were stored.
namespace cafegram {

namespace {

result<void> check_key(const std::string& key) {
  if (key.empty() || key.size() > value_key_most) {
    return fail(errc::bad_argument,
                "the key of a value has to have 1 to " + std::to_string(value_key_most) + " octets",
                static_cast<std::int64_t>(key.size()));
  }
  return {};
}

/// Asking again later does not help.
bool lasts(const error& why) {
  return why.code == errc::bad_argument || why.code == errc::malformed;
}

bool is_over(const detail::delivery& one) {
  return one.outstanding == 0 && one.holders == 0;
}

std::vector<chat_value> list_of(detail::value_stage&& stage) {
  std::vector<chat_value> out;
  out.reserve(stage.set.size());
  for (auto& [key, value] : stage.set) {
    out.push_back(std::move(value));
  }
  return out;
}

} // namespace

/// What is neither here nor on its way is asked for behind the ends that were told: the owner and
/// the account's hub keep that order, and the store answers as if all of it were written. Its
/// deadline is kept here, for CAF's timers hold the actor until they are due, answered or not.
void conversation::load(const std::shared_ptr<detail::delivery>& origin, std::string key,
                        detail::value_done done) {
  if (const auto* own = staged(*origin, key)) {
    done(own->erased ? std::nullopt : std::optional{own->value});
    return;
  }
  if (loads_.size() >= max_loads) {
    origin->made_stage().unread.insert(std::move(key));
    done(cafegram::fail(errc::limit, "too many values are being loaded"));
    return;
  }
  ++outstanding_;
  ++origin->outstanding;
  const auto id = ++last_load_;
  loads_.emplace(id,
                 detail::load_under_way{now() + look_up_patience, origin, key, std::move(done)});
  self_
      .request(setup_.owner, caf::infinite,
               value_request{setup_.chat.marked_id(), std::move(key), origin->account})
      .then([this, id](const stored_value& found) { loaded(id, found.value); },
            [this, id](const caf::error& why) { loaded(id, std::unexpected(to_error(why))); });
}

/// Nobody waits any more where its time was over.
void conversation::loaded(std::uint64_t id, const result<std::optional<std::string>>& outcome) {
  const auto found = loads_.extract(id);
  if (found.empty()) {
    return;
  }
  const auto& [deadline, origin, key, done] = found.mapped();
  --outstanding_;
  --origin->outstanding;
  // A handler that takes a failed look for "there is none" would store from a false beginning.
  if (!outcome && !lasts(outcome.error())) {
    origin->made_stage().unread.insert(key);
  } else if (const auto& stage = origin->stage()) {
    stage->unread.erase(key);
  }
  if (!failed_) {
    guarded(origin->number, [&done, &outcome] { done(outcome); });
  }
  settle();
}

void conversation::fail_late_loads(steady_time time) {
  while (!failed_ && !loads_.empty() && loads_.begin()->second.deadline <= time) {
    loaded(loads_.begin()->first,
           cafegram::fail(errc::deadline, "the store has not told the value in time"));
  }
}

result<void> conversation::store(detail::delivery& origin, chat_value what) {
  if (!origin.open && !origin.in_coroutine()) {
    return cafegram::fail(errc::bad_argument,
                          "the update is finished: nothing is stored with it any more");
  }
  auto& set = origin.made_stage().set;
  if (set.size() >= values_most && !set.contains(what.key)) {
    return cafegram::fail(errc::bad_argument,
                          "an update may store " + std::to_string(values_most) + " values");
  }
  auto key = what.key;
  set.insert_or_assign(std::move(key), std::move(what));
  return {};
}

/// As its update sees it, or those that have ended here before; null: none has stored it. An end
/// that is not told yet may come to nothing: then so does what was made from it. To wait for it
/// would be to wait for a call that may wait for this one.
const chat_value* conversation::staged(detail::delivery& origin, const std::string& key) {
  const auto in = [&key](const detail::value_stage& stage) {
    const auto found = stage.set.find(key);
    return found != stage.set.end() ? &found->second : nullptr;
  };
  const auto& own = origin.stage();
  if (const auto* found = own ? in(*own) : nullptr) {
    return found;
  }
  auto at = joint_.rbegin();
  if (origin.joint && !origin.in_coroutine()) {
    at = std::find_if(at, joint_.rend(), [&own](const auto& one) { return one.values == own; });
  }
  for (; at != joint_.rend(); ++at) {
    if (const auto* found = in(*at->values)) {
      origin.made_stage().sources.insert(at->values);
      return found;
    }
  }
  return nullptr;
}

/// These have ended. Their calls that are under way may store more in their callbacks: with their
/// end, if no coroutine goes on, and not with that of what one consumes later.
void conversation::join(std::vector<std::shared_ptr<detail::delivery>> of,
                        std::shared_ptr<detail::value_stage> stage, std::int64_t account) {
  const bool any = stage && !stage->empty();
  for (const auto& one : of) {
    one->values = any ? stage : nullptr;
    one->joint = any;
  }
  if (any) {
    joint_.push_back({std::move(of), std::move(stage), account});
  }
}

/// In their order: of two that have stored the same, the later one is to be there in the end.
void conversation::report_joint_ends() {
  for (const auto& one : open_) {
    if (is_over(*one) && !one->joint && !one->in_coroutine()) {
      join({one}, one->values, one->account);
    }
  }
  while (!joint_.empty() &&
         std::ranges::all_of(joint_.front().of, [](const auto& one) { return is_over(*one); })) {
    auto one = std::move(joint_.front());
    joint_.pop_front();
    report_joint_end(one);
  }
}

/// Where one of them comes again all do, and nothing is stored. Neither is it where none does, and
/// something could not be loaded, or was loaded from what is not stored: what is there is better
/// than what was made from that.
void conversation::report_joint_end(detail::joint_end& one) {
  auto& values = *one.values;
  const bool unfounded = values.unfounded();
  values.sources.clear(); // or a coroutine that never ends would keep all its ends
  const bool again = std::ranges::any_of(one.of, [unfounded](const auto& d) {
    return d->how != handling::done || !d->unsent.empty() || (d->kept && unfounded);
  });
  values.undone = again || unfounded;
  if (!again && unfounded && !values.set.empty()) {
    log::error(
        "conversation",
        "chat {}: {} values are not stored, for what they were made from could not be loaded, "
        "or is not stored",
        setup_.chat.marked_id(), values.set.size());
    values.set.clear();
  }
  if (again || values.set.empty()) {
    for (const auto& d : one.of) {
      d->joint = false; // they end like all others
      d->how = again && d->how == handling::done ? handling::unsent : d->how;
    }
    return;
  }
  if (one.of.empty()) {
    self_.send(setup_.owner,
               values_stored{setup_.chat.marked_id(), list_of(std::move(values)), one.account});
    return;
  }
  finished whole{setup_.chat.marked_id(), one.of.front()->number, handling::done, {}};
  whole.values = list_of(std::move(values));
  for (const auto& d : one.of) {
    std::ranges::move(d->effects, std::back_inserter(whole.effects));
    if (d->number != whole.number) {
      whole.more.push_back(d->number);
    }
    d->open = false;
    d->made.clear();
    std::erase(open_, d);
  }
  self_.send(setup_.owner, std::move(whole));
}

namespace detail {

bool value_stage::unfounded() const {
  return !unread.empty() ||
         std::ranges::any_of(sources, [](const auto& from) { return from->undone; });
}

std::shared_ptr<value_stage>& delivery::stage() {
  const auto by = consumer.lock();
  return by ? by->values : values;
}

value_stage& delivery::made_stage() {
  auto& at = stage();
  if (!at) {
    at = std::make_shared<value_stage>();
  }
  return *at;
}

conversation* load_value(const std::shared_ptr<delivery>& origin, std::string key,
                         value_done done) {
  const auto home = find_home(origin);
  if (!home) {
    done(std::unexpected(home.error()));
    return nullptr;
  }
  if (auto good = check_key(key); !good) {
    done(std::unexpected(std::move(good.error())));
  } else {
    (*home)->load(origin, std::move(key), std::move(done));
  }
  return *home;
}

result<void> store_value(const std::shared_ptr<delivery>& origin, chat_value what) {
  const auto home = find_home(origin);
  if (!home) {
    return std::unexpected(home.error());
  }
  if (auto good = check_key(what.key); !good) {
    return good;
  }
  if (what.value.size() > value_most) {
    return fail(errc::bad_argument,
                "a value has more than " + std::to_string(value_most) + " octets",
                static_cast<std::int64_t>(what.value.size()));
  }
  return (*home)->store(*origin, std::move(what));
}

} // namespace detail

} // namespace cafegram

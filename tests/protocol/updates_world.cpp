#include "updates_world.hpp"

#include <algorithm>

namespace cafegram::protocol::test {

using namespace std::chrono_literals;

namespace {

constexpr int most_turns = 3000;

} // namespace

updates_world::updates_world(const scenario& how)
  : how_{how}
  , server_{how.channels}
  , judge_{server_} {
  if (how.bounds.most_channels < static_cast<std::size_t>(how.channels) ||
      how.bounds.room.most_in_box < 100) {
    judge_.allow_everywhere(loss::no_room);
    judge_.allow_still_twice();
  }
  if (how.bounds.max_age.count() > 0) {
    judge_.allow_everywhere(loss::too_old);
  }
  if (how.strict_limit) {
    judge_.allow_everywhere(loss::too_long); // it looks back a few steps only
  }
}

std::string updates_world::run() {
  restart(updates_start::from::stored, 0);
  for (const auto& one : how_.happenings) {
    if (trace_ != nullptr) {
      *trace_ << "  " << to_string(one) << "\n";
    }
    happen(one);
    if (!judge_.wrong().empty()) {
      return judge_.wrong();
    }
  }
  settle();
  return judge_.wrong();
}

void updates_world::happen(const happening& what) {
  if (!happen_on_line(what) && !happen_at_server(what)) {
    happen_to_client(what);
  }
  if (std::exchange(crashed_, false)) {
    restart(updates_start::from::stored, 0);
  }
  check_bounds();
}

bool updates_world::happen_on_line(const happening& what) {
  const auto pick = [&what](const auto& list) { return what.a % list.size(); };
  switch (what.what) {
  case deed::deliver:
  case deed::drop:
  case deed::repeat:
    if (!line_.empty()) {
      const auto at = line_.begin() + static_cast<std::ptrdiff_t>(pick(line_));
      auto one = *at;
      if (what.what != deed::repeat) {
        line_.erase(at);
      }
      if (what.what != deed::drop) {
        deliver(std::move(one));
      }
    }
    return true;
  case deed::answer:
    if (!questions_.empty()) {
      answer(pick(questions_), what.b % 4);
    }
    return true;
  case deed::arrive:
    if (!answers_.empty()) {
      arrive(pick(answers_));
    }
    return true;
  case deed::fail:
    if (!questions_.empty()) {
      fail(pick(questions_), what.b);
    }
    return true;
  default:
    return false;
  }
}

bool updates_world::happen_at_server(const happening& what) {
  const auto some = channel(what.a);
  const auto box = what.b % 3 == 0 ? common_box : some;
  switch (what.what) {
  case deed::post_common:
    post(common_box, what.a, what.b);
    return true;
  case deed::post_secondary:
    post(secondary_box, 0, what.b & ~3U);
    return true;
  case deed::post_sequence:
    post_sequence(what.a, what.b);
    return true;
  case deed::post_channel:
    post(some, what.a / 8, what.b);
    return true;
  case deed::post_own:
    post_own(what.a, what.b);
    return true;
  case deed::post_loose:
    push({server_.loose()}, 0, 0);
    return true;
  case deed::post_still:
    push({server_.post(box, 0, false, false)}, 0, 0);
    return true;
  case deed::push_too_long:
    line_.push_back({.container = {.items = {}, .too_long = true}, .events = {}});
    return true;
  case deed::push_channel_too_long:
    push_role(some, what.b % 2 == 0 ? server_.end(some) : 0, update_role::channel_too_long);
    return true;
  case deed::push_hint:
    push_role(some, server_.end(some), update_role::channel_hint);
    return true;
  case deed::push_state_lost:
    for (const auto id : {common_box, secondary_box, sequence_box}) {
      judge_.allow(id, loss::place_lost);
    }
    push_role({}, 0, update_role::state_lost);
    return true;
  case deed::forget:
    judge_.allow(box, loss::too_long);
    server_.forget(box);
    return true;
  case deed::forbid:
  case deed::permit:
    judge_.allow(some, loss::forbidden);
    judge_.unheard_of(some);
    server_.forbid(some.channel, what.what == deed::forbid);
    return true;
  default:
    return false;
  }
}

void updates_world::happen_to_client(const happening& what) {
  switch (what.what) {
  case deed::load:
    load(what.a);
    break;
  case deed::pass: {
    constexpr duration times[] = {50ms, 250ms, 500ms, 1s, 3s, 30s, 16min};
    pass(times[what.a % std::size(times)]);
    break;
  }
  case deed::suspect:
    fault_ = how_.planted && fault_ == 0 ? 1 : fault_;
    commit(client_->suspect(now_));
    note_suspect();
    break;
  case deed::full:
  case deed::not_full:
    set_full(what.a, what.what == deed::full);
    break;
  case deed::restart:
    restart(updates_start::from::stored, what.a);
    break;
  case deed::restart_anew:
    restart(updates_start::from::now, what.a);
    break;
  case deed::restart_login:
    restart(updates_start::from::login, what.a);
    break;
  case deed::crash:
    crash_ = true;
    break;
  case deed::learn:
    fault_ = fault_ == 1 ? 2 : fault_;
    commit(client_->learn(channel(what.a).channel, server_.end(channel(what.a)), now_));
    break;
  case deed::follow:
    commit(client_->follow(channel(what.a).channel, what.b % 2 == 0, now_));
    break;
  default:
    break;
  }
}

// -- the server pushes --------------------------------------------------------------------------

box_id updates_world::channel(std::uint32_t a) const {
  return channel_box(1 + static_cast<std::int64_t>(a % static_cast<std::uint32_t>(how_.channels)));
}

/// One or a few, in one container or several.
void updates_world::post(box_id box, std::uint32_t a, std::uint32_t b) {
  std::vector<model_event> events;
  for (std::uint32_t i = 0; i <= b % 3; ++i) {
    const auto count = box == secondary_box ? 1 : static_cast<std::int32_t>(1 + (a + i) % 4 / 2);
    events.push_back(server_.post(box, count, false, b / 4 % 8 == 1));
    if (b / 32 % 2 == 0) {
      push(std::exchange(events, {}), 0, 0);
    }
  }
  if (!events.empty()) {
    push(std::move(events), 0, 0);
  }
}

/// `updates` or `updatesCombined`, sometimes with one of another box among them.
void updates_world::post_sequence(std::uint32_t a, std::uint32_t b) {
  std::vector<model_event> events;
  const auto before = server_.end(sequence_box);
  for (std::uint32_t i = 0; i <= a % 3; ++i) {
    events.push_back(server_.post(sequence_box, 1, false, false));
  }
  if (b % 4 == 0) {
    events.push_back(server_.post(common_box, 1, false, false));
  }
  push(std::move(events), before + 1, server_.end(sequence_box));
}

/// The result of an own call comes at once, or never.
void updates_world::post_own(std::uint32_t a, std::uint32_t b) {
  const auto box = b % 2 == 0 ? common_box : channel(a);
  packet one;
  one.events.push_back(server_.post(box, 1, true, false));
  one.container.own = true;
  one.container.items.push_back(updates_server::item_of(one.events.front(), true, true));
  if (b / 2 % 4 != 0) {
    deliver(std::move(one));
  }
}

void updates_world::push(std::vector<model_event> events, std::int32_t seq_start,
                         std::int32_t seq) {
  packet one{.container = {.items = {}, .date = server_.now(), .seq_start = seq_start, .seq = seq},
             .events = std::move(events)};
  for (const auto& event : one.events) {
    one.container.items.push_back(updates_server::item_of(event, true, true));
  }
  line_.push_back(std::move(one));
}

void updates_world::push_role(box_id box, std::int32_t value, update_role role) {
  packet one;
  one.container.items.push_back({.box = box, .value = value, .role = role, .body = {}});
  line_.push_back(std::move(one));
}

void updates_world::deliver(packet what) {
  if (trace_ != nullptr) {
    for (const auto& event : what.events) {
      *trace_ << "    came " << to_string(event.box) << " " << event.value - event.count << ".."
              << event.value << " date " << event.date << (event.own ? " own" : "") << "\n";
    }
  }
  for (const auto& event : what.events) {
    if (event.value == 0) {
      judge_.came(event.id);
    } else if (!client_->knows_place() && event.count > 0 && event.box.kind != box_kind::channel) {
      judge_.came_early(event);
    }
  }
  for (const auto& event : what.events) {
    const auto id = event.box.channel;
    const auto stored = stored_channels_.find(id);
    const bool is_new = stored == stored_channels_.end() || stored->second.closed;
    if (event.box.kind == box_kind::channel && !event.own && is_new && !knows(event.box)) {
      judge_.came_first(event);
    }
  }
  const auto due = due_at_once(what);
  auto outcome = client_->receive(update_container{what.container}, now_);
  for (const auto& event : due) {
    if (!crash_ && !tells(outcome, event.id)) {
      judge_.fail(to_string(event.box) + " is held up, " + std::to_string(event.value));
    }
  }
  commit(std::move(outcome));
  if (!crashed_) {
    note_heard(what);
  }
}

void updates_world::note_heard(const packet& what) {
  for (const auto& event : what.events) {
    if (event.count > 0 && knows(event.box)) {
      judge_.heard_of(event.box, event.value);
    }
  }
  for (const auto& item : what.container.items) {
    const bool tells =
        item.role == update_role::channel_too_long || item.role == update_role::channel_hint;
    if (tells && knows(item.box)) {
      judge_.heard_of(item.box, item.value);
    }
  }
  if (what.container.too_long) {
    note_suspect();
  }
}

/// Whatever has been until now has to be found out, in each channel that has a place too. But of
/// one that it might not see for a while the server names nothing, and one that could not be asked
/// about begins as it came.
void updates_world::note_suspect() {
  if (crashed_) {
    return;
  }
  for (const auto box : {common_box, secondary_box, sequence_box}) {
    if (knows(box)) {
      judge_.heard_of(box, server_.end(box));
    }
  }
  for (const auto& [id, place] : stored_channels_) {
    const auto box = channel_box(id);
    const bool refused = judge_.allows(box, loss::forbidden) ||
                         judge_.allows(box, loss::never_came) ||
                         judge_.allows(box, loss::place_lost);
    if (!place.closed && !refused) {
      judge_.heard_of(box, server_.end(box));
    }
  }
}

bool updates_world::knows(box_id box) const {
  return box.kind == box_kind::channel ? client_->stands(box.channel).has_value()
         : box.kind == box_kind::none  ? false
                                       : client_->knows_place();
}

/// What fits is handed out in the moment when it comes, whatever any other box is waiting for.
std::vector<model_event> updates_world::due_at_once(const packet& what) const {
  std::vector<model_event> out;
  for (const auto& event : what.events) {
    std::optional<std::int32_t> place;
    if (event.box.kind == box_kind::channel) {
      const auto known = client_->stands(event.box.channel);
      place = known ? std::optional{known->pts} : std::nullopt;
    } else if (client_->knows_place() && event.box.kind != box_kind::none) {
      place = event.box == common_box      ? client_->stands().pts
              : event.box == secondary_box ? client_->stands().qts
                                           : client_->stands().seq;
    }
    const bool in_sequence = event.box == sequence_box;
    if (place == (in_sequence ? what.container.seq_start - 1 : event.value - event.count) &&
        event.count > 0 && !event.strange && !event.own && !judge_.is_full(event.box) &&
        !asked_about(event.box.channel)) {
      out.push_back(event);
    }
  }
  return out;
}

bool updates_world::tells(const update_outcome& outcome, int id) {
  return std::ranges::any_of(outcome.told, [id](const auto& one) {
    const auto* some = std::get_if<accepted_updates>(&one);
    return some != nullptr && std::ranges::any_of(some->updates, [id](const auto& item) {
             return static_cast<const model_body&>(*item.body).event.id == id;
           });
  });
}

bool updates_world::asked_about(std::int64_t channel) const {
  return std::ranges::any_of(questions_,
                             [channel](const auto& one) { return one.channel == channel; }) ||
         std::ranges::any_of(answers_,
                             [channel](const auto& one) { return one.channel == channel; });
}

// -- time, and the end --------------------------------------------------------------------------

void updates_world::pass(duration how_long) {
  const auto until = now_ + std::chrono::duration_cast<steady_time::duration>(how_long);
  server_.pass(static_cast<std::int32_t>(how_long / 1s));
  for (int turn = 0; client_->next_deadline() <= until && !crashed_; ++turn) {
    now_ = std::max(now_, client_->next_deadline());
    commit(client_->poll(now_));
    if (turn > 200) {
      judge_.fail("its timers go round");
      return;
    }
  }
  now_ = until;
}

/// From here on nothing is lost on the way; all has to be told in the end.
void updates_world::settle() {
  if (trace_ != nullptr) {
    *trace_ << "  settle\n";
  }
  crash_ = false;
  for (int i = 0; i < how_.channels; ++i) {
    server_.forbid(i + 1, false);
  }
  if (how_.dies_at_last) {
    restart(updates_start::from::stored, 0);
  }
  for (int i = 0; i < how_.channels; ++i) {
    set_full(static_cast<std::uint32_t>(4 * i), false);
    commit(client_->follow(i + 1, false, now_));
  }
  set_full(1, false);
  set_full(2, false);
  for (int round = 0; round < 2; ++round) {
    int turn = 0;
    while (settle_once() && judge_.wrong().empty()) {
      if (++turn > most_turns) {
        judge_.fail("it does not settle");
      }
    }
    if (round == 0) {
      judge_.all_heard_of_is_told();
      // Who has missed something hears of it with the next one.
      for (int i = 0; i < how_.channels; ++i) {
        post(channel_box(i + 1), 0, 0);
      }
      post(common_box, 0, 0);
      post(secondary_box, 0, 0);
      post_sequence(0, 1);
    }
  }
  if (client_->waiting() != 0 || client_->waiting_octets() != 0) {
    judge_.fail("something waits at the end");
  }
  judge_.all_is_told();
}

/// False when nothing is under way any more.
bool updates_world::settle_once() {
  if (!line_.empty()) {
    auto one = std::move(line_.front());
    line_.pop_front();
    deliver(std::move(one));
  } else if (!loads_.empty() || load_unsure_) {
    load(0);
  } else if (!answers_.empty()) {
    arrive(0);
  } else if (!questions_.empty()) {
    answer(0, 0);
  } else if (client_->next_deadline() <= now_ + 5min) {
    pass(std::max(duration{0}, duration{client_->next_deadline() - now_}));
  } else {
    return false;
  }
  return true;
}

} // namespace cafegram::protocol::test

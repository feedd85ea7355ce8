#include <algorithm>

#include "updates_world.hpp"

// What the client asks and keeps.
namespace cafegram::protocol::test {

using namespace std::chrono_literals;

void updates_world::commit(update_outcome&& outcome) {
  if (crash_ && !outcome.empty() && loads_.empty() && !loading_) {
    crash_ = false;
    crashed_ = true;
    return;
  }
  if (crashed_) {
    return;
  }
  keep(outcome);
  if (how_.loads_apart) {
    loads_.insert(loads_.end(), outcome.load_channels.begin(), outcome.load_channels.end());
    return;
  }
  for (const auto id : outcome.load_channels) {
    load_channel(id);
  }
}

/// It has been done, and its questions are under way.
void updates_world::keep(const update_outcome& outcome) {
  if (trace_ != nullptr) {
    tell(outcome);
  }
  check_questions(outcome);
  save(outcome);
  judge_.take(fault_ == 2 ? as_planted(outcome) : outcome, stored_, stored_channels_);
  if (outcome.doubt_all && stored_) {
    const auto until = stored_->named_until != 0 ? stored_->named_until : stored_->date;
    judge_.set_history(until); // of a channel without a place nobody can be asked
  }
  if (outcome.load_unsure) {
    load_unsure_ = outcome.load_unsure;
  }
  if (outcome.ask_place) {
    questions_.push_back({.channel = 0, .place = true, .account = {}, .of_channel = {}});
  }
  if (outcome.ask) {
    questions_.push_back({.channel = 0, .place = false, .account = *outcome.ask, .of_channel = {}});
  }
  for (const auto& one : outcome.ask_channels) {
    questions_.push_back(
        {.channel = one.channel, .place = false, .account = {}, .of_channel = one});
  }
}

void updates_world::tell(const update_outcome& outcome) const {
  auto& out = *trace_;
  for (const auto& one : outcome.told) {
    if (const auto* lost = std::get_if<updates_lost>(&one)) {
      out << "    lost " << to_string(lost->box) << " " << lost->from << ".."
          << (lost->to ? std::to_string(*lost->to) : "") << " reason "
          << static_cast<int>(lost->why) << "\n";
      continue;
    }
    const auto& some = std::get<accepted_updates>(one);
    out << "    told " << to_string(some.box) << " " << some.from << ".." << some.to << ":";
    for (const auto& item : some.updates) {
      out << " " << static_cast<const model_body&>(*item.body).event.value;
    }
    out << "\n";
  }
  if (outcome.save) {
    out << "    save " << outcome.save->pts << " " << outcome.save->qts << " " << outcome.save->seq
        << " date " << outcome.save->date << " named until " << outcome.save->named_until << "\n";
  }
  for (const auto& place : outcome.save_channels) {
    out << "    save channel " << place.channel << " " << place.pts
        << (place.unsure ? " unsure" : "") << " since " << place.since
        << (place.closed ? " closed" : "") << "\n";
  }
  if (outcome.ask) {
    out << "    ask from " << outcome.ask->pts << " " << outcome.ask->qts << " " << outcome.ask->seq
        << " date " << outcome.ask->date << "\n";
  }
  for (const auto& one : outcome.ask_channels) {
    out << "    ask channel " << one.channel << " from " << one.pts << " for " << one.limit << "\n";
  }
  for (const auto id : outcome.load_channels) {
    out << "    load channel " << id << "\n";
  }
  out << (outcome.ask_place ? "    ask place\n" : "")
      << (outcome.load_unsure ? "    load unsure\n" : "")
      << (outcome.forget_all ? "    forget all\n" : "")
      << (outcome.doubt_all ? "    doubt all\n" : "");
}

update_outcome updates_world::as_planted(update_outcome outcome) {
  std::erase_if(outcome.told, [](const auto& one) {
    const auto* some = std::get_if<accepted_updates>(&one);
    return some != nullptr && some->box == common_box;
  });
  return outcome;
}

void updates_world::save(const update_outcome& outcome) {
  if (outcome.forget_all) {
    stored_.reset();
    stored_channels_.clear();
  }
  if (outcome.save) {
    stored_ = outcome.save;
  }
  for (auto& [id, place] : stored_channels_) {
    place.unsure = place.unsure || (outcome.doubt_all && !place.closed);
  }
  for (const auto& place : outcome.save_channels) {
    stored_channels_[place.channel] = place;
  }
}

/// One at a time for each box, from where it stands, and none of what is full. The account's may be
/// about an earlier time.
void updates_world::check_questions(const update_outcome& outcome) {
  if ((outcome.ask || outcome.ask_place) && asked_about(0)) {
    judge_.fail("the account is asked about twice");
  }
  if (outcome.ask && judge_.is_full(common_box)) {
    judge_.fail("it asks for what it has no room for");
  }
  if (outcome.ask) {
    auto from = client_->stands();
    from.date = std::min(from.date, outcome.ask->date);
    from.named_until = 0;
    if (*outcome.ask != from) {
      judge_.fail("it asks from elsewhere");
    }
  }
  for (const auto& one : outcome.ask_channels) {
    const auto box = channel_box(one.channel);
    const auto place = client_->stands(one.channel);
    if (asked_about(one.channel)) {
      judge_.fail(to_string(box) + " is asked about twice");
    }
    if (judge_.is_full(box)) {
      judge_.fail(to_string(box) + " is asked about without room");
    }
    if (!place || std::max(1, place->pts) != one.pts || one.limit < 10) {
      judge_.fail(to_string(box) + " is asked about from elsewhere");
    }
  }
}

void updates_world::check_bounds() {
  const auto& room = how_.bounds.room;
  if (client_->waiting() > room.most || client_->waiting_octets() > room.most_octets ||
      client_->channels() > how_.bounds.most_channels ||
      client_->asked() > how_.bounds.most_asked) {
    judge_.fail("a bound is passed");
  }
}

// -- its questions ------------------------------------------------------------------------------

void updates_world::answer(std::size_t which, std::size_t most) {
  const auto asked = questions_[which];
  questions_.erase(questions_.begin() + static_cast<std::ptrdiff_t>(which));
  answer_under_way out{.channel = asked.channel,
                       .since = asked.account.date,
                       .place = {},
                       .account = {},
                       .of_channel = {}};
  if (asked.place) {
    out.place = server_.place();
  } else if (asked.channel == 0) {
    out.account = server_.answer(asked.account, most, how_.mixed, how_.names_last);
  } else {
    out.of_channel = server_.answer(asked.of_channel, most, how_.strict_limit);
    out.failure = difference_failure::forbidden;
  }
  answers_.push_back(std::move(out));
}

void updates_world::arrive(std::size_t which) {
  auto one = std::move(answers_[which]);
  answers_.erase(answers_.begin() + static_cast<std::ptrdiff_t>(which));
  judge_.set_oldest(server_.now() - static_cast<std::int32_t>(how_.bounds.max_age.count()));
  judge_.set_skips(one.place ||
                   (one.account && one.account->what == account_difference::form::too_long) ||
                   (one.of_channel && one.of_channel->what == channel_difference::form::too_long));
  if (one.place) {
    const bool begins = !client_->knows_place();
    commit(client_->place(*one.place, now_));
    if (begins) {
      judge_.set_history(one.place->date);
    }
  } else if (one.account) {
    const auto what = one.account->what;
    const auto until = one.account->place.date;
    commit(client_->difference(*std::move(one.account), now_));
    const bool final =
        what == account_difference::form::whole || what == account_difference::form::empty;
    if (final && one.since <= judge_.history() + 1 && !crashed_) {
      judge_.set_history(until);
    }
  } else if (one.of_channel) {
    if (how_.strict_limit && one.of_channel->what == channel_difference::form::too_long) {
      judge_.allow(channel_box(one.channel), loss::too_long);
    }
    commit(client_->difference_of(one.channel, *std::move(one.of_channel), now_));
  } else if (one.channel != 0) {
    commit(client_->difference_of_failed(one.channel, one.failure, 0ms, now_));
  }
  judge_.set_skips(false);
}

void updates_world::fail(std::size_t which, std::uint32_t how) {
  const auto asked = questions_[which];
  questions_.erase(questions_.begin() + static_cast<std::ptrdiff_t>(which));
  // Trouble that passes is the rule.
  auto why = how % 8 < 4 ? difference_failure::later : static_cast<difference_failure>(how % 5);
  const auto wait = how % 16 == 0 ? duration{20s} : duration{0};
  if (asked.place) {
    commit(client_->place_failed(wait, now_));
    return;
  }
  if (asked.channel == 0) {
    if (why == difference_failure::place_unknown || why == difference_failure::unreadable) {
      for (const auto box : {common_box, secondary_box, sequence_box}) {
        judge_.allow(box, loss::place_lost);
      }
    }
    commit(client_->difference_failed(why, wait, now_));
    return;
  }
  const auto box = channel_box(asked.channel);
  const auto stored = stored_channels_.find(asked.channel);
  if (why != difference_failure::later && stored != stored_channels_.end() &&
      stored->second.since > 0) {
    judge_.unheard_of(box); // it is new, and cannot be looked through: it begins as it came
  }
  switch (why) {
  case difference_failure::later:
    break;
  case difference_failure::unreadable:
    judge_.allow(box, loss::never_came);
    break;
  case difference_failure::place_unknown:
    judge_.allow(box, loss::place_lost);
    break;
  case difference_failure::forbidden:
  case difference_failure::no_address:
    judge_.allow(box, loss::forbidden);
    break;
  }
  commit(client_->difference_of_failed(asked.channel, why, wait, now_));
}

void updates_world::load(std::size_t which) {
  if (load_unsure_ && (which % 2 == 0 || loads_.empty())) {
    std::vector<channel_place> page;
    for (const auto& [id, place] : stored_channels_) {
      if (id > load_unsure_->beyond && place.unsure && page.size() < load_unsure_->most) {
        page.push_back(place);
      }
    }
    load_unsure_.reset();
    commit(client_->loaded_unsure(page, now_));
  } else if (!loads_.empty()) {
    const auto at = which % loads_.size();
    const auto id = loads_[at];
    loads_.erase(loads_.begin() + static_cast<std::ptrdiff_t>(at));
    load_channel(id);
  }
}

void updates_world::load_channel(std::int64_t id) {
  const bool before = std::exchange(loading_, true);
  const auto found = stored_channels_.find(id);
  commit(client_->loaded(
      id, found == stored_channels_.end() ? std::nullopt : std::optional{found->second}, now_));
  loading_ = before;
}

void updates_world::set_full(std::uint32_t a, bool is) {
  const auto box = a % 4 == 1 ? common_box : a % 4 == 2 ? box_id{} : channel(a / 4);
  judge_.set_full(box, is);
  commit(client_->full(box, is, now_));
}

// -- its lives ----------------------------------------------------------------------------------

/// A session ends: what was under way is gone.
void updates_world::restart(updates_start::from how, std::uint32_t a) {
  while (!crashed_ && !loads_.empty()) {
    load(1);
  }
  line_.clear();
  questions_.clear();
  answers_.clear();
  loads_.clear();
  load_unsure_.reset();
  crashed_ = false;
  judge_.set_full({}, false);
  judge_.set_full(common_box, false);
  for (int i = 0; i < how_.channels; ++i) {
    judge_.set_full(channel_box(i + 1), false);
  }
  client_ = std::make_unique<account_updates>(how_.bounds);
  const bool goes_on = how == updates_start::from::stored && stored_;
  const auto began = judge_.began();
  judge_.begins(!goes_on, stored_channels_);
  std::vector<update_container> early;
  updates_start start{how, stored_};
  if (how != updates_start::from::stored) {
    judge_.allow_everywhere(loss::not_wanted);
  }
  if (how == updates_start::from::login) {
    // Some come before the place is asked for, some after that.
    post(common_box, a, 1);
    post(secondary_box, 0, 1);
    start.stored = server_.place();
    post(common_box, a + 1, 1);
    while (line_.size() > a % 3) {
      auto one = std::move(line_.front());
      line_.pop_front();
      for (const auto& event : one.events) {
        if (event.value <= (event.box == common_box ? start.stored->pts : start.stored->qts)) {
          judge_.came_early(event);
        }
      }
      early.push_back(std::move(one.container));
    }
  }
  if (goes_on) {
    note_suspect();
  } else {
    judge_.set_history(start.stored ? start.stored->date : 0);
  }
  commit(client_->start(start, std::move(early), now_));
  if (crashed_ && !goes_on) {
    judge_.began(began);
  }
}

} // namespace cafegram::protocol::test

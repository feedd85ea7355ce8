#include "updates_server.hpp"

#include <algorithm>

namespace cafegram::protocol::test {

updates_server::updates_server(int channels) {
  const auto begin = [this](box_id box, std::int32_t value) {
    begins_[box] = value;
    logs_[box];
  };
  begin(common_box, 10);
  begin(secondary_box, 3);
  begin(sequence_box, 1);
  for (int i = 1; i <= channels; ++i) {
    begin(channel_box(i), i == 1 ? 1 : 20 * i);
  }
}

const model_event& updates_server::post(box_id box, std::int32_t count, bool own, bool strange) {
  auto& log = logs_.at(box);
  ++date_;
  log.push_back({.id = ++ids_,
                 .box = box,
                 .value = end(box) + count,
                 .count = count,
                 .date = date_,
                 .own = own,
                 .strange = strange});
  return log.back();
}

model_event updates_server::loose() {
  return {.id = ++ids_, .box = {}, .value = 0, .count = 0, .date = date_};
}

update_item updates_server::item_of(const model_event& event, bool pushed, bool with_place) {
  update_item out;
  out.box = event.box.kind == box_kind::sequence ? box_id{} : event.box;
  if (with_place && event.box.kind != box_kind::sequence) {
    out.value = event.value;
    out.count = event.count;
  }
  out.strangers = pushed && event.strange;
  out.mark = static_cast<std::uint64_t>(event.id);
  out.date = event.date;
  out.octets = 100;
  if (!(pushed && event.own)) {
    out.body = std::make_shared<const model_body>(event, pushed);
  }
  return out;
}

std::int32_t updates_server::end(box_id box) const {
  const auto& log = logs_.at(box);
  return log.empty() ? begins_.at(box) : log.back().value;
}

std::int32_t updates_server::begin(box_id box) const {
  return begins_.at(box);
}

account_place updates_server::place() const {
  return {end(common_box), end(secondary_box), date_, end(sequence_box)};
}

std::vector<const model_event*> updates_server::between(box_id box, std::int32_t from,
                                                        std::int32_t to) const {
  std::vector<const model_event*> out;
  for (const auto& event : logs_.at(box)) {
    if (event.count > 0 && event.value > from && event.value <= to) {
      out.push_back(&event);
    }
  }
  return out;
}

bool updates_server::forbidden(std::int64_t channel) const {
  const auto found = forbidden_.find(channel);
  return found != forbidden_.end() && found->second;
}

account_difference updates_server::answer(const account_place& from, std::size_t most, bool mixed,
                                          bool names_last) const {
  account_difference out;
  out.server_time = date_;
  const auto gone = gone_.find(common_box);
  if (gone != gone_.end() && from.pts < gone->second) {
    out.what = account_difference::form::too_long;
    out.place.pts = gone->second;
    return out;
  }
  // Those of `seq` go by their date, as the question does not say their number.
  std::vector<const model_event*> all = between(common_box, from.pts, end(common_box));
  std::ranges::copy(between(secondary_box, from.qts, end(secondary_box)), std::back_inserter(all));
  for (const auto& event : log(sequence_box)) {
    if (event.date > from.date) {
      all.push_back(&event);
    }
  }
  std::ranges::sort(all, {}, &model_event::date);
  const bool whole = most == 0 || all.size() <= most;
  out.place = {from.pts, from.qts, from.date, from.seq};
  if (!whole) {
    all.resize(most);
  }
  for (const auto* event : all) {
    out.items.push_back(item_of(*event, false, event->id % 3 != 0));
    auto& place = event->box == common_box      ? out.place.pts
                  : event->box == secondary_box ? out.place.qts
                                                : out.place.seq;
    place = event->value;
    out.place.date = event->date;
  }
  if (whole) {
    out.place = place();
  }
  for (const auto& [box, log] : logs_) {
    if (box.kind != box_kind::channel || forbidden(box.channel) || log.empty() ||
        log.back().date < from.date || (names_last && !whole)) {
      continue;
    }
    if (mixed && log.back().count > 0 && log.back().date > from.date) {
      out.items.push_back(item_of(log.back(), true, true));
    }
    auto before = begins_.at(box);
    for (const auto& event : log) {
      before = event.date <= from.date ? event.value : before;
    }
    out.items.push_back(
        {.box = box, .value = before, .role = update_role::channel_too_long, .body = {}});
  }
  out.what = !whole              ? account_difference::form::slice
             : out.items.empty() ? account_difference::form::empty
                                 : account_difference::form::whole;
  return out;
}

std::optional<channel_difference> updates_server::answer(const channel_question& question,
                                                         std::size_t most, bool strict) const {
  const auto box = channel_box(question.channel);
  if (forbidden(question.channel)) {
    return {};
  }
  channel_difference out;
  out.server_time = date_;
  out.timeout = question.channel % 2 == 0 ? 30 : 0;
  const auto gone = gone_.find(box);
  if ((gone != gone_.end() && question.pts < gone->second) ||
      (strict && end(box) - question.pts > question.limit)) {
    out.what = channel_difference::form::too_long;
    out.pts = end(box);
    return out;
  }
  auto all = between(box, question.pts, end(box));
  out.final = most == 0 || all.size() <= most;
  if (!out.final) {
    all.resize(most);
  }
  // Where a channel began nothing of it is in the log.
  out.pts = all.empty() ? std::max(question.pts, end(box)) : all.back()->value;
  out.what = all.empty() ? channel_difference::form::empty : channel_difference::form::updates;
  for (const auto* event : all) {
    out.items.push_back(item_of(*event, false, event->id % 3 != 0));
  }
  return out;
}

} // namespace cafegram::protocol::test

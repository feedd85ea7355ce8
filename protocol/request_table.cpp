#include <cafegram/protocol/request_table.hpp>

#include <algorithm>

namespace cafegram::protocol {

request* request_table::find(request_id id) {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second;
}

request* request_table::find(msg_id name) {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : find(found->second);
}

void request_table::add(request_id id, shared_bytes body, const request_options& options) {
  auto& added = by_id_[id];
  added.id = id;
  added.body = std::move(body);
  added.options = options;
  added.order = submitted_++;
  waiting_.emplace(added.order, id);
  if (options.deadline) {
    deadlines_.emplace(*options.deadline, id);
  }
}

request request_table::take(request_id id) {
  auto node = by_id_.extract(id);
  auto& taken = node.mapped();
  for (const auto name : taken.names) {
    by_name_.erase(name);
  }
  waiting_.erase(taken.order);
  if (taken.options.deadline) {
    deadlines_.erase({*taken.options.deadline, id});
  }
  return std::move(taken);
}

void request_table::wait(request& which) {
  which.now = request::phase::waiting;
  which.acknowledged = false;
  which.answer_by.reset();
  which.answer_asked = 0;
  waiting_.emplace(which.order, which.id);
}

void request_table::sent(request& which, msg_id name) {
  waiting_.erase(which.order);
  which.now = request::phase::sent;
  which.name = name;
  which.names.push_back(name);
  by_name_.emplace(name, which.id);
}

void request_table::forget_names() {
  by_name_.clear();
  for (auto& [id, one] : by_id_) {
    one.names.clear();
  }
}

request* request_table::first_waiting() {
  return waiting_.empty() ? nullptr : find(waiting_.begin()->second);
}

std::vector<request*> request_table::all(request::phase in) {
  std::vector<request*> out;
  for (auto& [id, one] : by_id_) {
    if (one.now == in) {
      out.push_back(&one);
    }
  }
  std::ranges::sort(out, {}, &request::order);
  return out;
}

std::optional<steady_time> request_table::next_deadline() const {
  return deadlines_.empty() ? std::nullopt : std::optional{deadlines_.begin()->first};
}

std::optional<request_id> request_table::past_deadline(steady_time now) const {
  if (deadlines_.empty() || deadlines_.begin()->first > now) {
    return std::nullopt;
  }
  return deadlines_.begin()->second;
}

} // namespace cafegram::protocol

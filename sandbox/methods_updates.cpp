#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/views.hpp>

#include <algorithm>

/// Catching up. Spec: "Working with Updates", "updates.getDifference".
namespace cafegram::sandbox {

namespace {

constexpr std::int32_t longest_difference = 100; ///< events

answer get_state(step& at, const json&) {
  return state_view(*at.me, at.unix_time());
}

answer get_difference(step& at, const json& request) {
  const std::int32_t pts = number32(request, "pts");
  if (pts < 1) {
    return refuse("PERSISTENT_TIMESTAMP_EMPTY");
  }
  if (pts > at.me->pts) {
    return refuse("PERSISTENT_TIMESTAMP_INVALID");
  }
  const auto& events = at.me->events;
  auto next = std::ranges::upper_bound(events, pts, {}, &box_event::pts);
  if (next == events.end()) {
    json out = make("updates.differenceEmpty");
    out["date"] = at.unix_time();
    out["seq"] = 1;
    return out;
  }
  json messages = json::array();
  json others = json::array();
  std::vector<account_id> about{at.me->id};
  std::int32_t reached = pts;
  for (std::int32_t count = 0; next != events.end() && count < longest_difference; ++count) {
    reached = next->pts;
    about.push_back(next->peer);
    json update = update_view(at.in, *at.me, *next);
    if (next->kind == event_kind::message && !update.is_null()) {
      messages.push_back(std::move(update["message"]));
    } else if (!update.is_null()) {
      others.push_back(std::move(update));
    }
    ++next;
  }
  const bool whole = next == events.end();
  json out = make(whole ? "updates.difference" : "updates.differenceSlice");
  out["new_messages"] = std::move(messages);
  out["new_encrypted_messages"] = json::array();
  out["other_updates"] = std::move(others);
  out["chats"] = json::array();
  out["users"] = users_view(at.in, at.me->id, std::move(about));
  json state = state_view(*at.me, at.unix_time());
  state["pts"] = reached;
  out[whole ? "state" : "intermediate_state"] = std::move(state);
  return out;
}

} // namespace

std::span<const method> update_methods() {
  static constexpr method table[] = {
      {"updates.getState", audience::logged_in, get_state},
      {"updates.getDifference", audience::logged_in, get_difference},
  };
  return table;
}

} // namespace cafegram::sandbox

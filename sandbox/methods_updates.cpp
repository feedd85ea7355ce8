#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/views.hpp>

#include <algorithm>

/// Catching up. Spec: "Working with Updates", "updates.getDifference",
/// "updates.getChannelDifference".
namespace cafegram::sandbox {

namespace {

constexpr std::int32_t most_channel_events = 100'000; ///< that may be asked for
constexpr std::int32_t latest_messages = 10;          ///< that come with too long a gap
constexpr std::int32_t channel_timeout = 30;          ///< seconds after which to ask again

answer get_state(step& at, const json&) {
  return state_view(*at.me, at.unix_time());
}

/// What of the difference has been gathered.
struct gathered {
  json messages = json::array();
  json others = json::array();
  std::vector<peer_id> about;
  std::int32_t pts = 0; ///< up to here
  std::int32_t qts = 0;
  bool whole = true;
};

/// A step of a slice: at most as much as the server has for one, and as the client wants.
std::size_t slice_size(const step& at, std::int32_t wanted) {
  const std::int32_t own = std::max(at.in.options.difference_slice, 1);
  return static_cast<std::size_t>(wanted > 0 ? std::min(own, wanted) : own);
}

void gather_box(const step& at, const json& request, gathered& into) {
  const auto& events = at.me->events;
  auto next = std::ranges::upper_bound(events, into.pts, {}, &box_event::pts);
  const std::size_t most = slice_size(at, number32(request, "pts_limit"));
  for (std::size_t count = 0; next != events.end() && count < most; ++count, ++next) {
    into.pts = next->pts;
    into.about.push_back(next->peer);
    json update = update_view(at.in, *at.me, *next);
    for (const std::int32_t id : next->ids) {
      if (const message_record* message = at.in.data.in_box(*at.me, id)) {
        add_names(*message, at.me->id, into.about);
      }
    }
    if (next->kind == event_kind::message && !update.is_null()) {
      into.messages.push_back(std::move(update["message"]));
    } else if (!update.is_null()) {
      into.others.push_back(std::move(update));
    }
  }
  into.whole = into.whole && next == events.end();
}

void gather_secondary(const step& at, const json& request, gathered& into) {
  const auto& events = at.me->secondary;
  auto next = std::ranges::upper_bound(events, into.qts, {}, &secondary_event::qts);
  const std::size_t most = slice_size(at, number32(request, "qts_limit"));
  for (std::size_t count = 0; next != events.end() && count < most; ++count, ++next) {
    into.qts = next->qts;
    into.others.push_back(next->update);
    into.about.insert(into.about.end(), next->about.begin(), next->about.end());
  }
  into.whole = into.whole && next == events.end();
}

/// Channels do not come with the difference: which of them have moved since then is told.
void gather_channels(const step& at, std::int64_t since, gathered& into) {
  for (const peer_id id : at.me->channels) {
    const room& where = *at.in.data.find_room(id);
    const bool moved = !where.events.empty() && where.events.back().date >= since;
    if (moved && !where.deleted) {
      json update = make("updateChannelTooLong");
      update["channel_id"] = bare_id(id);
      update["pts"] = model::pts_for(where, at.me->id);
      into.others.push_back(std::move(update));
      into.about.push_back(id);
    }
  }
}

/// Whether the gap is longer than the server, or the client, wants to have told.
bool is_too_long(const step& at, const json& request, std::int32_t pts) {
  const std::int64_t gap = static_cast<std::int64_t>(at.me->pts) - pts;
  const std::int32_t own = at.in.options.difference_total;
  const std::int32_t wanted = number32(request, "pts_total_limit");
  return (own > 0 && gap > own) || (wanted > 0 && gap > wanted);
}

answer get_difference(step& at, const json& request) {
  gathered found;
  found.pts = number32(request, "pts");
  found.qts = number32(request, "qts");
  if (found.pts < 1) {
    return refuse("PERSISTENT_TIMESTAMP_EMPTY");
  }
  if (found.pts > at.me->pts || found.qts > at.me->qts) {
    return refuse("PERSISTENT_TIMESTAMP_INVALID");
  }
  if (is_too_long(at, request, found.pts)) {
    json out = make("updates.differenceTooLong");
    out["pts"] = at.me->pts;
    return out;
  }
  found.about.push_back(at.me->id);
  gather_box(at, request, found);
  gather_secondary(at, request, found);
  if (found.whole) {
    gather_channels(at, number(request, "date"), found);
  }
  const bool moved = found.pts != number32(request, "pts") || found.qts != number32(request, "qts");
  if (!moved && found.others.empty()) {
    json out = make("updates.differenceEmpty");
    out["date"] = at.unix_time();
    out["seq"] = at.me->seq;
    return out;
  }
  json out = make(found.whole ? "updates.difference" : "updates.differenceSlice");
  out["new_messages"] = std::move(found.messages);
  out["new_encrypted_messages"] = json::array();
  out["other_updates"] = std::move(found.others);
  describe(at.in, at.me->id, std::move(found.about), out);
  json state = state_view(*at.me, at.unix_time());
  state["pts"] = found.pts;
  state["qts"] = found.qts;
  if (!found.whole) {
    // The last part names the channels that have moved since: it has to be asked from where this
    // was.
    state["date"] = number(request, "date");
  }
  out[found.whole ? "state" : "intermediate_state"] = std::move(state);
  return out;
}

/// The channel as it is now, for who has missed too much of it.
json channel_too_long(step& at, const room& where) {
  json out = make("updates.channelDifferenceTooLong");
  out["final"] = true;
  out["timeout"] = channel_timeout;
  out["dialog"] = dialog_view(at.in, *at.me, where.id);
  out["messages"] = json::array();
  std::vector<peer_id> about{where.id};
  for (auto one = where.history.rbegin();
       one != where.history.rend() && out["messages"].size() < latest_messages; ++one) {
    if (const auto* message = at.in.data.find_message(*at.me, where.id, one->first)) {
      out["messages"].push_back(message_view(at.in, at.me->id, *message));
      add_names(*message, at.me->id, about);
    }
  }
  describe(at.in, at.me->id, std::move(about), out, glance::yes);
  return out;
}

void gather_channel(const step& at, const room& where, std::size_t most, gathered& into) {
  auto next = std::ranges::upper_bound(where.events, into.pts, {}, &box_event::pts);
  for (std::size_t count = 0; next != where.events.end() && count < most; ++next) {
    json update = update_view(at.in, where, *at.me, *next);
    const auto ids = at.in.data.seen_ids(*next, where, at.me->id);
    if (ids.empty()) {
      continue; // not for this one: what it sees next covers it
    }
    ++count;
    into.pts = next->pts;
    for (const std::int32_t id : ids) {
      if (const auto* message = at.in.data.in_channel(where, id)) {
        add_names(*message, at.me->id, into.about);
      }
    }
    if (next->kind == event_kind::message && !update.is_null()) {
      into.messages.push_back(std::move(update["message"]));
    } else if (!update.is_null()) {
      into.others.push_back(std::move(update));
    }
  }
}

answer get_channel_difference(step& at, const json& request) {
  const json* input = member(request, "channel");
  const auto found = at.channel(input != nullptr ? *input : json::object());
  if (!found) {
    return std::unexpected(found.error());
  }
  const room& where = **found;
  const std::int32_t latest = model::pts_for(where, at.me->id);
  const std::int32_t limit = std::min(number32(request, "limit"), most_channel_events);
  gathered got;
  got.pts = number32(request, "pts");
  if (got.pts < 1) {
    return refuse("PERSISTENT_TIMESTAMP_EMPTY");
  }
  if (got.pts > where.pts) {
    return refuse("PERSISTENT_TIMESTAMP_INVALID");
  }
  if (limit < 1) {
    return refuse("LIMIT_INVALID");
  }
  if (at.me->bot) {
    const room_member* member = where.find(at.me->id);
    if (member == nullptr || !member->inside()) {
      return refuse("CHANNEL_PRIVATE"); // also of one that anybody may read
    }
    got.pts = std::max(got.pts, member->since); // of before it came a bot hears nothing
  }
  const bool empty = got.pts >= latest;
  if (!empty && latest - got.pts > limit) {
    return channel_too_long(at, where);
  }
  got.about.push_back(where.id);
  gather_channel(at, where, slice_size(at, 0), got);
  json out = make(empty ? "updates.channelDifferenceEmpty" : "updates.channelDifference");
  if (got.pts >= latest) {
    out["final"] = true;
  }
  out["pts"] = std::min(got.pts, latest);
  out["timeout"] = channel_timeout;
  if (!empty) {
    out["new_messages"] = std::move(got.messages);
    out["other_updates"] = std::move(got.others);
    describe(at.in, at.me->id, std::move(got.about), out, glance::yes);
  }
  return out;
}

} // namespace

std::span<const method> update_methods() {
  static constexpr method table[] = {
      {"updates.getState", audience::logged_in, get_state},
      {"updates.getDifference", audience::logged_in, get_difference},
      {"updates.getChannelDifference", audience::logged_in, get_channel_difference},
  };
  return table;
}

} // namespace cafegram::sandbox

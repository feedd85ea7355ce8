#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/views.hpp>

#include <algorithm>
#include <limits>

/// Reading what was written. Spec: "Pagination in the API".
namespace cafegram::sandbox {

namespace {

constexpr std::int32_t longest_page = 100;

using chat = std::map<std::int32_t, std::int64_t>;

/// Where a page begins among the ids in descending order.
std::size_t page_start(const std::vector<const message_record*>& newest_first, account_id owner,
                       const json& request) {
  const std::int32_t offset_id = number32(request, "offset_id");
  const std::int32_t offset_date = number32(request, "offset_date");
  const auto past = [&](const message_record* message) {
    return (offset_id != 0 && message->id_for(owner) >= offset_id) ||
           (offset_id == 0 && offset_date != 0 && message->date >= offset_date);
  };
  const auto first = std::ranges::find_if_not(newest_first, past);
  const auto at = static_cast<std::int64_t>(first - newest_first.begin());
  return static_cast<std::size_t>(std::clamp<std::int64_t>(
      at + number32(request, "add_offset"), 0, static_cast<std::int64_t>(newest_first.size())));
}

json messages_view(const step& at, json found, std::vector<account_id> about, std::size_t total) {
  const bool all = found.size() == total;
  json out = make(all ? "messages.messages" : "messages.messagesSlice");
  if (!all) {
    out["count"] = total;
  }
  out["messages"] = std::move(found);
  out["topics"] = json::array();
  out["chats"] = json::array();
  about.push_back(at.me->id);
  out["users"] = users_view(at.in, at.me->id, std::move(about));
  return out;
}

answer get_history(step& at, const json& request) {
  const json* input = member(request, "peer");
  const auto peer = at.peer(input != nullptr ? *input : json::object());
  if (!peer) {
    return std::unexpected(peer.error());
  }
  const std::int32_t max_id = number32(request, "max_id");
  const std::int32_t min_id = number32(request, "min_id");
  std::vector<const message_record*> newest_first;
  const auto found = at.me->chats.find((*peer)->id);
  static const chat nothing;
  const chat& messages = found != at.me->chats.end() ? found->second : nothing;
  for (auto one = messages.rbegin(); one != messages.rend(); ++one) {
    if ((max_id == 0 || one->first < max_id) && one->first > min_id) {
      newest_first.push_back(at.in.data.message(one->second));
    }
  }
  const std::int32_t asked = number32(request, "limit");
  const auto limit = static_cast<std::size_t>(std::clamp(asked, 0, longest_page));
  const std::size_t start = page_start(newest_first, at.me->id, request);
  json page = json::array();
  for (std::size_t i = start; i < newest_first.size() && page.size() < limit; ++i) {
    page.push_back(message_view(at.in, at.me->id, *newest_first[i]));
  }
  return messages_view(at, std::move(page), {(*peer)->id}, messages.size());
}

answer get_messages(step& at, const json& request) {
  json found = json::array();
  std::vector<account_id> about;
  for (const json& one : items(request, "id")) {
    const std::int32_t id =
        one.is_object() ? number32(one, "id") : tl::int32_from_json(one).value_or(0);
    const message_record* message = at.in.data.in_box(*at.me, id);
    if (message != nullptr && kind(one) == "inputMessageReplyTo") {
      const message_record* answered = at.in.data.message(message->reply_to);
      message =
          answered != nullptr ? at.in.data.in_box(*at.me, answered->id_for(at.me->id)) : nullptr;
    }
    if (message == nullptr) {
      json empty = make("messageEmpty");
      empty["id"] = id;
      found.push_back(std::move(empty));
      continue;
    }
    about.push_back(message->peer_of(at.me->id));
    found.push_back(message_view(at.in, at.me->id, *message));
  }
  const std::size_t total = found.size();
  return messages_view(at, std::move(found), std::move(about), total);
}

/// Dialogs with their newest messages, in the order given.
json dialogs_view(const step& at, const std::vector<account_id>& peers, json out) {
  out["dialogs"] = json::array();
  out["messages"] = json::array();
  std::vector<account_id> about = peers;
  for (const account_id peer : peers) {
    out["dialogs"].push_back(dialog_view(at.in, *at.me, peer));
    const std::int32_t top = number32(out["dialogs"].back(), "top_message");
    if (const message_record* message = at.in.data.in_box(*at.me, top)) {
      out["messages"].push_back(message_view(at.in, at.me->id, *message));
    }
  }
  out["chats"] = json::array();
  about.push_back(at.me->id);
  out["users"] = users_view(at.in, at.me->id, std::move(about));
  return out;
}

/// Everybody talked to, newest first. Ids of one box grow with time.
std::vector<account_id> peers_by_time(const account& owner) {
  std::vector<std::pair<std::int32_t, account_id>> order;
  for (const auto& [peer, talk] : owner.dialogs) {
    if (talk.top != 0) {
      order.emplace_back(talk.top, peer);
    }
  }
  std::ranges::sort(order, std::ranges::greater{});
  std::vector<account_id> out;
  for (const auto& [top, peer] : order) {
    out.push_back(peer);
  }
  return out;
}

answer get_dialogs(step& at, const json& request) {
  std::vector<account_id> peers = peers_by_time(*at.me);
  const std::size_t total = peers.size();
  const std::int32_t offset_id = number32(request, "offset_id");
  const std::int32_t offset_date = number32(request, "offset_date");
  // Pinned ones there are none, and folders neither.
  std::erase_if(peers, [&](account_id peer) {
    const std::int32_t top = at.me->dialogs.at(peer).top;
    const message_record* message = at.in.data.in_box(*at.me, top);
    return number32(request, "folder_id") != 0 || (offset_id != 0 && top >= offset_id) ||
           (offset_id == 0 && offset_date != 0 && message->date >= offset_date);
  });
  const auto limit = static_cast<std::size_t>(std::clamp(number32(request, "limit"), 0, 500));
  const bool all = peers.size() <= limit && peers.size() == total;
  peers.resize(std::min(peers.size(), limit));
  json out = make(all ? "messages.dialogs" : "messages.dialogsSlice");
  if (!all) {
    out["count"] = total;
  }
  return dialogs_view(at, peers, std::move(out));
}

answer get_peer_dialogs(step& at, const json& request) {
  std::vector<account_id> peers;
  for (const json& one : items(request, "peers")) {
    const json* input = member(one, "peer");
    const auto peer = at.peer(input != nullptr ? *input : json::object());
    if (!peer) {
      return std::unexpected(peer.error());
    }
    peers.push_back((*peer)->id);
  }
  json out = dialogs_view(at, peers, make("messages.peerDialogs"));
  out["state"] = state_view(*at.me, at.unix_time());
  return out;
}

answer get_pinned_dialogs(step& at, const json&) {
  json out = dialogs_view(at, {}, make("messages.peerDialogs"));
  out["state"] = state_view(*at.me, at.unix_time());
  return out;
}

} // namespace

std::span<const method> history_methods() {
  static constexpr method table[] = {
      {"messages.getHistory", audience::person, get_history},
      {"messages.getMessages", audience::logged_in, get_messages},
      {"messages.getDialogs", audience::person, get_dialogs},
      {"messages.getPeerDialogs", audience::person, get_peer_dialogs},
      {"messages.getPinnedDialogs", audience::person, get_pinned_dialogs},
  };
  return table;
}

} // namespace cafegram::sandbox

#include <cafegram/sandbox/core.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/views.hpp>

#include <algorithm>
#include <limits>
#include <ranges>

/// Reading what was written. Spec: "Pagination in the API".
namespace cafegram::sandbox {

namespace {

constexpr std::int32_t longest_page = 100;

using history = std::map<std::int32_t, std::int64_t>;

/// All messages of a chat as `owner` has them.
const history& history_of(const account& owner, const place& where) {
  static const history nothing;
  if (where.is_channel()) {
    return where.in->history;
  }
  const auto found = owner.chats.find(where.id());
  return found != owner.chats.end() ? found->second : nothing;
}

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

/// `messages.Messages`: some of `total`, of the channel where there is one.
json messages_view(const step& at, json found, std::vector<peer_id> about, std::size_t total,
                   const room* channel = nullptr) {
  const bool all = found.size() == total;
  json out = make(channel != nullptr ? "messages.channelMessages"
                  : all              ? "messages.messages"
                                     : "messages.messagesSlice");
  if (channel != nullptr) {
    out["pts"] = model::pts_for(*channel, at.me->id);
    about.push_back(channel->id);
  }
  if (!all || channel != nullptr) {
    out["count"] = total;
  }
  out["messages"] = std::move(found);
  out["topics"] = json::array();
  about.push_back(at.me->id);
  describe(at.in, at.me->id, std::move(about), out);
  return out;
}

answer get_history(step& at, const json& request) {
  const auto where = at.chat_of(request);
  if (!where) {
    return std::unexpected(where.error());
  }
  const std::int32_t max_id = number32(request, "max_id");
  const std::int32_t min_id = number32(request, "min_id");
  std::vector<const message_record*> newest_first;
  const history& messages = history_of(*at.me, *where);
  for (const auto& [id, number] : std::views::reverse(messages)) {
    if ((max_id == 0 || id < max_id) && id > min_id) {
      newest_first.push_back(at.in.data.message(number));
    }
  }
  const std::int32_t asked = number32(request, "limit");
  const auto limit = static_cast<std::size_t>(std::clamp(asked, 0, longest_page));
  const std::size_t start = page_start(newest_first, at.me->id, request);
  json page = json::array();
  std::vector<peer_id> about{where->id()};
  for (std::size_t i = start; i < newest_first.size() && page.size() < limit; ++i) {
    page.push_back(message_view(at.in, at.me->id, *newest_first[i]));
    add_names(*newest_first[i], at.me->id, about);
  }
  return messages_view(at, std::move(page), std::move(about), messages.size(),
                       where->is_channel() ? where->in : nullptr);
}

/// The newest message of a channel that is pinned, of those that the caller sees.
const message_record* newest_pinned(step& at, const room& channel) {
  for (auto one = channel.history.rbegin(); one != channel.history.rend(); ++one) {
    const message_record* message = at.in.data.find_message(*at.me, channel.id, one->first);
    if (message != nullptr && message->pinned) {
      return message;
    }
  }
  return nullptr;
}

/// The message that an `InputMessage` means; null: there is none.
const message_record* message_of(step& at, const json& input, const room* channel) {
  const auto what = kind(input);
  const std::int32_t id =
      input.is_object() ? number32(input, "id") : tl::int32_from_json(input).value_or(0);
  if (what == "inputMessagePinned") {
    return channel != nullptr ? newest_pinned(at, *channel) : nullptr;
  }
  const auto find = [&](std::int32_t wanted) -> const message_record* {
    return channel != nullptr ? at.in.data.find_message(*at.me, channel->id, wanted)
                              : at.in.data.in_box(*at.me, wanted);
  };
  const message_record* message = find(id);
  if (message != nullptr && what == "inputMessageReplyTo") {
    const message_record* answered = at.in.data.message(message->reply_to);
    return answered != nullptr ? find(answered->id_for(at.me->id)) : nullptr;
  }
  return message;
}

answer messages_by_id(step& at, const json& request, const room* channel) {
  json found = json::array();
  std::vector<peer_id> about;
  for (const json& one : first_items(request, "id", most_at_once)) {
    const message_record* message = message_of(at, one, channel);
    if (message == nullptr) {
      json empty = make("messageEmpty");
      empty["id"] = one.is_object() ? number32(one, "id") : tl::int32_from_json(one).value_or(0);
      found.push_back(std::move(empty));
      continue;
    }
    add_names(*message, at.me->id, about);
    found.push_back(message_view(at.in, at.me->id, *message));
  }
  const std::size_t total = found.size();
  return messages_view(at, std::move(found), std::move(about), total, channel);
}

answer get_messages(step& at, const json& request) {
  return messages_by_id(at, request, nullptr);
}

answer get_channel_messages(step& at, const json& request) {
  const json* input = member(request, "channel");
  const auto where = at.channel(input != nullptr ? *input : json::object());
  return where ? messages_by_id(at, request, *where) : std::unexpected(where.error());
}

/// Dialogs with their newest messages, in the order given.
json dialogs_view(const step& at, const std::vector<peer_id>& peers, json out) {
  out["dialogs"] = json::array();
  out["messages"] = json::array();
  std::vector<peer_id> about = peers;
  for (const peer_id peer : peers) {
    out["dialogs"].push_back(dialog_view(at.in, *at.me, peer));
    const std::int32_t top = number32(out["dialogs"].back(), "top_message");
    if (const message_record* message = at.in.data.find_message(*at.me, peer, top)) {
      out["messages"].push_back(message_view(at.in, at.me->id, *message));
      add_names(*message, at.me->id, about);
    }
  }
  about.push_back(at.me->id);
  describe(at.in, at.me->id, std::move(about), out);
  return out;
}

/// A conversation with the number of its newest message: numbers grow with time everywhere.
struct dialog_place {
  std::int64_t number = 0;
  peer_id peer = 0;
  friend auto operator<=>(const dialog_place&, const dialog_place&) = default;
};

/// All that has messages, newest first.
std::vector<dialog_place> dialogs_by_time(const step& at) {
  std::vector<dialog_place> out;
  for (const auto& [peer, talk] : at.me->dialogs) {
    if (talk.top != 0) {
      out.push_back({at.me->box.at(talk.top), peer});
    }
  }
  for (const peer_id peer : at.me->channels) {
    const room* where = at.in.data.find_room(peer);
    if (where != nullptr && !where->deleted && !where->history.empty()) {
      out.push_back({where->history.rbegin()->second, peer});
    }
  }
  std::ranges::sort(out, std::ranges::greater{});
  return out;
}

/// The number from which on dialogs have been seen already.
std::int64_t dialogs_offset(step& at, const json& request) {
  const std::int32_t offset_id = number32(request, "offset_id");
  const message_record* last = nullptr;
  if (offset_id != 0) {
    const auto where = at.chat_of(request, "offset_peer");
    last = where ? at.in.data.find_message(*at.me, where->id(), offset_id)
                 : at.in.data.in_box(*at.me, offset_id);
  }
  return last != nullptr ? last->number : std::numeric_limits<std::int64_t>::max();
}

answer get_dialogs(step& at, const json& request) {
  std::vector<dialog_place> found = dialogs_by_time(at);
  const std::size_t total = found.size();
  const std::int64_t before = dialogs_offset(at, request);
  const bool by_date = number32(request, "offset_id") == 0 && number32(request, "offset_date") != 0;
  // Pinned ones there are none, and folders neither.
  std::erase_if(found, [&](const dialog_place& one) {
    const message_record* message = at.in.data.message(one.number);
    return number32(request, "folder_id") != 0 || one.number >= before ||
           (by_date && message->date >= number32(request, "offset_date"));
  });
  const auto limit = static_cast<std::size_t>(std::clamp(number32(request, "limit"), 0, 500));
  const bool all = found.size() <= limit && found.size() == total;
  found.resize(std::min(found.size(), limit));
  std::vector<peer_id> peers;
  peers.reserve(found.size());
  for (const dialog_place& one : found) {
    peers.push_back(one.peer);
  }
  json out = make(all ? "messages.dialogs" : "messages.dialogsSlice");
  if (!all) {
    out["count"] = total;
  }
  return dialogs_view(at, peers, std::move(out));
}

answer get_peer_dialogs(step& at, const json& request) {
  std::vector<peer_id> peers;
  for (const json& one : first_items(request, "peers", most_at_once)) {
    const auto where = at.chat_of(one);
    if (!where) {
      return std::unexpected(where.error());
    }
    peers.push_back(where->id());
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
      {"channels.getMessages", audience::logged_in, get_channel_messages},
      {"messages.getDialogs", audience::person, get_dialogs},
      {"messages.getPeerDialogs", audience::person, get_peer_dialogs},
      {"messages.getPinnedDialogs", audience::person, get_pinned_dialogs},
  };
  return table;
}

} // namespace cafegram::sandbox

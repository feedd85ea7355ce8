#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "world_support.hpp"

namespace cafegram::test {

/// What a client makes of updates of all boxes.
struct mirror {
  std::int32_t pts = 1;
  std::map<std::int32_t, json> messages;
  std::map<std::int64_t, std::int32_t> channels; ///< their pts
  std::map<std::pair<std::int64_t, std::int32_t>, json> posts;

  static std::int64_t channel_of(const json& update) {
    return update.contains("channel_id")
               ? sandbox::number(update, "channel_id")
               : sandbox::number(update["message"]["peer_id"], "channel_id");
  }

  void apply(const json& update) {
    const auto what = sandbox::kind(update);
    const bool of_channel = what.find("Channel") != std::string_view::npos;
    if (!update.contains("pts_count")) {
      return;
    }
    std::int32_t& counter = of_channel ? channels[channel_of(update)] : pts;
    const auto before = sandbox::number32(update, "pts") - sandbox::number32(update, "pts_count");
    if (of_channel && counter == 0) {
      counter = before; // seen for the first time
    }
    ASSERT_EQ(counter, before) << update.dump();
    counter = sandbox::number32(update, "pts");
    change(update);
  }

  void change(const json& update) {
    const auto what = sandbox::kind(update);
    if (what == "updateNewMessage" || what == "updateEditMessage") {
      messages[sandbox::number32(update["message"], "id")] = update["message"];
    } else if (what == "updateNewChannelMessage" || what == "updateEditChannelMessage") {
      posts[{channel_of(update), sandbox::number32(update["message"], "id")}] = update["message"];
    } else if (what == "updateDeleteMessages") {
      for (const json& id : update["messages"]) {
        messages.erase(id.get<std::int32_t>());
      }
    } else if (what == "updateDeleteChannelMessages") {
      for (const json& id : update["messages"]) {
        posts.erase({channel_of(update), id.get<std::int32_t>()});
      }
    } else if (what == "updatePinnedMessages") {
      for (const json& id : update["messages"]) {
        mark(messages, id.get<std::int32_t>(), update.contains("pinned"));
      }
    } else if (what == "updatePinnedChannelMessages") {
      for (const json& id : update["messages"]) {
        mark(posts, std::pair{channel_of(update), id.get<std::int32_t>()},
             update.contains("pinned"));
      }
    }
  }

  template <class Messages, class Key>
  static void mark(Messages& in, const Key& key, bool pinned) {
    const auto found = in.find(key);
    if (found != in.end() && pinned) {
      found->second["pinned"] = true;
    } else if (found != in.end()) {
      found->second.erase("pinned");
    }
  }
};

/// Messages as sets of what counts: members of a message may come in another order.
template <class Messages>
std::set<std::string> in_short(const Messages& all) {
  std::set<std::string> out;
  for (const auto& [key, message] : all) {
    out.insert(fmt::format("{} {} {} {}", sandbox::number32(message, "id"), sandbox::kind(message),
                           message.value("message", ""), message.contains("pinned")));
  }
  return out;
}

} // namespace cafegram::test

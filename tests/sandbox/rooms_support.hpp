#pragma once

#include <map>
#include <utility>

#include "world_support.hpp"

namespace cafegram::test {

/// Three people and a bot that can find each other, and rooms that they make.
class rooms_test : public world_test {
protected:
  void SetUp() override {
    world_test::SetUp();
    meet();
  }

  void meet() {
    bot = log_in_bot();
    ids[bot] = echo_id;
    ann = person("15550100", "ann");
    bob = person("15550101", "bob");
    carol = person("15550102", "carol");
  }

  std::uint64_t person(const std::string& phone, std::string_view username) {
    const auto key = log_in_person(phone, std::string{username});
    json request = sandbox::make("account.updateUsername");
    request["username"] = username;
    ids[key] = sandbox::number(call(key, request), "id");
    return key;
  }

  std::int64_t id_of(std::uint64_t key) const { return ids.at(key); }

  static constexpr std::string_view bot_name = "sandbox_1000001_bot";

  json input_group(std::int64_t id) {
    json out = sandbox::make("inputPeerChat");
    out["chat_id"] = id;
    return out;
  }

  /// A basic group that `key` makes; its id.
  std::int64_t new_group(std::uint64_t key, const std::vector<std::string_view>& with,
                         std::string_view title = "Friends") {
    json request = sandbox::make("messages.createChat");
    request["title"] = title;
    request["users"] = json::array();
    for (const auto name : with) {
      request["users"].push_back(user(key, name));
    }
    made = call(key, request);
    return sandbox::number(made["updates"]["chats"][0], "id");
  }

  /// A channel or supergroup that `key` makes; its id.
  std::int64_t new_channel(std::uint64_t key, const char* what, std::string_view title = "Room") {
    json request = sandbox::make("channels.createChannel");
    request[what] = true;
    request["title"] = title;
    request["about"] = "What it is about";
    made = call(key, request);
    return sandbox::number(made["chats"][0], "id");
  }

  /// As that account has it: its access hash comes with whatever told it of the channel.
  json channel(std::uint64_t key, std::int64_t id, std::string_view constructor = "inputChannel") {
    json out = sandbox::make(constructor);
    out["channel_id"] = id;
    out["access_hash"] = hashes.at({key, id});
    return out;
  }

  json channel_peer(std::uint64_t key, std::int64_t id) {
    return channel(key, id, "inputPeerChannel");
  }

  json invite(std::uint64_t key, std::int64_t id, const std::vector<std::string_view>& names) {
    json request = sandbox::make("channels.inviteToChannel");
    request["channel"] = channel(key, id);
    request["users"] = json::array();
    for (const auto name : names) {
      request["users"].push_back(user(key, name));
    }
    return request;
  }

  /// Puts the rights that are named into an `editAdmin`.
  json promote(std::uint64_t key, std::int64_t id, std::string_view name,
               const std::vector<const char*>& rights) {
    json request = sandbox::make("channels.editAdmin");
    request["channel"] = channel(key, id);
    request["user_id"] = user(key, name);
    request["admin_rights"] = sandbox::make("chatAdminRights");
    for (const char* right : rights) {
      request["admin_rights"][right] = true;
    }
    return request;
  }

  json ban(std::uint64_t key, std::int64_t id, std::string_view name,
           const std::vector<const char*>& rights) {
    json request = sandbox::make("channels.editBanned");
    request["channel"] = channel(key, id);
    request["participant"] = peer(key, name);
    request["banned_rights"] = sandbox::make("chatBannedRights");
    request["banned_rights"]["until_date"] = 0;
    for (const char* right : rights) {
      request["banned_rights"][right] = true;
    }
    return request;
  }

  static json with_channel(std::string_view method, const json& input) {
    json out = sandbox::make(method);
    out["channel"] = input;
    return out;
  }

  json difference(std::uint64_t key, std::int32_t pts, std::int32_t qts = 0,
                  std::int64_t date = 0) {
    json request = sandbox::make("updates.getDifference");
    request["pts"] = pts;
    request["date"] = date;
    request["qts"] = qts;
    return call(key, request);
  }

  json channel_difference(std::uint64_t key, std::int64_t id, std::int32_t pts,
                          std::int32_t limit = 1000) {
    json request = with_channel("updates.getChannelDifference", channel(key, id));
    request["pts"] = pts;
    request["limit"] = limit;
    request["filter"] = sandbox::make("channelMessagesFilterEmpty");
    return request;
  }

  /// Something that is written, edited, deleted or pinned there; it need not be there.
  json random_request(seeded_random& random, const json& to) {
    const auto id = static_cast<std::int32_t>(random.next() % 40);
    const bool in_channel = sandbox::kind(to) == "inputPeerChannel";
    json request;
    switch (random.next() % 8) {
    case 0:
      request = sandbox::make(in_channel ? "channels.deleteMessages" : "messages.deleteMessages");
      request["id"] = json::array({id, id + 1});
      if (in_channel) {
        request["channel"] = to;
        request["channel"]["_"] = "inputChannel";
      } else {
        request["revoke"] = random.next() % 2 == 0;
      }
      break;
    case 1:
    case 2:
      request = sandbox::make("messages.editMessage");
      request["peer"] = to;
      request["id"] = id;
      request["message"] = fmt::format("edited {}", random.next() % 1000);
      break;
    case 3:
      request = sandbox::make("messages.updatePinnedMessage");
      request["peer"] = to;
      request["id"] = id;
      request["unpin"] = random.next() % 2 == 0;
      break;
    default:
      request = text_to(
          to, fmt::format("{}message {}", random.next() % 3 == 0 ? "/" : "", random.next() % 1000));
    }
    return request;
  }

  /// Runs a request and learns the access hashes of what it and its pushes tell.
  json call(std::uint64_t key, const json& request) {
    json out = world_test::call(key, request);
    learn(key, out);
    for (const auto& push : effects.pushes) {
      for (const std::uint64_t one : push.keys) {
        learn(one, push.updates);
      }
    }
    return out;
  }

  std::uint64_t bot = 0;
  std::uint64_t ann = 0;
  std::uint64_t bob = 0;
  std::uint64_t carol = 0;
  std::map<std::uint64_t, std::int64_t> ids; ///< of the accounts, by key
  json made;                                 ///< the answer to what has made the last room
  std::map<std::pair<std::uint64_t, std::int64_t>, std::int64_t> hashes;

private:
  void learn(std::uint64_t key, const json& from) {
    if (from.is_structured()) {
      for (const json& part : from) {
        learn(key, part);
      }
    }
    if (from.is_object() && sandbox::kind(from) == "channel" && !sandbox::flag(from, "min")) {
      hashes[{key, sandbox::number(from, "id")}] = sandbox::number(from, "access_hash");
    }
  }
};

/// The same, with supergroups and channels that have names.
class channels_test : public rooms_test {
protected:
  /// Names it, so that others can find and join it.
  void open_to_all(std::uint64_t key, std::int64_t id, std::string_view name) {
    json request = with_channel("channels.updateUsername", channel(key, id));
    request["username"] = name;
    EXPECT_EQ(call(key, request), json(true));
  }

  void join(std::uint64_t key, std::string_view name) {
    json resolve = sandbox::make("contacts.resolveUsername");
    resolve["username"] = name;
    const json found = call(key, resolve);
    joined = call(key, with_channel("channels.joinChannel",
                                    channel(key, sandbox::number(found["chats"][0], "id"))));
  }

  json history(std::uint64_t key, std::int64_t id) {
    return parse(fmt::format(R"({{"_":"messages.getHistory","peer":{},"offset_id":0,
      "offset_date":0,"add_offset":0,"limit":100,"max_id":0,"min_id":0,"hash":0}})",
                             channel_peer(key, id).dump()));
  }

  json participant(std::uint64_t key, std::int64_t id, std::string_view name) {
    json out = with_channel("channels.getParticipant", channel(key, id));
    out["participant"] = peer(key, name);
    return out;
  }

  json joined;
};

} // namespace cafegram::test

#pragma once

#include <cafegram/sandbox/call.hpp>
#include <cafegram/sandbox/layer_forms.hpp>
#include <cafegram/sandbox/read_json.hpp>
#include <cafegram/sandbox/world.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "../support.hpp"

namespace cafegram::test {

using sandbox::json;

inline constexpr std::string_view echo_token = "1000001:AAAbbbCCC";
inline constexpr sandbox::account_id echo_id = 1000001;

/// The layers of the program alone.
inline const sandbox::layer_set& newest_layer() {
  static const auto layers = sandbox::layer_set::load({});
  if (!layers) {
    ADD_FAILURE() << to_string(layers.error());
    std::abort();
  }
  return **layers;
}

/// A world in memory with a clock that the test moves. Every answer and push is checked against the
/// newest layer's schema: nothing missing, nothing unknown.
class world_test : public ::testing::Test {
protected:
  void SetUp() override { open(sandbox::make_memory_store()); }

  /// Without the short forms: what is told is the same, and whole.
  static sandbox::world_options plain() {
    sandbox::world_options out;
    out.short_forms = false;
    return out;
  }

  void open(std::unique_ptr<sandbox::store> records, sandbox::world_options options = plain()) {
    options.port = 443;
    auto made = sandbox::world::open(std::move(options), std::move(records),
                                     std::make_shared<seeded_random>(7), clock.wall_now());
    ASSERT_TRUE(made) << to_string(made.error());
    world = *std::move(made);
  }

  std::uint64_t new_key(std::int32_t dc = 2) {
    sandbox::key_record key;
    key.id = ++last_key;
    key.dc = dc;
    EXPECT_TRUE(world->add_key(key));
    return key.id;
  }

  /// Runs a request, an object or its text; what else it brought is in `effects`.
  sandbox::answer ask(std::uint64_t key, const json& given) {
    const json request = given.is_string() ? parse(given.get_ref<const std::string&>()) : given;
    effects = world->call({key, key, ++last_call}, request, clock.wall_now());
    for (const auto& push : effects.pushes) {
      check(push.updates, "Updates");
    }
    if (effects.reply && effects.reply->has_value()) {
      const auto name = sandbox::kind(request);
      const auto* function = newest_layer().codec(0).definitions().find_function(name);
      EXPECT_NE(function, nullptr) << name;
      check(**effects.reply, function != nullptr ? to_string(function->result) : "");
    }
    return effects.reply.value_or(sandbox::answer{json{}});
  }

  /// A call that waits for somebody.
  void begin(std::uint64_t key, const json& request) {
    std::ignore = ask(key, request);
    EXPECT_FALSE(effects.reply) << request.dump();
  }

  json call(std::uint64_t key, const json& request) {
    auto value = ask(key, request);
    EXPECT_TRUE(value) << request.dump() << ": " << (value ? "" : value.error().text);
    return value.value_or(json::object());
  }

  /// The text of the refusal, with its code in front.
  std::string refused(std::uint64_t key, const json& request) {
    const auto value = ask(key, request);
    EXPECT_FALSE(value) << request.dump();
    return value ? "" : fmt::format("{} {}", value.error().code, value.error().text);
  }

  static json parse(std::string_view text) {
    json out = json::parse(text, nullptr, false);
    EXPECT_FALSE(out.is_discarded()) << text;
    return out;
  }

  static void check(const json& value, std::string_view type) {
    const auto& codec = newest_layer().codec(0);
    const auto body = codec.encode_as(sandbox::in_layer(value, codec, type), type);
    EXPECT_TRUE(body) << type << ' ' << value.dump() << '\n' << to_string(body.error());
  }

  std::uint64_t log_in_bot(std::string_view token = echo_token) {
    const std::uint64_t key = new_key();
    json request = sandbox::make("auth.importBotAuthorization");
    request["api_id"] = 1;
    request["api_hash"] = "x";
    request["bot_auth_token"] = token;
    call(key, request);
    return key;
  }

  /// The code that was shown last.
  std::string shown_code() const {
    for (const auto& event : effects.events) {
      if (const auto* shown = std::get_if<sandbox::page_events::code_shown>(&event)) {
        return shown->code.code;
      }
    }
    return {};
  }

  json send_code(std::uint64_t key, const std::string& phone) {
    json request = sandbox::make("auth.sendCode");
    request["phone_number"] = phone;
    request["api_id"] = 1;
    request["api_hash"] = "x";
    request["settings"] = sandbox::make("codeSettings");
    return call(key, request);
  }

  static json sign_in(const json& sent, const std::string& phone, const std::string& code) {
    json request = sandbox::make("auth.signIn");
    request["phone_number"] = phone;
    request["phone_code_hash"] = sent["phone_code_hash"];
    request["phone_code"] = code;
    return request;
  }

  /// Logs in with a code; registers where the phone is new.
  std::uint64_t log_in_person(const std::string& phone, const std::string& name = "Person") {
    const std::uint64_t key = new_key();
    const json sent = send_code(key, phone);
    const json in = call(key, sign_in(sent, phone, shown_code()));
    if (sandbox::kind(in) == "auth.authorizationSignUpRequired") {
      json request = sandbox::make("auth.signUp");
      request["phone_number"] = phone;
      request["phone_code_hash"] = sent["phone_code_hash"];
      request["first_name"] = name;
      request["last_name"] = "";
      call(key, request);
    }
    return key;
  }

  json self(std::uint64_t key) {
    return call(key, R"({"_":"users.getUsers","id":[{"_":"inputUserSelf"}]})").at(0);
  }

  /// The peer as the owner of `key` addresses it.
  json peer(std::uint64_t key, std::string_view username) {
    json request = sandbox::make("contacts.resolveUsername");
    request["username"] = username;
    const json found = call(key, request);
    json out = sandbox::make("inputPeerUser");
    out["user_id"] = found["users"][0]["id"];
    out["access_hash"] = found["users"][0]["access_hash"];
    return out;
  }

  /// The same as an `InputUser`.
  json user(std::uint64_t key, std::string_view username) {
    json out = peer(key, username);
    out["_"] = "inputUser";
    return out;
  }

  json text_to(const json& to, std::string_view text) {
    json request = sandbox::make("messages.sendMessage");
    request["peer"] = to;
    request["message"] = text;
    request["random_id"] = ++last_random_id;
    return request;
  }

  /// All updates of a kind that were pushed to a key.
  std::vector<json> all_pushed(std::uint64_t key, std::string_view kind) const {
    std::vector<json> out;
    for (const json& container : containers(key)) {
      for (const json& update : sandbox::items(container, "updates")) {
        if (sandbox::kind(update) == kind) {
          out.push_back(update);
        }
      }
    }
    return out;
  }

  /// The only update of a kind that was pushed to a key.
  json pushed(std::uint64_t key, std::string_view kind) const {
    const auto all = all_pushed(key, kind);
    EXPECT_LE(all.size(), 1u) << "twice: " << kind;
    return all.empty() ? json{} : all.front();
  }

  /// Each `Updates` that was pushed to a key.
  std::vector<json> containers(std::uint64_t key) const {
    std::vector<json> out;
    for (const auto& push : effects.pushes) {
      const bool for_key = std::ranges::find(push.keys, key) != push.keys.end();
      if (for_key && push.except_key != key) {
        out.push_back(push.updates);
      }
    }
    return out;
  }

  /// The update of a kind in `Updates`; null: there is none.
  static json update_in(const json& updates, std::string_view kind) {
    for (const json& update : sandbox::items(updates, "updates")) {
      if (sandbox::kind(update) == kind) {
        return update;
      }
    }
    return {};
  }

  /// What `Updates` or a difference says of a user or a chat; null: nothing.
  static json described(const json& container, const char* list, std::int64_t id) {
    for (const json& one : sandbox::items(container, list)) {
      if (sandbox::number(one, "id") == id) {
        return one;
      }
    }
    return {};
  }

  manual_clock clock;
  std::unique_ptr<sandbox::world> world;
  sandbox::outcome effects;
  std::uint64_t last_key = 0x1000;
  std::uint64_t last_call = 0;
  std::int64_t last_random_id = 100;
};

} // namespace cafegram::test

#include <cafegram/crypto/kdf.hpp>
#include <cafegram/protocol/key_binding.hpp>
#include <cafegram/sandbox/temporary_keys.hpp>

#include <functional>

#include "world_support.hpp"

/// Perfect forward secrecy, as the world keeps it.
namespace cafegram {
namespace {

using sandbox::json;

class world_pfs : public test::world_test {
protected:
  void SetUp() override {
    world_test::SetUp();
    sandbox::key_record key;
    key.secret = secret;
    key.id = crypto::auth_key_id(crypto::auth_key_view{secret.data(), 256});
    key.dc = 2;
    ASSERT_TRUE(world->add_key(key));
    permanent = key.id;
  }

  std::int64_t now() const {
    return std::chrono::duration_cast<std::chrono::seconds>(clock.wall_now().time_since_epoch())
        .count();
  }

  std::uint64_t new_temporary(std::int64_t life = 3600) {
    world->add_temporary_key(++last_temporary, now() + life, clock.wall_now());
    return last_temporary;
  }

  /// What a faithful client would say.
  protocol::key_binding faithful(std::uint64_t temporary) const {
    return {.nonce = 77,
            .temporary_key_id = temporary,
            .permanent_key_id = permanent,
            .session_id = temporary,
            .expires_at = static_cast<std::int32_t>(now() + 3600)};
  }

  static bytes seal(const protocol::key_binding& what, bytes_view key, std::int64_t id = 4444) {
    seeded_random random{1};
    return protocol::seal_binding(protocol::auth_key::from(key).value(), what, protocol::msg_id{id},
                                  random);
  }

  json request(const protocol::key_binding& what, bytes_view sealed) const {
    json out = sandbox::make("auth.bindTempAuthKey");
    out["perm_auth_key_id"] = static_cast<std::int64_t>(what.permanent_key_id);
    out["nonce"] = what.nonce;
    out["expires_at"] = what.expires_at;
    out["encrypted_message"] = to_base64(sealed);
    return out;
  }

  /// Sent with the msg_id and in the session of `faithful`. Empty where it went well.
  std::string bind(std::uint64_t temporary, const json& request) {
    effects = world->call({temporary, temporary, ++last_call, 4444}, request, clock.wall_now());
    const auto& reply = effects.reply.value();
    return reply ? "" : fmt::format("{} {}", reply.error().code, reply.error().text);
  }
  std::string bind(std::uint64_t temporary) {
    const auto what = faithful(temporary);
    return bind(temporary, request(what, seal(what, secret)));
  }

  bytes secret = bytes(256, 0x31);
  std::uint64_t permanent = 0;
  std::uint64_t last_temporary = 0x7000;
};

TEST_F(world_pfs, an_unbound_key_may_ask_three_things) {
  const auto key = new_temporary();
  for (const char* method : {"updates.getState", "auth.logOut", "help.getAppConfig",
                             "help.getPremiumPromo", "auth.exportAuthorization"}) {
    json request = sandbox::make(method);
    request["dc_id"] = 1;
    request["hash"] = 0;
    EXPECT_EQ(refused(key, request), "401 AUTH_KEY_PERM_EMPTY") << method;
  }
  EXPECT_EQ(sandbox::kind(call(key, R"({"_":"help.getConfig"})")), "config");
  EXPECT_EQ(sandbox::kind(call(key, R"({"_":"help.getNearestDc"})")), "nearestDc");
  EXPECT_EQ(bind(key), "");
  EXPECT_EQ(refused(key, R"({"_":"updates.getState"})"), "401 AUTH_KEY_UNREGISTERED");
}

TEST_F(world_pfs, a_bound_key_stands_for_the_permanent_one) {
  const auto first = new_temporary();
  ASSERT_EQ(bind(first), "");
  json request = sandbox::make("auth.importBotAuthorization");
  request["api_id"] = 1;
  request["api_hash"] = "x";
  request["bot_auth_token"] = test::echo_token;
  call(first, request);
  EXPECT_EQ(world->find_key(permanent)->user, test::echo_id);
  const auto second = new_temporary();
  ASSERT_EQ(bind(second), "");
  EXPECT_EQ(self(second)["id"], test::echo_id);
  EXPECT_EQ(self(permanent)["id"], test::echo_id);
  ASSERT_TRUE(world->set_layer(second, 177));
  EXPECT_EQ(world->find_key(permanent)->layer, 177);
  call(second, R"({"_":"auth.logOut"})");
  EXPECT_EQ(world->find_key(permanent)->user, 0);
}

TEST_F(world_pfs, pushes_name_the_permanent_key_and_leave_the_caller_out_by_its_own) {
  const auto key = new_temporary();
  ASSERT_EQ(bind(key), "");
  json request = sandbox::make("auth.importBotAuthorization");
  request["api_id"] = 1;
  request["api_hash"] = "x";
  request["bot_auth_token"] = test::echo_token;
  call(key, request);
  call(key, text_to(peer(key, "alice"), "hello"));
  ASSERT_FALSE(effects.pushes.empty());
  for (const auto& push : effects.pushes) {
    EXPECT_EQ(push.keys, std::vector{permanent});
  }
  EXPECT_EQ(effects.pushes.front().except_key, key);
}

TEST_F(world_pfs, an_inner_message_that_says_anything_else_is_refused) {
  const auto key = new_temporary();
  using change = std::function<void(protocol::key_binding&)>;
  for (const change& wrong : {change{[](protocol::key_binding& b) { ++b.nonce; }},
                              change{[](protocol::key_binding& b) { ++b.temporary_key_id; }},
                              change{[](protocol::key_binding& b) { ++b.permanent_key_id; }},
                              change{[](protocol::key_binding& b) { ++b.session_id; }},
                              change{[](protocol::key_binding& b) { ++b.expires_at; }}}) {
    const auto said = faithful(key);
    auto inner = said;
    wrong(inner);
    EXPECT_EQ(bind(key, request(said, seal(inner, secret))), "400 ENCRYPTED_MESSAGE_INVALID");
  }
  const auto said = faithful(key);
  const bytes good = seal(said, secret);
  EXPECT_EQ(bind(key, request(said, seal(said, secret, 4448))), "400 ENCRYPTED_MESSAGE_INVALID");
  for (std::size_t at = 0; at < good.size(); at += 5) {
    bytes damaged = good;
    damaged[at] ^= 1;
    EXPECT_EQ(bind(key, request(said, damaged)), "400 ENCRYPTED_MESSAGE_INVALID") << at;
    EXPECT_EQ(bind(key, request(said, bytes_view{good}.first(at))),
              "400 ENCRYPTED_MESSAGE_INVALID");
  }
  EXPECT_EQ(refused(key, R"({"_":"updates.getState"})"), "401 AUTH_KEY_PERM_EMPTY");
}

TEST_F(world_pfs, a_permanent_key_that_is_not_here_is_not_told_apart) {
  const auto key = new_temporary();
  auto what = faithful(key);
  const bytes other(256, 0x77);
  what.permanent_key_id = crypto::auth_key_id(crypto::auth_key_view{other.data(), 256});
  EXPECT_EQ(bind(key, request(what, seal(what, other))), "400 ENCRYPTED_MESSAGE_INVALID");
}

TEST_F(world_pfs, only_a_temporary_key_is_bound_and_to_one_permanent_key) {
  const auto what = faithful(permanent);
  EXPECT_EQ(bind(permanent, request(what, seal(what, secret))), "400 TEMP_AUTH_KEY_EMPTY");
  const auto key = new_temporary();
  ASSERT_EQ(bind(key), "");
  EXPECT_EQ(bind(key), "") << "asked again, it is the same";
  sandbox::key_record record;
  record.secret = bytes(256, 0x55);
  record.id = crypto::auth_key_id(crypto::auth_key_view{record.secret.data(), 256});
  ASSERT_TRUE(world->add_key(record));
  auto elsewhere = faithful(key);
  elsewhere.permanent_key_id = record.id;
  EXPECT_EQ(bind(key, request(elsewhere, seal(elsewhere, record.secret))),
            "400 TEMP_AUTH_KEY_ALREADY_BOUND");
}

TEST_F(world_pfs, a_key_ends_at_its_time_or_when_its_client_said) {
  const auto exchange = new_temporary(60);
  const auto said = new_temporary(3600);
  auto early = faithful(said);
  early.expires_at = static_cast<std::int32_t>(now() + 90);
  ASSERT_EQ(bind(said, request(early, seal(early, secret))), "");
  auto past = faithful(exchange);
  past.expires_at = static_cast<std::int32_t>(now());
  EXPECT_EQ(bind(exchange, request(past, seal(past, secret))), "400 EXPIRES_AT_INVALID");
  clock.advance(std::chrono::seconds{59});
  EXPECT_TRUE(world->poll(clock.wall_now()).ended_keys.empty());
  ASSERT_TRUE(world->next_deadline());
  EXPECT_EQ(*world->next_deadline(), clock.wall_now() + std::chrono::seconds{1});
  clock.advance(std::chrono::seconds{1});
  EXPECT_EQ(world->poll(clock.wall_now()).ended_keys, std::vector{exchange});
  clock.advance(std::chrono::seconds{30});
  EXPECT_EQ(world->poll(clock.wall_now()).ended_keys, std::vector{said});
  EXPECT_EQ(world->permanent(said), nullptr);
}

TEST_F(world_pfs, temporary_keys_go_with_their_permanent_one_and_not_the_other_way) {
  const auto first = new_temporary();
  const auto second = new_temporary();
  ASSERT_EQ(bind(first), "");
  ASSERT_EQ(bind(second), "");
  EXPECT_EQ(world->forget_key(first).value(), std::vector{first});
  EXPECT_NE(world->find_key(permanent), nullptr);
  EXPECT_EQ(world->bound_to(permanent), std::vector{second});
  EXPECT_EQ(world->forget_key(permanent).value(), (std::vector{permanent, second}));
  EXPECT_EQ(world->permanent(second), nullptr);
}

TEST_F(world_pfs, many_keys_push_out_those_that_end_first) {
  sandbox::temporary_keys keys;
  for (std::uint64_t id = 1; id <= sandbox::temporary_keys::most_keys; ++id) {
    EXPECT_FALSE(keys.add(id, 0, 1'000'000 - static_cast<std::int64_t>(id)));
  }
  EXPECT_EQ(keys.add(999'999, 0, 5), sandbox::temporary_keys::most_keys);
  EXPECT_EQ(keys.all().size(), sandbox::temporary_keys::most_keys);
}

} // namespace
} // namespace cafegram

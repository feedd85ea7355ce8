#include "client_world.hpp"

// What a client does when the server ends its login, and what is no such end.
namespace cafegram {

using test::client_world;

namespace {

/// The server answers the test's call with a refusal.
void refuse(client_world& world, std::int32_t code, std::string_view text) {
  const auto call = world.call();
  world.line().refuse(world.line().calls.size() - 1, code, text);
  world.actors.run();
  ASSERT_TRUE(call->why);
  EXPECT_TRUE(call->why->is_rpc(text)) << "the caller is told";
}

} // namespace

TEST(login_end, a_401_at_home_puts_the_session_aside) {
  for (const auto* text : {"AUTH_KEY_UNREGISTERED", "SESSION_REVOKED", "USER_DEACTIVATED"}) {
    client_world world;
    world.start();
    refuse(world, 401, text);
    ASSERT_EQ(world.kept->ended.size(), 1U) << text;
    EXPECT_TRUE(world.kept->ended.front().keep_copy) << text;
    EXPECT_EQ(world.kept->ended.front().at, world.actors.services().clock->wall_now());
    EXPECT_TRUE(world.kept->state.data_centres.at(2).auth_key) << "nothing is deleted";
  }
}

TEST(login_end, no_passing_fault_is_one) {
  client_world world;
  world.start();
  refuse(world, 401, "SESSION_PASSWORD_NEEDED");
  refuse(world, 401, "AUTH_KEY_PERM_EMPTY");
  refuse(world, 500, "INTERNAL");
  refuse(world, 406, "FILEREF_UPGRADE_NEEDED");
  world.line().tell(connection_report{2, connection_phase::waiting, "cut"});
  world.actors.run();
  EXPECT_TRUE(world.kept->ended.empty());
  EXPECT_FALSE(world.kept->state.ended);
}

TEST(login_end, a_lost_permanent_key_puts_the_session_aside_before_another_is_stored) {
  client_world world;
  world.start();
  world.line().tell(key_news{.dc = 2,
                             .key_id = test::key_of(77)->id(),
                             .what = key_news::kind::not_bound,
                             .server_time = 1'750'000'000,
                             .permanent = test::key_of(2)->id(),
                             .why = error::from_rpc(400, "ENCRYPTED_MESSAGE_INVALID")});
  world.actors.run();
  ASSERT_FALSE(world.kept->ended.empty());
  EXPECT_TRUE(world.kept->ended.front().keep_copy);
  EXPECT_EQ(world.kept->state.data_centres.at(2).created_at, 1'700'000'000);
}

/// Somebody else has used the login at the same time: the server has ended it for both.
TEST(login_end, a_duplicated_key_ends_it_and_a_bot_logs_in_with_another_one) {
  client_world world;
  world.token = std::to_string(test::me) + ":token";
  world.start();
  const auto logins = [&world] {
    return std::ranges::count_if(world.line().calls, [](const submit_call& one) {
      return tl::reader{*one.function}.peek_u32() == tl::auth::importBotAuthorization::tl_id;
    });
  };
  EXPECT_EQ(logins(), 0);
  const auto call = world.call();
  const auto number = world.line().calls.size() - 1;
  world.line().tell(key_news{.dc = 2,
                             .key_id = test::key_of(77)->id(),
                             .what = key_news::kind::duplicated,
                             .why = error::from_rpc(406, "AUTH_KEY_DUPLICATED")});
  world.line().refuse(number, 406, "AUTH_KEY_DUPLICATED");
  world.actors.run();
  ASSERT_TRUE(call->why);
  EXPECT_TRUE(call->why->is_rpc("AUTH_KEY_DUPLICATED")) << "the caller is told";
  ASSERT_FALSE(world.kept->ended.empty());
  EXPECT_TRUE(world.kept->ended.front().keep_copy);
  EXPECT_FALSE(world.line().keys().permanent);
  EXPECT_TRUE(world.line().keys().make);
  ASSERT_EQ(logins(), 1);
  // Each that was under way is told the same, the login itself too: it is tried again.
  world.line().refuse(world.line().calls.size() - 1, 406, "AUTH_KEY_DUPLICATED");
  world.actors.pass(std::chrono::seconds{9});
  EXPECT_EQ(logins(), 2);
}

TEST(login_end, an_ended_login_is_none_at_the_next_start) {
  client_world world;
  world.kept->state.ended = true;
  world.start();
  EXPECT_TRUE(world.asked.empty()) << "nobody's updates are asked for";
}

} // namespace cafegram

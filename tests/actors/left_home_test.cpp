#include "places_kit.hpp"

// What a home says of a login while the account leaves it: docs/protocol.md, "When a key or a login
// may go".
namespace cafegram {

namespace {

struct left_home : test::places_kit {};

} // namespace

// Of two calls that are under way one hears of the move, and the other that nobody knows it there.
TEST_F(left_home, does_not_end_the_login) {
  log_in(false);
  start();
  const auto first = call(question);
  const auto second = call(tl::help::getAppConfig{}, invoke_on_dc(2));
  reject<asked>(303, "USER_MIGRATE_4");
  reject<tl::help::getAppConfig>(401, "AUTH_KEY_UNREGISTERED");
  EXPECT_FALSE(second->settled());
  EXPECT_EQ(status().login, login_state::logged_in);
  reply<give>(exported());
  reply<take>();
  EXPECT_EQ(place_of<tl::help::getAppConfig>(), 4);
  reply<asked>();
  reply<tl::help::getAppConfig>();
  EXPECT_TRUE(first->ok);
  EXPECT_TRUE(second->ok);
  EXPECT_TRUE(kept->ended.empty());
}

TEST_F(left_home, ends_it_where_it_stays_home_after_all) {
  log_in(false);
  start();
  call(question);
  const auto second = call(tl::help::getAppConfig{});
  reject<asked>(303, "USER_MIGRATE_4");
  reject<tl::help::getAppConfig>(401, "AUTH_KEY_UNREGISTERED");
  reject<give>(400, "DC_ID_INVALID");
  ASSERT_TRUE(second->why);
  EXPECT_TRUE(second->why->is_rpc("AUTH_KEY_UNREGISTERED"));
  EXPECT_NE(status().login, login_state::logged_in);
  EXPECT_EQ(kept->ended.size(), 1U);
}

TEST_F(left_home, leaves_it_in_doubt_when_the_move_does_not_come_about) {
  log_in(false);
  start();
  call(question);
  const auto second = call(tl::help::getAppConfig{});
  reject<asked>(303, "USER_MIGRATE_4");
  reject<tl::help::getAppConfig>(401, "AUTH_KEY_UNREGISTERED");
  reject<give>(500, "INTERNAL");
  ASSERT_TRUE(second->why);
  EXPECT_TRUE(second->why->is_rpc("AUTH_KEY_UNREGISTERED"));
  EXPECT_EQ(status().login, login_state::logged_in);
  call(tl::help::getAppConfig{});
  reject<tl::help::getAppConfig>(401, "AUTH_KEY_UNREGISTERED");
  EXPECT_NE(status().login, login_state::logged_in);
}

} // namespace cafegram

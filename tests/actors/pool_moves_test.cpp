#include <cafegram/tl/api.hpp>

#include <optional>

#include "pool_kit.hpp"

// Home moves, and the login with it.
namespace cafegram {

namespace {

struct dc_pool_moves : test::pool_kit {
  static bytes exported() {
    return tl::encode(tl::auth::ExportedAuthorization{
        tl::auth::exportedAuthorization{.id = 42, .bytes = bytes{1, 2, 3}}});
  }
  static std::uint32_t function_of(const submit_call& call) {
    return tl::reader{*call.function}.peek_u32();
  }
  std::shared_ptr<std::optional<home_move>> migrate(std::int32_t dc) {
    auto out = std::make_shared<std::optional<home_move>>();
    system.spawn([out, dc, to = pool](caf::event_based_actor* self) {
      self->request(to, caf::infinite, caf::migrate_atom_v, dc)
          .then([out](const home_move& what) { *out = what; }, [](const caf::error&) { FAIL(); });
    });
    settle();
    return out;
  }
  void know(std::int32_t dc) {
    protocol::dc_address address;
    address.dc = protocol::dc_id{dc};
    address.host = "127.0.0.1";
    send(addresses_learned{{address}});
  }
  /// How often a line was given this function.
  template <class Function>
  std::size_t count(std::size_t line) const {
    return static_cast<std::size_t>(
        std::ranges::count(lines.at(line)->calls, Function::tl_id, function_of));
  }
  void answer_last(std::size_t line, bytes_view body = {}) {
    lines.at(line)->answer(lines[line]->calls.size() - 1, body);
    settle();
  }
  void refuse_last(std::size_t line, std::int32_t code, std::string_view text) {
    lines.at(line)->refuse(lines[line]->calls.size() - 1, code, text);
    settle();
  }

  using give = tl::auth::exportAuthorization;
  using take = tl::auth::importAuthorization;
};

} // namespace

TEST_F(dc_pool_moves, the_owner_hears_of_a_line_to_the_new_home_that_is_up_already) {
  start();
  make_keys(*lines.at(0));
  call({.dc = 4});
  make_keys(*lines.at(1), 78);
  reports.clear();
  migrate(4);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].dc, 4);
  EXPECT_EQ(reports[0].phase, connection_phase::ready);
}

// What 4 has forgotten could not be found out once it is home: a 401 there ends the login.
TEST_F(dc_pool_moves, a_login_is_carried_to_a_new_home_even_where_it_has_been) {
  start(true, {{2, permanent(2)}, {4, permanent(4)}}, {4});
  const auto moved = migrate(4);
  ASSERT_EQ(count<give>(0), 1U);
  EXPECT_FALSE(*moved);
  answer_last(0, exported());
  ASSERT_EQ(lines.size(), 2U);
  ASSERT_EQ(count<take>(1), 1U);
  answer_last(1);
  ASSERT_TRUE(*moved);
  EXPECT_TRUE((*moved)->moved);
  call();
  EXPECT_EQ(lines[1]->calls.size(), 2U);
  const auto back = migrate(2);
  EXPECT_EQ(count<give>(1), 1U) << "and on the way back";
  EXPECT_FALSE(*back);
}

TEST_F(dc_pool_moves, an_old_home_that_lets_nothing_go_does_not_keep_a_login_that_has_been_there) {
  for (const auto& [code, text] :
       {std::pair{401, "AUTH_KEY_UNREGISTERED"}, {400, "DC_ID_INVALID"}}) {
    test::pool_world world;
    world.start(true, {{2, permanent(2)}, {4, permanent(4)}}, {4});
    std::optional<home_move> moved;
    world.system.spawn([&moved, to = world.pool](caf::event_based_actor* self) {
      self->request(to, caf::infinite, caf::migrate_atom_v, 4)
          .then([&moved](const home_move& what) { moved = what; }, [](const caf::error&) {});
    });
    world.settle();
    world.lines.at(0)->refuse(0, code, text);
    world.settle();
    ASSERT_TRUE(moved) << text;
    EXPECT_TRUE(moved->moved) << text;
    EXPECT_TRUE(world.lost_logins.empty()) << text;
  }
}

TEST_F(dc_pool_moves, a_fault_that_passes_leaves_the_login_where_it_has_been) {
  start(true, {{2, permanent(2)}, {4, permanent(4)}}, {4});
  const auto moved = migrate(4);
  const auto waiting = call({.dc = 4});
  refuse_last(0, 500, "INTERNAL");
  ASSERT_TRUE(*moved);
  EXPECT_FALSE((*moved)->moved);
  EXPECT_FALSE((*moved)->kept_back);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[1]->calls.size(), 1U) << "calls go there as before";
  EXPECT_FALSE(waiting->settled());
}

TEST_F(dc_pool_moves, an_old_home_has_no_say_in_the_login_of_the_new_one) {
  start(true, {{2, permanent(2)}});
  know(5);
  const auto moved = migrate(4);
  const auto file = call({.dc = 5});
  ASSERT_EQ(count<give>(0), 2U);
  lines[0]->answer(0, exported());
  settle();
  answer_last(1);
  ASSERT_TRUE(*moved && (*moved)->moved);
  refuse_last(0, 401, "AUTH_KEY_UNREGISTERED");
  EXPECT_TRUE(lost_logins.empty());
  EXPECT_FALSE(file->settled());
  EXPECT_EQ(count<give>(1), 1U) << "the new home is asked";
}

// Which answer comes first is chance: the one that says so must not cost the login.
TEST_F(dc_pool_moves, an_old_home_has_no_say_in_the_login_before_the_move_is_over_either) {
  start(true, {{2, permanent(2)}});
  know(5);
  const auto moved = migrate(4);
  const auto file = call({.dc = 5});
  ASSERT_EQ(count<give>(0), 2U);
  lines[0]->answer(0, exported());
  settle();
  refuse_last(0, 401, "AUTH_KEY_UNREGISTERED");
  EXPECT_TRUE(lost_logins.empty());
  EXPECT_FALSE(file->settled());
  const auto later = call({.dc = 5});
  EXPECT_EQ(count<give>(0), 2U) << "it is not asked again";
  answer_last(1);
  ASSERT_TRUE(*moved && (*moved)->moved);
  EXPECT_EQ(count<give>(1), 1U) << "the new home is";
  answer_last(1, exported());
  ASSERT_EQ(lines.size(), 3U);
  answer_last(2);
  EXPECT_EQ(lines[2]->calls.size(), 3U) << "both calls go there";
  EXPECT_FALSE(file->settled() || later->settled());
  EXPECT_TRUE(lost_logins.empty());
}

TEST_F(dc_pool_moves, a_home_that_stays_ends_the_login_by_what_it_said_meanwhile) {
  start(true, {{2, permanent(2)}});
  know(5);
  const auto moved = migrate(4);
  const auto file = call({.dc = 5});
  ASSERT_EQ(count<give>(0), 2U);
  refuse_last(0, 401, "SESSION_REVOKED");
  EXPECT_TRUE(lost_logins.empty());
  lines[0]->refuse(0, 400, "DC_ID_INVALID");
  settle();
  ASSERT_TRUE(*moved);
  EXPECT_TRUE((*moved)->kept_back);
  ASSERT_EQ(lost_logins.size(), 1U);
  EXPECT_TRUE(lost_logins[0].is_rpc("SESSION_REVOKED"));
  ASSERT_TRUE(file->why);
  EXPECT_TRUE(file->why->is_rpc("SESSION_REVOKED"));
}

TEST_F(dc_pool_moves, a_move_that_a_passing_fault_ends_leaves_in_doubt_what_home_has_said) {
  start(true, {{2, permanent(2)}});
  know(5);
  const auto moved = migrate(4);
  const auto file = call({.dc = 5});
  lines.at(0)->answer(0, exported());
  settle();
  refuse_last(0, 401, "SESSION_REVOKED");
  refuse_last(1, 500, "INTERNAL");
  ASSERT_TRUE(*moved);
  EXPECT_FALSE((*moved)->moved);
  ASSERT_TRUE(file->why);
  EXPECT_TRUE(file->why->is_rpc("SESSION_REVOKED"));
  EXPECT_TRUE(lost_logins.empty());
  call({.dc = 5});
  refuse_last(0, 401, "SESSION_REVOKED");
  EXPECT_EQ(lost_logins.size(), 1U) << "said again, with nothing under way, it counts";
}

TEST_F(dc_pool_moves, two_moves_that_home_refuses_do_not_wait_for_each_other) {
  start(true, {{2, permanent(2)}});
  know(5);
  const auto first = migrate(4);
  const auto second = migrate(5);
  ASSERT_EQ(count<give>(0), 2U);
  for (const std::size_t n : {0U, 1U}) {
    lines[0]->refuse(n, 401, "AUTH_KEY_UNREGISTERED");
    settle();
  }
  EXPECT_TRUE(*first);
  EXPECT_TRUE(*second);
  EXPECT_EQ(lost_logins.size(), 1U);
}

TEST_F(dc_pool_moves, what_is_said_of_an_earlier_login_does_not_end_a_later_one) {
  start(true, {{2, permanent(2)}});
  const auto file = call({.dc = 4});
  ASSERT_EQ(count<give>(0), 1U);
  send(login_noted{false});
  send(login_noted{true});
  refuse_last(0, 401, "SESSION_REVOKED");
  EXPECT_TRUE(lost_logins.empty());
  EXPECT_FALSE(file->settled());
  EXPECT_EQ(count<give>(0), 2U) << "of the login that there is now";
  send(login_noted{false});
  send(login_noted{true});
  answer_last(0, exported());
  EXPECT_EQ(lines.size(), 1U) << "an earlier login is not imported";
  EXPECT_EQ(count<give>(0), 3U);
}

TEST_F(dc_pool_moves, nothing_is_carried_for_a_login_that_has_ended) {
  start(true, {{2, permanent(2)}});
  const auto moved = migrate(4);
  answer_last(0, exported());
  send(login_noted{false});
  stored->data_centres[4];
  answer_last(1);
  EXPECT_FALSE(stored->data_centres.at(4).authorised);
  ASSERT_TRUE(*moved);
  EXPECT_TRUE((*moved)->moved) << "as without a login";
}

// What was exported can be imported once: where the answer to that is lost, the call goes again
// and is refused.
TEST_F(dc_pool_moves, a_refused_import_is_tried_with_another_export_twice) {
  start(true, {{2, permanent(2)}});
  const auto first = call({.dc = 4});
  const auto moved = migrate(4);
  for (std::size_t n = 1; n <= 3; ++n) {
    ASSERT_EQ(count<give>(0), n);
    EXPECT_FALSE(*moved);
    answer_last(0, exported());
    ASSERT_EQ(count<take>(1), n);
    refuse_last(1, 400, "AUTH_BYTES_INVALID");
  }
  EXPECT_EQ(count<give>(0), 3U);
  ASSERT_TRUE(first->why);
  EXPECT_TRUE(first->why->is_rpc("AUTH_BYTES_INVALID"));
  ASSERT_TRUE(*moved);
  EXPECT_FALSE((*moved)->moved);
  EXPECT_FALSE((*moved)->kept_back) << "the old home has let it go";
  call({.dc = 4});
  answer_last(0, exported());
  answer_last(1);
  EXPECT_EQ(lines[1]->calls.size(), 5U) << "counted anew for the next one";
}

} // namespace cafegram

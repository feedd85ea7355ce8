#include "updates_client.hpp"

// What a client tells its hub.
namespace cafegram {

namespace {

using namespace std::chrono_literals;
using test::fresh;

/// One that was here before, at pts 4, and what it missed: two messages of 1970.
struct client_updates : test::updates_client {
  const tl::updates::getDifference question{.pts = 4, .date = 1, .qts = 3};

  client_updates() { stored->updates = storage::update_state{4, 3, 1, 1}; }

  void tell_difference() {
    answer(question, tl::encode(tl::updates::Difference{tl::updates::difference{
                         .new_messages = {test::message_of(1), test::message_of(2)},
                         .state = tl::updates::state{.pts = 6, .qts = 3, .date = 2, .seq = 1}}}));
  }
};

} // namespace

TEST_F(client_updates, with_catch_up_it_goes_on_where_it_was) {
  options.catch_up = true;
  begin();
  EXPECT_EQ(count<tl::updates::getState>(), 0);
  ASSERT_EQ(client_kit::seen(question), 1U);
  tell_difference();
  EXPECT_EQ(take(), (marks{1, 2}));
}

TEST_F(client_updates, without_it_begins_where_the_server_is) {
  options.catch_up = false;
  begin();
  ASSERT_EQ(count<tl::updates::getState>(), 1);
  tell_state();
  EXPECT_EQ(take(), (marks{-1})) << "what it does not want is told";
  push(fresh(3, 11));
  EXPECT_EQ(take(), (marks{3}));
  EXPECT_EQ(count<tl::updates::getDifference>(), 0);
}

TEST_F(client_updates, what_is_older_than_wanted_is_told_as_lost) {
  options.catch_up = true;
  options.max_update_age = 1h;
  begin();
  tell_difference();
  EXPECT_EQ(take(), (marks{-1}));
}

} // namespace cafegram

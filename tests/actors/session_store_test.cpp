#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/session_store.hpp>
#include <cafegram/actors/system.hpp>
#include <cafegram/tests/support.hpp>

#include <caf/all.hpp>

#include <atomic>
#include <mutex>
#include <stdexcept>

#include "virtual_time.hpp"

namespace cafegram {

namespace {

using namespace std::chrono_literals;

/// Counts what is committed, and fails while told to.
class watched_backend final : public storage::session_backend {
public:
  result<std::optional<storage::session_state>> load() override { return std::nullopt; }
  result<void> commit(const storage::session_batch& batch) override {
    if (throwing) {
      throw std::runtime_error{"no such table"};
    }
    if (failing) {
      return fail(errc::storage, "no room on the device");
    }
    ++commits;
    home_dc = batch.session->home_dc;
    ended = batch.session->ended;
    return {};
  }
  result<std::string> put_aside(const storage::session_state& state,
                                std::string_view name) override {
    if (failing) {
      return fail(errc::storage, "no room on the device");
    }
    ++copies;
    const std::lock_guard lock{mutex};
    copy = name;
    copy_ended = state.ended;
    return "test." + std::string{name};
  }
  std::string place() const override { return "test"; }

  std::atomic<bool> failing = false;
  std::atomic<bool> throwing = false;
  std::atomic<int> commits = 0;
  std::atomic<std::int32_t> home_dc = 0;
  std::atomic<bool> ended = false;
  std::atomic<int> copies = 0;
  std::string last_copy() {
    const std::lock_guard lock{mutex};
    return copy;
  }
  std::atomic<bool> copy_ended = false;

private:
  std::mutex mutex;
  std::string copy;
};

session_change set_home(std::int32_t dc, bool at_once) {
  return {[dc](storage::session_state& state) { state.home_dc = dc; }, at_once};
}

struct session_store_fixture : testing::Test {
  runtime rt;
  caf::scoped_actor self{rt.system()};
  std::shared_ptr<watched_backend> backend = std::make_shared<watched_backend>();
  session_store_actor store = spawn_session_store(rt.system(), backend, {});

  void TearDown() override { self->send_exit(store, caf::exit_reason::user_shutdown); }

  errc change(std::int32_t dc, bool at_once) {
    errc out = errc::cancelled;
    self->request(store, 5s, set_home(dc, at_once))
        .receive([&out]() { out = errc::none; },
                 [&out](const caf::error& why) { out = to_error(why).code; });
    return out;
  }
};

} // namespace

TEST_F(session_store_fixture, answers_when_it_is_written) {
  EXPECT_EQ(change(3, true), errc::none);
  EXPECT_EQ(backend->home_dc, 3);
}

TEST_F(session_store_fixture, bundles_what_need_not_be_written_at_once) {
  for (std::int32_t dc = 1; dc <= 50; ++dc) {
    EXPECT_EQ(change(dc, false), errc::none);
  }
  EXPECT_EQ(backend->commits, 0);
  std::int32_t seen = 0;
  self->request(store, 5s, load_atom_v)
      .receive([&seen](const session_snapshot& now) { seen = now.state->home_dc; },
               [](const caf::error&) {});
  EXPECT_EQ(seen, 50) << "readers see it before it is written";
  self->request(store, 5s, caf::flush_atom_v).receive([]() {}, [](const caf::error&) {});
  EXPECT_EQ(backend->commits, 1);
  EXPECT_EQ(backend->home_dc, 50);
}

TEST_F(session_store_fixture, writes_what_is_left_when_it_ends) {
  EXPECT_EQ(change(4, false), errc::none);
  self->monitor(store);
  self->send_exit(store, caf::exit_reason::user_shutdown);
  self->receive([](const caf::down_msg&) {});
  EXPECT_EQ(backend->home_dc, 4);
}

TEST_F(session_store_fixture, a_failed_write_is_told_and_tried_again) {
  backend->failing = true;
  EXPECT_EQ(change(5, true), errc::storage);
  backend->failing = false;
  self->request(store, 5s, caf::flush_atom_v).receive([]() {}, [](const caf::error&) {});
  EXPECT_EQ(backend->home_dc, 5);
}

TEST_F(session_store_fixture, a_backend_that_throws_costs_no_more_than_a_failed_write) {
  backend->throwing = true;
  EXPECT_EQ(change(7, true), errc::storage);
  backend->throwing = false;
  EXPECT_EQ(change(8, true), errc::none);
  backend->throwing = true;
  EXPECT_EQ(change(9, false), errc::none);
  self->send_exit(store, caf::exit_reason::user_shutdown);
  self->wait_for(store); // it writes what is left, in its destructor
  EXPECT_EQ(backend->home_dc, 8);
}

namespace {

/// A store of a session that has a login.
struct logged_in_store : session_store_fixture {
  logged_in_store() {
    self->send_exit(store, caf::exit_reason::user_shutdown);
    storage::session_state state;
    state.user = storage::user_record{7, true, "Bot", "bot"};
    store = spawn_session_store(rt.system(), backend, std::move(state));
  }

  errc end(bool keep_copy = true) {
    errc out = errc::cancelled;
    self->request(store, 5s,
                  session_ended{keep_copy, wall_time{std::chrono::seconds{1'750'000'000}}})
        .receive([&out]() { out = errc::none; },
                 [&out](const caf::error& why) { out = to_error(why).code; });
    return out;
  }
};

} // namespace

TEST_F(logged_in_store, puts_a_copy_of_an_ended_session_aside_once) {
  EXPECT_EQ(end(), errc::none);
  EXPECT_EQ(backend->copies, 1);
  EXPECT_EQ(backend->last_copy(), "ended-2025-06-15T15-06-40Z");
  EXPECT_FALSE(backend->copy_ended) << "it is kept as it was";
  EXPECT_TRUE(backend->ended) << "the next start knows";
  EXPECT_EQ(end(), errc::none);
  EXPECT_EQ(backend->copies, 1) << "one for each login";
}

TEST_F(logged_in_store, changes_nothing_without_a_copy) {
  backend->failing = true;
  EXPECT_EQ(end(), errc::storage);
  backend->failing = false;
  EXPECT_EQ(change(3, true), errc::none);
  EXPECT_FALSE(backend->ended);
  EXPECT_EQ(end(), errc::none);
  EXPECT_TRUE(backend->ended);
}

TEST_F(logged_in_store, keeps_no_copy_of_what_was_ended_on_purpose) {
  EXPECT_EQ(end(false), errc::none);
  EXPECT_EQ(backend->copies, 0);
  EXPECT_TRUE(backend->ended);
}

TEST_F(session_store_fixture, has_nothing_to_put_aside_without_a_login) {
  self->request(store, 5s, session_ended{}).receive([]() {}, [](const caf::error&) { FAIL(); });
  EXPECT_EQ(backend->copies, 0);
  EXPECT_EQ(backend->commits, 0);
}

// Nobody changes anything any more, and nobody asks: it is written all the same.
TEST(session_store, a_failed_write_is_tried_again_by_itself) {
  test::virtual_system actors;
  const auto backend = std::make_shared<watched_backend>();
  backend->failing = true;
  const auto store = spawn_session_store(actors.system(), backend, {});
  caf::scoped_actor self{actors.system()};
  // The store has a thread of its own: its answer tells that it has come so far.
  const auto come_so_far = [&self, &store] {
    self->request(store, caf::infinite, load_atom_v)
        .receive([](const session_snapshot&) {}, [](const caf::error&) {});
  };
  self->send(store, set_home(6, false));
  come_so_far();
  actors.pass(1s);
  come_so_far();
  EXPECT_EQ(backend->commits, 0);
  backend->failing = false;
  actors.pass(5s);
  come_so_far();
  EXPECT_EQ(backend->home_dc, 6);
  self->send_exit(store, caf::exit_reason::user_shutdown);
  self->wait_for(store);
}

} // namespace cafegram

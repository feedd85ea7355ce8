#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/services.hpp>
#include <cafegram/actors/session_store.hpp>
#include <cafegram/actors/session_writer.hpp>
#include <cafegram/actors/system.hpp>
#include <cafegram/tests/support.hpp>

#include <caf/all.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "virtual_time.hpp"

namespace cafegram {

namespace {

using namespace std::chrono_literals;

/// Counts what is committed, and fails while told to.
class watched_backend final : public storage::session_backend {
public:
  struct copy {
    storage::session_state state;
    std::string name;
    int commits_before = 0;
  };

  result<std::optional<storage::session_state>> load() override { return std::nullopt; }
  result<void> commit(const storage::session_batch& batch) override {
    if (deadly) {
      throw 1; // no std::exception: nobody below CAF takes it
    }
    if (throwing) {
      throw std::runtime_error{"no such table"};
    }
    if (failing) {
      return fail(errc::storage, "no room on the device");
    }
    ++commits;
    if (batch.session) {
      home_dc = batch.session->home_dc;
      ended = batch.session->ended;
      pts = batch.session->updates ? batch.session->updates->pts : 0;
    }
    return {};
  }
  result<std::string> put_aside(const storage::session_state& state,
                                std::string_view name) override {
    if (no_copies) {
      return fail(errc::storage, "no room for two");
    }
    const std::lock_guard lock{mutex_};
    copies_.push_back({state, std::string{name}, commits});
    return "test." + std::string{name};
  }
  std::string place() const override { return "test"; }

  std::vector<copy> copies() {
    const std::lock_guard lock{mutex_};
    return copies_;
  }

  std::atomic<bool> failing = false;
  std::atomic<bool> throwing = false;
  std::atomic<bool> deadly = false;
  std::atomic<bool> no_copies = false;
  std::atomic<int> commits = 0;
  std::atomic<std::int32_t> home_dc = 0;
  std::atomic<bool> ended = false;
  std::atomic<std::int32_t> pts = 0;

private:
  std::mutex mutex_;
  std::vector<copy> copies_;
};

session_change set_home(std::int32_t dc, bool at_once) {
  return {[dc](storage::session_state& state) { state.home_dc = dc; }, at_once};
}

struct session_store_fixture : testing::Test {
  runtime rt;
  caf::scoped_actor self{rt.system()};
  std::shared_ptr<watched_backend> backend = std::make_shared<watched_backend>();
  /// With one thread all is written in the order in which it was given.
  session_writer_actor writer = spawn_session_writer(rt.system(), 1);
  session_store_actor store = spawn_session_store(rt.system(), writer, backend, {});

  void TearDown() override {
    self->send_exit(store, caf::exit_reason::user_shutdown);
    self->wait_for(store);
    self->send(writer, shutdown_atom_v);
  }

  errc change(std::int32_t dc, bool at_once) {
    errc out = errc::cancelled;
    self->request(store, 5s, set_home(dc, at_once))
        .receive([&out]() { out = errc::none; },
                 [&out](const caf::error& why) { out = to_error(why).code; });
    return out;
  }

  /// Ends the store and waits until the writer has done what that left to it.
  void end_store() {
    self->send_exit(store, caf::exit_reason::user_shutdown);
    self->wait_for(store);
    // Which of its threads has this session is not told: with so many others each has one of them.
    std::vector<session_write> others(64);
    for (auto& other : others) {
      other = {storage::make_memory_backend(), std::make_shared<const storage::session_batch>()};
    }
    for (const auto& other : others) {
      self->request(writer, 5s, other).receive([]() {}, [](const caf::error&) {});
    }
  }
};

} // namespace

TEST_F(session_store_fixture, answers_when_it_is_written) {
  EXPECT_EQ(change(3, true), errc::none);
  EXPECT_EQ(backend->home_dc, 3);
}

TEST_F(session_store_fixture, answers_nobody_who_has_not_asked) {
  self->send(store, set_home(3, true));
  EXPECT_EQ(change(4, true), errc::none);
  EXPECT_FALSE(self->has_next_message());
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

TEST_F(session_store_fixture, a_backend_without_rows_gets_the_counters_with_the_session) {
  const auto log_in = [](storage::session_state& state) {
    state.user = storage::user_record{7, true, "Bot", "bot"};
  };
  self->request(store, 5s, session_change{log_in, true})
      .receive([]() {}, [](const caf::error&) { ADD_FAILURE(); });
  auto progress = std::make_shared<storage::update_progress>();
  progress->account = 7;
  progress->counters = storage::update_state{25, 1, 1, 1};
  self->request(store, 5s, session_change{.apply = {}, .at_once = true, .progress = progress})
      .receive([]() {}, [](const caf::error&) { ADD_FAILURE(); });
  EXPECT_EQ(backend->pts, 25) << "or the next start would go back to what was before";
}

TEST_F(session_store_fixture, writes_what_is_left_when_it_ends) {
  EXPECT_EQ(change(4, false), errc::none);
  end_store();
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
  end_store();
  EXPECT_EQ(backend->home_dc, 8);
}

// Nothing that a backend does ends the writing of other sessions.
TEST_F(session_store_fixture, goes_on_with_another_writer_when_one_dies) {
  backend->deadly = true;
  EXPECT_EQ(change(7, true), errc::storage);
  backend->deadly = false;
  // The dead one's place is taken when its owner has heard of it.
  for (int tries = 0; tries < 1000 && change(8, true) != errc::none; ++tries) {
  }
  EXPECT_EQ(backend->home_dc, 8);
}

TEST_F(session_store_fixture, says_that_nothing_is_written_when_the_writer_is_gone) {
  const auto other = spawn_session_writer(rt.system(), 1);
  const auto kept = spawn_session_store(rt.system(), other, backend, {});
  self->send_exit(other, caf::exit_reason::kill);
  self->wait_for(other);
  errc told = errc::none;
  self->request(kept, 5s, set_home(3, true))
      .receive([]() {}, [&told](const caf::error& why) { told = to_error(why).code; });
  EXPECT_EQ(told, errc::storage);
  EXPECT_EQ(backend->commits, 0);
  self->send_exit(kept, caf::exit_reason::user_shutdown);
}

// A client that has stopped leaves its session to the next one at once.
TEST_F(session_store_fixture, the_writer_lets_go_of_a_session_before_it_answers) {
  EXPECT_EQ(change(6, true), errc::none);
  self->send_exit(store, caf::exit_reason::user_shutdown);
  self->wait_for(store);
  EXPECT_EQ(backend.use_count(), 1);
}

// Of two changes that come while one is written, one write takes both.
TEST(session_store, changes_that_meet_a_slow_write_go_together) {
  test::virtual_system actors;
  const auto backend = std::make_shared<watched_backend>();
  std::deque<caf::response_promise> held;
  std::vector<std::int32_t> seen;
  auto writer = actors.system().spawn(
      [&](session_writer_actor::pointer self) -> session_writer_actor::behavior_type {
        return {[&, self](const session_write& what) -> caf::result<void> {
                  seen.push_back(what.batch->session->home_dc);
                  held.push_back(self->make_response_promise());
                  return held.back();
                },
                [](const inbox_read&) { return inbox_page{}; },
                [](const peer_read&) { return stored_peer{}; },
                [](const value_read&) { return stored_value{}; },
                [](const export_read&) { return exported_session{}; },
                [&held](shutdown_atom) { // as a sign to go on
                  held.front().deliver(caf::unit);
                  held.pop_front();
                }};
      });
  const auto store = spawn_session_store(actors.system(), writer, backend, {});
  caf::scoped_actor self{actors.system()};
  int answers = 0;
  for (const std::int32_t dc : {1, 2, 3}) {
    actors.system().spawn([&answers, dc, store](caf::event_based_actor* asker) {
      asker->request(store, caf::infinite, set_home(dc, true))
          .then([&answers]() { ++answers; }, [](const caf::error&) {});
    });
    actors.run();
  }
  EXPECT_EQ(seen, std::vector{1});
  self->send(writer, shutdown_atom_v);
  actors.run();
  EXPECT_EQ(seen, (std::vector{1, 3}));
  EXPECT_EQ(answers, 1);
  self->send(writer, shutdown_atom_v);
  actors.run();
  EXPECT_EQ(answers, 3);
  self->send_exit(store, caf::exit_reason::user_shutdown);
  self->send_exit(writer, caf::exit_reason::user_shutdown);
  actors.run();
}

// The backend holds the lock of a session, and a question to the writer holds the backend: who is
// told that all is written has to find the session free.
TEST(session_store, a_flush_is_answered_behind_the_questions_before_it) {
  test::virtual_system actors;
  const auto backend = std::make_shared<watched_backend>();
  std::deque<std::function<void()>> held; // what the writer has in hand, in its order
  auto writer = actors.system().spawn(
      [&held](session_writer_actor::pointer self) -> session_writer_actor::behavior_type {
        return {[&held, self](const session_write&) -> caf::result<void> {
                  auto promise = self->make_response_promise();
                  held.emplace_back([promise]() mutable { promise.deliver(caf::unit); });
                  return promise;
                },
                [&held, self](const inbox_read&) -> caf::result<inbox_page> {
                  auto promise = self->make_response_promise<inbox_page>();
                  held.emplace_back([promise]() mutable { promise.deliver(inbox_page{}); });
                  return promise;
                },
                [](const peer_read&) { return stored_peer{}; },
                [](const value_read&) { return stored_value{}; },
                [](const export_read&) { return exported_session{}; },
                [&held](shutdown_atom) { // as a sign to go on
                  const auto next = std::move(held.front());
                  held.pop_front();
                  next();
                }};
      });
  const auto store = spawn_session_store(actors.system(), writer, backend, {});
  int pages = 0;
  int flushes = 0;
  const auto flush = [&] {
    actors.system().spawn([&flushes, store](caf::event_based_actor* asker) {
      asker->request(store, caf::infinite, caf::flush_atom_v)
          .then([&flushes]() { ++flushes; }, [](const caf::error&) { FAIL(); });
    });
    actors.run();
  };
  const auto go_on = [&] {
    caf::anon_send(writer, shutdown_atom_v);
    actors.run();
  };
  flush();
  EXPECT_EQ(flushes, 1) << "nothing is written and nothing asked";
  actors.system().spawn([&pages, store](caf::event_based_actor* asker) {
    asker->request(store, caf::infinite, inbox_request{})
        .then([&pages](const inbox_page&) { ++pages; }, [](const caf::error&) { FAIL(); });
  });
  actors.run();
  flush();
  EXPECT_EQ(flushes, 1) << "the writer has the session in hand";
  ASSERT_EQ(held.size(), 2U) << "and is given something that it does behind the question";
  go_on();
  EXPECT_EQ(pages, 1);
  EXPECT_EQ(flushes, 1);
  go_on();
  EXPECT_EQ(flushes, 2);
  flush();
  EXPECT_EQ(flushes, 3) << "nobody has asked since";
  EXPECT_TRUE(held.empty());
  caf::anon_send_exit(store, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(writer, caf::exit_reason::user_shutdown);
  actors.run();
}

namespace {

/// A store of a session that has a login.
struct logged_in_store : session_store_fixture {
  logged_in_store() {
    self->send_exit(store, caf::exit_reason::user_shutdown);
    storage::session_state state;
    state.home_dc = 2;
    state.user = storage::user_record{7, true, "Bot", "bot"};
    store = spawn_session_store(rt.system(), writer, backend, std::move(state));
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
  ASSERT_EQ(backend->copies().size(), 1U);
  const auto copy = backend->copies().front();
  EXPECT_EQ(copy.name, "ended-2025-06-15T15-06-40Z");
  EXPECT_FALSE(copy.state.ended) << "it is kept as it was";
  EXPECT_EQ(copy.commits_before, 0) << "and before anything replaces it";
  EXPECT_TRUE(backend->ended) << "the next start knows";
  EXPECT_EQ(end(), errc::none);
  EXPECT_EQ(change(3, true), errc::none);
  EXPECT_EQ(backend->copies().size(), 1U) << "one for each login";
}

TEST_F(logged_in_store, writes_nothing_over_a_session_that_has_no_copy_yet) {
  backend->no_copies = true;
  EXPECT_EQ(end(), errc::storage);
  EXPECT_EQ(change(3, true), errc::storage) << "another key would take the old one's place";
  EXPECT_EQ(end(), errc::storage) << "whoever says so again is not told better";
  EXPECT_EQ(backend->commits, 0);
  backend->no_copies = false;
  EXPECT_EQ(change(4, true), errc::none);
  ASSERT_EQ(backend->copies().size(), 1U);
  EXPECT_EQ(backend->copies().front().state.home_dc, 2) << "as the login has left it";
  EXPECT_EQ(backend->home_dc, 4);
  EXPECT_TRUE(backend->ended);
}

TEST_F(logged_in_store, puts_the_copy_aside_though_it_ends_itself) {
  backend->no_copies = true;
  EXPECT_EQ(end(), errc::storage);
  EXPECT_EQ(change(3, false), errc::none);
  backend->no_copies = false;
  end_store();
  EXPECT_EQ(backend->copies().size(), 1U);
  EXPECT_EQ(backend->home_dc, 3);
}

TEST_F(logged_in_store, keeps_no_copy_of_what_was_ended_on_purpose) {
  EXPECT_EQ(end(false), errc::none);
  EXPECT_TRUE(backend->copies().empty());
  EXPECT_TRUE(backend->ended);
}

TEST_F(logged_in_store, keeps_a_copy_of_the_next_login_too) {
  EXPECT_EQ(end(), errc::none);
  const auto again = [](storage::session_state& state) { state.ended = false; };
  self->request(store, 5s, session_change{again, true}).receive([]() {}, [](const caf::error&) {});
  EXPECT_FALSE(backend->ended);
  EXPECT_EQ(end(), errc::none);
  EXPECT_EQ(backend->copies().size(), 2U);
}

TEST_F(session_store_fixture, has_nothing_to_put_aside_without_a_login) {
  self->request(store, 5s, session_ended{}).receive([]() {}, [](const caf::error&) { FAIL(); });
  EXPECT_TRUE(backend->copies().empty());
  EXPECT_EQ(backend->commits, 0);
}

// Nobody changes anything any more, and nobody asks: it is written all the same.
TEST(session_store, a_failed_write_is_tried_again_by_itself) {
  test::virtual_system actors;
  const auto backend = std::make_shared<watched_backend>();
  backend->failing = true;
  auto writer = actors.system().spawn([]() -> session_writer_actor::behavior_type {
    return {[](const session_write& what) -> caf::result<void> {
              const auto outcome = what.to->commit(*what.batch);
              return outcome ? caf::result<void>{caf::unit} : to_caf(outcome.error());
            },
            [](const inbox_read&) { return inbox_page{}; },
            [](const peer_read&) { return stored_peer{}; },
            [](const value_read&) { return stored_value{}; },
            [](const export_read&) { return exported_session{}; },
            [](shutdown_atom) {}};
  });
  const auto store = spawn_session_store(actors.system(), writer, backend, {});
  caf::anon_send(store, set_home(6, false));
  actors.pass(1s);
  EXPECT_EQ(backend->commits, 0);
  backend->failing = false;
  actors.pass(5s);
  EXPECT_EQ(backend->home_dc, 6);
  caf::anon_send_exit(store, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(writer, caf::exit_reason::user_shutdown);
  actors.run();
}

} // namespace cafegram

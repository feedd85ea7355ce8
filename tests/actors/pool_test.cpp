#include <cafegram/actors/dc_pool.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/handshake_gate.hpp>
#include <cafegram/storage/inbox.hpp>
#include <cafegram/storage/session.hpp>

#include "virtual_time.hpp"

namespace cafegram {

namespace {

using namespace std::chrono_literals;

/// A pool with connections of its own over a connector that never answers, or refuses at once, on a
/// clock that the test moves.
struct dc_pool_fixture : testing::Test {
  /// Who asked the connector, and when.
  struct attempt {
    caf::strong_actor_ptr who;
    steady_time when;
  };
  /// What became of a call.
  struct outcome {
    errc code = errc::none;
    std::int64_t number = 0;
    steady_time when;
    int times = 0;
  };

  test::virtual_system actors;
  runtime::services services = actors.services();
  std::vector<attempt> attempts;
  bool refuse = false;
  session_store_actor store;
  pool_owner_actor owner;
  update_sink_actor sink;
  dc_pool_actor pool;

  dc_pool_fixture() {
    services.handshakes = spawn_handshake_gate(actors.system(), 32);
    services.connector = actors.system().spawn(
        [this](connector_actor::pointer self) -> connector_actor::behavior_type {
          return {[this, self](const connect_request&) -> caf::result<connected> {
                    attempts.push_back({self->current_sender(), now()});
                    if (refuse) {
                      return to_caf(error::make(errc::network, "refused"));
                    }
                    return self->make_response_promise<connected>();
                  },
                  [](poll_atom) {}};
        });
    store = actors.system().spawn([]() -> session_store_actor::behavior_type {
      return {[](load_atom) {
                return session_snapshot{std::make_shared<const storage::session_state>()};
              },
              [](const session_change&) -> caf::result<void> { return caf::unit; },
              [](const inbox_request&) {
                return inbox_page{std::make_shared<const storage::inbox_content>()};
              },
              [](const value_lookup&) { return stored_value{}; },
              [](const session_export&) -> caf::result<exported_session> {
                return caf::sec::invalid_argument;
              },
              [](const peers_came&) {},
              [](const peer_lookup&) { return peer_found{}; },
              [](caf::flush_atom) -> caf::result<void> { return caf::unit; },
              [](const session_ended&) -> caf::result<void> { return caf::unit; },
              [](caf::tick_atom) {}};
    });
    owner = actors.system().spawn([]() -> pool_owner_actor::behavior_type {
      return {[](const connection_report&) {}, [](const login_lost&) {}};
    });
    sink = actors.system().spawn([]() -> update_sink_actor::behavior_type {
      return {[](const raw_updates&) {}, [](const updates_suspect&) {}};
    });
  }

  ~dc_pool_fixture() override {
    caf::anon_send_exit(pool, caf::exit_reason::user_shutdown);
    actors.run();
    attempts.clear();
    caf::anon_send_exit(store, caf::exit_reason::kill);
    caf::anon_send_exit(owner, caf::exit_reason::kill);
    caf::anon_send_exit(sink, caf::exit_reason::kill);
    caf::anon_send_exit(services.connector, caf::exit_reason::kill);
    caf::anon_send_exit(services.handshakes, caf::exit_reason::kill);
    actors.run();
    actors.system().await_actors_before_shutdown(false);
  }

  steady_time now() const { return actors.services().clock->steady_now(); }

  void start(std::chrono::milliseconds timeout) {
    auto profile = std::make_shared<connection_profile>();
    profile->timing.request_timeout = timeout;
    profile->timing.reconnect_min = 50ms;
    profile->timing.reconnect_max = 200ms;
    pool_setup setup;
    setup.profile = profile;
    setup.addresses = address_book::pinned({2, {"127.0.0.1", 1}}, {});
    pool = spawn_dc_pool(actors.system(), services, std::move(setup), store, owner, sink);
    actors.run();
  }

  std::shared_ptr<outcome> call(invoke_options options = {}) {
    auto out = std::make_shared<outcome>();
    const auto function = std::make_shared<const bytes>(test::hex("01020304"));
    actors.system().spawn([this, out, function, options](caf::event_based_actor* self) {
      self->request(pool, caf::infinite, invoke_request{function, options})
          .then([out](const invoke_answer&) { ++out->times; },
                [this, out](const caf::error& why) {
                  const auto told = to_error(why);
                  *out = {told.code, told.number, now(), out->times + 1};
                });
    });
    actors.run();
    return out;
  }

  /// In small steps, so that what happens on the way happens in its time.
  void pass(std::chrono::milliseconds time) {
    for (; time > 0ms; time -= 1ms) {
      actors.pass(1ms);
    }
  }
};

} // namespace

TEST_F(dc_pool_fixture, every_call_ends_at_its_deadline) {
  start(150ms);
  const auto begin = now();
  const auto first = call();
  const auto second = call({.timeout = 50ms});
  pass(300ms);
  EXPECT_EQ(second->code, errc::deadline);
  EXPECT_EQ(second->when - begin, 50ms);
  EXPECT_EQ(first->code, errc::deadline);
  EXPECT_EQ(first->when - begin, 150ms);
}

TEST_F(dc_pool_fixture, an_unknown_data_centre_is_refused_at_once) {
  start(10s);
  const auto out = call({.dc = 7});
  EXPECT_EQ(out->code, errc::bad_argument);
  EXPECT_EQ(out->number, 7);
}

TEST_F(dc_pool_fixture, a_dead_connection_is_started_again_and_keeps_its_calls) {
  start(10s);
  ASSERT_EQ(attempts.size(), 1U);
  const auto out = call();
  for (std::size_t n = 1; n <= 3; ++n) {
    caf::anon_send_exit(caf::actor_cast<caf::actor>(attempts.back().who), caf::exit_reason::kill);
    pass(1s);
    ASSERT_EQ(attempts.size(), n + 1);
    EXPECT_EQ(out->times, 0);
  }
  pass(7s);
  EXPECT_EQ(out->code, errc::deadline);
  EXPECT_EQ(out->times, 1) << "settled once, by its deadline";
}

TEST_F(dc_pool_fixture, calls_are_answered_when_the_pool_dies) {
  start(20s);
  const auto out = call();
  caf::anon_send_exit(pool, caf::exit_reason::kill);
  actors.run();
  EXPECT_EQ(out->code, errc::cancelled);
  EXPECT_EQ(out->times, 1);
}

TEST_F(dc_pool_fixture, a_refused_connection_is_tried_again_ever_later) {
  refuse = true;
  start(20s);
  pass(2s);
  ASSERT_GE(attempts.size(), 6U);
  for (std::size_t n = 1; n < 6; ++n) {
    const auto base = std::min(50ms * (1 << (n - 1)), 200ms);
    const auto gap = attempts[n].when - attempts[n - 1].when;
    EXPECT_GE(gap, base * 8 / 10) << n;
    EXPECT_LE(gap, base * 12 / 10 + 1ms) << n;
  }
}

TEST_F(dc_pool_fixture, news_of_the_network_end_the_wait) {
  refuse = true;
  start(20s);
  pass(1s);
  const auto before = attempts.size();
  ASSERT_GE(before, 4U);
  caf::anon_send(pool, network_available{});
  actors.run();
  EXPECT_EQ(attempts.size(), before + 1);
}

} // namespace cafegram

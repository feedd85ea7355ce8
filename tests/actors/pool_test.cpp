#include <cafegram/actors/dc_pool.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/session_store.hpp>
#include <cafegram/actors/system.hpp>
#include <cafegram/tests/support.hpp>

#include <caf/all.hpp>

#include <mutex>

#include "loopback.hpp"

namespace cafegram {

namespace {

using namespace std::chrono_literals;

/// Who asked a connector, and when. Never answers, or refuses at once.
struct asked_connector {
  std::mutex mutex;
  std::vector<caf::strong_actor_ptr> who;
  std::vector<steady_time> when;
  bool refuse = false;

  std::size_t count() {
    const std::lock_guard lock{mutex};
    return who.size();
  }
  caf::actor last() {
    const std::lock_guard lock{mutex};
    return caf::actor_cast<caf::actor>(who.back());
  }
};

connector_actor::behavior_type fake_connector(connector_actor::pointer self,
                                              std::shared_ptr<asked_connector> log) {
  return {
      [self, log](const connect_request&) -> caf::result<connected> {
        const std::lock_guard lock{log->mutex};
        log->who.push_back(self->current_sender());
        log->when.push_back(std::chrono::steady_clock::now());
        if (log->refuse) {
          return to_caf(error::make(errc::network, "refused"));
        }
        return self->make_response_promise<connected>();
      },
      [](poll_atom) {},
  };
}

struct dc_pool_fixture : testing::Test {
  runtime rt;
  caf::scoped_actor self{rt.system()};
  std::shared_ptr<asked_connector> log = std::make_shared<asked_connector>();
  session_store_actor store = spawn_session_store(
      rt.system(), rt.shared().writer,
      std::shared_ptr<storage::session_backend>{storage::make_memory_backend()}, {});
  connector_actor connector = rt.system().spawn(fake_connector, log);
  dc_pool_actor pool;

  void start(std::chrono::milliseconds timeout) {
    auto profile = std::make_shared<connection_profile>();
    profile->timing.request_timeout = timeout;
    profile->timing.reconnect_min = 50ms;
    profile->timing.reconnect_max = 200ms;
    pool_setup setup;
    setup.profile = profile;
    setup.addresses = address_book::pinned({2, {"127.0.0.1", 1}}, {});
    auto services = rt.shared();
    services.connector = connector;
    auto owner = rt.system().spawn([]() -> pool_owner_actor::behavior_type {
      return {[](const connection_report&) {}, [](const login_lost&) {}};
    });
    auto sink = rt.system().spawn([]() -> update_sink_actor::behavior_type {
      return {[](const raw_updates&) {}, [](const updates_suspect&) {}};
    });
    pool = spawn_dc_pool(rt.system(), services, std::move(setup), store, owner, sink);
  }

  void TearDown() override {
    self->send_exit(pool, caf::exit_reason::user_shutdown);
    self->send_exit(store, caf::exit_reason::user_shutdown);
    self->send_exit(connector, caf::exit_reason::user_shutdown);
  }

  auto call(invoke_options options = {}) {
    auto function = std::make_shared<const bytes>(test::hex("01020304"));
    return self->request(pool, 20s, invoke_request{function, options});
  }

  template <class Pending>
  static error outcome(Pending&& pending) {
    error out;
    pending.receive([](const invoke_answer&) {},
                    [&out](const caf::error& why) { out = to_error(why); });
    return out;
  }

  void await_attempts(std::size_t count) {
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (log->count() < count && std::chrono::steady_clock::now() < until) {
      std::this_thread::yield();
    }
    ASSERT_GE(log->count(), count);
  }
};

} // namespace

TEST_F(dc_pool_fixture, every_call_ends_at_its_deadline) {
  start(150ms);
  const auto begin = std::chrono::steady_clock::now();
  auto first = call();
  auto second = call({.timeout = 50ms});
  EXPECT_EQ(outcome(std::move(second)).code, errc::deadline);
  EXPECT_EQ(outcome(std::move(first)).code, errc::deadline);
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, 150ms);
  EXPECT_LT(took, 5s);
}

TEST_F(dc_pool_fixture, an_unknown_data_centre_is_refused_at_once) {
  start(10s);
  const auto why = outcome(call({.dc = 7}));
  EXPECT_EQ(why.code, errc::bad_argument);
  EXPECT_EQ(why.number, 7);
}

TEST_F(dc_pool_fixture, a_dead_connection_is_started_again_and_keeps_its_calls) {
  start(1s);
  await_attempts(1);
  auto pending = call();
  for (std::size_t n = 1; n <= 3; ++n) {
    self->send_exit(log->last(), caf::exit_reason::kill);
    await_attempts(n + 1);
  }
  EXPECT_EQ(outcome(std::move(pending)).code, errc::deadline) << "settled once, by its deadline";
}

TEST_F(dc_pool_fixture, calls_are_answered_when_the_pool_dies) {
  start(20s);
  auto pending = call();
  self->send_exit(pool, caf::exit_reason::kill);
  EXPECT_EQ(outcome(std::move(pending)).code, errc::cancelled);
}

TEST_F(dc_pool_fixture, a_refused_connection_is_tried_again_ever_later) {
  log->refuse = true;
  start(20s);
  await_attempts(6);
  const std::lock_guard lock{log->mutex};
  for (std::size_t n = 1; n < 6; ++n) {
    const auto base = std::min(50ms * (1 << (n - 1)), 200ms);
    const auto gap = log->when[n] - log->when[n - 1];
    EXPECT_GE(gap, base * 8 / 10) << n;
  }
}

TEST_F(dc_pool_fixture, news_of_the_network_end_the_wait) {
  log->refuse = true;
  start(20s);
  await_attempts(4);
  const auto before = log->count();
  self->send(pool, network_available{});
  await_attempts(before + 1);
}

} // namespace cafegram

#pragma once

#include "fakes.hpp"
#include "virtual_time.hpp"

namespace cafegram::test {

/// A pool between connections that are fakes, on a scheduler and a clock that the test moves:
/// the same test makes the same steps each time.
struct pool_world {
  /// What became of a call.
  struct outcome {
    bool ok = false;
    std::optional<error> why;
    bool settled() const { return ok || why; }
  };

  virtual_system actors;
  caf::actor_system& system = actors.system();
  runtime::services services = actors.services();
  std::shared_ptr<connection_profile> profile = std::make_shared<connection_profile>();
  fake_lines lines;
  std::shared_ptr<played_session> kept = std::make_shared<played_session>();
  storage::session_state* stored = &kept->state;
  std::vector<connection_report> reports;
  std::vector<error> lost_logins;
  std::size_t updates = 0;
  session_store_actor store;
  pool_owner_actor owner;
  update_sink_actor sink;
  dc_pool_actor pool;

  pool_world() {
    profile->forward_secrecy = true;
    store = system.spawn(played_session_store, kept);
    owner = system.spawn([this]() -> pool_owner_actor::behavior_type {
      return {[this](const connection_report& what) { reports.push_back(what); },
              [this](const login_lost& lost) { lost_logins.push_back(lost.why); }};
    });
    sink = system.spawn([this]() -> update_sink_actor::behavior_type {
      return {[this](const raw_updates&) { ++updates; }, [](const updates_suspect&) {}};
    });
  }

  pool_world(const pool_world&) = delete;
  pool_world& operator=(const pool_world&) = delete;
  ~pool_world() {
    lines.kill_all();
    caf::anon_send_exit(pool, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(store, caf::exit_reason::kill);
    caf::anon_send_exit(owner, caf::exit_reason::kill);
    caf::anon_send_exit(sink, caf::exit_reason::kill);
    settle();
    lines.forget_all();
    system.await_actors_before_shutdown(false);
  }

  void start(bool logged_in = false, std::map<std::int32_t, dc_key> keys = {},
             std::set<std::int32_t> authorised = {}) {
    pool_setup setup;
    setup.profile = profile;
    setup.home_dc = 2;
    setup.addresses = addresses_of({2, 4});
    for (const auto& [dc, key] : keys) {
      stored->data_centres[dc].created_at = key.created_at;
    }
    setup.keys = std::move(keys);
    setup.authorised = std::move(authorised);
    setup.logged_in = logged_in;
    setup.connect = lines.factory();
    pool = spawn_dc_pool(system, services, std::move(setup), store, owner, sink);
    settle();
  }

  void settle() { actors.run(); }
  /// Moves the clock in steps, so that ticks come in their order.
  void pass(std::chrono::milliseconds time, std::chrono::milliseconds step) {
    for (auto left = time; left.count() > 0; left -= step) {
      actors.pass(std::min(left, step));
    }
  }

  std::shared_ptr<outcome> call(invoke_options options = {}) {
    return call_of(bytes{1, 2, 3, 4}, std::move(options));
  }
  std::shared_ptr<outcome> call_of(bytes function, invoke_options options) {
    auto out = std::make_shared<outcome>();
    invoke_request request{std::make_shared<const bytes>(std::move(function)), std::move(options)};
    system.spawn([out, request, to = pool](caf::event_based_actor* self) {
      self->request(to, caf::infinite, request)
          .then([out](const invoke_answer&) { out->ok = true; },
                [out](const caf::error& why) { out->why = to_error(why); });
    });
    settle();
    return out;
  }

  template <class Message>
  void send(Message what) {
    caf::anon_send(pool, std::move(what));
    settle();
  }

  static dc_key permanent(std::int32_t dc, std::int64_t created_at = 1'000) {
    return {dc, key_of(static_cast<std::uint64_t>(dc)), 1, created_at};
  }
  temporary_key temporary(std::int32_t dc, std::uint64_t seed = 77) const {
    return {.dc = dc,
            .key = key_of(seed),
            .salt = 2,
            .expires_at = 1'750'086'400,
            .good_until = services.clock->steady_now() + std::chrono::hours{24}};
  }
  /// A line makes all keys that it is told to, and is ready.
  void make_keys(fake_line& line, std::uint64_t seed = 77) {
    ASSERT_TRUE(line.keys().make);
    if (!line.keys().permanent) {
      line.tell(permanent(line.setup.dc, 1'750'000'000));
    }
    line.tell(temporary(line.setup.dc, seed));
    line.ready();
    settle();
  }
};

struct pool_kit : testing::Test, pool_world {};

} // namespace cafegram::test

#pragma once

#include <cafegram/actors/dc_pool.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/protocol/auth_key.hpp>
#include <cafegram/storage/session.hpp>
#include <cafegram/tests/support.hpp>

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <vector>

namespace cafegram::test {

/// A connection that does what the test says, as the pool sees it.
struct fake_line {
  connection_setup setup;
  dc_connection_actor actor;
  connection_owner_actor owner;
  std::vector<submit_call> calls;
  std::vector<call_id> dropped;
  std::vector<key_order> orders;
  std::deque<std::function<void(dc_connection_actor::pointer)>> to_do;
  bool ended = false;

  /// The last that it was told of keys.
  const key_order& keys() const { return orders.empty() ? setup.keys : orders.back(); }

  template <class Message>
  void tell(Message what) {
    to_do.emplace_back(
        [this, what](dc_connection_actor::pointer self) { self->send(owner, what); });
    caf::anon_send(actor, caf::tick_atom_v, std::uint64_t{0});
  }
  void ready() { tell(connection_report{setup.dc, connection_phase::ready, "x"}); }
  void answer(std::size_t which, bytes_view body = {}) {
    auto result = body.empty() ? bytes{9, 9, 9, 9} : to_bytes(body);
    tell(call_settled{calls.at(which).id, std::make_shared<const bytes>(std::move(result)), {}});
  }
  void refuse(std::size_t which, std::int32_t code, std::string_view text) {
    tell(call_settled{calls.at(which).id, nullptr, error::from_rpc(code, text)});
  }
  void die() { caf::anon_send_exit(actor, caf::exit_reason::kill); }
};

inline dc_connection_actor::behavior_type
fake_connection(dc_connection_actor::stateful_pointer<caf::unit_t> self,
                std::shared_ptr<fake_line> line) {
  self->attach_functor([line] { line->ended = true; });
  return {
      [](const bytes_received&) {},
      [](const bytes_drained&) {},
      [line](const submit_call& call) { line->calls.push_back(call); },
      [line](const drop_call& call) { line->dropped.push_back(call.id); },
      [line](const key_order& order) { line->orders.push_back(order); },
      [](const network_available&) {},
      [](caf::flush_atom) {},
      [self, line](caf::tick_atom, std::uint64_t) {
        auto next = std::move(line->to_do.front());
        line->to_do.pop_front();
        next(self);
      },
  };
}

inline auto key_of(std::uint64_t seed) {
  seeded_random random{seed};
  bytes octets(protocol::auth_key::octets);
  random.fill(octets);
  return std::make_shared<const protocol::auth_key>(*protocol::auth_key::from(octets));
}

/// A pool between connections that are fakes, on a scheduler and a clock that the test moves:
/// the same test makes the same steps each time.
struct pool_world {
  struct config : caf::actor_system_config {
    config() { set("scheduler.policy", caf::atom("testing")); }
  };
  struct scheduler_clock final : clock_source {
    explicit scheduler_clock(caf::scheduler::test_coordinator& of)
      : scheduler{of} {}
    steady_time steady_now() const override { return scheduler.clock().now(); }
    wall_time wall_now() const override {
      return wall_time{std::chrono::duration_cast<wall_time::duration>(
          std::chrono::seconds{1'750'000'000} + steady_now().time_since_epoch())};
    }
    caf::scheduler::test_coordinator& scheduler;
  };
  /// What became of a call.
  struct outcome {
    bool ok = false;
    std::optional<error> why;
    bool settled() const { return ok || why; }
  };

  config configuration;
  caf::actor_system system{configuration};
  caf::scheduler::test_coordinator& scheduler =
      dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  runtime::services services;
  std::shared_ptr<connection_profile> profile = std::make_shared<connection_profile>();
  std::vector<std::shared_ptr<fake_line>> lines;
  std::shared_ptr<storage::session_state> stored = std::make_shared<storage::session_state>();
  std::vector<connection_report> reports;
  std::vector<error> lost_logins;
  std::size_t updates = 0;
  session_store_actor store;
  pool_owner_actor owner;
  update_sink_actor sink;
  dc_pool_actor pool;

  pool_world() {
    services.clock = std::make_shared<scheduler_clock>(scheduler);
    services.random = std::make_shared<seeded_random>(5);
    profile->forward_secrecy = true;
    store = system.spawn([this]() -> session_store_actor::behavior_type {
      return {[this](load_atom) { return session_snapshot{stored}; },
              [this](const session_change& change) -> caf::result<void> {
                change.apply(*stored);
                return caf::unit;
              },
              [](caf::flush_atom) -> caf::result<void> { return caf::unit; },
              [](const session_ended&) -> caf::result<void> { return caf::unit; },
              [](caf::tick_atom) {}};
    });
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
    for (const auto& line : lines) {
      caf::anon_send_exit(line->actor, caf::exit_reason::kill);
    }
    caf::anon_send_exit(pool, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(store, caf::exit_reason::kill);
    caf::anon_send_exit(owner, caf::exit_reason::kill);
    caf::anon_send_exit(sink, caf::exit_reason::kill);
    scheduler.run();
    for (const auto& line : lines) {
      line->owner = nullptr;
      line->actor = nullptr;
    }
    system.await_actors_before_shutdown(false);
  }

  void start(bool logged_in = false, std::map<std::int32_t, dc_key> keys = {},
             std::set<std::int32_t> authorised = {}) {
    pool_setup setup;
    setup.profile = profile;
    setup.home_dc = 2;
    std::vector<protocol::dc_address> known;
    for (const std::int32_t dc : {2, 4}) {
      protocol::dc_address address;
      address.dc = protocol::dc_id{dc};
      address.host = "127.0.0.1";
      known.push_back(std::move(address));
    }
    setup.addresses = address_book{std::move(known), {}, false};
    for (const auto& [dc, key] : keys) {
      stored->data_centres[dc].created_at = key.created_at;
    }
    setup.keys = std::move(keys);
    setup.authorised = std::move(authorised);
    setup.logged_in = logged_in;
    setup.connect = [this](caf::actor_system& in, const runtime::services&, connection_setup how,
                           connection_owner_actor of) {
      auto line = std::make_shared<fake_line>();
      line->setup = std::move(how);
      line->owner = std::move(of);
      line->actor = in.spawn(fake_connection, line);
      lines.push_back(line);
      return line->actor;
    };
    pool = spawn_dc_pool(system, services, std::move(setup), store, owner, sink);
    settle();
  }

  void settle() { scheduler.run(); }
  /// Moves the clock in steps, so that ticks come in their order.
  void pass(std::chrono::milliseconds time, std::chrono::milliseconds step) {
    for (auto left = time; left.count() > 0; left -= step) {
      scheduler.advance_time(std::min(left, step));
      scheduler.run();
    }
  }

  std::shared_ptr<outcome> call(invoke_options options = {}) {
    auto out = std::make_shared<outcome>();
    invoke_request request{std::make_shared<const bytes>(bytes{1, 2, 3, 4}), std::move(options)};
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

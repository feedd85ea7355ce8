#include <cafegram/actors/client.hpp>
#include <cafegram/actors/invoke.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/server.hpp>
#include <cafegram/tl/api.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "../support.hpp"
#include "event_reader.hpp"

/// Every kind of fault over real sockets: it happens, and our own client goes on.
namespace cafegram::sandbox {
namespace {

using namespace std::chrono_literals;

constexpr const char* recovery_token = "1000001:AAAbbbCCC";

struct fault_case {
  fault_kind kind;
  std::uint32_t one_in;
  std::uint32_t bound;
};

class fault_recovery : public ::testing::TestWithParam<fault_case> {
protected:
  void SetUp() override {
    log::configure({log::level::error});
    server_options options;
    options.event_log = log_.path();
    auto made = server::start(runtime_, options);
    ASSERT_TRUE(made) << to_string(made.error());
    server_ = *std::move(made);
    client_options mine;
    mine.api_id = 1;
    mine.api_hash = "0123456789abcdef0123456789abcdef";
    mine.dc = dc_override{2, {"127.0.0.1", server_->port()}};
    mine.rsa_keys_pem = {server_->public_key_pem()};
    mine.timing.reconnect_min = 10ms;
    mine.timing.reconnect_max = 50ms;
    auto started = client::start(runtime_, mine);
    ASSERT_TRUE(started) << to_string(started.error());
    client_.emplace(*std::move(started));
    const auto self = client_->login_bot(recovery_token, 60s);
    ASSERT_TRUE(self) << to_string(self.error());
  }
  void TearDown() override {
    if (client_) {
      client_->stop();
    }
    client_.reset();
    server_.reset();
    log::configure({});
  }

  /// Calls until the fault has happened `times`, then without faults: the last call must succeed.
  void endure(const fault_plan& plan, fault_kind kind, std::uint64_t times) {
    server_->set_faults(plan);
    for (int i = 0; i < 2'000 && server_->faults().of(kind) < times; ++i) {
      const auto outcome = client_->invoke_sync(tl::help::getNearestDc{}, {.timeout = 1'500ms});
      // Settled, with its answer or an error that says why not.
      constexpr std::array settled{errc::deadline, errc::rpc, errc::key_unknown};
      EXPECT_TRUE(outcome || std::ranges::find(settled, outcome.error().code) != settled.end())
          << to_string(outcome.error());
    }
    server_->set_faults({});
    EXPECT_GE(server_->faults().of(kind), times);
    const auto after = client_->invoke_sync(tl::updates::getState{}, {.timeout = 60s});
    EXPECT_TRUE(after) << to_string(after.error());
  }

  tl::InputPeer alice() {
    auto found = client_->invoke_sync(tl::contacts::resolveUsername{.username = "alice"});
    EXPECT_TRUE(found) << to_string(found.error());
    const auto* peer = tl::get_if<tl::contacts::resolvedPeer>(*found);
    const auto* user = tl::get_if<tl::user>(peer->users.at(0));
    return tl::InputPeer{
        tl::inputPeerUser{.user_id = user->id, .access_hash = user->access_hash.value_or(0)}};
  }

  test::event_log_file log_;
  runtime runtime_;
  std::unique_ptr<server> server_;
  std::optional<client> client_;
};

TEST_P(fault_recovery, the_client_goes_on_after) {
  const auto [kind, one_in, bound] = GetParam();
  fault_plan plan;
  plan.seed = test::seed();
  plan.rate(kind) = {one_in, bound};
  endure(plan, kind, kind == fault_kind::error_429 ? 1 : 2);
}

// Bounds are short here: what the sandbox holds back it holds back in real time.
INSTANTIATE_TEST_SUITE_P(
    each_kind, fault_recovery,
    ::testing::Values(
        fault_case{fault_kind::drop, 8, 0}, fault_case{fault_kind::delay, 4, 50},
        fault_case{fault_kind::duplicate, 3, 0}, fault_case{fault_kind::reorder, 4, 50},
        fault_case{fault_kind::corrupt, 10, 0}, fault_case{fault_kind::truncate, 10, 0},
        fault_case{fault_kind::cut, 10, 0}, fault_case{fault_kind::half_open, 10, 300},
        fault_case{fault_kind::slow_read, 10, 200}, fault_case{fault_kind::slow_write, 10, 200},
        fault_case{fault_kind::error_404, 10, 0}, fault_case{fault_kind::error_429, 10, 0},
        fault_case{fault_kind::error_444, 10, 0}, fault_case{fault_kind::wrong_salt, 5, 0},
        fault_case{fault_kind::wrong_time, 20, 3'600},
        fault_case{fault_kind::forget_session, 10, 0}, fault_case{fault_kind::flood_wait, 10, 1},
        fault_case{fault_kind::error_500, 10, 0}, fault_case{fault_kind::late_answer, 4, 50}),
    [](const auto& one) {
      std::string name{to_string(one.param.kind)};
      std::ranges::replace(name, '-', '_');
      return name;
    });

// What the log says of a run under many faults: each text was stored once at most, and those that
// the client was told of exactly once.
TEST_F(fault_recovery, messages_are_stored_once_under_all_of_them) {
  const auto peer = alice();
  fault_plan plan;
  plan.seed = test::seed();
  for (const auto* rate : {"drop=60", "delay=20,20", "duplicate=10", "reorder=20,20", "corrupt=60",
                           "truncate=60", "cut=40", "half-open=80,300", "wrong-salt=30",
                           "forget-session=60", "error-500=30", "late-answer=10,30"}) {
    ASSERT_TRUE(plan.add(rate));
  }
  server_->set_faults(plan);
  std::set<std::string> sent;
  for (std::int64_t i = 1; i <= 150; ++i) {
    tl::messages::sendMessage request{.peer = peer, .message = fmt::format("text {}", i)};
    request.random_id = i;
    if (client_->invoke_sync(request, {.timeout = 3s})) {
      sent.insert(request.message);
    }
  }
  server_->set_faults({});
  EXPECT_TRUE(client_->invoke_sync(tl::updates::getState{}, {.timeout = 60s}));
  server_->flush_log();
  std::multiset<std::string> stored;
  for (const auto& line : log_.all("message")) {
    stored.insert(line.at("text").get<std::string>());
  }
  EXPECT_GT(sent.size(), 100U);
  for (const auto& text : sent) {
    EXPECT_EQ(stored.count(text), 1U) << text;
  }
  for (std::int64_t i = 1; i <= 150; ++i) {
    EXPECT_LE(stored.count(fmt::format("text {}", i)), 1U) << i;
  }
}

} // namespace
} // namespace cafegram::sandbox

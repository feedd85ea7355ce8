#include <cafegram/protocol/framing.hpp>
#include <cafegram/protocol/server_session.hpp>
#include <cafegram/protocol/session.hpp>

#include <cstring>
#include <deque>
#include <map>

#include "../trace.hpp"
#include "kit.hpp"

namespace cafegram::protocol {
namespace {

using cafegram::test::trace;

using namespace std::chrono_literals;

/// How often what happens, in a thousand steps.
struct mischief {
  unsigned cut = 10;
  unsigned duplicate = 20;
  unsigned reorder = 20;
  unsigned corrupt = 5;
  unsigned restart = 0;
  unsigned rotate = 2;
  unsigned late = 0; ///< packets of a connection that was cut reach the server after all
  unsigned cancel = 10;
  unsigned forget = 0; ///< the server loses its sessions, but not the connection
};

bytes request_body(std::uint32_t number, std::size_t words) {
  bytes out(8 + 4 * words, 'r');
  const std::uint32_t constructor = 0x11111111;
  std::memcpy(out.data(), &constructor, 4);
  std::memcpy(out.data() + 4, &number, 4);
  return out;
}

std::uint32_t number_in(bytes_view body) {
  std::uint32_t out = 0;
  std::memcpy(&out, body.data() + 4, sizeof(out));
  return out;
}

/// Adds all that an event says.
struct event_notes {
  trace& to;

  template <class Number>
  void number(Number of) const {
    to.add(static_cast<std::uint64_t>(of));
  }
  void operator()(const request_answered& e) const {
    number(e.id);
    to.add(*e.body);
  }
  void operator()(const request_failed& e) const {
    number(e.id);
    to.add(to_string(e.why));
  }
  void operator()(const request_received& e) const { number(e.id); }
  void operator()(const update_arrived& e) const {
    number(e.id);
    to.add(*e.body);
  }
  void operator()(const server_session_created& e) const {
    number(e.first);
    number(e.unique_id);
  }
  void operator()(const session_replaced& e) const { number(e.session_id); }
  void operator()(const salt_changed& e) const { number(e.salt); }
  void operator()(const clock_corrected& e) const { number(e.by.count()); }
  void operator()(const key_destroyed& e) const { number(e.what); }
  void operator()(const key_bound&) const {}
  void operator()(const key_not_bound& e) const { to.add(to_string(e.why)); }
  void operator()(const must_reconnect& e) const { to.add(to_string(e.why)); }
};

/// A client and a server over a network that does its worst, on a clock moved by hand. The same
/// seed makes the same history.
class simulation {
public:
  simulation(std::uint64_t seed, const mischief& what)
    : random_{std::make_shared<seeded_random>(seed)}
    , what_{what}
    , key_{test::some_key(seed)}
    , salts_{std::make_shared<server_salts>(key_)}
    , client_{key_, salt_list{random_->next()},
              server_clock{clock_.steady_now(), clock_.wall_now() + skew(), false}, random_} {
    new_life();
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
    }
    what_ = {0, 0, 0, 0, 0, 0, 0, 0};
    for (int i = 0; i < 20'000 && client_.under_way() != 0; ++i) {
      step();
    }
  }

  struct fate {
    bool may_repeat = false;
    int settled = 0;
    int answered = 0;
    int ran = 0;
    errc why = errc::none;
    msg_id last_call{};
  };
  std::map<std::uint32_t, fate> fates;
  int reconnects = 0;
  int lives = 0;
  int replaced = 0; ///< sessions that the client gave up for its clock
  std::string last_break;
  trace seen; ///< every octet either way, every event, when it was

  const client_session& client() const { return client_; }

private:
  duration skew() { return std::chrono::seconds{static_cast<int>(random_->next() % 7200) - 3600}; }

  bool chance(unsigned in_thousand) { return random_->next() % 1000 < in_thousand; }

  void new_life() {
    ++lives;
    sessions_.clear();
    server_ = nullptr;
    calls_.clear();
  }

  void step() {
    clock_.advance(std::chrono::milliseconds{random_->next() % 40});
    seen.add(static_cast<std::uint64_t>(clock_.steady_now().time_since_epoch().count()));
    if (what_.cut != 0 && fates.size() < 4000) {
      submit();
    }
    if (!connected_) {
      connect();
    }
    client_.poll(clock_.steady_now());
    client_sends();
    move_packets();
    server_works();
    client_events();
    if (chance(what_.cut)) {
      cut();
    }
    if (chance(what_.restart)) {
      cut();
      late_.clear();
      new_life();
    }
    if (what_.forget != 0 && chance(what_.forget)) {
      new_life();
    }
    if (chance(what_.rotate)) {
      salts_->rotate();
    }
  }

  void submit() {
    if (random_->next() % 3 != 0) {
      return;
    }
    const auto number = static_cast<std::uint32_t>(fates.size());
    request_options options{.may_repeat = random_->next() % 2 == 0};
    if (random_->next() % 50 == 0) {
      options.deadline = clock_.steady_now() + std::chrono::milliseconds{random_->next() % 500};
    }
    const auto words = random_->next() % 4 == 0 ? random_->next() % 3000 : random_->next() % 10;
    ASSERT_TRUE(client_.submit(request_id{number}, request_body(number, words), options));
    fates[number].may_repeat = options.may_repeat;
    if (chance(what_.cancel)) {
      client_.cancel(request_id{static_cast<std::uint32_t>(random_->next() % fates.size())});
    }
  }

  void connect() {
    connected_ = true;
    ++reconnects;
    server_ = nullptr;
    client_.connected(clock_.steady_now());
  }

  void cut() {
    connected_ = false;
    client_.disconnected();
    if (what_.late != 0) {
      late_.insert(late_.end(), to_server_.begin(), to_server_.end());
    }
    to_server_.clear();
    to_client_.clear();
  }

  void client_sends() {
    std::vector<outgoing_packet> packets;
    while (client_.take_packets(packets, clock_.steady_now())) {
    }
    for (auto& packet : packets) {
      seen.add(packet.octets);
      to_server_.push_back(std::move(packet.octets));
    }
  }

  void move_packets() {
    if (!late_.empty() && chance(what_.late)) {
      auto packet = std::move(late_.front());
      late_.pop_front();
      server_takes(packet, false);
    }
    while (!to_server_.empty() && random_->next() % 4 != 0) {
      auto packet = std::move(to_server_.front());
      to_server_.pop_front();
      if (chance(what_.duplicate)) {
        to_server_.push_front(packet);
      }
      if (chance(what_.corrupt)) {
        packet[random_->next() % packet.size()] ^= 1;
      }
      if (!server_takes(packet, true)) {
        cut();
      }
    }
    while (!to_client_.empty() && random_->next() % 4 != 0) {
      const std::size_t at = chance(what_.reorder) ? random_->next() % to_client_.size() : 0;
      auto packet = to_client_[at];
      if (!chance(what_.duplicate)) {
        to_client_.erase(to_client_.begin() + static_cast<std::ptrdiff_t>(at));
      }
      if (chance(what_.corrupt)) {
        packet[random_->next() % packet.size()] ^= 1;
      }
      seen.add(packet);
      client_.receive(packet, clock_.steady_now());
    }
  }

  bool server_takes(bytes& packet, bool over_connection) {
    seen.add(packet);
    const auto opened = open(key_, side::client, packet);
    if (opened.status != open_status::ok) {
      return false;
    }
    auto found = sessions_.find(opened.header.session_id);
    if (found == sessions_.end()) {
      found = sessions_
                  .try_emplace(opened.header.session_id, key_, opened.header.session_id,
                               static_cast<std::int64_t>(random_->next()), salts_, random_)
                  .first;
    }
    auto& session = found->second;
    if (over_connection && server_ != &session) {
      server_ = &session;
      session.attached();
    }
    EXPECT_TRUE(session.receive(opened, clock_.wall_now()));
    while (auto event = session.next_event()) {
      if (const auto* call = std::get_if<call_arrived>(&*event)) {
        const auto number = number_in(call->body);
        seen.add(call->body);
        ++fates[number].ran;
        calls_.push_back({&session, call->id, number});
      }
    }
    return true;
  }

  void server_works() {
    while (!calls_.empty() && random_->next() % 3 != 0) {
      const auto at = static_cast<std::ptrdiff_t>(random_->next() % calls_.size());
      const auto [session, id, number] = calls_[static_cast<std::size_t>(at)];
      calls_.erase(calls_.begin() + at);
      session->answer(id, request_body(number, random_->next() % 600));
    }
    if (server_ != nullptr && random_->next() % 10 == 0) {
      server_->push(request_body(0xffffffff, 3));
    }
    bytes packet;
    while (server_ != nullptr && connected_ && server_->take_packet(packet, clock_.wall_now())) {
      seen.add(packet);
      to_client_.push_back(std::move(packet));
    }
  }

  void client_events() {
    while (auto event = client_.next_event()) {
      seen.add(event->index());
      std::visit(event_notes{seen}, *event);
      if (const auto* answer = std::get_if<request_answered>(&*event)) {
        auto& one = fates[static_cast<std::uint32_t>(answer->id)];
        ++one.settled;
        ++one.answered;
        ASSERT_EQ(number_in(answer->body), static_cast<std::uint32_t>(answer->id));
      } else if (const auto* failure = std::get_if<request_failed>(&*event)) {
        auto& one = fates[static_cast<std::uint32_t>(failure->id)];
        ++one.settled;
        one.why = failure->why.code;
      } else if (std::holds_alternative<session_replaced>(*event)) {
        ++replaced;
      } else if (const auto* broken = std::get_if<must_reconnect>(&*event)) {
        last_break = broken->why.what;
        cut();
      }
    }
  }

  std::shared_ptr<seeded_random> random_;
  mischief what_;
  manual_clock clock_;
  auth_key key_;
  std::shared_ptr<server_salts> salts_;
  client_session client_;
  std::map<std::uint64_t, server_session> sessions_;
  server_session* server_ = nullptr; ///< the one that speaks over the connection
  struct open_call {
    server_session* session;
    msg_id id;
    std::uint32_t number;
  };
  std::vector<open_call> calls_;
  std::deque<bytes> to_server_;
  std::deque<bytes> to_client_;
  std::deque<bytes> late_;
  bool connected_ = false;
};

struct totals {
  int requests = 0;
  int answered = 0;
  int unknown = 0;
  int ran_twice = 0;
};

totals judge(const simulation& world) {
  totals out;
  EXPECT_EQ(world.client().under_way(), 0U) << world.last_break;
  for (const auto& [number, one] : world.fates) {
    ++out.requests;
    EXPECT_EQ(one.settled, 1) << "request " << number;
    EXPECT_TRUE(one.answered == 0 || one.ran > 0);
    EXPECT_TRUE(one.may_repeat || one.ran <= 1) << "request " << number << " ran " << one.ran;
    EXPECT_TRUE(one.why == errc::none || one.why == errc::cancelled || one.why == errc::deadline ||
                one.why == errc::unknown_outcome)
        << to_string(one.why);
    out.answered += one.answered;
    out.unknown += one.why == errc::unknown_outcome ? 1 : 0;
    out.ran_twice += one.ran > 1 ? 1 : 0;
  }
  return out;
}

TEST(network, a_quiet_one_answers_everything) {
  simulation world{
      test::seed(),
      {.cut = 1, .duplicate = 0, .reorder = 0, .corrupt = 0, .rotate = 0, .cancel = 0}};
  world.run(2000);
  EXPECT_GT(judge(world).answered, 500);
}

TEST(network, whatever_happens_each_request_is_settled_once_and_none_runs_twice) {
  const auto base = test::seed();
  totals sum;
  int kept = 0;
  int reconnects = 0;
  for (std::uint64_t round = 0; round < 60; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    simulation world{base + round, {}};
    world.run(600);
    const auto result = judge(world);
    // The server kept the session, and the client too: nothing need run again, not even a read.
    if (world.replaced == 0) {
      EXPECT_EQ(result.ran_twice, 0);
      ++kept;
    }
    reconnects += world.reconnects;
    sum.requests += result.requests;
    sum.answered += result.answered;
    if (HasFailure()) {
      return;
    }
  }
  EXPECT_GT(kept, 0);
  EXPECT_GT(reconnects, 120);
  EXPECT_GT(sum.answered, sum.requests * 8 / 10);
}

/// What was under way when a connection broke reaches the server after all, beside the next one.
TEST(network, late_packets_run_nothing_twice_that_may_not_be_repeated) {
  const auto base = test::seed();
  for (std::uint64_t round = 0; round < 60; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    simulation world{base + 2000 + round, {.cut = 20, .late = 300}};
    world.run(600);
    judge(world);
    if (HasFailure()) {
      return;
    }
  }
}

TEST(network, a_server_that_forgets_sessions_runs_only_what_may_be_repeated_again) {
  const auto base = test::seed();
  totals sum;
  for (std::uint64_t round = 0; round < 60; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    simulation world{base + 1000 + round, {.restart = 15}};
    world.run(600);
    const auto result = judge(world);
    sum.unknown += result.unknown;
    sum.ran_twice += result.ran_twice;
    if (HasFailure()) {
      return;
    }
  }
  EXPECT_GT(sum.unknown, 0);
  EXPECT_GT(sum.ran_twice, 0);
}

TEST(network, a_session_forgotten_during_a_connection_runs_nothing_twice) {
  const auto base = test::seed();
  totals sum;
  for (std::uint64_t round = 0; round < 60; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    // Without duplicates: a server that forgets what it has seen runs them, whatever a client does.
    simulation world{base + 2000 + round, {.cut = 2, .duplicate = 0, .forget = 15}};
    world.run(600);
    const auto result = judge(world);
    sum.answered += result.answered;
    sum.unknown += result.unknown;
    if (HasFailure()) {
      return;
    }
  }
  EXPECT_GT(sum.unknown, 0);
  EXPECT_GT(sum.answered, 1000);
}

/// Of a run in which everything happens that can.
std::string trace_of(std::uint64_t seed) {
  simulation world{seed, {.restart = 5, .late = 100, .forget = 3}};
  world.run(600);
  return world.seen.hex();
}

TEST(network, the_same_seed_makes_the_same_trace) {
  const auto base = test::seed();
  const auto first = trace_of(base);
  std::cout << "trace=" << first << std::endl;
  EXPECT_EQ(trace_of(base), first);
  EXPECT_NE(trace_of(base + 1), first);
}

TEST(network, another_process_makes_the_same_trace) {
  const auto here = trace_of(test::seed());
  EXPECT_EQ(cafegram::test::trace_elsewhere("network.the_same_seed_makes_the_same_trace"), here);
}

} // namespace
} // namespace cafegram::protocol

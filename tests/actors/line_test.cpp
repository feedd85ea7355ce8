#include <cafegram/actors/dc_line.hpp>

#include <algorithm>

#include "mini_dc.hpp"

namespace cafegram {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds lifetime{86'400};

/// A line and a data centre, joined without a network on a clock that the test moves.
struct dc_line_fixture : testing::Test {
  std::shared_ptr<manual_clock> clock = std::make_shared<manual_clock>();
  std::shared_ptr<seeded_random> random = std::make_shared<seeded_random>(3);
  std::shared_ptr<crypto::prime_cache> primes = std::make_shared<crypto::prime_cache>();
  test::mini_dc server{clock, std::make_shared<seeded_random>(4)};
  std::optional<dc_line> line;
  std::uint64_t next_call = 1;

  // What the line has told.
  std::optional<dc_key> permanent;
  std::vector<temporary_key> bound;
  std::vector<key_news> news;
  std::vector<std::uint64_t> answered;
  std::vector<protocol::released_request> released;
  std::vector<std::int32_t> words;
  std::vector<error> broken;

  static connection_setup setup(key_order keys, bool forward_secrecy = true) {
    auto profile = std::make_shared<connection_profile>();
    profile->forward_secrecy = forward_secrecy;
    profile->temporary_key_lifetime = lifetime;
    profile->rsa_keys = {test::mini_dc::rsa()->public_key()};
    profile->first_call_prefix = bytes{1, 0, 0, 0};
    connection_setup out;
    out.profile = profile;
    out.dc = 2;
    out.keys = std::move(keys);
    return out;
  }

  void make(connection_setup how) { line.emplace(std::move(how), random, primes); }
  void make(key_order keys, bool forward_secrecy = true) {
    make(setup(std::move(keys), forward_secrecy));
  }

  void connect() {
    server.connect();
    line->opened({"127.0.0.1", 1}, clock->steady_now(), clock->wall_now());
    run();
  }
  void disconnect() {
    line->closed();
    server.closed = true;
  }
  void reconnect() {
    disconnect();
    connect();
  }
  void use(key_order keys) {
    line->use(std::move(keys), clock->steady_now(), clock->wall_now());
    run();
  }
  void give(bytes_view data) {
    line->receive(data, clock->steady_now(), clock->wall_now());
    run();
  }
  void advance(duration by) {
    clock->advance(by);
    line->poll(clock->steady_now());
    run();
  }

  std::uint64_t ask(bool may_repeat = false) {
    const auto id = next_call++;
    protocol::request_options options;
    options.may_repeat = may_repeat;
    bytes body(8, static_cast<std::uint8_t>(id));
    EXPECT_TRUE(line->session().submit(protocol::request_id{id}, body, options));
    run();
    return id;
  }

  /// Moves octets both ways until both sides are silent.
  void run() {
    for (int rounds = 0; rounds < 100; ++rounds) {
      take_events();
      const auto out = line->take_output(1U << 20, clock->steady_now());
      if (out.empty() || server.closed) {
        take_events();
        return;
      }
      const auto back = server.feed(out);
      if (!back.empty()) {
        line->receive(back, clock->steady_now(), clock->wall_now());
      }
    }
    ADD_FAILURE() << "no end of talking";
  }

  void take_events() {
    while (auto event = line->next_event()) {
      if (auto* made = std::get_if<line_key_made>(&*event)) {
        permanent = made->key;
      } else if (auto* good = std::get_if<line_key_bound>(&*event)) {
        bound.push_back(good->key);
      } else if (auto* told = std::get_if<line_key_news>(&*event)) {
        news.push_back(told->news);
      } else if (auto* back = std::get_if<line_released>(&*event)) {
        released.insert(released.end(), back->requests.begin(), back->requests.end());
      } else if (auto* word = std::get_if<line_refused>(&*event)) {
        words.push_back(word->code);
      } else if (auto* end = std::get_if<line_broken>(&*event)) {
        broken.push_back(end->why);
      } else if (auto* one = std::get_if<protocol::session_event>(&*event)) {
        take(*one);
      }
    }
  }

  void take(const protocol::session_event& event) {
    if (const auto* answer = std::get_if<protocol::request_answered>(&event)) {
      answered.push_back(static_cast<std::uint64_t>(answer->id));
    } else if (const auto* end = std::get_if<protocol::must_reconnect>(&event)) {
      broken.push_back(end->why);
    }
  }

  key_order order(bool renew = false) const {
    key_order out;
    out.permanent = permanent;
    if (!bound.empty()) {
      out.temporary = bound.back();
    }
    out.make = out.renew = renew;
    return out;
  }
};

key_order make_keys() {
  key_order out;
  out.make = true;
  return out;
}

} // namespace

TEST_F(dc_line_fixture, makes_both_keys_over_one_socket_and_binds_before_anything_else) {
  make(make_keys());
  connect();
  ASSERT_TRUE(permanent);
  ASSERT_EQ(bound.size(), 1U);
  ASSERT_TRUE(line->ready());
  EXPECT_EQ(server.count(false), 1U);
  EXPECT_EQ(server.count(true), 1U);
  EXPECT_EQ(server.keys.at(bound[0].key->id()).bound_to, permanent->key->id());
  EXPECT_EQ(server.keys.at(bound[0].key->id()).expires_in, lifetime.count());
  EXPECT_EQ(bound[0].good_until, clock->steady_now() + lifetime);
  EXPECT_EQ(bound[0].expires_at, 1'750'000'000 + lifetime.count());
  EXPECT_EQ(answered, std::vector{ask()});
  ASSERT_EQ(server.calls.size(), 1U);
  EXPECT_EQ(server.calls[0].key_id, bound[0].key->id()) << "the permanent key is never used";
  EXPECT_EQ(server.calls[0].body[0], 1) << "introduced after the binding";
}

TEST_F(dc_line_fixture, names_its_data_centre_in_each_exchange) {
  for (const bool media : {false, true}) {
    server.keys.clear();
    auto how = setup(make_keys());
    how.route.media = media;
    make(std::move(how));
    connect();
    ASSERT_EQ(server.keys.size(), 2U);
    for (const auto& [id, record] : server.keys) {
      EXPECT_EQ(record.dc, media ? -2 : 2);
    }
  }
  auto how = setup(make_keys());
  auto profile = std::make_shared<connection_profile>(*how.profile);
  profile->test = true;
  how.profile = profile;
  make(std::move(how));
  connect();
  EXPECT_EQ(words, std::vector{-444}) << "the server is none for tests";
}

TEST_F(dc_line_fixture, without_forward_secrecy_the_permanent_key_is_used) {
  make(make_keys(), false);
  connect();
  ASSERT_TRUE(permanent);
  EXPECT_TRUE(bound.empty());
  ask();
  ASSERT_EQ(server.calls.size(), 1U);
  EXPECT_EQ(server.calls[0].key_id, permanent->key->id());
}

TEST_F(dc_line_fixture, known_keys_cost_no_round_trip) {
  make(make_keys());
  connect();
  const auto exchanges = server.exchanges;
  make(order());
  connect();
  EXPECT_TRUE(line->ready()) << "at once";
  ask();
  EXPECT_EQ(answered.size(), 1U);
  reconnect();
  ask();
  EXPECT_EQ(answered.size(), 2U);
  EXPECT_EQ(server.exchanges, exchanges);
  EXPECT_EQ(server.bindings, 1);
}

TEST_F(dc_line_fixture, without_a_key_and_without_being_told_to_make_one_it_waits) {
  make(key_order{});
  EXPECT_FALSE(line->has_work());
  use(make_keys());
  EXPECT_TRUE(line->has_work());
  connect();
  EXPECT_TRUE(line->ready());
}

TEST_F(dc_line_fixture, a_renewal_takes_over_when_it_is_bound_and_loses_nothing) {
  make(make_keys());
  connect();
  const auto old_key = bound[0].key->id();
  server.hold_answers = true;
  const auto before = ask();
  use(order(true));
  ASSERT_EQ(bound.size(), 2U);
  EXPECT_NE(bound[1].key->id(), old_key);
  const auto after = ask();
  ASSERT_EQ(server.calls.size(), 2U);
  EXPECT_EQ(server.calls[0].key_id, old_key);
  EXPECT_EQ(server.calls[1].key_id, bound[1].key->id()) << "new calls go under the new key";
  EXPECT_TRUE(answered.empty());
  give(server.answer_held());
  EXPECT_EQ(answered.size(), 2U) << "both, each in its session";
  std::ranges::sort(answered);
  EXPECT_EQ(answered, (std::vector{before, after}));
  EXPECT_EQ(server.calls.size(), 2U) << "none ran twice";
  EXPECT_TRUE(released.empty());
  EXPECT_EQ(server.exchanges, 3);
}

TEST_F(dc_line_fixture, a_renewal_survives_a_cut_and_asks_after_what_was_under_way) {
  make(make_keys());
  connect();
  server.hold_answers = true;
  ask();
  use(order(true));
  ASSERT_EQ(bound.size(), 2U);
  ask();
  reconnect();
  give(server.answer_held());
  EXPECT_EQ(answered.size(), 2U);
  EXPECT_EQ(server.calls.size(), 2U) << "none ran twice";
}

TEST_F(dc_line_fixture, what_an_old_key_has_not_answered_at_its_end_is_handed_back) {
  make(make_keys());
  connect();
  server.hold_answers = true;
  ask();
  advance(lifetime - 10s);
  use(order(true));
  ASSERT_EQ(bound.size(), 2U);
  EXPECT_TRUE(released.empty());
  EXPECT_LE(line->next_deadline(), bound[0].good_until);
  advance(10s);
  ASSERT_EQ(released.size(), 1U);
  EXPECT_TRUE(released[0].may_have_run);
}

TEST_F(dc_line_fixture, a_renewal_waits_for_the_first_message_of_a_connection) {
  make(make_keys());
  connect();
  disconnect();
  use(order(true));
  server.connect();
  line->opened({"127.0.0.1", 1}, clock->steady_now(), clock->wall_now());
  EXPECT_FALSE(line->proven());
  const auto before = server.plain_frames;
  // The key has been forgotten: the word must be about it and not about an exchange.
  server.forget_key(bound[0].key->id());
  run();
  ASSERT_EQ(news.size(), 1U);
  EXPECT_EQ(news[0].key_id, bound[0].key->id());
  EXPECT_EQ(server.plain_frames, before) << "no exchange was begun";
}

TEST_F(dc_line_fixture, minus_404_names_the_temporary_key_only) {
  make(make_keys());
  connect();
  server.forget_key(bound[0].key->id());
  ask();
  ASSERT_EQ(news.size(), 1U);
  EXPECT_EQ(news[0].what, key_news::kind::unknown);
  EXPECT_EQ(news[0].key_id, bound[0].key->id());
  EXPECT_EQ(words, std::vector{-404});
  key_order without;
  without.permanent = permanent;
  without.make = true;
  disconnect();
  use(without);
  ASSERT_EQ(released.size(), 1U);
  connect();
  EXPECT_EQ(bound.size(), 2U);
  EXPECT_EQ(server.count(false), 1U) << "the permanent key stayed";
}

TEST_F(dc_line_fixture, minus_404_to_the_key_exchange_drops_nothing) {
  make(make_keys());
  server.connect();
  line->opened({"127.0.0.1", 1}, clock->steady_now(), clock->wall_now());
  server.feed(line->take_output(1U << 20, clock->steady_now()));
  give(server.word(-404));
  EXPECT_TRUE(news.empty());
  reconnect();
  EXPECT_TRUE(line->ready());
}

TEST_F(dc_line_fixture, minus_404_to_a_key_that_was_just_made_makes_another_one) {
  make(make_keys());
  server.forget_new_keys = true;
  connect();
  EXPECT_FALSE(line->ready());
  EXPECT_TRUE(permanent);
  EXPECT_TRUE(news.empty());
  EXPECT_EQ(words, std::vector{-404});
  server.forget_new_keys = false;
  // The server has forgotten the permanent key too; what follows is for the binding to say.
  reconnect();
  ASSERT_EQ(news.size(), 1U);
  EXPECT_EQ(news[0].what, key_news::kind::not_bound);
}

TEST_F(dc_line_fixture, a_refused_binding_is_told_with_the_servers_time) {
  make(make_keys());
  connect();
  auto known = order();
  known.temporary.reset();
  known.make = true;
  make(known);
  server.refuse_binding = "ENCRYPTED_MESSAGE_INVALID";
  clock->advance(100s);
  connect();
  ASSERT_EQ(news.size(), 1U);
  EXPECT_EQ(news[0].what, key_news::kind::not_bound);
  EXPECT_TRUE(news[0].why.is_rpc("ENCRYPTED_MESSAGE_INVALID"));
  EXPECT_NEAR(static_cast<double>(news[0].server_time), 1'750'000'100.0, 2.0);
  EXPECT_EQ(broken.size(), 1U);
  EXPECT_FALSE(line->ready());
}

TEST_F(dc_line_fixture, a_key_exchange_has_its_time) {
  make(make_keys());
  server.connect();
  line->opened({"127.0.0.1", 1}, clock->steady_now(), clock->wall_now());
  EXPECT_EQ(line->next_deadline(), clock->steady_now() + 30s);
  advance(30s);
  ASSERT_EQ(broken.size(), 1U);
  EXPECT_EQ(broken[0].code, errc::deadline);
}

TEST_F(dc_line_fixture, a_farewell_destroys_the_permanent_key_itself) {
  make(make_keys());
  connect();
  auto how = setup(order());
  how.destroy_key = true;
  make(how);
  connect();
  EXPECT_EQ(server.destroyed, std::vector{permanent->key->id()});
}

} // namespace cafegram

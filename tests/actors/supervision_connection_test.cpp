#include <cafegram/actors/dc_connection.hpp>
#include <cafegram/actors/transport.hpp>

#include <optional>

#include "late_connector.hpp"
#include "mini_dc.hpp"
#include "virtual_network.hpp"

// What a connection does about its socket: docs/supervision.md. Sockets and clock are the test's.
namespace cafegram {

namespace {

using namespace std::chrono_literals;

/// A connection and a data centre, with a wire between them that the test holds.
class connection_stage {
public:
  explicit connection_stage(bool late = false) {
    auto profile = std::make_shared<connection_profile>();
    profile->forward_secrecy = true;
    profile->rsa_keys = {test::mini_dc::rsa()->public_key()};
    profile->first_call_prefix = bytes{1, 0, 0, 0};
    connection_setup setup;
    setup.profile = profile;
    setup.dc = 2;
    protocol::dc_address address;
    address.dc = protocol::dc_id{2};
    address.host = "127.0.0.1";
    setup.route.addresses = {address};
    setup.keys.make = true;
    owner_ = net.system().spawn([this] { return owner(); });
    auto services = net.services();
    if (late) {
      services.connector = connector.emplace(net.system()).actor();
    }
    connection = spawn_dc_connection(net.system(), services, std::move(setup), owner_);
    run();
  }
  connection_stage(const connection_stage&) = delete;
  connection_stage& operator=(const connection_stage&) = delete;
  ~connection_stage() {
    caf::anon_send_exit(connection, caf::exit_reason::kill);
    caf::anon_send_exit(owner_, caf::exit_reason::kill);
    connector.reset();
    net.pass(3s); // a transport lingers over what nobody reads
  }

  /// Carries octets both ways until nothing is left to carry.
  void run() {
    net.run();
    while (!stalled) {
      if (known_ != net.opened()) {
        known_ = net.opened();
        server.connect();
      }
      const auto sent = net.opened() > 0 ? net.taken() : bytes{};
      if (sent.empty()) {
        return;
      }
      if (const auto back = server.feed(sent); !back.empty()) {
        net.give(back);
      }
    }
  }
  void pass(std::chrono::milliseconds time, std::chrono::milliseconds step = 500ms) {
    for (auto left = time; left.count() > 0; left -= step) {
      clock->advance(step);
      net.pass(step);
      run();
    }
  }

  void call(call_id id, std::size_t octets = 8) {
    submit_call what;
    what.id = id;
    what.function = std::make_shared<const bytes>(octets, static_cast<std::uint8_t>(id));
    what.gzip = false;
    what.deadline = net.services().clock->steady_now() + 10min;
    caf::anon_send(connection, std::move(what));
  }
  caf::actor wire() {
    return caf::actor_cast<caf::actor>(net.sockets().impl_ptr(net.socket())->parent());
  }

  test::virtual_network net;
  std::shared_ptr<manual_clock> clock = std::make_shared<manual_clock>();
  test::mini_dc server{clock, std::make_shared<seeded_random>(4)};
  std::optional<test::late_connector> connector; ///< in the place of the network's own
  dc_connection_actor connection;
  bool stalled = false; ///< nothing is carried any more
  std::vector<call_settled> settled;
  std::vector<connection_report> reports;
  std::vector<key_news> news;
  std::size_t settled_before_news = 0; ///< the last of them
  int suspicions = 0;                  ///< that updates are missing

private:
  connection_owner_actor::behavior_type owner() {
    return {
        [this](const call_settled& what) { settled.push_back(what); },
        [this](const calls_settled& what) {
          settled.insert(settled.end(), what.calls.begin(), what.calls.end());
        },
        [this](const connection_report& what) { reports.push_back(what); },
        [](const dc_key&) {},
        [](const temporary_key&) {},
        [](const key_salt&) {},
        [this](const key_news& what) {
          news.push_back(what);
          settled_before_news = settled.size();
        },
        [](const raw_updates&) {},
        [this](const updates_suspect&) { ++suspicions; },
    };
  }

  connection_owner_actor owner_;
  std::size_t known_ = 0;
};

/// A call that was under way, and one made meanwhile, are answered over the next socket, once.
void expect_that_it_goes_on(connection_stage& stage) {
  stage.call(2);
  stage.stalled = false;
  stage.pass(3s);
  EXPECT_EQ(stage.net.opened(), 2U) << "another socket";
  ASSERT_EQ(stage.settled.size(), 2U);
  for (const auto& one : stage.settled) {
    EXPECT_TRUE(one.result) << to_string(one.failure);
  }
  EXPECT_EQ(stage.server.calls.size(), 2U) << "each ran once";
  EXPECT_EQ(stage.server.count(false), 1U) << "no key was made anew";
  EXPECT_EQ(stage.server.count(true), 1U);
  EXPECT_GE(stage.suspicions, 1) << "the hub asks for what came meanwhile";
}

} // namespace

TEST(supervision, dc_connection_socket_is_cut) {
  connection_stage stage;
  stage.stalled = true;
  stage.call(1);
  stage.net.run();
  stage.net.cut();
  EXPECT_EQ(stage.reports.back().phase, connection_phase::waiting);
  EXPECT_EQ(stage.net.opened(), 1U) << "not before the back-off";
  expect_that_it_goes_on(stage);
}

TEST(supervision, dc_connection_connector_stalls) {
  connection_stage stage{true};
  auto& connector = *stage.connector;
  stage.pass(connect_request{}.patience + timing_options{}.connect_timeout);
  EXPECT_EQ(connector.asked(), 1U);
  EXPECT_EQ(stage.reports.back().phase, connection_phase::connecting);
  stage.pass(6s);
  EXPECT_TRUE(std::ranges::any_of(stage.reports, [](const connection_report& one) {
    return one.failed && one.detail.contains("connector");
  })) << "whoever waits for a call is told why";
  stage.pass(6s);
  ASSERT_EQ(connector.asked(), 2U) << "it may have recovered";
  connector.answer(0, {stage.net.accept(), {"127.0.0.1", 443}});
  stage.net.run();
  EXPECT_TRUE(stage.net.taken().empty()) << "nobody waits for the first socket any more";
  connector.answer(1, {stage.net.accept(), {"127.0.0.1", 443}});
  stage.net.run();
  EXPECT_FALSE(stage.net.taken().empty());
}

TEST(supervision, dc_connection_socket_stalls) {
  connection_stage stage;
  ASSERT_EQ(stage.reports.back().phase, connection_phase::ready);
  stage.stalled = true;
  stage.call(1);
  stage.pass(70s);
  EXPECT_EQ(stage.net.opened(), 1U);
  stage.pass(10s);
  EXPECT_EQ(stage.net.opened(), 2U) << "found by a ping within 80 s";
  EXPECT_TRUE(stage.settled.empty());
  expect_that_it_goes_on(stage);
}

TEST(supervision, dc_connection_socket_stalls_at_once) {
  connection_stage stage;
  stage.net.cut();
  stage.stalled = true;
  stage.pass(1s);
  ASSERT_EQ(stage.net.opened(), 2U);
  stage.pass(20s);
  EXPECT_EQ(stage.net.opened(), 3U) << "a server that says nothing from the start";
}

TEST(supervision, dc_connection_socket_floods) {
  connection_stage stage;
  const auto socket = stage.net.socket();
  auto& sockets = stage.net.sockets();
  std::size_t sent = 0;
  // The connection itself does not get to run: only the I/O thread does.
  for (int n = 0; n < 64; ++n) {
    sockets.virtual_send(socket, std::vector<char>(64U << 10, 'x'));
    sent += 64U << 10;
    while (sockets.try_exec_runnable()) {
    }
  }
  const auto left = sockets.virtual_network_buffer(socket).size();
  EXPECT_TRUE(sockets.passive_mode(socket)) << "the transport reads no more";
  EXPECT_LE(sent - left, transport_read_ahead + (64U << 10)) << "the rest is the kernel's";
}

TEST(supervision, dc_connection_socket_takes_nothing) {
  connection_stage stage;
  stage.stalled = true;
  for (call_id id = 1; id <= 200; ++id) {
    stage.call(id, 16U << 10);
  }
  stage.net.run();
  const auto written = stage.net.sockets().output_buffer(stage.net.socket()).size();
  EXPECT_GE(written, transport_high_water / 2);
  EXPECT_LE(written, 2 * transport_high_water) << "it holds back";
  stage.pass(80s);
  EXPECT_EQ(stage.net.opened(), 2U) << "and is found dead";
}

TEST(supervision, dc_connection_transport_dies) {
  connection_stage stage;
  stage.stalled = true;
  stage.call(1);
  stage.net.run();
  caf::anon_send_exit(stage.wire(), caf::exit_reason::kill);
  stage.net.run();
  EXPECT_EQ(stage.reports.back().phase, connection_phase::waiting);
  expect_that_it_goes_on(stage);
}

// -- what the other side says of the line -------------------------------------------------------

TEST(dc_connection_words, none_of_them_costs_a_key) {
  connection_stage stage;
  for (const std::int32_t word : {-444, -429, -500, -1}) {
    const auto before = stage.net.opened();
    stage.net.give(stage.server.word(word));
    stage.pass(2s);
    EXPECT_EQ(stage.net.opened(), before + 1) << word;
  }
  stage.call(1);
  stage.run();
  EXPECT_EQ(stage.settled.size(), 1U);
  EXPECT_EQ(stage.server.exchanges, 2) << "the permanent key and its temporary one, as before";
}

TEST(dc_connection_calls, one_is_run_behind_others_where_it_is_to_be) {
  connection_stage stage;
  stage.call(1);
  stage.call(2);
  submit_call last;
  last.id = 3;
  last.function = std::make_shared<const bytes>(8, std::uint8_t{3});
  last.deadline = stage.net.services().clock->steady_now() + 10min;
  last.after = {1, 2, 99};
  caf::anon_send(stage.connection, last);
  stage.run();
  ASSERT_EQ(stage.server.calls.size(), 3U);
  tl::reader in{stage.server.calls[2].body};
  EXPECT_EQ(in.u32(), protocol::ids::invoke_after_msgs);
  EXPECT_EQ(in.vector_count(true, 8, 8), 2U);
  EXPECT_EQ(stage.settled.size(), 3U);
}

TEST(dc_connection_words, a_new_session_of_the_server_makes_updates_suspect) {
  const connection_stage stage;
  EXPECT_EQ(stage.net.opened(), 1U) << "so it is not for a cut";
  EXPECT_EQ(stage.suspicions, 1);
}

TEST(dc_connection_words, a_duplicated_key_is_told_before_the_call_that_was_refused_for_it) {
  connection_stage stage;
  stage.server.answer_call = [](bytes_view) {
    return protocol::write_rpc_error(406, "AUTH_KEY_DUPLICATED");
  };
  stage.call(1);
  stage.run();
  ASSERT_EQ(stage.settled.size(), 1U);
  EXPECT_TRUE(stage.settled[0].failure.is_rpc("AUTH_KEY_DUPLICATED"));
  ASSERT_EQ(stage.news.size(), 1U);
  EXPECT_EQ(stage.news[0].what, key_news::kind::duplicated);
  EXPECT_EQ(stage.server.calls.back().key_id, stage.news[0].key_id);
  EXPECT_EQ(stage.settled_before_news, 0U);
}

TEST(dc_connection_words, a_flooded_server_is_given_ever_more_time) {
  connection_stage stage;
  stage.net.cut();
  stage.stalled = true;
  stage.pass(1s);
  for (const auto wait : {1'000ms, 2'000ms, 4'000ms, 8'000ms, 16'000ms, 32'000ms, 60'000ms}) {
    const auto before = stage.net.opened();
    stage.server.connect();
    // The opening alone: it answers nothing before the word.
    const auto sent = stage.net.taken();
    static_cast<void>(stage.server.feed(bytes_view{sent}.first(64)));
    stage.net.give(stage.server.word(-429));
    stage.pass(wait * 3 / 4, 250ms);
    EXPECT_EQ(stage.net.opened(), before) << wait.count();
    stage.pass(wait / 2, 250ms);
    EXPECT_GT(stage.net.opened(), before) << wait.count();
  }
}

} // namespace cafegram

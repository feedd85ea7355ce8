#include <cafegram/actors/dc_connection.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/handshake_gate.hpp>
#include <cafegram/actors/open_files.hpp>
#include <cafegram/protocol/auth_key.hpp>

#include <sys/resource.h>

#include "late_connector.hpp"
#include "virtual_network.hpp"

namespace cafegram {

namespace {

/// Asks for a turn and keeps it.
struct asker {
  std::optional<handshake_turn> turn;
  std::optional<error> refused;
  caf::actor actor;
};

struct handshake_gate_fixture : testing::Test {
  test::virtual_system actors;
  handshake_gate_actor gate = spawn_handshake_gate(actors.system(), 2);

  ~handshake_gate_fixture() override {
    caf::anon_send_exit(gate, caf::exit_reason::user_shutdown);
    actors.run();
  }

  std::shared_ptr<asker> ask() {
    auto out = std::make_shared<asker>();
    // Who still waits when the gate ends is told so when its test is over.
    const std::weak_ptr<asker> asks = out;
    out->actor = actors.system().spawn([asks, to = gate](caf::event_based_actor* self) {
      self->request(to, caf::infinite, turn_atom_v)
          .then(
              [asks](const handshake_turn& given) {
                if (const auto one = asks.lock()) {
                  one->turn = given;
                }
              },
              [asks](const caf::error& why) {
                if (const auto one = asks.lock()) {
                  one->refused = to_error(why);
                }
              });
    });
    actors.run();
    return out;
  }
};

} // namespace

TEST_F(handshake_gate_fixture, serves_so_many_at_a_time_in_their_order) {
  const auto first = ask();
  const auto second = ask();
  const auto third = ask();
  const auto fourth = ask();
  EXPECT_TRUE(first->turn);
  EXPECT_TRUE(second->turn);
  EXPECT_FALSE(third->turn);
  second->turn.reset();
  actors.run();
  EXPECT_TRUE(third->turn);
  EXPECT_FALSE(fourth->turn);
}

TEST_F(handshake_gate_fixture, a_turn_given_to_the_dead_goes_to_the_next) {
  const auto first = ask();
  const auto second = ask();
  const auto third = ask();
  const auto fourth = ask();
  caf::anon_send_exit(third->actor, caf::exit_reason::kill);
  actors.run();
  first->turn.reset();
  actors.run();
  EXPECT_FALSE(third->turn);
  EXPECT_TRUE(fourth->turn);
}

TEST_F(handshake_gate_fixture, answers_those_that_wait_when_it_is_stopped) {
  const auto first = ask();
  const auto second = ask();
  const auto third = ask();
  caf::anon_send_exit(gate, caf::exit_reason::user_shutdown);
  actors.run();
  ASSERT_TRUE(third->refused);
  EXPECT_EQ(third->refused->code, errc::cancelled);
}

namespace {

using kept_reports = std::shared_ptr<std::vector<connection_report>>;

/// Keeps what is reported of its connections.
connection_owner_actor::behavior_type noting_owner(connection_owner_actor::pointer,
                                                   kept_reports to) {
  return {[](const call_settled&) {},
          [](const calls_settled&) {},
          [to](const connection_report& what) { to->push_back(what); },
          [](const dc_key&) {},
          [](const temporary_key&) {},
          [](const key_salt&) {},
          [](const key_news&) {},
          [](const raw_updates&) {},
          [](const updates_suspect&) {}};
}

/// Connections over a connector that counts what it is asked and never answers.
struct gated_connections : testing::Test {
  test::virtual_system actors;
  runtime::services services = actors.services();
  std::size_t asked = 0;
  kept_reports reports = std::make_shared<kept_reports::element_type>();
  connection_owner_actor owner;
  std::vector<dc_connection_actor> connections;

  gated_connections() {
    services.handshakes = spawn_handshake_gate(actors.system(), 1);
    services.connector = actors.system().spawn(
        [this](connector_actor::pointer self) -> connector_actor::behavior_type {
          return {[this, self](const connect_request&) {
                    ++asked;
                    return self->make_response_promise<connected>();
                  },
                  [](poll_atom) {}};
        });
    owner = actors.system().spawn(noting_owner, reports);
  }

  ~gated_connections() override {
    for (const auto& one : connections) {
      caf::anon_send_exit(one, caf::exit_reason::kill);
    }
    caf::anon_send_exit(owner, caf::exit_reason::kill);
    caf::anon_send_exit(services.connector, caf::exit_reason::kill);
    caf::anon_send_exit(services.handshakes, caf::exit_reason::kill);
    actors.run();
  }

  void connect(key_order keys, bool with_address = true) {
    connection_setup setup;
    auto profile = std::make_shared<connection_profile>();
    profile->forward_secrecy = false; // one key, which there is or not
    setup.profile = std::move(profile);
    setup.dc = 2;
    protocol::dc_address address;
    address.dc = protocol::dc_id{2};
    address.host = "127.0.0.1";
    if (with_address) {
      setup.route.addresses = {address};
    }
    setup.keys = std::move(keys);
    connections.push_back(spawn_dc_connection(actors.system(), services, std::move(setup), owner));
    actors.run();
  }
};

} // namespace

TEST_F(gated_connections, take_turns_when_they_make_keys) {
  key_order make;
  make.make = true;
  connect(make);
  connect(make);
  connect(make);
  EXPECT_EQ(asked, 1U);
  caf::anon_send_exit(connections[1], caf::exit_reason::kill); // in the queue
  caf::anon_send_exit(connections[0], caf::exit_reason::kill);
  actors.run();
  EXPECT_EQ(asked, 2U);
}

TEST_F(gated_connections, go_on_without_a_turn_when_the_gate_dies) {
  key_order make;
  make.make = true;
  connect(make);
  connect(make);
  EXPECT_EQ(asked, 1U);
  caf::anon_send_exit(services.handshakes, caf::exit_reason::kill);
  actors.run();
  EXPECT_EQ(asked, 2U) << "the one that waited";
  connect(make);
  EXPECT_EQ(asked, 3U) << "and whoever comes later";
}

TEST_F(gated_connections, go_on_without_a_turn_when_the_gate_stalls) {
  using namespace std::chrono_literals;
  caf::anon_send_exit(services.handshakes, caf::exit_reason::kill);
  services.handshakes = actors.system().spawn(
      [](handshake_gate_actor::pointer self) -> handshake_gate_actor::behavior_type {
        auto held = std::make_shared<std::vector<caf::typed_response_promise<handshake_turn>>>();
        return {[self, held](turn_atom) {
                  held->push_back(self->make_response_promise<handshake_turn>());
                  return held->back();
                },
                [](caf::ok_atom) {}};
      });
  key_order make;
  make.make = true;
  connect(make);
  actors.pass(9min);
  EXPECT_EQ(asked, 0U) << "many may be before it";
  actors.pass(1min);
  EXPECT_EQ(asked, 1U);
}

TEST_F(gated_connections, give_their_turn_back_while_there_is_no_network) {
  using namespace std::chrono_literals;
  key_order make;
  make.make = true;
  for (int n = 0; n < 3; ++n) {
    connect(make);
  }
  actors.pass(499ms);
  EXPECT_EQ(asked, 1U);
  actors.pass(1ms);
  EXPECT_EQ(asked, 2U);
  actors.pass(500ms);
  EXPECT_EQ(asked, 3U);
}

TEST_F(gated_connections, wait_for_nobody_when_they_have_a_key) {
  key_order known;
  known.permanent = dc_key{2,
                           std::make_shared<const protocol::auth_key>(
                               *protocol::auth_key::from(bytes(protocol::auth_key::octets, 7))),
                           0, 0};
  connect(known);
  connect(known);
  EXPECT_EQ(asked, 2U);
}

// A configuration may list a data centre no more that has calls or keys.
TEST_F(gated_connections, without_an_address_say_so) {
  key_order make;
  make.make = true;
  connect(make, false);
  EXPECT_EQ(asked, 0U);
  ASSERT_FALSE(reports->empty());
  EXPECT_EQ(reports->back().phase, connection_phase::waiting);
  EXPECT_TRUE(reports->back().failed);
  EXPECT_TRUE(reports->back().detail.contains("no address")) << reports->back().detail;
}

namespace {

/// Connections that are to make keys, one at a time, and whose sockets open when the test says so.
struct late_sockets : testing::Test {
  test::virtual_network net;
  test::late_connector connector{net.system()};
  runtime::services services = net.services();
  kept_reports reports = std::make_shared<kept_reports::element_type>();
  connection_owner_actor owner = net.system().spawn(noting_owner, reports);
  std::vector<dc_connection_actor> connections;

  late_sockets() {
    services.handshakes = spawn_handshake_gate(net.system(), 1);
    services.connector = connector.actor();
  }
  ~late_sockets() override {
    for (const auto& one : connections) {
      caf::anon_send_exit(one, caf::exit_reason::kill);
    }
    caf::anon_send_exit(owner, caf::exit_reason::kill);
    caf::anon_send_exit(connector.actor(), caf::exit_reason::kill);
    caf::anon_send_exit(services.handshakes, caf::exit_reason::kill);
    net.pass(std::chrono::seconds{3}); // a transport lingers over what nobody reads
  }

  void connect() {
    connection_setup setup;
    setup.profile = std::make_shared<connection_profile>();
    setup.dc = 2;
    setup.route.addresses.emplace_back().host = "127.0.0.1";
    setup.keys.make = true;
    connections.push_back(spawn_dc_connection(net.system(), services, std::move(setup), owner));
    net.run();
  }
  void open(std::size_t which) {
    connector.answer(which, {net.accept(), {"127.0.0.1", 443}});
    net.run();
  }
};

} // namespace

TEST_F(late_sockets, are_silent_until_it_is_their_turn_again) {
  connect();
  net.pass(std::chrono::milliseconds{500});
  connect();
  ASSERT_EQ(connector.asked(), 2U) << "the second one has the turn that the first one had";
  open(0);
  EXPECT_TRUE(net.taken().empty());
  connector.refuse(1, error::make(errc::network, "refused"));
  net.run();
  EXPECT_FALSE(net.taken().empty()) << "the key exchange has begun";
}

TEST_F(late_sockets, begin_at_once_where_they_were_in_time) {
  connect();
  net.pass(std::chrono::milliseconds{499});
  open(0);
  EXPECT_FALSE(net.taken().empty());
}

// Nobody looks at such a socket, and the server may have closed it long since.
TEST_F(late_sockets, do_not_wait_for_their_turn_for_ever) {
  using namespace std::chrono_literals;
  connect();
  net.pass(500ms);
  std::optional<handshake_turn> taken;
  net.system().spawn([&taken, to = services.handshakes](caf::event_based_actor* self) {
    self->request(to, caf::infinite, turn_atom_v)
        .then([&taken](const handshake_turn& given) { taken = given; }, [](const caf::error&) {});
  });
  net.run();
  ASSERT_TRUE(taken);
  open(0);
  net.pass(29s);
  EXPECT_EQ(reports->back().phase, connection_phase::connecting);
  net.pass(1s);
  EXPECT_EQ(reports->back().phase, connection_phase::waiting);
  EXPECT_TRUE(reports->back().failed);
  taken.reset();
  net.run();
  EXPECT_TRUE(net.taken().empty()) << "nothing is said over a socket that was given up";
}

TEST(open_files, are_allowed_as_far_as_the_system_lets) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{before.rlim_max / 2, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_TRUE(allow_open_files(before.rlim_max));
  rlimit after{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  const auto too_many = allow_open_files(std::size_t{before.rlim_max} + 1);
  ASSERT_FALSE(too_many);
  EXPECT_EQ(too_many.error().code, errc::limit);
  EXPECT_NE(too_many.error().what.find("LimitNOFILE"), std::string::npos);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

} // namespace cafegram

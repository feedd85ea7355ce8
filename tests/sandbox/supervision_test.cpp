#include <cafegram/actors/transport.hpp>
#include <cafegram/crypto/rsa.hpp>
#include <cafegram/protocol/tunnel.hpp>
#include <cafegram/sandbox/connection.hpp>
#include <cafegram/sandbox/listener.hpp>
#include <cafegram/sandbox/patient_door.hpp>
#include <cafegram/sandbox/router.hpp>
#include <cafegram/sandbox/server_parts.hpp>
#include <cafegram/sandbox/store.hpp>
#include <cafegram/tests/watchdog.hpp>

#include <caf/all.hpp>

#include <filesystem>
#include <functional>
#include <future>
#include <iterator>

#include "../actors/loopback.hpp"
#include "../actors/virtual_network.hpp"
#include "../interop/standin.hpp"
#include "raw_client.hpp"

// What the sandbox's connections and listeners do about what they hang on: docs/supervision.md.
namespace cafegram::sandbox {
namespace {

using namespace std::chrono_literals;

router_parts parts_of(const std::shared_ptr<const clock_source>& clock,
                      const std::shared_ptr<random_source>& random) {
  return {world::open({}, make_memory_store(), random, clock->wall_now()).value(),
          layer_set::load({}).value(),
          std::make_shared<page_feed>(),
          clock,
          {}};
}

connection_parts parts_of(const router_actor& router,
                          const std::shared_ptr<const clock_source>& clock,
                          const std::shared_ptr<random_source>& random) {
  static const rsa_keys keys = std::make_shared<const rsa_keys::element_type>(
      rsa_keys::element_type{{2, std::make_shared<const crypto::rsa_private_key>(
                                     crypto::rsa_private_key::generate())}});
  return {router, layer_set::load({}).value(), keys, clock, random, 2, false};
}

/// One connection of the sandbox, with its router, a wire and a clock that the test holds.
class connection_stage {
public:
  using change = std::function<void(connection_parts&, caf::actor_system&)>;
  explicit connection_stage(const change& by = {}) {
    const auto& services = net.services();
    router = spawn_router(net.system(), parts_of(services.clock, services.random));
    parts = parts_of(router, services.clock, services.random);
    if (by) {
      by(parts, net.system());
    }
    connection = spawn_connection(net.system(), parts, 1, "test", net.accept());
    connection->attach_functor([this] { ended = true; });
    net.run();
  }
  connection_stage(const connection_stage&) = delete;
  connection_stage& operator=(const connection_stage&) = delete;
  ~connection_stage() {
    for (const auto& one : {caf::actor_cast<caf::actor>(connection),
                            caf::actor_cast<caf::actor>(router), parts.gatekeeper}) {
      caf::anon_send_exit(one, caf::exit_reason::kill);
    }
    net.wake();
  }

  void pass(std::chrono::seconds time) {
    for (; time > 0s; time -= 1s) {
      net.pass(1s);
    }
  }

  test::virtual_network net;
  router_actor router;
  connection_parts parts;
  connection_actor connection;
  bool ended = false;
};

} // namespace

TEST(supervision, connection_socket_is_cut) {
  connection_stage stage;
  EXPECT_FALSE(stage.ended);
  stage.net.cut();
  EXPECT_TRUE(stage.ended);
}

TEST(supervision, connection_socket_stalls) {
  connection_stage stage{[](connection_parts& parts, auto&) { parts.strangers.time = 1h; }};
  stage.pass(115s);
  EXPECT_FALSE(stage.ended);
  stage.pass(10s);
  EXPECT_TRUE(stage.ended) << "a client that says nothing for two minutes";
}

TEST(supervision, connection_stranger_stalls) {
  connection_stage stage;
  stage.pass(55s);
  EXPECT_FALSE(stage.ended);
  stage.pass(10s);
  EXPECT_TRUE(stage.ended) << "anybody can open a connection and say nothing";
}

TEST(supervision, connection_socket_floods) {
  connection_stage stage;
  auto& sockets = stage.net.sockets();
  std::size_t sent = 0;
  // The connection itself does not get to run: only the I/O thread does.
  for (int n = 0; n < 64; ++n) {
    sockets.virtual_send(stage.net.socket(), std::vector<char>(64U << 10, 'x'));
    sent += 64U << 10;
    while (sockets.try_exec_runnable()) {
    }
  }
  const auto left = sockets.virtual_network_buffer(stage.net.socket()).size();
  EXPECT_LE(sent - left, transport_read_ahead + (64U << 10)) << "the rest is the kernel's";
}

// The router keeps it for the connection that comes next.
TEST(connection_faults, what_comes_while_it_ends_goes_back_whole) {
  connection_stage stage{[](connection_parts& parts, auto&) {
    auto plan = std::make_shared<fault_plan>();
    plan->rate(fault_kind::push_drop) = {1, 0};
    parts.faults = std::move(plan);
  }};
  const session_mail news{
      {1, 1}, std::make_shared<const session_letter>(letter_updates{tl::json::object()})};
  caf::anon_send(stage.connection, news);
  stage.net.run();
  EXPECT_EQ(stage.parts.counts->of(fault_kind::push_drop), 1U);
  caf::anon_send(stage.connection, caf::close_atom_v);
  caf::anon_send(stage.connection, news);
  stage.net.run();
  EXPECT_EQ(stage.parts.counts->of(fault_kind::push_drop), 1U);
}

TEST(supervision, connection_router_dies) {
  connection_stage stage;
  caf::anon_send_exit(stage.router, caf::exit_reason::kill);
  stage.net.run();
  EXPECT_TRUE(stage.ended) << "the client finds nobody who could serve it, and comes back";
}

TEST(supervision, connection_router_stalls) {
  connection_stage stage;
  stage.net.stall(caf::actor_cast<caf::actor>(stage.router));
  bytes packet{0xef, 18}; // abridged, of a key that the router would have to know
  packet.resize(2 + 18 * 4, 1);
  stage.net.give(packet);
  auto& closed = stage.net.sockets().stopped_reading(stage.net.socket());
  stage.pass(9s);
  EXPECT_FALSE(closed);
  stage.pass(2s);
  EXPECT_TRUE(closed) << "the client comes back, or goes elsewhere";
  EXPECT_FALSE(stage.ended) << "what is on its way here from the router is not to be lost";
  stage.net.wake();
  EXPECT_TRUE(stage.ended);
}

// -- a connection asks the listener whether a hello of fake TLS has come before -----------------

namespace {

const protocol::mtproxy_secret secret = {.key = {1, 2, 3}, .padded = true, .domain = "a.test"};

/// A fake TLS port whose listener answers nobody.
void at_a_quiet_gate(connection_parts& parts, caf::actor_system& in) {
  auto port = std::make_shared<mtproxy_port>();
  port->secret = secret;
  parts.mtproxy = std::move(port);
  parts.gatekeeper = in.spawn([](caf::event_based_actor* self) -> caf::behavior {
    auto held = std::make_shared<std::vector<caf::response_promise>>();
    return {[self, held](const hello_seen&) -> caf::result<bool> {
              held->push_back(self->make_response_promise());
              return held->back();
            },
            [](const stranger_gone&) {}};
  });
}

void say_hello(connection_stage& stage) {
  const auto& services = stage.net.services();
  const auto client =
      protocol::make_fake_tls_tunnel(secret, *services.random, services.clock->wall_now());
  stage.net.give(client->opening());
}

} // namespace

TEST(supervision, connection_listener_dies) {
  connection_stage stage{at_a_quiet_gate};
  caf::anon_send_exit(stage.parts.gatekeeper, caf::exit_reason::kill);
  stage.net.run();
  EXPECT_FALSE(stage.ended);
  say_hello(stage);
  EXPECT_TRUE(stage.ended) << "nobody can say whether it was a recorded one";
}

TEST(supervision, connection_listener_stalls) {
  connection_stage stage{at_a_quiet_gate};
  say_hello(stage);
  stage.pass(9s);
  EXPECT_FALSE(stage.ended);
  stage.pass(2s);
  EXPECT_TRUE(stage.ended);
}

namespace {

/// This process' socket that listens at a port; -1 where there is none.
int listening_at(std::uint16_t port) {
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
    const int fd = std::stoi(entry.path().filename().string());
    int listens = 0;
    sockaddr_in address{};
    socklen_t size = sizeof listens;
    if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) {
      continue;
    }
    size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
        address.sin_family == AF_INET && ntohs(address.sin_port) == port) {
      return fd;
    }
  }
  return -1;
}

} // namespace

TEST(supervision, listener_router_dies) {
  runtime rt;
  const auto clock = rt.shared().clock;
  const auto random = rt.shared().random;
  const auto router = spawn_router(rt.system(), parts_of(clock, random));
  auto door = rt.system().middleman().backend().new_tcp_doorman(0, "127.0.0.1", true);
  ASSERT_TRUE(door);
  const auto listener =
      spawn_listener(rt.system(), *std::move(door), parts_of(router, clock, random));
  caf::scoped_actor self{rt.system()};
  self->monitor(listener);
  caf::anon_send_exit(router, caf::exit_reason::kill);
  bool closed = false;
  self->receive([&closed](const caf::down_msg&) { closed = true; }, caf::after(5s) >> [] {});
  EXPECT_TRUE(closed) << "who comes then is refused, and does not wait";
}

TEST(listener, without_a_router_serves_nobody) {
  runtime rt;
  const auto clock = rt.shared().clock;
  auto door = open_door(rt.system(), "127.0.0.1", 0);
  ASSERT_TRUE(door);
  const auto port = (*door)->port();
  const auto listener = spawn_listener(rt.system(), *std::move(door),
                                       parts_of(router_actor{}, clock, rt.shared().random));
  caf::scoped_actor self{rt.system()};
  self->wait_for(listener);
  EXPECT_TRUE(test::comes_true([port] { return listening_at(port) < 0; }));
}

TEST(supervision, listener_socket_dies) {
  runtime rt;
  std::promise<void> failed;
  server_options options;
  options.on_failure = [&failed] { failed.set_value(); };
  auto made = server::start(rt, options);
  ASSERT_TRUE(made) << to_string(made.error());
  const int socket = listening_at((*made)->port());
  ASSERT_GE(socket, 0);
  EXPECT_EQ(::shutdown(socket, SHUT_RDWR), 0);
  EXPECT_EQ(failed.get_future().wait_for(test::watchdog), std::future_status::ready);
}

namespace {

using call_numbers = std::shared_ptr<std::vector<std::uint64_t>>;

template <class What>
auto passed_on(router_actor::pointer self, const router_actor& to) {
  return [self, to](const What& what) { return self->delegate(to, what); };
}

/// Stands before a router and notes the numbers of the calls that it passes on.
router_actor::behavior_type noting_calls(router_actor::pointer self, const router_actor& to,
                                         const call_numbers& seen) {
  return {
      [self, to](caf::put_atom put, std::uint64_t number, const connection_actor& who) {
        return self->delegate(to, put, number, who);
      },
      passed_on<key_query>(self, to),
      passed_on<key_made>(self, to),
      passed_on<session_query>(self, to),
      passed_on<session_parked>(self, to),
      passed_on<session_end>(self, to),
      passed_on<key_end>(self, to),
      [self, to, seen](const api_call& call) {
        seen->push_back(call.call);
        return self->delegate(to, call);
      },
      passed_on<call_refused>(self, to),
      passed_on<layer_told>(self, to),
      passed_on<session_mail>(self, to),
      passed_on<connection_note>(self, to),
      passed_on<router_task>(self, to),
      [](caf::tick_atom) {},
  };
}

} // namespace

// Answers to the calls of a session that was forgotten may come when its successor, which has the
// same name, has calls of its own.
TEST(connection, never_gives_two_calls_the_same_number) {
  const auto seen = std::make_shared<std::vector<std::uint64_t>>();
  {
    runtime rt;
    const auto& shared = rt.shared();
    const auto router = spawn_router(rt.system(), parts_of(shared.clock, shared.random));
    const router_actor noting = rt.system().spawn(noting_calls, router, seen);
    auto door = open_door(rt.system(), "127.0.0.1", 0);
    ASSERT_TRUE(door);
    const auto port = (*door)->port();
    const auto parts = parts_of(noting, shared.clock, shared.random);
    const auto listener = spawn_listener(rt.system(), *std::move(door), parts);
    test::raw_client client{{port, parts.keys->at(2)->public_key().to_pem()}};
    EXPECT_TRUE(client.exchange());
    const json question = {{"_", "help.getNearestDc"}};
    const auto ask = [&client, &question] { EXPECT_TRUE(client.call(question)); };
    ask();
    client.open();
    ask(); // the session has come along
    test::raw_client other{{port, parts.keys->at(2)->public_key().to_pem()}};
    EXPECT_TRUE(other.exchange());
    EXPECT_TRUE(other.call(question));
    for (const auto& one :
         {listener, caf::actor_cast<caf::actor>(noting), caf::actor_cast<caf::actor>(router)}) {
      caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    }
  }
  ASSERT_EQ(seen->size(), 3U);
  std::ranges::sort(*seen);
  EXPECT_EQ(std::ranges::adjacent_find(*seen), seen->end());
}

// What is closed before the I/O thread has seen it once is never given back by CAF itself.
TEST(listener, closes_its_door_however_soon_it_ends) {
  const auto open_descriptors = [] {
    return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, {});
  };
  const auto before = open_descriptors();
  {
    runtime rt;
    const auto& shared = rt.shared();
    const auto router = spawn_router(rt.system(), parts_of(shared.clock, shared.random));
    for (int i = 0; i < 16; ++i) {
      auto door = rt.system().middleman().backend().new_tcp_doorman(0, "127.0.0.1", true);
      ASSERT_TRUE(door);
      const auto listener = spawn_listener(rt.system(), *std::move(door),
                                           parts_of(router, shared.clock, shared.random));
      caf::anon_send_exit(listener, caf::exit_reason::user_shutdown);
    }
    caf::anon_send_exit(router, caf::exit_reason::user_shutdown);
  }
  EXPECT_EQ(open_descriptors(), before);
}

// -- the server hears of the end of each of its parts -------------------------------------------

namespace {

/// The parts of a server, and the one who watches them. A listener ends with its router.
struct server_stage {
  test::temporary_folder folder;
  runtime rt;
  server_actors parts;
  std::promise<void> failed;
  caf::actor watcher;

  explicit server_stage(bool with_listener = true) {
    const auto& shared = rt.shared();
    parts.router = spawn_router(rt.system(), parts_of(shared.clock, shared.random));
    if (with_listener) {
      auto door = rt.system().middleman().backend().new_tcp_doorman(0, "127.0.0.1", true);
      parts.listeners = {spawn_listener(rt.system(), std::move(*door),
                                        parts_of(parts.router, shared.clock, shared.random))};
    }
    parts.events =
        spawn_event_writer(rt.system(), *event_file::open(folder.file("log"), shared.clock))
            .writer();
    watcher = watch(rt.system(), parts, [this] { failed.set_value(); });
  }
  server_stage(const server_stage&) = delete;
  server_stage& operator=(const server_stage&) = delete;
  ~server_stage() {
    auto all = parts.listeners;
    all.insert(all.begin(), watcher);
    all.push_back(caf::actor_cast<caf::actor>(parts.router));
    all.push_back(caf::actor_cast<caf::actor>(parts.events));
    for (const auto& one : all) {
      caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
    }
  }

  bool is_told_of_the_end_of(const auto& part) {
    caf::anon_send_exit(part, caf::exit_reason::user_shutdown);
    return failed.get_future().wait_for(10s) == std::future_status::ready;
  }
};

} // namespace

TEST(supervision, server_router_dies) {
  server_stage stage{false};
  EXPECT_TRUE(stage.is_told_of_the_end_of(stage.parts.router));
}

TEST(supervision, server_listener_dies) {
  server_stage stage;
  EXPECT_TRUE(stage.is_told_of_the_end_of(stage.parts.listeners.front()));
}

TEST(supervision, server_event_writer_dies) {
  server_stage stage;
  EXPECT_TRUE(stage.is_told_of_the_end_of(stage.parts.events));
}

} // namespace cafegram::sandbox

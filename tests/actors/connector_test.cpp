#include <cafegram/actors/connector.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/services.hpp>
#include <cafegram/tests/support.hpp>
#include <cafegram/tests/watchdog.hpp>

#include <caf/all.hpp>

#include <cerrno>
#include <cstring>

#include "loopback.hpp"

namespace cafegram {

namespace {

using namespace std::chrono_literals;

/// Asks the connector of a fresh runtime and waits for its answer.
result<connected> connect(runtime& rt, std::vector<endpoint> to,
                          std::chrono::milliseconds timeout = test::watchdog / 2,
                          ip_choice ip = ip_choice::ipv4_first) {
  caf::scoped_actor self{rt.system()};
  result<connected> out = fail(errc::none, "no answer");
  self->request(rt.shared().connector, test::watchdog, connect_request{std::move(to), timeout, ip})
      .receive([&out](const connected& answer) { out = answer; },
               [&out](const caf::error& why) { out = std::unexpected(to_error(why)); });
  return out;
}

/// Takes connections over IPv6 and never accepts them.
class v6_listener {
public:
  v6_listener()
    : socket_{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_.fd(), generic, size), 0);
    EXPECT_EQ(::listen(socket_.fd(), 8), 0);
    EXPECT_EQ(::getsockname(socket_.fd(), generic, &size), 0);
    port_ = ntohs(address.sin6_port);
  }

  endpoint where() const { return {"::1", port_}; }

private:
  test::plain_socket socket_;
  std::uint16_t port_ = 0;
};

/// Why no test can listen at ::1 here; empty where it can. That is the machine's, not ours.
std::string no_ipv6() {
  const test::plain_socket probe{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  const bool bound = probe.fd() >= 0 &&
                     ::bind(probe.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  const bool is_missing = !bound && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL);
  return is_missing
             ? std::string{"no IPv6 at the loopback of this machine: "} + std::strerror(errno)
             : std::string{};
}

endpoint closed_port() {
  return test::listener{}.where();
}

} // namespace

TEST(connector, opens_a_socket) {
  runtime rt;
  const test::listener server;
  const auto answer = connect(rt, {server.where()});
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(answer->peer, server.where());
  EXPECT_GE(server.accept().fd(), 0);
}

TEST(connector, looks_names_up) {
  runtime rt;
  const test::listener server;
  const auto answer = connect(rt, {{"localhost", server.where().port}});
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(answer->peer.port, server.where().port);
}

TEST(connector, goes_on_to_the_next_candidate) {
  runtime rt;
  const test::listener server;
  const auto answer = connect(rt, {closed_port(), {"::1", 1}, server.where()});
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(answer->peer, server.where());
}

TEST(connector, takes_the_family_that_is_wanted_first) {
  ASSERT_EQ(no_ipv6(), "");
  runtime rt;
  const test::listener v4;
  const v6_listener v6;
  const std::pair<ip_choice, endpoint> wanted[] = {{ip_choice::ipv4_first, v4.where()},
                                                   {ip_choice::ipv6_first, v6.where()},
                                                   {ip_choice::ipv4_only, v4.where()},
                                                   {ip_choice::ipv6_only, v6.where()}};
  for (const auto& [ip, where] : wanted) {
    const auto answer = connect(rt, {v4.where(), v6.where()}, test::watchdog / 2, ip);
    ASSERT_TRUE(answer) << to_string(answer.error());
    EXPECT_EQ(answer->peer, where);
  }
}

TEST(connector, takes_ipv6_where_ipv4_fails) {
  ASSERT_EQ(no_ipv6(), "");
  runtime rt;
  const v6_listener v6;
  const auto refused = connect(rt, {closed_port(), v6.where()});
  ASSERT_TRUE(refused) << to_string(refused.error());
  EXPECT_EQ(refused->peer, v6.where());
  const auto none =
      connect(rt, {closed_port(), v6.where()}, test::watchdog / 2, ip_choice::ipv4_only);
  EXPECT_FALSE(none);
}

/// The other family has its turn long before the deadline of the whole.
TEST(connector, does_not_wait_for_an_ipv4_address_that_is_silent) {
  ASSERT_EQ(no_ipv6(), "");
  runtime rt;
  const test::listener full{0};
  std::vector<result<connected>> held;
  for (int i = 0; i < 4; ++i) {
    held.push_back(connect(rt, {full.where()}, 100ms));
  }
  ASSERT_FALSE(held.back());
  const v6_listener v6;
  const auto answer = connect(rt, {full.where(), v6.where()});
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(answer->peer, v6.where());
}

TEST(connector, names_every_address_that_failed) {
  runtime rt;
  const auto first = closed_port();
  const auto answer = connect(rt, {first, {"no-such-host.invalid", 80}});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, errc::network);
  EXPECT_NE(answer.error().what.find(to_string(first)), std::string::npos) << answer.error().what;
  EXPECT_NE(answer.error().what.find("no-such-host.invalid"), std::string::npos);
}

TEST(connector, gives_up_at_the_deadline) {
  runtime rt;
  // A full queue of connections nobody accepts: the next one gets no answer at all.
  const test::listener server{0};
  const auto first = connect(rt, {server.where()});
  ASSERT_TRUE(first);
  std::vector<result<connected>> held;
  for (int i = 0; i < 4; ++i) {
    held.push_back(connect(rt, {server.where()}, 300ms));
    if (!held.back()) {
      break;
    }
  }
  ASSERT_FALSE(held.back());
  EXPECT_EQ(held.back().error().code, errc::network);
  EXPECT_NE(held.back().error().what.find("300 ms"), std::string::npos);
}

TEST(connector, one_slow_address_holds_up_nobody) {
  runtime rt;
  const test::listener full{0};
  const test::listener server;
  std::vector<result<connected>> held;
  for (int i = 0; i < 4; ++i) {
    held.push_back(connect(rt, {full.where()}, 100ms));
  }
  caf::scoped_actor self{rt.system()};
  [[maybe_unused]] const auto slow =
      self->request(rt.shared().connector, caf::infinite, connect_request{{full.where()}, 1h});
  EXPECT_TRUE(connect(rt, {server.where()})) << "it would have to wait for an hour";
}

/// So many as are tried at once never end; whoever comes then would wait for an hour.
TEST(connector, tells_who_has_waited_too_long_for_a_turn) {
  runtime rt;
  const test::listener full{0};
  std::vector<result<connected>> held;
  for (int i = 0; i < 4; ++i) {
    held.push_back(connect(rt, {full.where()}, 100ms));
  }
  ASSERT_FALSE(held.back());
  caf::scoped_actor self{rt.system()};
  for (int n = 0; n < 64; ++n) {
    self->send(rt.shared().connector, connect_request{{full.where()}, 1h});
  }
  connect_request late{{full.where()}, 1h};
  late.patience = 10ms;
  errc code = errc::none;
  self->request(rt.shared().connector, test::watchdog, late)
      .receive([](const connected&) {},
               [&code](const caf::error& why) { code = to_error(why).code; });
  EXPECT_EQ(code, errc::limit);
}

TEST(connector, answers_when_it_is_stopped) {
  runtime rt;
  const test::listener full{0};
  std::vector<result<connected>> held;
  for (int i = 0; i < 4; ++i) {
    held.push_back(connect(rt, {full.where()}, 100ms));
  }
  caf::scoped_actor self{rt.system()};
  auto connector = spawn_connector(rt.system());
  auto pending = self->request(connector, caf::infinite, connect_request{{full.where()}, 1h});
  self->send_exit(connector, caf::exit_reason::user_shutdown);
  errc code = errc::none;
  pending.receive([](const connected&) {},
                  [&code](const caf::error& why) { code = to_error(why).code; });
  EXPECT_EQ(code, errc::cancelled);
}

} // namespace cafegram

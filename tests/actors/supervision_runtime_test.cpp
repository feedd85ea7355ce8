#include <cafegram/actors/connector.hpp>
#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/services.hpp>
#include <cafegram/tests/support.hpp>

#include <caf/all.hpp>

#include <atomic>
#include <functional>
#include <mutex>
#include <new>

#include "loopback.hpp"

// What runtime and connector do about the ends of what they own: docs/supervision.md. The edges
// are sockets and threads: real ones, on the loopback.
namespace cafegram {

namespace {

using namespace std::chrono_literals;

errc ask(caf::scoped_actor& self, const connector_actor& connector, std::vector<endpoint> to,
         std::chrono::milliseconds timeout = 10s) {
  errc out = errc::cancelled;
  self->request(connector, 20s, connect_request{std::move(to), timeout})
      .receive([&out](const connected&) { out = errc::none; },
               [&out](const caf::error& why) { out = to_error(why).code; });
  return out;
}

/// Fills the queue of a listener that takes nobody: the next connection to it gets no answer at
/// all. The sockets that were taken stay open as long as what is returned.
std::vector<connected> fill(caf::scoped_actor& self, const connector_actor& connector,
                            const endpoint& full) {
  std::vector<connected> out;
  for (bool taken = true; taken && out.size() < 8;) {
    self->request(connector, 20s, connect_request{{full}, 100ms})
        .receive([&out](const connected& socket) { out.push_back(socket); },
                 [&taken](const caf::error&) { taken = false; });
  }
  return out;
}

} // namespace

TEST(supervision, runtime_connector_dies) {
  runtime rt;
  std::mutex mutex;
  std::vector<connector_actor> made;
  const auto kept = spawn_kept_connector(rt.system(), [&](caf::actor_system& in) {
    const std::lock_guard lock{mutex};
    made.push_back(spawn_connector(in));
    return made.back();
  });
  const test::listener server;
  const test::listener full{0};
  caf::scoped_actor self{rt.system()};
  EXPECT_EQ(ask(self, kept, {server.where()}), errc::none);
  const auto held = fill(self, kept, full.where());
  auto pending = self->request(kept, 20s, connect_request{{full.where()}, 15'000ms});
  const auto current = [&] {
    const std::lock_guard lock{mutex};
    return made.back();
  };
  const auto first = current();
  self->send_exit(first, caf::exit_reason::kill);
  errc code = errc::none;
  pending.receive([](const connected&) {},
                  [&code](const caf::error& why) { code = to_error(why).code; });
  EXPECT_EQ(code, errc::cancelled);
  self->wait_for(first);
  EXPECT_EQ(ask(self, kept, {server.where()}), errc::none) << "another one took its place";
  EXPECT_NE(current(), first);
  made.clear();
  self->send_exit(kept, caf::exit_reason::user_shutdown);
}

TEST(supervision, connector_resolver_dies) {
  runtime rt;
  const test::listener server;
  const auto made = std::make_shared<std::atomic<int>>(0);
  auto connector = spawn_connector(rt.system(), [made](caf::actor_system& system) {
    const bool good = ++*made > 1;
    return system.spawn([good]() -> resolver_actor::behavior_type {
      return {[good](const resolve_request&) -> caf::result<resolved> {
        if (!good) {
          throw std::bad_alloc{};
        }
        return resolved{{"127.0.0.1"}};
      }};
    });
  });
  caf::scoped_actor self{rt.system()};
  EXPECT_EQ(ask(self, connector, {{"bot.test", server.where().port}}), errc::network)
      << "the look-up under way counts as a failed address";
  EXPECT_EQ(ask(self, connector, {{"bot.test", server.where().port}}), errc::none);
  EXPECT_EQ(made->load(), 2);
  self->send_exit(connector, caf::exit_reason::user_shutdown);
}

TEST(supervision, connector_resolver_stalls) {
  runtime rt;
  const test::listener server;
  auto connector = spawn_connector(rt.system(), [](caf::actor_system& system) {
    return system.spawn([](resolver_actor::pointer self) -> resolver_actor::behavior_type {
      auto held = std::make_shared<std::vector<caf::typed_response_promise<resolved>>>();
      return {[self, held](const resolve_request&) -> caf::result<resolved> {
        held->push_back(self->make_response_promise<resolved>());
        return held->back();
      }};
    });
  });
  caf::scoped_actor self{rt.system()};
  EXPECT_EQ(ask(self, connector, {{"bot.test", 443}}, 100ms), errc::network)
      << "the request's own deadline holds";
  EXPECT_EQ(ask(self, connector, {{"bot.test", 443}, server.where()}), errc::none)
      << "addresses need no resolver";
  self->send_exit(connector, caf::exit_reason::user_shutdown);
}

// -- a proxy ------------------------------------------------------------------------------------

namespace {

/// A request to go through a proxy that the test plays; what became of it.
error through_proxy(proxy_kind kind, const std::function<void(test::plain_socket&)>& play) {
  runtime rt;
  const test::listener proxy;
  caf::scoped_actor self{rt.system()};
  connect_request request{{{"10.0.0.1", 443}}, 10s};
  proxy_server known;
  known.kind = kind;
  known.host = proxy.where().host;
  known.port = proxy.where().port;
  request.proxy = std::make_shared<const proxy_server>(std::move(known));
  auto pending = self->request(rt.shared().connector, 20s, request);
  auto socket = proxy.accept();
  EXPECT_TRUE(socket.readable()) << "its first words";
  play(socket);
  error out;
  pending.receive([](const connected&) { ADD_FAILURE() << "it is not open"; },
                  [&out](const caf::error& why) { out = to_error(why); });
  return out;
}

} // namespace

TEST(supervision, connector_proxy_is_cut) {
  const auto why = through_proxy(proxy_kind::socks5, [](test::plain_socket& socket) {
    socket.read(3);
    socket.close();
  });
  EXPECT_EQ(why.code, errc::proxy) << to_string(why);
}

TEST(supervision, connector_proxy_floods) {
  std::size_t sent = 0;
  const auto why = through_proxy(proxy_kind::http, [&sent](test::plain_socket& socket) {
    std::string words = "HTTP/1.1 200 OK\r\n";
    words.append(4096, 'x');
    while (sent < (std::size_t{64} << 20)) {
      const auto count = ::send(socket.fd(), words.data(), words.size(), MSG_NOSIGNAL);
      if (count <= 0) {
        break;
      }
      sent += static_cast<std::size_t>(count);
    }
  });
  EXPECT_EQ(why.code, errc::proxy) << to_string(why);
  EXPECT_LT(sent, std::size_t{64} << 20) << "nobody reads on";
}

TEST(supervision, connector_callers_flood) {
  runtime rt;
  const test::listener full{0};
  auto connector = spawn_connector(rt.system());
  caf::scoped_actor self{rt.system()};
  // Two or so are taken by the kernel, 64 are tried at once, 8,192 wait.
  for (int n = 0; n < 8'300; ++n) {
    self->send(connector, connect_request{{full.where()}, 60'000ms});
  }
  EXPECT_EQ(ask(self, connector, {full.where()}, 60'000ms), errc::limit);
  self->send_exit(connector, caf::exit_reason::user_shutdown);
}

} // namespace cafegram

#include <cafegram/actors/dc_connection.hpp>

#include <caf/all.hpp>

#include <atomic>
#include <mutex>
#include <thread>

#include "loopback.hpp"
#include "mini_dc.hpp"

namespace cafegram {

namespace {

using namespace std::chrono_literals;

/// Makes a key for whoever comes, and closes as soon as it is made.
class key_maker {
public:
  key_maker()
    : thread_{[this] { serve(); }} {}
  ~key_maker() {
    done_ = true;
    listener_.close();
    thread_.join();
  }
  key_maker(const key_maker&) = delete;
  key_maker& operator=(const key_maker&) = delete;

  endpoint where() const { return listener_.where(); }

private:
  void serve() {
    auto clock = std::make_shared<manual_clock>(std::chrono::system_clock::now());
    test::mini_dc server{clock, std::make_shared<seeded_random>(9)};
    while (!done_) {
      pollfd entry{listener_.fd(), POLLIN, 0};
      if (::poll(&entry, 1, 20) != 1) {
        continue;
      }
      const test::plain_socket socket{::accept(listener_.fd(), nullptr, nullptr)};
      server.connect();
      const auto before = server.exchanges;
      while (server.exchanges == before && !done_) {
        bytes read(4096);
        const auto got = ::recv(socket.fd(), read.data(), read.size(), 0);
        if (got <= 0) {
          break;
        }
        read.resize(static_cast<std::size_t>(got));
        socket.write(server.feed(read));
      }
    }
  }

  test::listener listener_;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

} // namespace

TEST(handshake_storm, a_server_that_makes_keys_and_closes_is_tried_ever_later) {
  const key_maker server;
  std::mutex mutex;
  std::vector<steady_time> attempts;
  std::size_t keys = 0;
  runtime rt;
  auto profile = std::make_shared<connection_profile>();
  profile->transport = {.kind = transport_kind::intermediate, .obfuscated = false};
  profile->timing.reconnect_min = 20ms;
  profile->timing.reconnect_max = 10s;
  profile->rsa_keys = {test::mini_dc::rsa()->public_key()};
  profile->on_progress = [&](std::string_view step, std::string_view) {
    const std::lock_guard lock{mutex};
    if (step == "connecting") {
      attempts.push_back(std::chrono::steady_clock::now());
    }
  };
  auto owner = rt.system().spawn(
      [&](connection_owner_actor::pointer self) -> connection_owner_actor::behavior_type {
        return {[](const call_settled&) {},
                [](const calls_settled&) {},
                [](const connection_report&) {},
                [&, self](const dc_key&) {
                  const std::lock_guard lock{mutex};
                  ++keys;
                  // As the pool does: the key is lost again, another one is to be made.
                  key_order order;
                  order.make = true;
                  order.after = keys;
                  self->send(caf::actor_cast<dc_connection_actor>(self->current_sender()), order);
                },
                [](const temporary_key&) {},
                [](const key_salt&) {},
                [](const key_news&) {},
                [](const raw_updates&) {},
                [](const updates_suspect&) {}};
      });
  connection_setup setup;
  setup.profile = profile;
  setup.dc = 2;
  protocol::dc_address address;
  address.dc = protocol::dc_id{2};
  address.host = server.where().host;
  address.port = server.where().port;
  setup.route.addresses = {address};
  setup.keys.make = true;
  auto connection = spawn_dc_connection(rt.system(), rt.shared(), std::move(setup), owner);
  const auto count = [&] {
    const std::lock_guard lock{mutex};
    return attempts.size();
  };
  const auto until = std::chrono::steady_clock::now() + 30s;
  while (count() < 6 && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  caf::anon_send_exit(connection, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(owner, caf::exit_reason::user_shutdown);
  const std::lock_guard lock{mutex};
  ASSERT_GE(attempts.size(), 6U);
  EXPECT_GE(keys, 1U);
  for (std::size_t n = 1; n < 6; ++n) {
    EXPECT_GE(attempts[n] - attempts[n - 1], 20ms * (1 << (n - 1)) * 8 / 10) << n;
  }
}

} // namespace cafegram

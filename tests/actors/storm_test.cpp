#include <cafegram/actors/dc_connection.hpp>
#include <cafegram/actors/policies.hpp>
#include <cafegram/tests/watchdog.hpp>

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

/// Writes down how many failures in a row it is told of, which is what the back-off grows by.
struct noting_policy final : restart_policy {
  std::optional<std::chrono::milliseconds> reconnect(const lost_line& line,
                                                     random_source&) override {
    const std::lock_guard lock{mutex};
    failures.push_back(line.failures);
    return 1ms;
  }
  std::optional<std::chrono::milliseconds> restart(const dead_part&, random_source&) override {
    return std::nullopt;
  }
  std::size_t count() {
    const std::lock_guard lock{mutex};
    return failures.size();
  }

  std::mutex mutex;
  std::vector<std::size_t> failures;
};

} // namespace

TEST(handshake_storm, a_server_that_makes_keys_and_closes_is_tried_ever_later) {
  const key_maker server;
  const auto policy = std::make_shared<noting_policy>();
  std::mutex mutex;
  std::size_t keys = 0;
  runtime rt;
  auto profile = std::make_shared<connection_profile>();
  profile->transport = {.kind = transport_kind::intermediate, .obfuscated = false};
  profile->restart = policy;
  profile->rsa_keys = {test::mini_dc::rsa()->public_key()};
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
  EXPECT_TRUE(test::comes_true([&policy] { return policy->count() >= 6; }));
  caf::anon_send_exit(connection, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(owner, caf::exit_reason::user_shutdown);
  const std::scoped_lock lock{mutex, policy->mutex};
  EXPECT_GE(keys, 2U);
  for (std::size_t n = 0; n < policy->failures.size(); ++n) {
    EXPECT_EQ(policy->failures[n], n + 1) << "a key alone is no success";
  }
}

} // namespace cafegram

#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/listener.hpp>
#include <cafegram/sandbox/patient_door.hpp>
#include <cafegram/sandbox/server.hpp>
#include <cafegram/tests/watchdog.hpp>

#include <caf/all.hpp>
#include <caf/io/middleman.hpp>
#include <caf/io/network/multiplexer.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <future>
#include <sys/syscall.h>

#include "../actors/loopback.hpp"

namespace {

/// How often nobody could be taken.
std::atomic<int> refusals = 0;
/// So often accept says that there is no descriptor left.
std::atomic<int> exhausted_for = 0;

} // namespace

// In the place of the system's: the kernel's limit is one for the whole process, and who waits for
// a descriptor cannot be seen from outside.
extern "C" int accept4(int from, sockaddr* address, socklen_t* size, int flags) {
  int left = exhausted_for;
  while (left > 0 && !exhausted_for.compare_exchange_weak(left, left - 1)) {
  }
  if (left > 0) {
    ++refusals;
    errno = EMFILE;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_accept4, from, address, size, flags));
}

namespace cafegram::sandbox {
namespace {

constexpr int for_ever = 1'000'000'000;

struct exhausted_door : testing::Test {
  void SetUp() override {
    log::configure({});
    refusals = 0;
    exhausted_for = 0;
  }
  void TearDown() override { exhausted_for = 0; }

  static test::plain_socket connect(std::uint16_t port) {
    test::plain_socket out{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(out.fd(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return out;
  }
};

TEST_F(exhausted_door, rests_and_does_not_spin) {
  runtime on;
  auto door = open_door(on.system(), "127.0.0.1", 0);
  ASSERT_TRUE(door) << to_string(door.error());
  const auto port = (*door)->port();
  exhausted_for = for_ever;
  // Nobody gets as far as to need a router.
  const auto nobody = on.system().spawn([]() -> caf::behavior { return {[](caf::ok_atom) {}}; });
  connection_parts parts;
  parts.router = caf::actor_cast<router_actor>(caf::actor_cast<caf::strong_actor_ptr>(nobody));
  const auto listener = spawn_listener(on.system(), *std::move(door), parts, std::chrono::hours{1});
  const auto guest = connect(port);
  ASSERT_TRUE(test::comes_true([] { return refusals > 0; }));
  // Each turn of the loop would ask again where the door is still in it.
  for (int turn = 0; turn < 100; ++turn) {
    std::promise<void> turned;
    on.system().middleman().backend().post([&turned] { turned.set_value(); });
    turned.get_future().get();
  }
  EXPECT_EQ(refusals, 1);
  caf::anon_send_exit(listener, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(nobody, caf::exit_reason::user_shutdown);
}

TEST_F(exhausted_door, takes_those_who_wait_when_there_is_room_again) {
  testing::internal::CaptureStderr();
  {
    runtime on;
    auto made = server::start(on, {});
    ASSERT_TRUE(made) << to_string(made.error());
    exhausted_for = 2;
    const auto guest = connect((*made)->port());
    ASSERT_TRUE(
        test::comes_true([&made] { return !(*made)->page().state()->connections.empty(); }));
  }
  EXPECT_EQ(refusals, 2);
  const auto lines = testing::internal::GetCapturedStderr();
  const auto count = [&lines](std::string_view what) {
    std::size_t out = 0;
    for (auto at = lines.find(what); at != std::string_view::npos; at = lines.find(what, at + 1)) {
      ++out;
    }
    return out;
  };
  EXPECT_EQ(count("new connections wait: Too many open files"), 1U) << lines;
  EXPECT_EQ(count("new connections are taken again"), 1U) << lines;
}

} // namespace
} // namespace cafegram::sandbox

#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/server.hpp>
#include <cafegram/sandbox/server_parts.hpp>
#include <cafegram/tests/watchdog.hpp>

#include <caf/all.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <fcntl.h>
#include <future>

#include "raw_client.hpp"

namespace cafegram::sandbox {
namespace {

struct server_bounds : testing::Test {
  runtime on;
  std::unique_ptr<server> served;

  void SetUp() override {
    log::configure({log::level::error});
    auto made = server::start(on, {});
    ASSERT_TRUE(made) << to_string(made.error());
    served = *std::move(made);
  }
  void TearDown() override { log::configure({}); }
};

/// A socket to the server that says it speaks the intermediate framing.
int connect_to(std::uint16_t port) {
  const int out = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(out, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  const std::array<std::uint8_t, 4> opening{0xee, 0xee, 0xee, 0xee};
  EXPECT_EQ(::send(out, opening.data(), opening.size(), MSG_NOSIGNAL), 4);
  return out;
}

/// `req_pq_multi` in its frame: the answer is more than twice as long.
bytes question() {
  tl::writer out;
  out.u32(40); // length of the frame
  out.i64(0);  // no key
  out.i64(4);  // msg_id
  out.u32(20);
  out.u32(0xbe7e8ef1);
  out.i64(1);
  out.i64(2);
  return out.take();
}

/// Who asks and never reads is not read from any more: what the server holds for it has a bound.
TEST_F(server_bounds, who_does_not_read_is_not_read_from) {
  constexpr std::size_t far_beyond = 64U << 20U;
  const int socket = connect_to(served->port());
  ASSERT_EQ(::fcntl(socket, F_SETFL, O_NONBLOCK), 0);
  bytes many;
  for (int i = 0; i < 1'000; ++i) {
    const auto one = question();
    many.insert(many.end(), one.begin(), one.end());
  }
  std::size_t written = 0;
  while (written < far_beyond) {
    const auto from = written % many.size();
    const auto count = ::send(socket, many.data() + from, many.size() - from, MSG_NOSIGNAL);
    if (count > 0) {
      written += static_cast<std::size_t>(count);
      continue;
    }
    pollfd room{socket, POLLOUT, 0};
    if (::poll(&room, 1, 2'000) == 0) {
      break;
    }
  }
  const std::size_t asked = written / question().size();
  EXPECT_LT(written, far_beyond);

  // Once it reads, it gets an answer to each question that has gone out whole.
  std::size_t have = 0;
  constexpr std::size_t answer_size = 4 + 20 + 4 + 16 + 16 + 12 + 4 + 4 + 8;
  bytes into(1U << 16U);
  while (have < asked * answer_size) {
    pollfd some{socket, POLLIN, 0};
    if (::poll(&some, 1, 10'000) == 0) {
      break;
    }
    const auto count = ::recv(socket, into.data(), into.size(), 0);
    if (count <= 0) {
      break;
    }
    have += static_cast<std::size_t>(count);
  }
  EXPECT_EQ(have, asked * answer_size);
  ::close(socket);
}

/// The page hears that a bot has come and that it has gone.
TEST_F(server_bounds, the_page_hears_who_is_there) {
  auto reader = served->feed()->subscribe();
  ASSERT_TRUE(reader);
  const auto told = [&reader](bool online) {
    return test::comes_true([&reader, online] {
      const auto events = (*reader)->take(std::chrono::milliseconds{100});
      return std::ranges::any_of(events, [online](const page_event& event) {
        const auto* changed = std::get_if<page_events::user_changed>(&event);
        return changed != nullptr && changed->user.id == 1000001 && changed->user.online == online;
      });
    });
  };
  {
    test::raw_client client{{served->port(), served->public_key_pem(), {}}};
    ASSERT_TRUE(client.exchange());
    EXPECT_EQ(client.log_in("1000001:AAAbbbCCCdddEEEfffGGGhhhIIIjjjKKKll")["_"],
              "auth.authorization");
    EXPECT_TRUE(told(true));
  }
  EXPECT_TRUE(told(false));
}

} // namespace
} // namespace cafegram::sandbox

#include <cafegram/actors/connect_attempt.hpp>
#include <cafegram/actors/services.hpp>
#include <cafegram/actors/transport.hpp>
#include <cafegram/tests/support.hpp>

#include <caf/all.hpp>
#include <caf/io/middleman.hpp>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <numeric>
#include <thread>

#include "loopback.hpp"

namespace cafegram {

namespace {

using namespace std::chrono_literals;

result<connect_attempt> attempt_to(const test::listener& server) {
  return connect_attempt::start({server.where(), server.where()}, nullptr);
}

/// A transport between a plain socket and a sink that is the test itself.
struct transport_fixture : testing::Test {
  runtime rt;
  test::listener server;
  caf::scoped_actor self{rt.system()};
  transport_actor wire;
  test::plain_socket peer;
  int rounds = 0;

  void SetUp() override {
    auto attempt = attempt_to(server);
    ASSERT_TRUE(attempt);
    peer = server.accept();
    ASSERT_GE(peer.fd(), 0);
    auto socket = rt.system().middleman().backend().new_scribe(attempt->release());
    wire = spawn_transport(rt.system(), socket, caf::actor_cast<byte_sink_actor>(self));
    self->monitor(wire);
  }

  void TearDown() override { self->send_exit(wire, caf::exit_reason::user_shutdown); }

  bytes take(std::size_t count, bool give_credit = true) {
    bytes out;
    bool more = true;
    while (out.size() < count && more) {
      self->receive(
          [&](const bytes_received& read) {
            out.insert(out.end(), read.data->begin(), read.data->end());
            if (give_credit) {
              self->send(wire, bytes_consumed{read.data->size()});
            }
          },
          caf::after(5s) >> [&more]() { more = false; });
    }
    return out;
  }
};

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, {});
}

bytes pattern(std::size_t size) {
  bytes out(size);
  seeded_random random{size};
  random.fill(out);
  return out;
}

} // namespace

TEST_F(transport_fixture, carries_octets_both_ways) {
  for (const std::size_t size : {1UZ, 4095UZ, 4096UZ, 4097UZ, 300'000UZ}) {
    const auto sent = pattern(size);
    peer.write(sent);
    EXPECT_EQ(take(size), sent) << size;
    self->send(wire, bytes_to_send{std::make_shared<const bytes>(sent)});
    EXPECT_EQ(peer.read(size), sent) << size;
  }
}

TEST_F(transport_fixture, ends_when_the_peer_closes) {
  peer.close();
  bool ended = false;
  self->receive([&](const caf::down_msg& down) { ended = down.source == wire; },
                caf::after(5s) >> []() {});
  EXPECT_TRUE(ended);
}

TEST_F(transport_fixture, closes_the_socket_when_told) {
  self->send(wire, caf::close_atom_v);
  EXPECT_TRUE(peer.readable());
  EXPECT_TRUE(peer.read(1).empty());
}

TEST_F(transport_fixture, sends_what_was_written_before_the_close) {
  const auto sent = pattern(100'000);
  self->send(wire, bytes_to_send{std::make_shared<const bytes>(sent)});
  self->send(wire, caf::close_atom_v);
  EXPECT_EQ(peer.read(sent.size()), sent);
  EXPECT_TRUE(peer.read(1).empty());
}

TEST_F(transport_fixture, stops_reading_without_credit) {
  ::timeval limit{.tv_sec = 0, .tv_usec = 300'000};
  ::setsockopt(peer.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  const auto chunk = pattern(64U << 10);
  std::size_t sent = 0;
  // Writes until the kernel's buffers are full too: far more would fit if the transport read on.
  while (sent < (std::size_t{64} << 20)) {
    const auto count = ::send(peer.fd(), chunk.data(), chunk.size(), MSG_NOSIGNAL);
    if (count <= 0) {
      break;
    }
    sent += static_cast<std::size_t>(count);
  }
  EXPECT_LT(sent, std::size_t{64} << 20);
  EXPECT_EQ(take(sent).size(), sent) << "credit opens it again";
}

TEST_F(transport_fixture, reports_what_has_drained) {
  const auto sent = pattern(1U << 20);
  self->send(wire, bytes_to_send{std::make_shared<const bytes>(sent)});
  EXPECT_EQ(peer.read(sent.size()).size(), sent.size());
  std::size_t drained = 0;
  bool more = true;
  while (more && drained + transport_high_water / 2 < sent.size()) {
    self->receive([&](const bytes_drained& by) { drained += by.count; },
                  caf::after(5s) >> [&more]() { more = false; });
  }
  EXPECT_TRUE(more) << drained;
  EXPECT_LE(drained, sent.size());
}

TEST(transport, dies_with_its_sink) {
  runtime rt;
  const test::listener server;
  auto attempt = attempt_to(server);
  ASSERT_TRUE(attempt);
  const auto peer = server.accept();
  {
    auto sink = rt.system().spawn([]() -> byte_sink_actor::behavior_type {
      return {[](const bytes_received&) {}, [](const bytes_drained&) {}};
    });
    spawn_transport(rt.system(), rt.system().middleman().backend().new_scribe(attempt->release()),
                    sink);
    caf::anon_send_exit(sink, caf::exit_reason::kill);
  }
  EXPECT_TRUE(peer.readable());
  EXPECT_TRUE(peer.read(1).empty());
}

TEST_F(transport_fixture, stays_to_send_what_was_written_however_it_is_ended) {
  // More than the kernel takes at once: the rest is sent after the end was asked for.
  const auto sent = pattern(std::size_t{8} << 20);
  self->send(wire, bytes_to_send{std::make_shared<const bytes>(sent)});
  self->send_exit(wire, caf::exit_reason::user_shutdown);
  EXPECT_EQ(peer.read(sent.size()).size(), sent.size());
  EXPECT_TRUE(peer.read(1).empty());
}

TEST_F(transport_fixture, gives_up_on_a_peer_that_does_not_read) {
  const std::size_t size = std::size_t{32} << 20;
  self->send(wire, bytes_to_send{std::make_shared<const bytes>(size)});
  self->send(wire, caf::close_atom_v);
  bool ended = false;
  self->receive([&](const caf::down_msg& down) { ended = down.source == wire; },
                caf::after(20s) >> []() {});
  EXPECT_TRUE(ended);
  EXPECT_LT(peer.read(size).size(), size) << "the socket lives on without an owner";
}

// A sink outlives many sockets, and what monitors it costs it memory until that monitors it no
// more.
TEST_F(transport_fixture, leaves_nothing_with_its_sink) {
  for (const bool by_peer : {true, false}) {
    const auto ended = caf::actor_cast<caf::weak_actor_ptr>(wire);
    if (by_peer) {
      peer.close();
    } else {
      self->send(wire, caf::close_atom_v);
    }
    const auto* block = ended.get();
    wire = nullptr;
    self->receive([](const caf::down_msg&) {}, caf::after(20s) >> []() { FAIL(); });
    while (block->strong_refs != 0) {
      std::this_thread::yield();
    }
    while (block->weak_refs > 1 && !HasFailure()) {
      self->receive([](caf::ok_atom) {}, caf::after(10ms) >> [&]() { ++rounds; });
      ASSERT_LT(rounds, 500) << "somebody still knows it";
    }
    SetUp();
  }
}

// What is closed before the I/O thread has seen it once is never given back by CAF itself.
TEST(transport, gives_back_sockets_that_are_closed_at_once) {
  const test::listener server{64};
  const auto before = open_descriptors();
  for (const bool told : {true, false}) {
    std::vector<test::plain_socket> peers;
    runtime rt;
    const caf::scoped_actor self{rt.system()};
    for (int i = 0; i < 16; ++i) {
      auto attempt = attempt_to(server);
      ASSERT_TRUE(attempt);
      peers.push_back(server.accept());
      auto socket = rt.system().middleman().backend().new_scribe(attempt->release());
      auto wire = spawn_transport(rt.system(), socket, caf::actor_cast<byte_sink_actor>(self));
      self->send(wire, bytes_to_send{std::make_shared<const bytes>(pattern(100))});
      if (told) {
        self->send(wire, caf::close_atom_v);
      } else {
        self->send_exit(wire, caf::exit_reason::user_shutdown);
      }
    }
  }
  EXPECT_EQ(open_descriptors(), before);
}

} // namespace cafegram

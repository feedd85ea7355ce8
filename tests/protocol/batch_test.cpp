// Many packets in one call: sealed, opened and taken by a session.
#include <atomic>
#include <cstdlib>
#include <new>

#include "puppet.hpp"

namespace {

std::atomic<int> allocations = 0;

void* allocate(std::size_t size) {
  ++allocations;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) {
    throw std::bad_alloc{};
  }
  return memory;
}

} // namespace

void* operator new(std::size_t size) {
  return allocate(size);
}

void* operator new[](std::size_t size) {
  return allocate(size);
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}

void operator delete[](void* memory) noexcept {
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace cafegram::protocol {
namespace {

using test::puppet;

std::vector<bytes> random_bodies(seeded_random& random, std::size_t count) {
  std::vector<bytes> out(count);
  for (auto& body : out) {
    body = test::random_octets(random, std::size_t{4} * (random.integer<std::uint16_t>() % 700U));
  }
  return out;
}

TEST(batch, any_number_of_messages_is_sealed_and_opened_together) {
  seeded_random random{test::seed()};
  const auto key = test::some_key();
  for (std::size_t count = 0; count <= 35; ++count) {
    const auto bodies = random_bodies(random, count);
    std::vector<plain_message> messages;
    for (std::size_t i = 0; i < count; ++i) {
      messages.push_back({.header = {.salt = i, .session_id = 2 * i, .id = msg_id{3}, .seqno = 4},
                          .body = bodies[i]});
    }
    auto packets = seal(key, side::client, messages, random);
    ASSERT_EQ(packets.size(), count);
    std::vector<opening> openings(count);
    for (std::size_t i = 0; i < count; ++i) {
      openings[i].packet = packets[i].octets;
      if (i % 5 == 3) {
        packets[i].octets[0] ^= 1; // another key
      } else if (i % 5 == 4) {
        packets[i].octets[50] ^= 1;
      }
    }
    open(key, side::client, openings);
    for (std::size_t i = 0; i < count; ++i) {
      if (i % 5 >= 3) {
        EXPECT_EQ(openings[i].status,
                  i % 5 == 3 ? open_status::wrong_key : open_status::wrong_msg_key);
        continue;
      }
      ASSERT_EQ(openings[i].status, open_status::ok) << i << " of " << count;
      EXPECT_TRUE(std::ranges::equal(openings[i].body, bodies[i]));
      EXPECT_EQ(openings[i].header.salt, i);
      EXPECT_EQ(openings[i].header.session_id, 2 * i);
      EXPECT_EQ(openings[i].token, packets[i].token);
    }
  }
}

TEST(batch, sealing_and_opening_allocate_nothing) {
  seeded_random random{test::seed()};
  const auto key = test::some_key();
  for (const std::size_t count : {1U, 20U}) {
    const auto bodies = random_bodies(random, count);
    std::vector<bytes> memory;
    std::vector<sealing> messages(count);
    std::vector<opening> openings(count);
    for (std::size_t i = 0; i < count; ++i) {
      memory.emplace_back(longest_packet(bodies[i].size()));
      messages[i] = {.message = {.header = {}, .body = bodies[i]}, .packet = memory[i]};
    }
    const int before = allocations;
    seal(key, side::server, messages, random);
    for (std::size_t i = 0; i < count; ++i) {
      openings[i].packet = messages[i].packet;
    }
    open(key, side::server, openings);
    EXPECT_EQ(allocations, before);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(openings[i].status, open_status::ok);
      EXPECT_TRUE(std::ranges::equal(openings[i].body, bodies[i]));
    }
  }
}

TEST(batch, a_session_takes_many_packets_in_their_order) {
  puppet p;
  p.take();
  std::vector<bytes> packets;
  for (std::uint32_t i = 0; i < 40; ++i) {
    packets.push_back(p.packet(puppet::query(i, i), {.is_answer = false}));
  }
  const std::vector<mutable_bytes_view> views{packets.begin(), packets.end()};
  p.client.receive(views, p.now());
  const auto updates = p.events<update_arrived>();
  ASSERT_EQ(updates.size(), 40U);
  for (std::uint32_t i = 0; i < 40; ++i) {
    EXPECT_EQ(updates[i].body, puppet::query(i, i));
  }
}

TEST(batch, nothing_behind_a_packet_that_is_not_opened_is_taken) {
  for (const std::size_t bad : {std::size_t{0}, std::size_t{5}, std::size_t{16}, std::size_t{20}}) {
    puppet p;
    p.take();
    std::vector<bytes> packets;
    for (std::uint32_t i = 0; i < 24; ++i) {
      packets.push_back(p.packet(puppet::query(i), {.is_answer = false}));
    }
    packets[bad][60] ^= 1;
    const std::vector<mutable_bytes_view> views{packets.begin(), packets.end()};
    p.client.receive(views, p.now());
    EXPECT_EQ(p.events<update_arrived>().size(), bad);
    EXPECT_TRUE(p.broken());
  }
}

} // namespace
} // namespace cafegram::protocol

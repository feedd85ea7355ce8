#include <cafegram/crypto/secure.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <optional>
#include <utility>

namespace {

/// Where a secret lies, and whether anything of it was left when that memory was given back.
const void* watched = nullptr;
std::size_t watched_size = 0;
std::optional<bool> left_behind;

void give_back(void* memory) noexcept {
  if (memory != nullptr && memory == watched) {
    const auto* octets = static_cast<const volatile std::uint8_t*>(memory);
    left_behind = std::any_of(octets, octets + watched_size, [](auto octet) { return octet != 0; });
    watched = nullptr;
  }
  std::free(memory);
}

} // namespace

void* operator new[](std::size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) {
    throw std::bad_alloc{};
  }
  return memory;
}

void operator delete[](void* memory) noexcept {
  give_back(memory);
}

void operator delete[](void* memory, std::size_t) noexcept {
  give_back(memory);
}

namespace cafegram::crypto {
namespace {

void watch(const secret& one) {
  watched = one.view().data();
  watched_size = one.size();
  left_behind.reset();
}

TEST(wipe, a_secret_leaves_nothing_in_the_memory_that_it_gives_back) {
  const bytes content(64, 0x77);
  {
    const secret one{content};
    watch(one);
  }
  EXPECT_EQ(left_behind, false);
}

TEST(wipe, nor_does_one_that_is_replaced) {
  secret one{bytes(64, 0x77)};
  watch(one);
  one = secret{bytes(8, 0x55)};
  EXPECT_EQ(left_behind, false);
  EXPECT_EQ(one.size(), 8U);
}

TEST(wipe, nor_one_that_was_moved) {
  secret one{bytes(64, 0x77)};
  watch(one);
  {
    const secret other{std::move(one)};
    EXPECT_EQ(left_behind, std::nullopt);
    EXPECT_EQ(other.view()[63], 0x77);
  }
  EXPECT_EQ(left_behind, false);
}

} // namespace
} // namespace cafegram::crypto

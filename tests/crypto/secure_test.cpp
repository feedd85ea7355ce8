#include <cafegram/crypto/pooled_random.hpp>
#include <cafegram/crypto/secure.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <new>
#include <ostream>
#include <set>

#include "vectors.hpp"

namespace cafegram::crypto {
namespace {

template <class T>
concept printable = requires(std::ostream& out, const T& value) { out << value; };

static_assert(!printable<secret> && !printable<fixed_secret<32>>);
static_assert(!fmt::is_formattable<secret>::value);
static_assert(!fmt::is_formattable<fixed_secret<32>>::value);
static_assert(!std::is_copy_constructible_v<secret> && !std::is_copy_assignable_v<secret>);
static_assert(!std::is_copy_constructible_v<fixed_secret<32>>);
static_assert(!std::is_convertible_v<secret, bytes_view>);

TEST(secure, moves_and_clones) {
  secret first{as_bytes("octets")};
  secret second = first.clone();
  EXPECT_EQ(as_text(std::as_const(second).view()), "octets");
  secret third = std::move(first);
  EXPECT_EQ(as_text(std::as_const(third).view()), "octets");
  third = secret{as_bytes("x")};
  EXPECT_EQ(third.size(), 1U);
  EXPECT_TRUE(secret{}.empty());
}

TEST(secure, leaves_nothing_where_a_fixed_secret_was) {
  alignas(fixed_secret<32>) std::array<std::uint8_t, sizeof(fixed_secret<32>)> memory{};
  const bytes data(32, 0x5a);
  auto* inside = new (memory.data()) fixed_secret<32>{std::span<const std::uint8_t, 32>{data}};
  EXPECT_EQ(inside->view()[31], 0x5a);
  std::destroy_at(inside);
  EXPECT_TRUE(std::ranges::all_of(memory, [](std::uint8_t octet) { return octet == 0; }));
  auto* moved = new (memory.data()) fixed_secret<32>{std::span<const std::uint8_t, 32>{data}};
  const fixed_secret<32> target{std::move(*moved)};
  EXPECT_EQ(moved->view()[0], 0);
  EXPECT_EQ(target.view()[0], 0x5a);
}

TEST(secure, wipes) {
  bytes data(100, 7);
  wipe(data);
  EXPECT_EQ(data, bytes(100));
  wipe({});
}

TEST(secure, draws_different_octets_each_time) {
  const auto random = system_random();
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    seen.insert(random->integer<std::uint64_t>());
  }
  EXPECT_EQ(seen.size(), 1000U);
}

/// Counts what is asked of it.
class counting_random final : public random_source {
public:
  void fill(mutable_bytes_view out) override {
    ++calls;
    random.fill(out);
  }
  seeded_random random{7};
  int calls = 0;
};

TEST(pooled_random, hands_each_octet_of_its_source_out_once) {
  const auto source = std::make_shared<counting_random>();
  pooled_random pool{source};
  bytes drawn;
  for (std::size_t size = 1; drawn.size() + size <= 2000; size = size % 90 + 1) {
    bytes piece(size);
    pool.fill(piece);
    append(drawn, piece);
  }
  EXPECT_EQ(source->calls, 1);
  bytes expected(2048);
  seeded_random{7}.fill(expected);
  EXPECT_TRUE(std::equal(drawn.begin(), drawn.end(), expected.begin()));
}

TEST(pooled_random, draws_anew_when_too_little_is_left_and_for_what_is_large) {
  const auto source = std::make_shared<counting_random>();
  pooled_random pool{source};
  bytes first(1000);
  bytes second(1000);
  bytes third(1000);
  pool.fill(first);
  pool.fill(second);
  EXPECT_EQ(source->calls, 1);
  pool.fill(third);
  EXPECT_EQ(source->calls, 2);
  EXPECT_NE(first, second);
  EXPECT_NE(second, third);
  EXPECT_NE(first, third);
  bytes large(5000);
  pool.fill(large);
  EXPECT_EQ(source->calls, 3);
  EXPECT_TRUE(std::any_of(large.end() - 16, large.end(), [](auto octet) { return octet != 0; }));
}

} // namespace
} // namespace cafegram::crypto

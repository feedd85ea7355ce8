#include <cafegram/base/environment.hpp>
#include <cafegram/base/lru_map.hpp>
#include <cafegram/tests/support.hpp>

#include <algorithm>
#include <ranges>
#include <string>
#include <vector>

namespace cafegram {

TEST(lru_map, the_one_used_least_recently_goes) {
  lru_map<int, std::string> map{2};
  map.put(1, "one");
  map.put(2, "two");
  ASSERT_NE(map.find(1), nullptr);
  map.put(3, "three");
  EXPECT_EQ(map.find(2), nullptr);
  ASSERT_NE(map.find(1), nullptr);
  EXPECT_EQ(*map.find(1), "one");
  EXPECT_EQ(map.put(1, "uno"), "uno");
  EXPECT_EQ(map.size(), 2U);
  map.erase(1);
  map.erase(1);
  EXPECT_EQ(map.find(1), nullptr);
  map.clear();
  EXPECT_EQ(map.size(), 0U);
}

TEST(lru_map, holds_one_at_least) {
  lru_map<int, int> map{0};
  map.put(1, 1);
  EXPECT_NE(map.find(1), nullptr);
}

TEST(lru_map, does_what_a_list_does) {
  seeded_random random{test::seed()};
  lru_map<std::uint64_t, std::uint64_t> map{8};
  std::vector<std::pair<std::uint64_t, std::uint64_t>> model; // the last one was used last
  for (int step = 0; step < 20'000; ++step) {
    const auto key = random.next() % 16;
    const auto at = std::ranges::find(model, key, [](const auto& entry) { return entry.first; });
    if (random.next() % 2 == 0) {
      const auto* found = map.find(key);
      ASSERT_EQ(found != nullptr, at != model.end());
      if (found != nullptr) {
        ASSERT_EQ(*found, at->second);
        std::rotate(at, at + 1, model.end());
      }
      continue;
    }
    const auto value = random.next();
    if (at != model.end()) {
      model.erase(at);
    } else if (model.size() == map.limit()) {
      model.erase(model.begin());
    }
    model.emplace_back(key, value);
    map.put(key, value);
    ASSERT_TRUE(std::ranges::equal(map, std::views::reverse(model), {}, [](const auto& entry) {
      return std::pair{entry.first, entry.second};
    }));
  }
}

} // namespace cafegram

#include <cafegram/sandbox/faults.hpp>
#include <cafegram/tests/support.hpp>

#include <gtest/gtest.h>

#include <set>

namespace cafegram::sandbox {
namespace {

fault_plan plan_of(std::initializer_list<const char*> rates) {
  fault_plan out;
  for (const auto* one : rates) {
    const auto good = out.add(one);
    EXPECT_TRUE(good) << to_string(good.error());
  }
  return out;
}

std::string refusal(const char* text) {
  fault_plan plan;
  const auto taken = plan.add(text);
  EXPECT_FALSE(taken) << text;
  EXPECT_EQ(plan, fault_plan{});
  return taken ? "" : taken.error().what;
}

TEST(faults, each_kind_has_a_name_of_its_own) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < fault_kinds; ++i) {
    const auto kind = static_cast<fault_kind>(i);
    names.insert(to_string(kind));
    EXPECT_EQ(fault_kind_of(to_string(kind)), kind);
  }
  EXPECT_EQ(names.size(), fault_kinds);
  EXPECT_EQ(fault_kind_of("half-open"), fault_kind::half_open);
  EXPECT_FALSE(fault_kind_of("half_open"));
}

TEST(faults, a_plan_is_read_from_text) {
  const auto plan = plan_of({"drop=100", "delay=20,500", "flood-wait=7"});
  EXPECT_EQ(plan.rate(fault_kind::drop), (fault_rate{100, 0}));
  EXPECT_EQ(plan.rate(fault_kind::delay), (fault_rate{20, 500}));
  EXPECT_EQ(plan.rate(fault_kind::flood_wait), (fault_rate{7, 3}));
  EXPECT_TRUE(plan.any());
  EXPECT_FALSE(fault_plan{}.any());
  EXPECT_FALSE(plan_of({"drop=0"}).any());
}

TEST(faults, what_is_no_plan_is_refused_in_words) {
  EXPECT_NE(refusal("rain=3").find("half-open"), std::string::npos) << "names what there is";
  EXPECT_NE(refusal("drop").find("one in N"), std::string::npos);
  EXPECT_NE(refusal("drop=often").find("one in N"), std::string::npos);
  EXPECT_NE(refusal("drop=-1").find("one in N"), std::string::npos);
  EXPECT_NE(refusal("drop=1,5").find("no bound"), std::string::npos);
  EXPECT_NE(refusal("delay=1,0").find("no bound"), std::string::npos);
  EXPECT_NE(refusal("delay=1,5s").find("no bound"), std::string::npos);
  EXPECT_NE(refusal("delay=99999999999").find("one in N"), std::string::npos);
}

TEST(faults, exact_ones_happen_there_and_nowhere_else) {
  fault_plan plan;
  ASSERT_TRUE(plan.add_exact("cut=out/3/17,5"));
  ASSERT_TRUE(plan.add_exact("half-open=in/0/2"));
  EXPECT_EQ(decide(plan, {3, fault_way::out, 17}), (fault{fault_kind::cut, 5}));
  EXPECT_FALSE(decide(plan, {3, fault_way::in, 17}));
  EXPECT_FALSE(decide(plan, {4, fault_way::out, 17}));
  EXPECT_FALSE(decide(plan, {3, fault_way::out, 18}));
  for (const std::uint64_t connection : {1, 2, 3}) {
    EXPECT_EQ(decide(plan, {connection, fault_way::in, 2}),
              (fault{fault_kind::half_open, 100'000}));
  }
  for (const auto* bad :
       {"cut=3/17", "cut=up/1/1", "cut=in/1", "cut=in/x/1", "flood-wait=in/1/1", "cut=in/1/1,x"}) {
    EXPECT_FALSE(plan.add_exact(bad)) << bad;
  }
  EXPECT_EQ(plan.exact.size(), 2U);
}

TEST(faults, the_same_seed_decides_the_same) {
  const auto seed = test::seed();
  auto one = plan_of({"drop=9", "delay=5,40", "corrupt=3"});
  one.seed = seed;
  auto other = one;
  other.seed = seed + 1;
  int differ = 0;
  for (std::uint64_t number = 1; number <= 1000; ++number) {
    const fault_place at{2, fault_way::out, number};
    EXPECT_EQ(decide(one, at), decide(one, at));
    differ += decide(one, at) != decide(other, at) ? 1 : 0;
  }
  EXPECT_GT(differ, 100);
}

// The order in which places are asked for changes nothing, so neither do threads.
TEST(faults, a_decision_depends_on_its_place_alone) {
  const auto plan = plan_of({"drop=4"});
  std::vector<bool> forth;
  std::vector<bool> back;
  for (std::uint64_t n = 1; n <= 100; ++n) {
    forth.push_back(decide(plan, {1, fault_way::in, n}).has_value());
  }
  for (std::uint64_t n = 100; n >= 1; --n) {
    back.insert(back.begin(), decide(plan, {1, fault_way::in, n}).has_value());
  }
  EXPECT_EQ(forth, back);
  std::vector<bool> elsewhere;
  for (std::uint64_t n = 1; n <= 100; ++n) {
    elsewhere.push_back(decide(plan, {2, fault_way::in, n}).has_value());
  }
  EXPECT_NE(forth, elsewhere);
}

TEST(faults, a_rate_is_about_what_it_says) {
  const auto seed = test::seed();
  for (std::size_t i = 0; i < fault_kinds; ++i) {
    const auto kind = static_cast<fault_kind>(i);
    fault_plan plan;
    plan.seed = seed;
    plan.rate(kind) = {10, 0};
    int hits = 0;
    std::set<std::uint32_t> values;
    for (std::uint64_t number = 1; number <= 10'000; ++number) {
      for (const auto way :
           {fault_way::in, fault_way::out, fault_way::call, fault_way::end, fault_way::push}) {
        const auto found = decide(plan, {1, way, number});
        if (!found) {
          continue;
        }
        ++hits;
        EXPECT_EQ(found->kind, kind);
        EXPECT_TRUE(happens_at(kind, way));
        EXPECT_GE(found->value, default_bound(kind) == 0 ? 0U : 1U);
        EXPECT_TRUE(default_bound(kind) == 0 || found->value <= default_bound(kind));
        values.insert(found->value);
      }
    }
    EXPECT_GT(hits, 850) << to_string(kind);
    EXPECT_LT(hits, 2'300) << to_string(kind);
    EXPECT_GT(values.size(), 2U) << "values vary: " << to_string(kind);
  }
}

TEST(faults, counts_each_kind) {
  fault_counts counts;
  counts.add(fault_kind::cut);
  counts.add(fault_kind::cut);
  EXPECT_EQ(counts.of(fault_kind::cut), 2U);
  EXPECT_EQ(counts.of(fault_kind::drop), 0U);
}

} // namespace
} // namespace cafegram::sandbox

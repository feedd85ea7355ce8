#include "../support.hpp"
#include "updates_world.hpp"

namespace cafegram::protocol::test {
namespace {

// Against the server's full log, over a line that loses, repeats and reorders; the slow suite plays
// a million of these (updates_model.cpp).
TEST(updates_model, every_update_is_told_once_in_its_order_or_told_as_lost) {
  constexpr std::uint64_t sequences = 5000;
  const auto first = cafegram::test::seed();
  for (std::uint64_t i = 0; i < sequences; ++i) {
    const auto one = make_scenario(first + i);
    if (const auto wrong = updates_world{one}.run(); !wrong.empty()) {
      const auto shortest = reduce(one);
      FAIL() << wrong << "\nshortest: " << updates_world{shortest}.run() << "\n"
             << to_string(shortest);
    }
  }
}

// Or a failure of the million would be a hundred happenings that nobody can read.
TEST(updates_model, a_failure_is_reduced_to_what_it_takes) {
  scenario one;
  for (std::uint32_t i = 0; i < 60; ++i) {
    constexpr deed noise[] = {deed::post_common, deed::deliver,      deed::answer, deed::arrive,
                              deed::pass,        deed::post_channel, deed::repeat};
    one.happenings.push_back({i == 25   ? deed::suspect
                              : i == 40 ? deed::learn
                                        : noise[i % std::size(noise)],
                              i, 7 * i});
  }
  ASSERT_EQ(updates_world{one}.run(), "");
  one.planted = true;
  ASSERT_NE(updates_world{one}.run(), "");
  const auto shortest = reduce(one);
  EXPECT_NE(updates_world{shortest}.run(), "");
  std::string left;
  for (const auto& happening : shortest.happenings) {
    left += to_string(happening) + "; ";
  }
  EXPECT_EQ(left, "suspect 0 0; learn 0 0; ");
}

} // namespace
} // namespace cafegram::protocol::test

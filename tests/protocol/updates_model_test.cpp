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

} // namespace
} // namespace cafegram::protocol::test

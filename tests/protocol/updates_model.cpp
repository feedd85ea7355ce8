#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

#include "updates_world.hpp"

// updates_model [SEQUENCES [SEED]]: plays so many random sequences; stops at the first that is
// wrong, and shows the shortest that it finds in it.
int main(int argc, char** argv) {
  using namespace cafegram::protocol::test;
  const auto count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000ULL;
  const auto first = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1ULL;
  for (auto seed = first; seed < first + count; ++seed) {
    const auto one = make_scenario(seed);
    if (const auto wrong = updates_world{one}.run(); !wrong.empty()) {
      const auto shortest = reduce(one);
      std::cout << wrong << "\nshortest:\n" << to_string(shortest) << "as it went:\n";
      updates_world again{shortest};
      again.trace(std::cout);
      std::cout << again.run() << "\n";
      return 1;
    }
  }
  std::cout << count << " sequences from seed " << first << ": all well\n";
  return 0;
}

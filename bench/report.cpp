#include <cafegram/bench/report.hpp>
#include <cafegram/tl/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace cafegram::bench {
namespace {

/// Large values without decimals, small ones with three figures that count.
std::string readable(double value) {
  if (std::abs(value) >= 1000) {
    return fmt::format("{:.0f}", value);
  }
  return fmt::format("{:.3g}", value);
}

} // namespace

void print(const std::vector<figure>& figures, report_form form) {
  if (form == report_form::json) {
    for (const auto& f : figures) {
      const tl::json line{{"name", f.name}, {"value", f.value}, {"unit", f.unit}};
      fmt::print("{}\n", line.dump());
    }
    return;
  }
  std::size_t width = 0;
  for (const auto& f : figures) {
    width = std::max(width, f.name.size());
  }
  for (const auto& f : figures) {
    fmt::print("{:<{}}  {:>12} {}\n", f.name, width, readable(f.value), f.unit);
  }
  std::fflush(stdout);
}

} // namespace cafegram::bench

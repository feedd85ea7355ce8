#pragma once

#include <string>
#include <vector>

namespace cafegram::bench {

/// One measured value: `tl/decode/messages100`, 512.3, `MB/s`.
struct figure {
  std::string name;
  double value = 0;
  std::string unit;
};

/// How figures are told: a table for people, or one JSON object a line for programs.
enum class report_form { table, json };

void print(const std::vector<figure>& figures, report_form form);

} // namespace cafegram::bench

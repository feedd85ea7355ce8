#pragma once

#include <cafegram/base/error.hpp>
#include <cafegram/bench/report.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace cafegram::bench {

struct storage_options {
  std::string folder; ///< empty, for stores
  std::chrono::milliseconds time{};
  std::size_t peers = 1'000'000;
};

/// Updates a second through each kind of store (in batches of 64, each with the counters: taken in
/// by one batch, finished by a later one), and what many peers in SQLite cost a start and a
/// look-up.
result<std::vector<figure>> run_storage(const storage_options& options);

} // namespace cafegram::bench

#pragma once

#include <cafegram/base/error.hpp>
#include <cafegram/bench/report.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace cafegram::bench {

struct updates_options {
  std::string folder;               ///< empty, for stores
  std::size_t updates = 300'000;    ///< for each measurement
  std::size_t for_latency = 30'000; ///< the same, one by one at half of the load
};

/// Updates a second from the octets of a container, through boxes, inbox and dispatcher, to a
/// handler that has ended, with the session in memory and in SQLite, on one thread and two, in 10
/// chats and 10,000; and at half of that load how long an update takes to its handler.
result<std::vector<figure>> run_updates(const updates_options& options);

} // namespace cafegram::bench

#pragma once

#include <cafegram/base/error.hpp>
#include <cafegram/bench/report.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace cafegram::bench {

struct updates_options {
  std::string folder;                ///< empty, for stores
  std::size_t updates = 300'000;     ///< for each measurement
  std::size_t for_latency = 100'000; ///< the same, one by one
  std::string only = {};             ///< figures with this in their name; empty: all
};

/// Updates a second from the octets of a container, through boxes, inbox and dispatcher, to a
/// handler that has ended, with the session in memory and in SQLite, on one thread and two, in 10
/// chats and 10,000, with the processor time that each takes until hub and store are done with it.
/// Then the same with containers of one update, and at half of that load how long after the moment
/// at which their encrypted octets were due at a connection 99 in 100 updates are with their
/// handlers: there they come over a socket of this machine, through transport, connection and pool.
result<std::vector<figure>> run_updates(const updates_options& options);

} // namespace cafegram::bench

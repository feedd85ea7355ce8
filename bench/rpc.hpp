#pragma once

#include <cafegram/actors/client.hpp>
#include <cafegram/bench/report.hpp>

#include <chrono>
#include <functional>
#include <vector>

namespace cafegram::bench {

/// What is called, and for how long.
struct rpc_options {
  bytes request;                         ///< a boxed function that costs the server little
  std::chrono::milliseconds time{5'000}; ///< for each of the two measurements
  std::size_t in_flight = 256;           ///< calls under way at once when pipelined
  std::function<std::chrono::milliseconds()> server_cpu; ///< processor time of the server so far
};

/// Calls per second with many under way, then the latency of one at a time, over one connection;
/// and the processor time that client and server took meanwhile, in percent of one core. Errors:
/// that of the first call that fails.
result<std::vector<figure>> run_rpc(client& on, const rpc_options& options);

} // namespace cafegram::bench

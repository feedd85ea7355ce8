#pragma once

#include <cafegram/actors/client.hpp>
#include <cafegram/bench/report.hpp>

#include <chrono>
#include <functional>
#include <span>
#include <vector>

namespace cafegram::bench {

/// What is called, and for how long.
struct rpc_options {
  bytes request;                         ///< a boxed function that costs the server little
  std::chrono::milliseconds time{5'000}; ///< for each of the two measurements
  std::size_t in_flight = 64; ///< calls under way at once on each connection when pipelined
  std::function<std::chrono::milliseconds()> server_cpu; ///< processor time of the server so far
};

/// Many callers, and then one, over all connections of `on` in turn: calls a second and a
/// processor second of this process, how long a call takes, and allocations per call. The names
/// end in the number of connections: `rpc/per-second/8`. Errors: that of the first call that fails.
result<std::vector<figure>> run_rpc(std::span<client> on, const rpc_options& options);

/// What this project's own code allocates for a call and its answer, with 1 and with 64 of them in
/// a packet, without sockets and actors: `updates.getState`, and its answer until it is decoded.
std::vector<figure> run_rpc_allocations();

} // namespace cafegram::bench

#pragma once

#include <cafegram/actors/options.hpp>

#include <vector>

namespace cafegram {

/// Where a socket is to be connected to, and where the stream on it is to lead.
struct connect_step {
  endpoint address; ///< numeric
  endpoint target;  ///< behind a proxy: another one

  friend bool operator==(const connect_step&, const connect_step&) = default;
};

/// The order of RFC 8305 section 4: the families in turn, beginning with the preferred one, each in
/// its own order. Names, of which nothing is known, keep their places at the end; what the choice
/// rules out is left out.
std::vector<endpoint> in_turn(const std::vector<endpoint>& addresses, ip_choice ip);

/// The steps in the order in which they are started: of each target by every address of the proxy,
/// without a proxy each address for itself.
std::vector<connect_step> plan_steps(const std::vector<endpoint>& addresses,
                                     const std::vector<endpoint>& targets, ip_choice ip);

} // namespace cafegram

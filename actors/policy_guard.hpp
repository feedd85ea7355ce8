#pragma once

#include <cafegram/actors/options.hpp>
#include <cafegram/actors/policies.hpp>

namespace cafegram {

// How actors ask policies: the program's own where one is given, the default where there is none
// or what it did was throw. A negative wait counts as none.
// No policy makes a client spin: there is a least wait.

/// At least 100 ms.
std::optional<std::chrono::milliseconds> ask_retry(retry_policy* given, const refused_call& call,
                                                   random_source& random);
/// At least 10 ms.
std::optional<std::chrono::milliseconds> ask_reconnect(restart_policy* given,
                                                       const timing_options& timing,
                                                       const lost_line& line,
                                                       random_source& random);
std::optional<std::chrono::milliseconds> ask_restart(restart_policy* given,
                                                     const timing_options& timing,
                                                     const dead_part& part, random_source& random);

} // namespace cafegram

#pragma once

#include <cafegram/base/error.hpp>

#include <cstddef>

namespace cafegram {

/// Raises what this process may open, sockets included, as far as the system lets it (the soft
/// RLIMIT_NOFILE to the hard one); children inherit that. For programs with many clients, before
/// they start them. Errors: `limit` where fewer than `wanted` are allowed then, saying what to do.
result<void> allow_open_files(std::size_t wanted);

} // namespace cafegram

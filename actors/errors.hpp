#pragma once

#include <cafegram/base/error.hpp>

#include <caf/error.hpp>

namespace cafegram {

/// Our error as CAF's: the same code, category `cafegram`, the whole value as context.
caf::error to_caf(const error& e);

/// The way back. CAF's own errors become: a dead receiver `cancelled`, a time-out `deadline`, an
/// exception or unexpected message `bad_argument` with its name.
error to_error(const caf::error& e);

/// True for what a server says of a login that is gone, where it comes from home.
bool ends_login(const error& e);

} // namespace cafegram

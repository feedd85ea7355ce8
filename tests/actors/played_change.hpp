#pragma once

#include <cafegram/actors/messages.hpp>
#include <cafegram/actors/session_changes.hpp>

namespace cafegram::test {

/// What a session's store does with a change, but for writing it.
inline void make_change(const session_change& by, storage::session_state& in) {
  if (by.progress) {
    session_changes{}.add(*by.progress, in);
  }
  if (by.apply) {
    by.apply(in);
  }
}

} // namespace cafegram::test

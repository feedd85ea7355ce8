#pragma once

#include <cafegram/sandbox/core.hpp>

#include <vector>

namespace cafegram::sandbox {

/// The bots of a room that do not get a message: those in privacy mode that it does not concern,
/// and all for what another bot writes. Admins, and those whose privacy mode is off, get what
/// people write. Spec: "Bots", "Privacy mode".
std::vector<account_id> bots_left_out(const core& in, const room& where,
                                      const message_record& message);

} // namespace cafegram::sandbox

#pragma once

#include <string_view>

namespace cafegram::sandbox {

/// 3 to 32 of `A-Z a-z 0-9 _`, a letter first. Shorter than Telegram's five on purpose: the names
/// of small tests and demonstrations.
bool is_username(std::string_view name);

} // namespace cafegram::sandbox

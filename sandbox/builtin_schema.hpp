#pragma once

#include <string_view>

namespace cafegram::sandbox {

/// The text of `tl/schema/api.tl`, as it was when the program was built.
std::string_view builtin_api_schema();

} // namespace cafegram::sandbox

#pragma once

#include <nlohmann/json.hpp>

namespace cafegram::tl {

/// A JSON value that keeps the order of its members. Only users of JSON include this header.
using json = nlohmann::ordered_json;

} // namespace cafegram::tl

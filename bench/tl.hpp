#pragma once

#include <cafegram/base/error.hpp>
#include <cafegram/bench/report.hpp>

#include <chrono>
#include <vector>

namespace cafegram::bench {

/// Encodes and decodes a reply of 100 messages (`messages.messages` with text, entities, a keyboard
/// on each tenth, users), each way for about `time`. Objects are constructors, nested ones counted.
result<std::vector<figure>> run_tl(std::chrono::milliseconds time);

} // namespace cafegram::bench

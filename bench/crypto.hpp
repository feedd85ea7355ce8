#pragma once

#include <cafegram/base/error.hpp>
#include <cafegram/bench/report.hpp>

#include <chrono>
#include <vector>

namespace cafegram::bench {

/// AES-256-IGE on every path that this machine has, beside libcrypto's own `AES_ige_encrypt`, and
/// whole messages sealed and opened; all figures together take about `time`. Rates are octets of
/// messages a second of processor time, the median of several rounds, so that other load on the
/// machine counts little. And the time that a key exchange takes to split its number, the median of
/// many numbers.
result<std::vector<figure>> run_crypto(std::chrono::milliseconds time);

} // namespace cafegram::bench

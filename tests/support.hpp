#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/tests/folders.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

namespace cafegram::test {

/// Octets of a literal that must be hexadecimal.
inline bytes hex(std::string_view text) {
  auto out = from_hex(text);
  if (!out) {
    ADD_FAILURE() << "not hexadecimal: " << text;
    return {};
  }
  return *std::move(out);
}

/// The seed of a random test: CAFEGRAM_SEED or a fixed one, printed so that a failure repeats.
inline std::uint64_t seed() {
  const char* given = std::getenv("CAFEGRAM_SEED");
  const std::uint64_t value = given != nullptr ? std::strtoull(given, nullptr, 0) : 20250101;
  std::cout << "CAFEGRAM_SEED=" << value << '\n';
  return value;
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>{in}, {}};
}

} // namespace cafegram::test

/// Leaves the test, saying so, where the shared folder is missing: the one allowed skip, and a
/// failure where CAFEGRAM_REQUIRE_SHARED=1 says that it has to be there.
#define CAFEGRAM_NEEDS_SHARED()                                                                    \
  if (cafegram::test::shared_folder().empty()) {                                                   \
    const char* required = std::getenv("CAFEGRAM_REQUIRE_SHARED");                                 \
    ASSERT_FALSE(required != nullptr && *required == '1') << "no shared folder (CAFEGRAM_SHARED)"; \
    GTEST_SKIP() << "skipped: no shared folder (set CAFEGRAM_SHARED)";                             \
  }

#pragma once

#include <cafegram/tests/folders.hpp>
#include <cafegram/tl/dynamic.hpp>
#include <cafegram/tl/schema.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz.hpp"

/// The schemas of the source tree.
namespace cafegram::fuzz {

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  holds(static_cast<bool>(in), path.c_str());
  return {std::istreambuf_iterator<char>{in}, {}};
}

inline std::shared_ptr<const tl::schema> api_schema() {
  static const auto out = std::make_shared<const tl::schema>(
      tl::schema::parse(read_file(test::source_folder() / "tl/schema/api.tl")).value());
  return out;
}

inline const tl::dynamic_codec& api_codec() {
  static const tl::dynamic_codec out{api_schema()};
  return out;
}

/// Bounds that keep one run short.
inline constexpr tl::limits small_limits{
    .depth = 64, .elements = 1U << 14, .memory = std::size_t{1} << 22};

} // namespace cafegram::fuzz

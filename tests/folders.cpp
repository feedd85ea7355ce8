#include <cafegram/tests/folders.hpp>

#include <cstdlib>

// The one file that is compiled anew for each place of the sources: caches serve the rest.
namespace cafegram::test {

std::filesystem::path source_folder() {
  return CAFEGRAM_SOURCE_DIR;
}

std::filesystem::path shared_folder() {
  const char* given = std::getenv("CAFEGRAM_SHARED");
  const std::filesystem::path path = given != nullptr ? given : CAFEGRAM_SHARED_DEFAULT;
  return std::filesystem::is_directory(path) ? path : std::filesystem::path{};
}

} // namespace cafegram::test

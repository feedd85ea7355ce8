#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz.hpp"

// Feeds files to a fuzzer that was built without libFuzzer: its corpus as a test.
//
//     NAME PATH...    each a file, or a folder of them
namespace {

void feed(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  const cafegram::bytes data{std::istreambuf_iterator<char>{in}, {}};
  // Exactly as long as the file, so that a sanitizer sees what reads beyond it.
  LLVMFuzzerTestOneInput(data.data(), data.size());
}

} // namespace

int main(int argc, char** argv) {
  int count = 0;
  for (int i = 1; i < argc; ++i) {
    const std::filesystem::path path{argv[i]};
    if (!std::filesystem::is_directory(path)) {
      feed(path);
      ++count;
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator{path}) {
      feed(entry.path());
      ++count;
    }
  }
  std::printf("%d inputs\n", count);
  return count > 0 ? 0 : 1;
}

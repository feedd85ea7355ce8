#pragma once

#include <cafegram/crypto/secure.hpp>
#include <cafegram/tl/json.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace cafegram::test {

/// A file for the log of a run; it goes with the test.
class event_log_file {
public:
  event_log_file()
    : path_{std::filesystem::temp_directory_path() /
            fmt::format("cafegram-events-{}-{:016x}", ::getpid(),
                        crypto::system_random()->integer<std::uint64_t>())} {}
  event_log_file(const event_log_file&) = delete;
  event_log_file& operator=(const event_log_file&) = delete;
  ~event_log_file() { std::filesystem::remove(path_); }

  const std::filesystem::path& path() const { return path_; }

  /// All lines, or those of one event.
  std::vector<tl::json> all(std::string_view event = {}) const {
    std::vector<tl::json> out;
    std::ifstream in{path_};
    for (std::string line; std::getline(in, line);) {
      auto value = tl::json::parse(line, nullptr, false);
      EXPECT_FALSE(value.is_discarded()) << line;
      if (event.empty() || value.value("event", "") == event) {
        out.push_back(std::move(value));
      }
    }
    return out;
  }

private:
  std::filesystem::path path_;
};

} // namespace cafegram::test

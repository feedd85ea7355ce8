#pragma once

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace cafegram::test {

/// A folder that goes with its test.
class temporary_folder {
public:
  temporary_folder() {
    // The X are what mkdtemp puts its own letters in place of.
    auto name = (std::filesystem::temp_directory_path() / "cafegram-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::system_error{errno, std::generic_category(), "no temporary folder"};
    }
    path_ = name;
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(std::string_view name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

/// The process is in a folder, and with the end of this where it was before.
class inside {
public:
  explicit inside(const std::filesystem::path& folder)
    : before_{std::filesystem::current_path()} {
    std::filesystem::current_path(folder);
  }
  inside(const inside&) = delete;
  inside& operator=(const inside&) = delete;
  ~inside() {
    std::error_code ignored;
    std::filesystem::current_path(before_, ignored);
  }

private:
  std::filesystem::path before_;
};

} // namespace cafegram::test

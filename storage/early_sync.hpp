#pragma once

// Internal to storage/. Not installed.

#include <atomic>
#include <memory>
#include <string>

namespace cafegram::storage {

/// Has what was written to a file brought to its disk by a thread of its own, one for all files:
/// who syncs the file after it waits for little. What goes wrong here is nobody's loss, for it is
/// found again then.
class early_sync {
public:
  explicit early_sync(std::string path)
    : file_{std::make_shared<file>(std::move(path))} {}

  void start();
  bool under_way() const { return file_->under_way; }

private:
  struct file {
    explicit file(std::string named)
      : path{std::move(named)} {}
    std::string path;
    std::atomic<bool> under_way = false;
  };
  class worker;

  std::shared_ptr<file> file_;
};

} // namespace cafegram::storage

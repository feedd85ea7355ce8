#pragma once

#include <memory>
#include <string>

#include "power.hpp"

struct sqlite3_vfs;

namespace cafegram::test {

/// The disk, as SQLite sees it: a VFS that is registered for as long as this lives.
class disk_vfs {
public:
  explicit disk_vfs(std::shared_ptr<disk> on);
  ~disk_vfs();
  disk_vfs(const disk_vfs&) = delete;
  disk_vfs& operator=(const disk_vfs&) = delete;

  const std::string& name() const { return name_; }

private:
  std::shared_ptr<disk> disk_;
  std::string name_;
  std::unique_ptr<sqlite3_vfs> vfs_;
};

} // namespace cafegram::test

#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "power.hpp"

struct sqlite3_vfs;

namespace cafegram::test {

/// The index of a WAL, which all connections to its database share.
struct wal_index {
  static constexpr std::size_t locks = 8;
  std::vector<std::unique_ptr<std::vector<std::uint64_t>>> parts;
  std::array<int, locks> readers{};
  std::array<bool, locks> alone{};
  int connections = 0;
};

/// The disk, as SQLite sees it: a VFS that is registered for as long as this lives. Connections of
/// several threads can use it.
class disk_vfs {
public:
  enum class step { write, truncate, sync };
  /// Is called before each, with the file's name, by the thread that makes it. Anything but 0 is
  /// SQLite's code for why it is not made.
  using hook = std::function<int(std::string_view, step)>;

  explicit disk_vfs(std::shared_ptr<disk> on, hook before = {});
  ~disk_vfs();
  disk_vfs(const disk_vfs&) = delete;
  disk_vfs& operator=(const disk_vfs&) = delete;

  const std::string& name() const { return name_; }

  // For SQLite's calls.
  const hook& before() const { return before_; }
  /// Holds `mutex` meanwhile.
  disk& on() { return *disk_; }
  wal_index& index(const std::string& of) { return indexes_[of]; }
  void forget_index(const std::string& of) { indexes_.erase(of); }
  std::mutex mutex;

private:
  std::shared_ptr<disk> disk_;
  hook before_;
  std::map<std::string, wal_index> indexes_;
  std::string name_;
  std::unique_ptr<sqlite3_vfs> vfs_;
};

} // namespace cafegram::test

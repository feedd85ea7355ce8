#pragma once

#include <cafegram/base/bytes.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/crypto/secure.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace cafegram::storage {

/// What is written to it comes behind what is there.
class open_file {
public:
  virtual ~open_file() = default;
  /// After an error a part of `data` may be there.
  virtual result<void> append(bytes_view data) = 0;
  virtual result<void> truncate(std::uint64_t length) = 0;
  /// What is in the file outlives a power cut; its name does after `file_layer::sync_folder`.
  virtual result<void> sync() = 0;
};

/// What a store needs of a file system, for tests to put one in its place that loses its power.
/// Files have mode 0600. Errors: `storage`, naming path and reason, errno as `error::number`.
class file_layer {
public:
  virtual ~file_layer() = default;
  /// The whole file; none if there is no such file.
  virtual result<std::optional<crypto::secret>> read(const std::string& path) = 0;
  /// An empty file, whatever was there.
  virtual result<std::unique_ptr<open_file>> create(const std::string& path) = 0;
  /// One that is there.
  virtual result<std::unique_ptr<open_file>> open(const std::string& path) = 0;
  virtual result<void> rename(const std::string& from, const std::string& to) = 0;
  /// The folder that `path` is in: names made or moved there outlive a power cut.
  virtual result<void> sync_folder(const std::string& path) = 0;
};

std::shared_ptr<file_layer> system_files();

/// Replaces `path` as a whole: writes `PATH.tmp`, syncs it, renames it, syncs the folder. After an
/// error the old file is as it was.
result<void> replace_file(file_layer& files, const std::string& path, bytes_view content);

/// Where the symbolic links end that `path` is (not those of its folders): what lies beside a file,
/// its lock and its log, is then the same whatever the file was called. From the root: files are
/// opened again by their names, and the process may be in another folder by then.
std::string behind_links(const std::string& path);

/// Writes a file that is not there yet, mode 0600, and syncs it with its folder: `path`, or where
/// that is taken `path-2` and so on. Answers with its name. Errors: `storage`, errno as
/// `error::number`; nothing is left behind then.
result<std::string> create_file(const std::string& path, bytes_view content);

} // namespace cafegram::storage

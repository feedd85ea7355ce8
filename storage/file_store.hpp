#pragma once

#include <cafegram/storage/backend.hpp>
#include <cafegram/storage/files.hpp>

#include <string>

namespace cafegram::storage {

struct file_options {
  std::shared_ptr<file_layer> files = system_files();
  /// The log is folded into the snapshot when it is longer than this and than the snapshot.
  std::size_t shortest_log = std::size_t{4} << 20;
};

/// `PATH`, a snapshot, and `PATH.log`, the batches since; mode 0600. All rows are in memory as
/// well. Durable batches are synced; others are safe from the death of the process, and a power
/// cut leaves all up to one of them. Files of version 1 are read, and written as version 2.
/// What is damaged is copied to `PATH.damaged` and left as it is.
/// Errors: `storage`; when it is in use, with the owner's process id as `error::number`, else errno
/// or the offset of the damage.
result<std::unique_ptr<backend>> open_file_store(const std::string& named,
                                                 const file_options& options = {});

} // namespace cafegram::storage

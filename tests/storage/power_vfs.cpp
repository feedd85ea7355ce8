#include "power_vfs.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace cafegram::test {

namespace {

/// SQLite has memory for it, and calls no constructor.
struct handle {
  sqlite3_file base;
  disk_vfs* on;
  std::uint64_t id;
  const char* name; ///< SQLite's, for as long as this is open
  bool sync_folder; ///< with the next sync, as the system's VFS does for a journal that it has made
  bool has_index;   ///< of the WAL
  unsigned reading; ///< of its locks, by bits
  unsigned alone_in; ///< the same
};

handle& of(sqlite3_file* file) {
  return *reinterpret_cast<handle*>(file);
}
disk_vfs& of(sqlite3_vfs* vfs) {
  return *static_cast<disk_vfs*>(vfs->pAppData);
}

int before(const handle& file, disk_vfs::step what) {
  return file.on->before() ? file.on->before()(file.name, what) : SQLITE_OK;
}

int close_file(sqlite3_file*) {
  return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* into, int size, sqlite3_int64 at) {
  const auto& from = of(file);
  const std::lock_guard lock{from.on->mutex};
  if (from.on->on().is_out()) {
    return SQLITE_IOERR_READ;
  }
  const auto& content = from.on->on().content(from.id);
  const auto begin = std::min(content.size(), static_cast<std::size_t>(at));
  const auto count = std::min(content.size() - begin, static_cast<std::size_t>(size));
  std::memset(into, 0, static_cast<std::size_t>(size));
  if (count > 0) {
    std::memcpy(into, content.data() + begin, count);
  }
  return count == static_cast<std::size_t>(size) ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* from, int size, sqlite3_int64 at) {
  auto& to = of(file);
  if (const int code = before(to, disk_vfs::step::write); code != SQLITE_OK) {
    return code;
  }
  const std::lock_guard lock{to.on->mutex};
  const bytes_view data{static_cast<const std::uint8_t*>(from), static_cast<std::size_t>(size)};
  return to.on->on().write(to.id, static_cast<std::size_t>(at), data) ? SQLITE_OK
                                                                      : SQLITE_IOERR_WRITE;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 length) {
  auto& what = of(file);
  if (const int code = before(what, disk_vfs::step::truncate); code != SQLITE_OK) {
    return code;
  }
  const std::lock_guard lock{what.on->mutex};
  return what.on->on().truncate(what.id, static_cast<std::size_t>(length)) ? SQLITE_OK
                                                                           : SQLITE_IOERR_TRUNCATE;
}

int sync_file(sqlite3_file* file, int) {
  auto& what = of(file);
  if (const int code = before(what, disk_vfs::step::sync); code != SQLITE_OK) {
    return code;
  }
  const std::lock_guard lock{what.on->mutex};
  auto& on = what.on->on();
  if (!on.sync(what.id) || (what.sync_folder && !on.sync_folder())) {
    return SQLITE_IOERR_FSYNC;
  }
  what.sync_folder = false;
  return SQLITE_OK;
}

int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
  const auto& what = of(file);
  const std::lock_guard lock{what.on->mutex};
  *size = static_cast<sqlite3_int64>(what.on->on().content(what.id).size());
  return SQLITE_OK;
}

/// Who is alone with its database, and whose further connections only move the WAL, needs none.
int lock_file(sqlite3_file*, int) {
  return SQLITE_OK;
}
int is_reserved(sqlite3_file*, int* out) {
  *out = 0;
  return SQLITE_OK;
}
int control_file(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}
int sector_size(sqlite3_file*) {
  return disk::sector;
}
/// It promises nothing.
int device_traits(sqlite3_file*) {
  return 0;
}

// -- the index of the WAL, in memory: a power cut takes it along

int map_index(sqlite3_file* file, int part, int size, int extend, void volatile** out) {
  auto& who = of(file);
  const std::lock_guard lock{who.on->mutex};
  auto& index = who.on->index(who.name);
  index.connections += who.has_index ? 0 : 1;
  who.has_index = true;
  const auto at = static_cast<std::size_t>(part);
  while (extend != 0 && index.parts.size() <= at) {
    index.parts.push_back(
        std::make_unique<std::vector<std::uint64_t>>(static_cast<std::size_t>(size) / 8));
  }
  *out = at < index.parts.size() ? index.parts[at]->data() : nullptr;
  return SQLITE_OK;
}

void unlock_one(handle& who, wal_index& index, std::size_t at) {
  const unsigned bit = 1U << at;
  index.readers.at(at) -= (who.reading & bit) != 0 ? 1 : 0;
  index.alone.at(at) = index.alone.at(at) && (who.alone_in & bit) == 0;
  who.reading &= ~bit;
  who.alone_in &= ~bit;
}

int lock_index(sqlite3_file* file, int first, int count, int flags) {
  auto& who = of(file);
  const std::lock_guard lock{who.on->mutex};
  auto& index = who.on->index(who.name);
  const auto begin = static_cast<std::size_t>(first);
  const auto end = begin + static_cast<std::size_t>(count);
  const bool alone = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    for (auto at = begin; at < end; ++at) {
      unlock_one(who, index, at);
    }
    return SQLITE_OK;
  }
  for (auto at = begin; at < end; ++at) {
    if (index.alone.at(at) || (alone && index.readers.at(at) > 0)) {
      return SQLITE_BUSY;
    }
  }
  for (auto at = begin; at < end; ++at) {
    (alone ? who.alone_in : who.reading) |= 1U << at;
    index.alone.at(at) = alone;
    index.readers.at(at) += alone ? 0 : 1;
  }
  return SQLITE_OK;
}

void index_barrier(sqlite3_file* file) {
  const std::lock_guard lock{of(file).on->mutex};
}

int unmap_index(sqlite3_file* file, int) {
  auto& who = of(file);
  const std::lock_guard lock{who.on->mutex};
  if (!std::exchange(who.has_index, false)) {
    return SQLITE_OK;
  }
  auto& index = who.on->index(who.name);
  for (std::size_t at = 0; at < wal_index::locks; ++at) {
    unlock_one(who, index, at);
  }
  if (--index.connections == 0) {
    who.on->forget_index(who.name);
  }
  return SQLITE_OK;
}

const sqlite3_io_methods methods{2,
                                 close_file,
                                 read_file,
                                 write_file,
                                 truncate_file,
                                 sync_file,
                                 size_of_file,
                                 lock_file,
                                 lock_file,
                                 is_reserved,
                                 control_file,
                                 sector_size,
                                 device_traits,
                                 map_index,
                                 lock_index,
                                 index_barrier,
                                 unmap_index,
                                 nullptr,
                                 nullptr};

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  const std::lock_guard lock{of(vfs).mutex};
  auto& on = of(vfs).on();
  file->pMethods = nullptr;
  bool made = false;
  if (!on.exists(name)) {
    made = (flags & SQLITE_OPEN_CREATE) != 0 && on.create(name);
    if (!made) {
      return SQLITE_CANTOPEN;
    }
    if ((flags & SQLITE_OPEN_MAIN_DB) != 0) {
      // On a real disk the store makes the file, and syncs its folder, before SQLite sees it.
      on.name_is_kept(name);
    }
  }
  const bool journal = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
  of(file) = {{&methods}, &of(vfs), on.id(name), name, made && journal, false, 0, 0};
  if (out_flags != nullptr) {
    *out_flags = flags;
  }
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  const std::lock_guard lock{of(vfs).mutex};
  auto& on = of(vfs).on();
  if (!on.exists(name)) {
    return SQLITE_IOERR_DELETE_NOENT;
  }
  return on.remove(name) && (sync_folder == 0 || on.sync_folder()) ? SQLITE_OK
                                                                   : SQLITE_IOERR_DELETE;
}

int is_there(sqlite3_vfs* vfs, const char* name, int, int* out) {
  const std::lock_guard lock{of(vfs).mutex};
  *out = of(vfs).on().exists(name) ? 1 : 0;
  return SQLITE_OK;
}

int full_name(sqlite3_vfs*, const char* name, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", name);
  return SQLITE_OK;
}

} // namespace

disk_vfs::disk_vfs(std::shared_ptr<disk> on, hook before)
  : disk_{std::move(on)}
  , before_{std::move(before)} {
  static int number = 0;
  name_ = "disk-" + std::to_string(++number);
  // What has nothing to do with files is the system's.
  vfs_ = std::make_unique<sqlite3_vfs>(*sqlite3_vfs_find(nullptr));
  vfs_->iVersion = 1;
  vfs_->szOsFile = sizeof(handle);
  vfs_->pNext = nullptr;
  vfs_->zName = name_.c_str();
  vfs_->pAppData = this;
  vfs_->xOpen = open_file;
  vfs_->xDelete = delete_file;
  vfs_->xAccess = is_there;
  vfs_->xFullPathname = full_name;
  sqlite3_vfs_register(vfs_.get(), 0);
}

disk_vfs::~disk_vfs() {
  sqlite3_vfs_unregister(vfs_.get());
}

} // namespace cafegram::test

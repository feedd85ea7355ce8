#include "power_vfs.hpp"

#include <sqlite3.h>

#include <cstring>

namespace cafegram::test {

namespace {

/// SQLite has memory for it, and calls no constructor.
struct handle {
  sqlite3_file base;
  disk* on;
  std::uint64_t id;
  bool sync_folder; ///< with the next sync, as the system's VFS does for a journal that it has made
};

handle& of(sqlite3_file* file) {
  return *reinterpret_cast<handle*>(file);
}
disk& of(sqlite3_vfs* vfs) {
  return *static_cast<disk*>(vfs->pAppData);
}

int close_file(sqlite3_file*) {
  return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* into, int size, sqlite3_int64 at) {
  const auto& from = of(file);
  if (from.on->is_out()) {
    return SQLITE_IOERR_READ;
  }
  const auto& content = from.on->content(from.id);
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
  const bytes_view data{static_cast<const std::uint8_t*>(from), static_cast<std::size_t>(size)};
  return to.on->write(to.id, static_cast<std::size_t>(at), data) ? SQLITE_OK : SQLITE_IOERR_WRITE;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 length) {
  auto& what = of(file);
  return what.on->truncate(what.id, static_cast<std::size_t>(length)) ? SQLITE_OK
                                                                      : SQLITE_IOERR_TRUNCATE;
}

int sync_file(sqlite3_file* file, int) {
  auto& what = of(file);
  if (!what.on->sync(what.id) || (what.sync_folder && !what.on->sync_folder())) {
    return SQLITE_IOERR_FSYNC;
  }
  what.sync_folder = false;
  return SQLITE_OK;
}

int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
  const auto& what = of(file);
  *size = static_cast<sqlite3_int64>(what.on->content(what.id).size());
  return SQLITE_OK;
}

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

const sqlite3_io_methods methods{
    1,         close_file, read_file,   write_file,   truncate_file, sync_file,     size_of_file,
    lock_file, lock_file,  is_reserved, control_file, sector_size,   device_traits, nullptr,
    nullptr,   nullptr,    nullptr,     nullptr,      nullptr};

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  auto& on = of(vfs);
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
  file->pMethods = &methods;
  auto& opened = of(file);
  opened.on = &on;
  opened.id = on.id(name);
  opened.sync_folder = made && (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
  if (out_flags != nullptr) {
    *out_flags = flags;
  }
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  auto& on = of(vfs);
  if (!on.exists(name)) {
    return SQLITE_IOERR_DELETE_NOENT;
  }
  return on.remove(name) && (sync_folder == 0 || on.sync_folder()) ? SQLITE_OK
                                                                   : SQLITE_IOERR_DELETE;
}

int is_there(sqlite3_vfs* vfs, const char* name, int, int* out) {
  *out = of(vfs).exists(name) ? 1 : 0;
  return SQLITE_OK;
}

int full_name(sqlite3_vfs*, const char* name, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", name);
  return SQLITE_OK;
}

} // namespace

disk_vfs::disk_vfs(std::shared_ptr<disk> on)
  : disk_{std::move(on)} {
  static int number = 0;
  name_ = "disk-" + std::to_string(++number);
  // What has nothing to do with files is the system's.
  vfs_ = std::make_unique<sqlite3_vfs>(*sqlite3_vfs_find(nullptr));
  vfs_->iVersion = 1;
  vfs_->szOsFile = sizeof(handle);
  vfs_->pNext = nullptr;
  vfs_->zName = name_.c_str();
  vfs_->pAppData = disk_.get();
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

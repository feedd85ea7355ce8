#include <cafegram/base/bytes.hpp>
#include <cafegram/crypto/secure.hpp>
#include <cafegram/storage/files.hpp>
#include <cafegram/storage/sqlite_damage.hpp>

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <utility>

namespace cafegram::storage {

namespace {

/// A database may be larger than the memory.
constexpr std::size_t piece = std::size_t{1} << 20;

/// What a copy is made of.
class original {
public:
  virtual ~original() = default;
  virtual std::uint64_t size() const = 0;
  virtual bool read(std::uint64_t at, mutable_bytes_view into) = 0;
};

class plain_file final : public original {
public:
  explicit plain_file(const std::string& path)
    : in_{path, std::ios::binary | std::ios::ate}
    , size_{in_ ? static_cast<std::uint64_t>(in_.tellg()) : 0} {}
  std::uint64_t size() const override { return size_; }
  bool read(std::uint64_t at, mutable_bytes_view into) override {
    in_.seekg(static_cast<std::streamoff>(at));
    in_.read(reinterpret_cast<char*>(into.data()), static_cast<std::streamsize>(into.size()));
    return in_.good();
  }

private:
  std::ifstream in_;
  std::uint64_t size_;
};

class opened_database final : public original {
public:
  explicit opened_database(sqlite3* handle) {
    sqlite3_file_control(handle, nullptr, SQLITE_FCNTL_FILE_POINTER, static_cast<void*>(&file_));
    sqlite3_int64 size = 0;
    if (usable() && file_->pMethods->xFileSize(file_, &size) == SQLITE_OK) {
      size_ = static_cast<std::uint64_t>(size);
    }
  }
  std::uint64_t size() const override { return size_; }
  bool read(std::uint64_t at, mutable_bytes_view into) override {
    return usable() && file_->pMethods->xRead(file_, into.data(), static_cast<int>(into.size()),
                                              static_cast<sqlite3_int64>(at)) == SQLITE_OK;
  }

private:
  bool usable() const { return file_ != nullptr && file_->pMethods != nullptr; }

  sqlite3_file* file_ = nullptr;
  std::uint64_t size_ = 0;
};

/// Hands all of it to `take`, piece by piece, until that answers with false. Answers with whether
/// it came to the end.
template <class Take>
bool each_piece(original& of, Take take) {
  crypto::secret memory{static_cast<std::size_t>(std::min<std::uint64_t>(piece, of.size()))};
  for (std::uint64_t at = 0; at < of.size();) {
    const auto next = memory.view().first(
        static_cast<std::size_t>(std::min<std::uint64_t>(memory.size(), of.size() - at)));
    if (!of.read(at, next) || !take(at, next)) {
      return false;
    }
    at += next.size();
  }
  return true;
}

bool is_taken(const std::string& path) {
  std::error_code failed;
  return std::filesystem::exists(path, failed) || failed;
}

/// A file that is not there is as one with nothing in it.
bool is_copy(const std::string& path, original& of) {
  plain_file copy{path};
  crypto::secret memory{piece};
  return copy.size() == of.size() && each_piece(of, [&](std::uint64_t at, bytes_view content) {
           const auto other = memory.view().first(content.size());
           return copy.read(at, other) && std::ranges::equal(content, other);
         });
}

result<void> copy_to(const std::string& path, original& of) {
  if (of.size() == 0) {
    return {};
  }
  const auto files = system_files();
  const auto temporary = path + ".tmp";
  auto made = files->create(temporary);
  if (!made) {
    return std::unexpected(std::move(made.error()));
  }
  result<void> done;
  const bool whole = each_piece(of, [&](std::uint64_t /*at*/, bytes_view content) {
    done = (*made)->append(content);
    return done.has_value();
  });
  if (done && !whole) {
    done = fail(errc::storage, "cannot read all of it");
  }
  done = done ? (*made)->sync() : done;
  done = done ? files->rename(temporary, path) : done;
  if (!done) {
    // On a disk that is full it would keep the room that others need.
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    return done;
  }
  return files->sync_folder(path);
}

} // namespace

result<std::string> keep_damaged(sqlite3* handle, const std::string& path) {
  // A program that is started again and again may meet it each time, with some more written.
  constexpr int most_names = 3;
  opened_database database{handle};
  plain_file wal{path + "-wal"};
  for (int number = 1; number <= most_names; ++number) {
    auto name = number == 1 ? path + ".damaged" : fmt::format("{}.damaged-{}", path, number);
    const auto name_of_wal = name + "-wal";
    if (is_taken(name) || is_taken(name_of_wal)) {
      if (is_copy(name, database) && is_copy(name_of_wal, wal)) {
        return name;
      }
      continue;
    }
    // What has the name of the database is whole, with its WAL.
    auto done = copy_to(name_of_wal, wal);
    done = done ? copy_to(name, database) : done;
    return done ? result<std::string>{std::move(name)} : std::unexpected(std::move(done.error()));
  }
  return fail(errc::storage, fmt::format("{} others are there, as {}.damaged", most_names, path));
}

} // namespace cafegram::storage

#include <cafegram/storage/files.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace cafegram::storage {

namespace {

/// Larger ones are no store of this kind.
constexpr std::int64_t largest = std::int64_t{1} << 31;

std::unexpected<error> failure(std::string_view doing, const std::string& path) {
  const int code = errno;
  return fail(errc::storage, fmt::format("cannot {} {}: {}", doing, path, std::strerror(code)),
              code);
}

bool write_all(int fd, bytes_view data) {
  while (!data.empty()) {
    const auto count = ::write(fd, data.data(), data.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return false;
    }
    data = data.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

bool read_all(int fd, mutable_bytes_view out) {
  while (!out.empty()) {
    const auto count = ::read(fd, out.data(), out.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return false;
    }
    out = out.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

class system_file final : public open_file {
public:
  system_file(int fd, std::string path)
    : fd_{fd}
    , path_{std::move(path)} {}
  system_file(const system_file&) = delete;
  system_file& operator=(const system_file&) = delete;
  ~system_file() override { ::close(fd_); }

  result<void> append(bytes_view data) override {
    return write_all(fd_, data) ? result<void>{} : failure("write", path_);
  }
  result<void> truncate(std::uint64_t length) override {
    return ::ftruncate(fd_, static_cast<off_t>(length)) == 0 ? result<void>{}
                                                             : failure("shorten", path_);
  }
  result<void> sync() override {
    return ::fsync(fd_) == 0 ? result<void>{} : failure("sync", path_);
  }
  int fd() const { return fd_; }

private:
  int fd_;
  std::string path_;
};

result<std::unique_ptr<open_file>> open_for_writing(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
  if (fd < 0) {
    return failure("open", path);
  }
  auto out = std::make_unique<system_file>(fd, path);
  // A file left over from elsewhere may have another mode.
  if (::fchmod(fd, 0600) != 0) {
    return failure("keep to its owner", path);
  }
  return out;
}

class system_layer final : public file_layer {
public:
  result<std::optional<crypto::secret>> read(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      return errno == ENOENT ? result<std::optional<crypto::secret>>{std::nullopt}
                             : failure("open", path);
    }
    const system_file handle{fd, path};
    struct stat status{};
    if (::fstat(fd, &status) != 0) {
      return failure("look at", path);
    }
    if (!S_ISREG(status.st_mode) || status.st_size > largest) {
      return fail(errc::storage, path + " is no session: not a plain file, or too large");
    }
    crypto::secret content{static_cast<std::size_t>(status.st_size)};
    if (!read_all(fd, content.view())) {
      return failure("read", path);
    }
    return content;
  }

  result<std::unique_ptr<open_file>> create(const std::string& path) override {
    return open_for_writing(path, O_CREAT | O_TRUNC);
  }
  result<std::unique_ptr<open_file>> open(const std::string& path) override {
    return open_for_writing(path, 0);
  }

  result<void> rename(const std::string& from, const std::string& to) override {
    return ::rename(from.c_str(), to.c_str()) == 0 ? result<void>{} : failure("replace", to);
  }

  result<void> sync_folder(const std::string& path) override {
    const auto parent = std::filesystem::path{path}.parent_path();
    const auto folder = (parent.empty() ? std::filesystem::path{"."} : parent).string();
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
      return failure("open folder", folder);
    }
    system_file handle{fd, folder};
    return handle.sync();
  }
};

} // namespace

std::shared_ptr<file_layer> system_files() {
  return std::make_shared<system_layer>();
}

result<void> replace_file(file_layer& files, const std::string& path, bytes_view content) {
  const auto temporary = path + ".tmp";
  auto made = files.create(temporary);
  if (!made) {
    return std::unexpected(std::move(made.error()));
  }
  auto done = (*made)->append(content);
  done = done ? (*made)->sync() : done;
  done = done ? files.rename(temporary, path) : done;
  return done ? files.sync_folder(path) : done;
}

std::string behind_links(const std::string& path) {
  constexpr int most_links = 40; // as Linux has it; more are a circle, which opening tells
  std::error_code failed;
  auto at = std::filesystem::absolute(path, failed);
  if (failed) {
    at = path; // opening tells what is wrong
  }
  for (int n = 0; n < most_links && std::filesystem::is_symlink(at, failed); ++n) {
    const auto to = std::filesystem::read_symlink(at, failed);
    if (failed) {
      break;
    }
    at = at.parent_path() / to;
  }
  return at.string();
}

result<std::string> create_file(const std::string& path, bytes_view content) {
  constexpr int most_names = 1000;
  for (int number = 1; number <= most_names; ++number) {
    auto name = number == 1 ? path : fmt::format("{}-{}", path, number);
    auto made = open_for_writing(name, O_CREAT | O_EXCL);
    if (!made && made.error().number == EEXIST) {
      continue;
    }
    if (!made) {
      return std::unexpected(std::move(made.error()));
    }
    auto done = (*made)->append(content);
    done = done ? (*made)->sync() : done;
    done = done ? system_layer{}.sync_folder(name) : done;
    if (!done) {
      ::unlink(name.c_str());
      return std::unexpected(std::move(done.error()));
    }
    return name;
  }
  return fail(errc::storage, fmt::format("too many files are called {}-N", path));
}

} // namespace cafegram::storage

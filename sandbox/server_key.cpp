#include <cafegram/sandbox/server_key.hpp>

#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace cafegram::sandbox {
namespace {

std::unexpected<error> failed(const std::filesystem::path& path, const char* doing,
                              const char* help = "") {
  const int number = errno;
  return fail(errc::storage,
              std::string{doing} + " " + path.string() + ": " +
                  std::generic_category().message(number) + help,
              number);
}

/// A key is smaller by far; a file that is not one need not be read to its end.
constexpr std::size_t most_octets = std::size_t{64} << 10;
constexpr auto what_to_do = "; make it readable, or restore it: with another key all clients have "
                            "to make new keys";

/// None: there is no such file. Whatever else is wrong with it, it may be the key all the same.
result<std::optional<crypto::secret>> read_file(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    if (errno == ENOENT) {
      return std::nullopt;
    }
    return failed(path, "cannot open", what_to_do);
  }
  crypto::secret text{most_octets};
  std::size_t size = 0;
  ssize_t count = 1;
  while (count != 0 && size < most_octets) {
    count = ::read(file, text.view().data() + size, most_octets - size);
    if (count < 0 && errno != EINTR) {
      auto out = failed(path, "cannot read", what_to_do);
      ::close(file);
      return out;
    }
    size += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  ::close(file);
  return crypto::secret{bytes_view{text.view()}.first(size)};
}

bool write_all(int file, bytes_view data) {
  while (!data.empty()) {
    const ssize_t count = ::write(file, data.data(), data.size());
    if (count < 0 && errno != EINTR) {
      return false;
    }
    data = data.subspan(count < 0 ? 0 : static_cast<std::size_t>(count));
  }
  return ::fsync(file) == 0;
}

/// Written beside and renamed: a reader finds the old file or the new one, never half of it.
result<void> write_file(const std::filesystem::path& path, bytes_view data, mode_t mode) {
  std::filesystem::path beside = path;
  beside += ".new";
  const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (file < 0) {
    return failed(beside, "cannot create");
  }
  const bool written = ::fchmod(file, mode) == 0 && write_all(file, data);
  if (::close(file) != 0 || !written) {
    return failed(beside, "cannot write");
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) {
    return failed(path, "cannot replace");
  }
  return {};
}

} // namespace

result<std::shared_ptr<const crypto::rsa_private_key>>
load_server_key(const std::filesystem::path& folder, std::string_view file) {
  using crypto::rsa_private_key;
  if (folder.empty()) {
    return std::make_shared<const rsa_private_key>(rsa_private_key::generate());
  }
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  const std::filesystem::path path = folder / file;
  auto text = read_file(path);
  if (!text) {
    return std::unexpected(std::move(text.error()));
  }
  if (*text) {
    const auto octets = (*text)->view();
    auto key =
        rsa_private_key::from_pem({reinterpret_cast<const char*>(octets.data()), octets.size()});
    if (!key) {
      return fail(errc::storage, path.string() + " holds no RSA key: restore it, or remove it and "
                                                 "all clients have to make new keys");
    }
    return std::make_shared<const rsa_private_key>(*std::move(key));
  }
  auto key = std::make_shared<const rsa_private_key>(rsa_private_key::generate());
  const crypto::secret pem = key->export_secret_pem();
  if (auto kept = write_file(path, pem.view(), 0600); !kept) {
    return std::unexpected(kept.error());
  }
  return key;
}

result<void> write_public_key(const std::filesystem::path& path,
                              const crypto::rsa_public_key& key) {
  return write_file(path, as_bytes(key.to_pem()), 0644);
}

} // namespace cafegram::sandbox

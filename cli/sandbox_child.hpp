#pragma once

#include <cafegram/cli/child.hpp>

#include <cstdint>
#include <string>

namespace cafegram::cli {

/// A sandbox in a process of its own, as `bench rpc` and `check` use it.
struct sandbox_child {
  child process;
  std::string mtproto; ///< `127.0.0.1:PORT`
  std::string page;    ///< `http://127.0.0.1:PORT/`
};

struct sandbox_child_options {
  std::string program = own_path();
  std::string folder;             ///< key, log and data go there
  std::uint16_t mtproto_port = 0; ///< 0: any free one
  std::uint16_t page_port = 0;
  bool keep = false; ///< with `--data`: a later one in the same folder goes on from it
};

/// Starts this very program as `cafegram sandbox`, and waits until it is ready; its key is then in
/// `key_path`.
result<sandbox_child> start_sandbox(const sandbox_child_options& options);
std::string key_path(const std::string& folder);
/// Of a server that keeps its data: one line of JSON for each message, see docs/sandbox.md.
std::string message_log_path(const std::string& folder);

/// A fresh folder for temporary files, which goes with everything in it.
class temporary_folder {
public:
  static result<temporary_folder> make();
  temporary_folder(temporary_folder&& other) noexcept;
  temporary_folder& operator=(temporary_folder&&) = delete;
  ~temporary_folder();

  const std::string& path() const { return path_; }

private:
  explicit temporary_folder(std::string path)
    : path_{std::move(path)} {}

  std::string path_;
};

} // namespace cafegram::cli

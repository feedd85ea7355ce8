#include <cafegram/cli/sandbox_child.hpp>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace cafegram::cli {

std::string key_path(const std::string& folder) {
  return folder + "/server.pem";
}

std::string message_log_path(const std::string& folder) {
  return folder + "/messages.jsonl";
}

result<sandbox_child> start_sandbox(const sandbox_child_options& options) {
  const auto listen = [](std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); };
  std::vector<std::string> command{options.program, "sandbox",
                                   "--listen",      listen(options.mtproto_port),
                                   "--http",        listen(options.page_port),
                                   "--key-out",     key_path(options.folder)};
  if (options.keep) {
    command.insert(command.end(), {"--data", options.folder + "/world", "--message-log",
                                   message_log_path(options.folder)});
  }
  auto started =
      child::start(command, {.environment = {}, .error_log = options.folder + "/sandbox.log"});
  if (!started) {
    return std::unexpected(std::move(started).error());
  }
  sandbox_child out{.process = *std::move(started), .mtproto = {}, .page = {}};
  for (;;) {
    auto line = out.process.read_line(std::chrono::seconds{20});
    if (!line) {
      auto e = std::move(line).error();
      e.what = "the sandbox did not start, see " + options.folder + "/sandbox.log: " + e.what;
      return std::unexpected(std::move(e));
    }
    if (line->starts_with("mtproto ")) {
      out.mtproto = line->substr(8);
    } else if (line->starts_with("page ")) {
      out.page = line->substr(5);
    } else if (*line == "ready") {
      return out;
    }
  }
}

result<temporary_folder> temporary_folder::make() {
  std::error_code problem;
  auto name = (std::filesystem::temp_directory_path(problem) / "cafegram.XXXXXX").string();
  if (problem || ::mkdtemp(name.data()) == nullptr) {
    return fail(errc::storage, "no temporary folder can be made as " + name, errno);
  }
  return temporary_folder{std::move(name)};
}

temporary_folder::temporary_folder(temporary_folder&& other) noexcept
  : path_{std::exchange(other.path_, {})} {}

temporary_folder::~temporary_folder() {
  if (!path_.empty()) {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
}

} // namespace cafegram::cli

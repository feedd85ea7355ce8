#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/base/error.hpp>

#include <chrono>
#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

namespace cafegram::cli {

/// What a child process is given besides its arguments.
struct child_options {
  std::map<std::string, std::string> environment; ///< added to ours
  std::string error_log; ///< standard error is appended here; empty: it goes to ours
};

/// A process that this one has started; it never outlives its owner. Its standard output is read
/// line by line, its standard input is empty.
class child {
public:
  /// `command[0]` is a path. Errors: `storage` (pipe, log file), `not_found` (no such program).
  static result<child> start(const std::vector<std::string>& command,
                             const child_options& options = {});
  child(child&& other) noexcept;
  child& operator=(child&& other) noexcept;
  /// Asks it to end, and after 3 seconds makes it.
  ~child();

  pid_t pid() const { return pid_; }

  /// The next line of its standard output, without the newline. Errors: `deadline`;
  /// `connection_lost` when it has closed its output, which is what happens when it ends.
  result<std::string> read_line(std::chrono::milliseconds within);

  /// Processor time that it has used so far, user and system.
  std::chrono::milliseconds cpu_time() const;

  /// `kill -9`, and waits for the end.
  void kill_now();

private:
  child(pid_t pid, int output)
    : pid_{pid}
    , output_{output} {}
  void end();
  bool ended_within(std::chrono::milliseconds time) const;

  pid_t pid_ = -1;
  int output_ = -1;
  std::string pending_;
};

/// The path of the running program, for starting it once more.
std::string own_path();

} // namespace cafegram::cli

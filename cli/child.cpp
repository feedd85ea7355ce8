#include <cafegram/cli/child.hpp>

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <sstream>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace cafegram::cli {
namespace {

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& added) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (!added.contains(text.substr(0, text.find('=')))) {
      out.push_back(text);
    }
  }
  for (const auto& [name, value] : added) {
    out.push_back(fmt::format("{}={}", name, value));
  }
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (auto& text : texts) {
    out.push_back(text.data());
  }
  out.push_back(nullptr);
  return out;
}

/// Between fork and exec: only calls that are safe there, nothing allocated.
[[noreturn]] void become(char** argv, char** env, int output, int errors, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) {
    ::_exit(127);
  }
  // What the owner waits for with `sigwait` is what must end us.
  ::sigset_t none{};
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setpgid(0, 0); // the terminal's Ctrl-C is for the owner, who then ends us in order
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  if (errors >= 0) {
    ::dup2(errors, STDERR_FILENO);
  }
  ::execve(argv[0], argv, env);
  ::_exit(127);
}

} // namespace

std::string own_path() {
  return std::filesystem::read_symlink("/proc/self/exe").string();
}

result<child> child::start(const std::vector<std::string>& command, const child_options& options) {
  if (command.empty() || ::access(command.front().c_str(), X_OK) != 0) {
    return fail(errc::not_found, "no program " + (command.empty() ? "" : command.front()));
  }
  int errors = -1;
  if (!options.error_log.empty()) {
    errors = ::open(options.error_log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (errors < 0) {
      return fail(errc::storage, options.error_log + " cannot be opened for writing", errno);
    }
  }
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return fail(errc::storage, "no pipe for a child process", errno);
  }
  auto texts = command;
  auto env_texts = merged_environment(options.environment);
  const auto argv = pointers(texts);
  const auto env = pointers(env_texts);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    become(const_cast<char**>(argv.data()), const_cast<char**>(env.data()), pipe[1], errors,
           parent);
  }
  ::close(pipe[1]);
  if (errors >= 0) {
    ::close(errors);
  }
  if (pid < 0) {
    ::close(pipe[0]);
    return fail(errc::limit, "no further process can be started", errno);
  }
  return child{pid, pipe[0]};
}

child::child(child&& other) noexcept
  : pid_{std::exchange(other.pid_, -1)}
  , output_{std::exchange(other.output_, -1)}
  , pending_{std::move(other.pending_)} {}

child& child::operator=(child&& other) noexcept {
  if (this != &other) {
    end();
    pid_ = std::exchange(other.pid_, -1);
    output_ = std::exchange(other.output_, -1);
    pending_ = std::move(other.pending_);
  }
  return *this;
}

child::~child() {
  end();
}

result<std::string> child::read_line(std::chrono::milliseconds within) {
  const auto until = std::chrono::steady_clock::now() + within;
  std::array<char, 4096> block{};
  for (;;) {
    if (const auto stop = pending_.find('\n'); stop != std::string::npos) {
      auto line = pending_.substr(0, stop);
      pending_.erase(0, stop + 1);
      return line;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    pollfd waiting{.fd = output_, .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) == 0) {
      return fail(errc::deadline, "a child process said nothing in time");
    }
    const auto got = ::read(output_, block.data(), block.size());
    if (got == 0 || (got < 0 && errno != EINTR)) {
      return fail(errc::connection_lost, "a child process has ended");
    }
    pending_.append(block.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  }
}

std::chrono::milliseconds child::cpu_time() const {
  std::ifstream in{"/proc/" + std::to_string(pid_) + "/stat"};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  // The second field is the name in parentheses and may hold spaces: count from behind it.
  const auto behind = text.rfind(')');
  if (behind == std::string::npos) {
    return {};
  }
  std::istringstream fields{text.substr(behind + 2)};
  std::string skipped;
  for (int i = 0; i < 11; ++i) {
    fields >> skipped;
  }
  std::int64_t user = 0;
  std::int64_t system = 0;
  fields >> user >> system;
  return std::chrono::milliseconds{(user + system) * 1000 / ::sysconf(_SC_CLK_TCK)};
}

void child::kill_now() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
}

bool child::ended_within(std::chrono::milliseconds time) const {
  // A descriptor of the process becomes readable when it ends: a wait with a deadline, no polling.
  const int watched = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  if (watched < 0) {
    return false;
  }
  pollfd waiting{.fd = watched, .events = POLLIN, .revents = 0};
  const bool ended = ::poll(&waiting, 1, static_cast<int>(time.count())) > 0;
  ::close(watched);
  return ended;
}

void child::end() {
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    if (ended_within(std::chrono::seconds{3})) {
      ::waitpid(pid_, nullptr, 0);
      pid_ = -1;
    } else {
      kill_now();
    }
  }
  if (output_ >= 0) {
    ::close(output_);
    output_ = -1;
  }
}

} // namespace cafegram::cli

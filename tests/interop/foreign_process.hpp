#pragma once

#include <cafegram/tests/actors/loopback.hpp>
#include <cafegram/tests/interop/standin.hpp>

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace cafegram::test {

/// A server that we did not write, as a process of its own on a free port of the loopback. Its
/// output is kept; it ends with its object.
class foreign_process {
public:
  /// `%PORT%` in a word stands for the port.
  explicit foreign_process(std::vector<std::string> words)
    : port_{listener{}.where().port} {
    for (auto& word : words) {
      fill_in(word);
    }
    start(std::move(words));
  }
  foreign_process(const foreign_process&) = delete;
  foreign_process& operator=(const foreign_process&) = delete;
  ~foreign_process() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }

  std::uint16_t port() const { return port_; }
  std::string log() const { return read_text(folder_.file("log")); }
  const temporary_folder& folder() const { return folder_; }

private:
  void fill_in(std::string& word) const {
    constexpr std::string_view place = "%PORT%";
    if (const auto at = word.find(place); at != std::string::npos) {
      word.replace(at, place.size(), std::to_string(port_));
    }
  }

  void start(std::vector<std::string> words) {
    std::vector<char*> arguments;
    for (auto& word : words) {
      arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t files{};
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, 1, folder_.file("log").c_str(),
                                       O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::posix_spawn_file_actions_adddup2(&files, 1, 2);
    const int failed =
        ::posix_spawnp(&pid_, arguments[0], &files, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&files);
    ASSERT_EQ(failed, 0) << words[0] << " is not installed";
    for (int i = 0; i < 600 && !listens(); ++i) {
      ASSERT_EQ(::waitpid(pid_, nullptr, WNOHANG), 0) << words[0] << " ended: " << log();
      std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
    ASSERT_TRUE(listens()) << log();
  }

  bool listens() const {
    const plain_socket probe{::socket(AF_INET, SOCK_STREAM, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(probe.fd(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }

  temporary_folder folder_;
  std::uint16_t port_;
  ::pid_t pid_ = 0;
};

} // namespace cafegram::test

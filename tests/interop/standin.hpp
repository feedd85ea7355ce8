#pragma once

#include <cafegram/actors/options.hpp>
#include <cafegram/tests/actors/loopback.hpp>
#include <cafegram/tests/support.hpp>
#include <cafegram/tests/temporary_folder.hpp>

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <vector>

namespace cafegram::test {

/// The independent server of the shared folder, as a process of its own on a free port.
class standin {
public:
  explicit standin(std::vector<std::string> switches = {})
    : switches_{std::move(switches)} {
    start();
  }
  standin(const standin&) = delete;
  standin& operator=(const standin&) = delete;
  ~standin() { stop(); }

  endpoint where() const { return {"127.0.0.1", port_}; }
  std::string public_key() const { return read_text(folder_.file("server_pub.pem")); }
  std::string log() const { return read_text(folder_.file("server.log")); }

  /// How often `text` stands in the log.
  std::size_t count(std::string_view text) const {
    const auto all = log();
    std::size_t out = 0;
    for (auto at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) {
      ++out;
    }
    return out;
  }

  /// A new process: keys, sessions and messages are forgotten.
  void restart() {
    stop();
    start();
  }

private:
  void start() {
    if (port_ == 0) {
      port_ = listener{}.where().port;
    }
    std::vector<std::string> words{"bash",   (shared_folder() / "rigs/standin.sh").string(),
                                   "--port", std::to_string(port_),
                                   "--log",  folder_.file("server.log")};
    words.insert(words.end(), switches_.begin(), switches_.end());
    std::vector<char*> arguments;
    for (auto& word : words) {
      arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    ::setenv("RIGS_DIR", folder_.file("").c_str(), 1);
    const std::ofstream emptied{folder_.file("server.log")};
    posix_spawn_file_actions_t files{};
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    ASSERT_EQ(::posix_spawnp(&pid_, "bash", &files, nullptr, arguments.data(), environ), 0);
    ::posix_spawn_file_actions_destroy(&files);
    for (int i = 0; i < 600 && count("listening on") == 0; ++i) {
      ASSERT_EQ(::waitpid(pid_, nullptr, WNOHANG), 0) << "the stand-in ended";
      std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
    ASSERT_EQ(count("listening on"), 1U);
  }

  void stop() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(std::exchange(pid_, 0), nullptr, 0);
    }
  }

  std::vector<std::string> switches_;
  temporary_folder folder_;
  std::uint16_t port_ = 0;
  ::pid_t pid_ = 0;
};

/// A client of it.
inline client_options options_for(const standin& server,
                                  std::string_view transport = "intermediate") {
  client_options out;
  out.api_id = 1;
  out.api_hash = "00000000000000000000000000000000";
  out.dc = dc_override{2, server.where()};
  out.rsa_keys_pem = {server.public_key()};
  out.transport = transport_choice::parse(transport).value();
  out.timing.request_timeout = std::chrono::seconds{20};
  return out;
}

} // namespace cafegram::test

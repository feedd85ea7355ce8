#pragma once

#include <cafegram/base/environment.hpp>

#include <httplib.h>

#include <array>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

/// What the page's server plugs into httplib. Not installed.
namespace cafegram::sandbox {

/// A browser's socket with the bounds that httplib lacks: the whole request has to arrive within
/// one deadline (httplib's own is per read, which a byte at a time stretches without end), and may
/// have only so many octets, headers included. Does not own the socket.
class http_stream final : public httplib::Stream {
public:
  /// Octets of a request: the body's limit and this much of headers.
  static constexpr std::size_t head_limit = std::size_t{16} * 1024;

  http_stream(int socket, steady_time deadline);

  bool is_readable() const override;
  /// False too when the other side has gone: what an event stream wants to know.
  bool is_writable() const override;
  ssize_t read(char* out, std::size_t size) override;
  ssize_t write(const char* data, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

private:
  bool wait(short events, steady_time until) const;

  int socket_;
  steady_time deadline_;
  std::size_t budget_;
  std::array<char, 4096> buffer_{};
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// A fixed number of threads and a bounded queue before them. When it is full the thread that
/// accepts waits, and further connections wait in the kernel's backlog.
class http_workers final : public httplib::TaskQueue {
public:
  http_workers(std::size_t threads, std::size_t queue);
  ~http_workers() override;
  void enqueue(std::function<void()> job) override;
  /// Lets the waiting jobs run, then joins.
  void shutdown() override;

private:
  void work();

  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable jobs_there_;
  std::deque<std::function<void()>> jobs_;
  std::size_t limit_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

} // namespace cafegram::sandbox

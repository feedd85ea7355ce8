#pragma once

#include <cafegram/actors/connect_plan.hpp>
#include <cafegram/base/bytes.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/protocol/tunnel.hpp>

#include <memory>
#include <string>

namespace cafegram {

/// True for an address of either family, which needs no look-up.
bool is_numeric_address(const std::string& host);

/// The 4 or 16 octets of such an address; empty for a name.
bytes address_octets(const std::string& host);

/// One non-blocking `connect` under way, and behind it the talk with a proxy. Owns its socket until
/// `release`.
class connect_attempt {
public:
  /// `talk`: what has to be said before the stream leads where it should; null for nothing.
  /// Errors: `network` with errno.
  static result<connect_attempt> start(const connect_step& step,
                                       std::unique_ptr<protocol::tunnel> talk);
  connect_attempt(connect_attempt&& other) noexcept;
  connect_attempt& operator=(connect_attempt&& other) noexcept;
  ~connect_attempt();

  int fd() const { return fd_; }
  const endpoint& target() const { return step_.target; }
  /// What to wait for, as `poll` wants it.
  short awaited() const;
  /// To be called when that has come. True once the stream is open. An error is final.
  /// Errors: `network` with errno, `proxy`.
  result<bool> advance();
  /// Hands the socket out.
  int release();

private:
  connect_attempt(int fd, connect_step step, std::unique_ptr<protocol::tunnel> talk);
  result<void> finish_connect();
  result<bool> read_answer();
  result<void> write_words();
  std::unexpected<error> failed(int code) const;

  int fd_ = -1;
  connect_step step_;
  std::unique_ptr<protocol::tunnel> talk_;
  bool connected_ = false;
  bytes unsent_;
};

} // namespace cafegram

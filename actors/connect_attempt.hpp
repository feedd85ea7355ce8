#pragma once

#include <cafegram/actors/options.hpp>
#include <cafegram/base/error.hpp>

#include <optional>
#include <string>

namespace cafegram {

/// True for an address of either family, which needs no look-up.
bool is_numeric_address(const std::string& host);

/// One non-blocking `connect` under way. Owns its socket until `release`.
class connect_attempt {
public:
  /// Errors: `network` with errno.
  static result<connect_attempt> start(const endpoint& to);
  connect_attempt(connect_attempt&& other) noexcept;
  connect_attempt& operator=(connect_attempt&& other) noexcept;
  ~connect_attempt();

  int fd() const { return fd_; }
  const endpoint& to() const { return to_; }
  /// To be asked when the socket is writable. Errors: `network` with errno.
  result<void> outcome() const;
  /// Hands the socket out.
  int release();

private:
  connect_attempt(int fd, endpoint to)
    : fd_{fd}
    , to_{std::move(to)} {}
  int fd_ = -1;
  endpoint to_;
};

} // namespace cafegram

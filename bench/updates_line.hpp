#pragma once

#include <cafegram/actors/dc_pool.hpp>
#include <cafegram/base/environment.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/bench/measure.hpp>
#include <cafegram/protocol/auth_key.hpp>
#include <cafegram/protocol/framing.hpp>
#include <cafegram/protocol/server_session.hpp>

#include <caf/io/network/native_socket.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

// What stands at the other end of a connection whose whole way is measured: the octets are sent
// into a socket, and all that takes them out of it is the product's own.

namespace cafegram::bench {

/// Encrypted packets in their frames, one behind the other as they go over a connection.
struct packet_row {
  bytes octets;
  std::vector<std::size_t> ends; ///< of each

  /// The octets of those from `first` to before `last`.
  bytes_view between(std::size_t first, std::size_t last) const {
    const auto begin = first == 0 ? 0 : ends[first - 1];
    return bytes_view{octets}.subspan(begin, ends[last - 1] - begin);
  }
};

/// A socket that is closed by whoever has it last.
class owned_socket {
public:
  owned_socket() = default;
  explicit owned_socket(caf::io::network::native_socket fd)
    : fd_{fd} {}
  owned_socket(owned_socket&& other) noexcept
    : fd_{std::exchange(other.fd_, caf::io::network::invalid_native_socket)} {}
  owned_socket& operator=(owned_socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~owned_socket() {
    if (fd_ != caf::io::network::invalid_native_socket) {
      caf::io::network::close_socket(fd_);
    }
  }

  caf::io::network::native_socket fd() const { return fd_; }

private:
  caf::io::network::native_socket fd_ = caf::io::network::invalid_native_socket;
};

/// A data centre that knows the key of one client and pushes to it, over a socket of this machine.
/// For one thread. Goes after the pool that was made with its setup.
class played_centre {
public:
  /// Listens. Errors: `network`.
  static result<played_centre> open();

  /// For a pool whose main connection comes here, with the key that both know.
  pool_setup setup() const;

  /// Waits for that connection and answers what it says first: it has a session then.
  /// Errors: `deadline`, `network`, `protocol_violation`.
  result<void> meet();

  /// Encrypts a push, with the id of a message that is sent at `due`. Packets are to be sent in
  /// the order in which they were made, every one of them: they are of one stream.
  result<void> pack(bytes update, wall_time due, packet_row& to);

  /// Sends as the socket takes it. What the client has said meanwhile, acknowledgements for the
  /// most part, is read and thrown away: were it answered, the answers' ids would not fit between
  /// those of packets that are made already. Errors: `deadline`, `network`.
  result<void> send(bytes_view octets);

  /// Each packet when it is due. What is due together is sent together: one by one, the last of
  /// them would be later still. Errors: `deadline`, `network`.
  result<void> send(const packet_row& all, const timetable& schedule);

private:
  played_centre(owned_socket door, std::uint16_t port);
  result<bytes_view> hear();
  result<void> answer(bytes_view heard);
  result<void> take(const protocol::opening& packet);
  result<void> seal(wall_time now, bytes& out);

  owned_socket door_;
  std::uint16_t port_;
  owned_socket line_;
  protocol::auth_key key_;
  std::shared_ptr<random_source> random_;
  protocol::server_transport transport_;
  std::optional<protocol::server_session> session_;
  bytes room_; ///< for what is read at once
};

} // namespace cafegram::bench

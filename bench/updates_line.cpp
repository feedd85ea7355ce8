#include <cafegram/bench/updates_line.hpp>
#include <cafegram/crypto/pooled_random.hpp>
#include <cafegram/protocol/envelope.hpp>
#include <cafegram/protocol/salts.hpp>

#include <caf/io/network/default_multiplexer.hpp>
#include <caf/policy/tcp.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <poll.h>
#include <string>
#include <thread>
#include <variant>

namespace cafegram::bench {
namespace {

namespace network = caf::io::network;

constexpr std::int32_t played_dc = 2;
constexpr const char* own_address = "127.0.0.1";
constexpr std::size_t read_at_once = std::size_t{64} << 10;
constexpr std::chrono::seconds line_patience{60};
/// The other end would be another machine's work: with a write for each packet it takes a whole
/// processor, which the client's threads would wait for. This is part of what is measured.
constexpr std::chrono::microseconds between_sends{200};

std::unexpected<error> socket_failed(const std::string& what) {
  const int number = errno;
  return fail(errc::network, what + ": " + std::strerror(number), number);
}

/// Until the socket is good for one of `what`. Errors: `deadline`.
result<void> await_socket(const owned_socket& which, short what, const char* late) {
  const auto until = std::chrono::steady_clock::now() + line_patience;
  pollfd one{.fd = which.fd(), .events = what, .revents = 0};
  while (std::chrono::steady_clock::now() < until) {
    if (::poll(&one, 1, 100) > 0) {
      return {};
    }
  }
  return fail(errc::deadline, late);
}

} // namespace

result<played_centre> played_centre::open() {
  const auto listening = network::new_tcp_acceptor_impl(0, own_address, false);
  if (!listening) {
    return socket_failed(std::string{"cannot listen on "} + own_address);
  }
  owned_socket door{*listening};
  const auto port = network::local_port_of_fd(door.fd());
  if (!port) {
    return socket_failed("a listening socket does not tell its port");
  }
  return played_centre{std::move(door), *port};
}

played_centre::played_centre(owned_socket door, std::uint16_t port)
  : door_{std::move(door)}
  , port_{port}
  , key_{*protocol::auth_key::from(bytes(protocol::auth_key::octets, 7))}
  , random_{std::make_shared<crypto::pooled_random>(crypto::system_random())}
  , transport_{random_}
  , room_(read_at_once) {}

pool_setup played_centre::setup() const {
  auto profile = std::make_shared<connection_profile>();
  // Nobody makes or binds a key here; under a temporary one updates go the same way.
  profile->forward_secrecy = false;
  pool_setup out;
  out.addresses =
      address_book::pinned({.id = played_dc, .address = {own_address, port_}}, profile->transport);
  out.profile = std::move(profile);
  out.home_dc = played_dc;
  out.keys[played_dc] =
      dc_key{.dc = played_dc, .key = std::make_shared<const protocol::auth_key>(key_), .salt = 1};
  out.logged_in = true;
  return out;
}

result<void> played_centre::meet() {
  if (auto came = await_socket(door_, POLLIN, "the client does not connect"); !came) {
    return came;
  }
  auto accepted = network::invalid_native_socket;
  if (!caf::policy::tcp::try_accept(accepted, door_.fd()) ||
      accepted == network::invalid_native_socket) {
    return socket_failed("the client's connection was not accepted");
  }
  line_ = owned_socket{accepted};
  // With Nagle's algorithm a small packet would wait for the one before it to be acknowledged.
  if (!network::nonblocking(accepted, true) || !network::tcp_nodelay(accepted, true)) {
    return socket_failed("the client's connection does not take its options");
  }
  while (!session_) {
    if (auto came = await_socket(line_, POLLIN, "the client begins no session"); !came) {
      return came;
    }
    const auto heard = hear();
    if (!heard) {
      return std::unexpected(heard.error());
    }
    if (auto answered = answer(*heard); !answered) {
      return answered;
    }
  }
  return {};
}

result<void> played_centre::pack(bytes update, wall_time due, packet_row& to) {
  session_->push(std::move(update));
  auto made = seal(due, to.octets);
  to.ends.push_back(to.octets.size());
  return made;
}

result<void> played_centre::send(bytes_view octets) {
  while (!octets.empty()) {
    std::size_t sent = 0;
    const auto state = caf::policy::tcp::write_some(sent, line_.fd(), octets.data(), octets.size());
    if (state == network::rw_state::failure) {
      return socket_failed("the client does not take what is sent");
    }
    octets = octets.subspan(sent);
    if (const auto heard = hear(); !heard) {
      return std::unexpected(heard.error());
    }
    if (!octets.empty()) {
      if (auto room = await_socket(line_, POLLOUT, "the client reads nothing"); !room) {
        return room;
      }
    }
  }
  return {};
}

result<void> played_centre::send(const packet_row& all, const timetable& schedule) {
  std::size_t sent = 0;
  auto now = std::chrono::steady_clock::now();
  while (sent < all.ends.size()) {
    std::this_thread::sleep_until(std::max(schedule.due(sent), now + between_sends));
    now = std::chrono::steady_clock::now();
    auto due = sent + 1;
    while (due < all.ends.size() && schedule.due(due) <= now) {
      ++due;
    }
    if (auto done = send(all.between(sent, due)); !done) {
      return done;
    }
    sent = due;
  }
  return {};
}

/// What is there, or nothing.
result<bytes_view> played_centre::hear() {
  std::size_t got = 0;
  const auto state = caf::policy::tcp::read_some(got, line_.fd(), room_.data(), room_.size());
  if (state == network::rw_state::failure) {
    return fail(errc::network, "the client has closed its connection");
  }
  return bytes_view{room_}.first(got);
}

result<void> played_centre::answer(bytes_view heard) {
  transport_.feed(heard);
  while (true) {
    const auto event = transport_.next();
    if (!event) {
      return std::unexpected(event.error());
    }
    if (!*event) {
      break;
    }
    if (const auto* frame = std::get_if<protocol::frame>(&**event)) {
      const auto packet = protocol::open(key_, protocol::side::client, frame->payload);
      if (auto taken = take(packet); !taken) {
        return taken;
      }
    }
  }
  bytes out;
  if (auto made = seal(std::chrono::system_clock::now(), out); !made) {
    return made;
  }
  return send(out);
}

result<void> played_centre::take(const protocol::opening& packet) {
  if (packet.status != protocol::open_status::ok) {
    return fail(errc::protocol_violation, "the client's packet was not opened: " +
                                              std::string{protocol::to_string(packet.status)});
  }
  if (!session_) {
    protocol::server_session_options lenient;
    lenient.check_salt = false;
    session_.emplace(key_, packet.header.session_id, 1,
                     std::make_shared<protocol::server_salts>(key_), random_, lenient);
  }
  return session_->receive(packet, std::chrono::system_clock::now());
}

/// Appends all packets that the session has.
result<void> played_centre::seal(wall_time now, bytes& out) {
  bytes packet;
  while (session_ && session_->take_packet(packet, now)) {
    if (auto framed = transport_.encode(packet, out); !framed) {
      return framed;
    }
  }
  return {};
}

} // namespace cafegram::bench

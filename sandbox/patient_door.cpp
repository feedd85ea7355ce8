#include <cafegram/sandbox/patient_door.hpp>

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <caf/io/network/acceptor_impl.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <sys/socket.h>
#include <utility>

namespace cafegram::sandbox {
namespace {

namespace network = caf::io::network;

bool is_exhaustion(int number) {
  return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
}

/// The listening socket itself is of no use any more. All else concerns one guest.
bool is_its_end(int number) {
  return number == EINVAL || number == EBADF || number == ENOTSOCK || number == EOPNOTSUPP;
}

/// Accepts, and remembers why it could not.
struct accept_policy {
  int exhausted = 0;
  bool over = false;

  bool try_accept(network::native_socket& accepted, network::native_socket from) {
    accepted = ::accept4(from, nullptr, nullptr, SOCK_CLOEXEC);
    if (accepted < 0 && is_exhaustion(errno)) {
      exhausted = errno;
    }
    over = accepted < 0 && is_its_end(errno);
    return accepted >= 0;
  }
};

class patient_door final : public caf::io::doorman {
public:
  patient_door(network::default_multiplexer& loop, network::native_socket socket)
    : doorman{network::accept_hdl_from_socket(socket)}
    , acceptor_{loop, socket, *this} {}

  bool new_connection() override {
    if (detached()) {
      return false; // an event from before its end
    }
    auto& loop = acceptor_.backend();
    auto socket = loop.new_scribe(acceptor_.accepted_socket());
    const auto handle = socket->hdl();
    parent()->add_scribe(std::move(socket));
    return doorman::new_connection(&loop, handle);
  }
  void graceful_shutdown() override {
    acceptor_.graceful_shutdown();
    detach(&acceptor_.backend(), false);
  }
  void launch() override { acceptor_.start(this); }
  std::string addr() const override {
    auto out = network::local_addr_of_fd(acceptor_.fd());
    return out ? *std::move(out) : std::string{};
  }
  std::uint16_t port() const override {
    const auto out = network::local_port_of_fd(acceptor_.fd());
    return out ? *out : std::uint16_t{0};
  }
  void add_to_loop() override { acceptor_.activate(this); }
  void remove_from_loop() override { acceptor_.passivate(); }

private:
  class acceptor final : public network::acceptor {
  public:
    acceptor(network::default_multiplexer& loop, network::native_socket socket, patient_door& of)
      : network::acceptor{loop, socket}
      , owner_{of} {}

    void handle_event(network::operation what) override {
      handle_event_impl(what, policy_);
      if (const int number = std::exchange(policy_.exhausted, 0); number != 0) {
        owner_.rest(number);
      }
      // A listening socket that was shut down brings no event to read, but this one.
      const bool is_dead = what == network::operation::propagate_error;
      if (std::exchange(policy_.over, false) || is_dead) {
        owner_.fail();
      }
    }

  private:
    accept_policy policy_;
    patient_door& owner_;
  };

  void rest(int number) {
    if (detached()) {
      return;
    }
    remove_from_loop();
    caf::anon_send(caf::actor_cast<caf::actor>(parent()), door_rests{hdl(), number});
  }

  /// The loop would ask it again at once, and for ever.
  void fail() {
    if (detached()) {
      return;
    }
    const caf::io::doorman_ptr alive{this};
    remove_from_loop();
    io_failure(&acceptor_.backend(), network::operation::read);
  }

  acceptor acceptor_;
};

} // namespace

result<caf::io::doorman_ptr> open_door(caf::actor_system& system, const std::string& host,
                                       std::uint16_t port) {
  auto& loop = dynamic_cast<network::default_multiplexer&>(system.middleman().backend());
  // Reused at once: a sandbox that was killed comes back while its old sockets fade.
  auto socket = network::new_tcp_acceptor_impl(port, host.c_str(), true);
  if (!socket) {
    return fail(errc::network,
                fmt::format("cannot listen on {}:{}; is something else there?", host, port),
                EADDRINUSE);
  }
  return caf::make_counted<patient_door>(loop, *socket);
}

} // namespace cafegram::sandbox

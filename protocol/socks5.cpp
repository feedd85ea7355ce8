#include <cafegram/protocol/tunnel.hpp>

#include <array>

namespace cafegram::protocol {
namespace {

constexpr std::uint8_t version = 5;
constexpr std::uint8_t password_version = 1;
constexpr std::uint8_t no_authentication = 0;
constexpr std::uint8_t user_and_password = 2;
constexpr std::uint8_t none_acceptable = 0xff;
constexpr std::uint8_t connect_command = 1;
constexpr std::uint8_t type_ipv4 = 1;
constexpr std::uint8_t type_name = 3;
constexpr std::uint8_t type_ipv6 = 4;
constexpr std::size_t max_name = 255;

std::unexpected<error> socks_broken(std::string what, std::int64_t number = 0) {
  return fail(errc::proxy, "the SOCKS5 proxy " + std::move(what), number);
}

std::string_view meaning(std::uint8_t reply) {
  static constexpr std::array<std::string_view, 9> names{"",
                                                         "failed in general",
                                                         "does not allow this connection",
                                                         "cannot reach the network",
                                                         "cannot reach the host",
                                                         "was refused by the host",
                                                         "got no answer in time",
                                                         "does not know the command",
                                                         "does not know this kind of address"};
  return reply < names.size() ? names[reply] : "gave an unknown reason";
}

void append_short(bytes& out, std::string_view text) {
  out.push_back(static_cast<std::uint8_t>(text.size()));
  append(out, as_bytes(text));
}

class socks5_tunnel final : public tunnel {
public:
  socks5_tunnel(const proxy_server& proxy, tunnel_target target)
    : user_{proxy.user}
    , password_{proxy.password}
    , target_{std::move(target)} {}

  bytes opening() override {
    if (user_.empty()) {
      return {version, 1, no_authentication};
    }
    return {version, 2, no_authentication, user_and_password};
  }

  result<bool> feed(bytes_view data, bytes& send) override {
    append(received_, data);
    while (true) {
      const auto before = phase_;
      if (auto good = advance(send); !good) {
        return std::unexpected(std::move(good.error()));
      }
      if (phase_ == before) {
        break;
      }
    }
    if (phase_ == phase::open && !received_.empty()) {
      return socks_broken("sent something before it was asked");
    }
    return phase_ == phase::open;
  }

private:
  enum class phase : std::uint8_t { method, password, reply, open };

  result<void> advance(bytes& send) {
    switch (phase_) {
    case phase::method:
      return take_method(send);
    case phase::password:
      return take_password(send);
    case phase::reply:
      return take_reply();
    case phase::open:
      break;
    }
    return {};
  }

  /// version method
  result<void> take_method(bytes& send) {
    if (!received_.empty() && received_[0] != version) {
      return socks_broken("speaks another protocol");
    }
    if (received_.size() < 2) {
      return {};
    }
    const auto method = received_[1];
    consume(2);
    if (method == no_authentication) {
      return ask(send);
    }
    if (method == user_and_password && !user_.empty()) {
      send.push_back(password_version);
      append_short(send, user_);
      append_short(send, password_);
      phase_ = phase::password;
      return {};
    }
    if (method == none_acceptable) {
      return socks_broken(user_.empty() ? "wants a user name and password"
                                        : "does not take a user name and password");
    }
    return socks_broken("chose a way to log in that it was not offered", method);
  }

  /// version status
  result<void> take_password(bytes& send) {
    if (received_.size() < 2) {
      return {};
    }
    if (received_[0] != password_version) {
      return socks_broken("broke the protocol at the log-in");
    }
    if (received_[1] != 0) {
      return socks_broken("did not accept the user name and password", received_[1]);
    }
    consume(2);
    return ask(send);
  }

  result<void> ask(bytes& send) {
    append(send, bytes{version, connect_command, 0});
    if (target_.address.empty()) {
      send.push_back(type_name);
      append_short(send, target_.host);
    } else {
      send.push_back(target_.address.size() == 4 ? type_ipv4 : type_ipv6);
      append(send, target_.address);
    }
    send.push_back(static_cast<std::uint8_t>(target_.port >> 8));
    send.push_back(static_cast<std::uint8_t>(target_.port & 0xff));
    phase_ = phase::reply;
    return {};
  }

  /// version reply 0 type address port; a refusal may end behind the reply
  result<void> take_reply() {
    if (!received_.empty() && received_[0] != version) {
      return socks_broken("broke the protocol in its reply");
    }
    if (received_.size() < 2) {
      return {};
    }
    if (const auto reply = received_[1]; reply != 0) {
      return socks_broken(std::string{meaning(reply)}, reply);
    }
    if (received_.size() < 5) {
      return {};
    }
    std::size_t address = 0;
    if (received_[3] == type_ipv4) {
      address = 4;
    } else if (received_[3] == type_ipv6) {
      address = 16;
    } else if (received_[3] == type_name) {
      address = 1U + received_[4];
    } else {
      return socks_broken("broke the protocol in its reply");
    }
    const auto whole = 4 + address + 2;
    if (received_.size() >= whole) {
      consume(whole);
      phase_ = phase::open;
    }
    return {};
  }

  void consume(std::size_t count) {
    received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(count));
  }

  std::string user_;
  std::string password_;
  tunnel_target target_;
  phase phase_ = phase::method;
  bytes received_;
};

} // namespace

result<std::unique_ptr<tunnel>> make_socks5_tunnel(const proxy_server& proxy,
                                                   const tunnel_target& target) {
  if (auto good = check(proxy); !good) {
    return std::unexpected(std::move(good.error()));
  }
  const auto size = target.address.size();
  const bool usable =
      size == 0 ? !target.host.empty() && target.host.size() <= max_name : size == 4 || size == 16;
  if (!usable || target.port == 0) {
    return fail(errc::bad_argument, "a SOCKS5 proxy cannot be told this address");
  }
  return std::make_unique<socks5_tunnel>(proxy, target);
}

} // namespace cafegram::protocol

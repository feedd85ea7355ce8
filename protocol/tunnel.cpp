#include <cafegram/protocol/tunnel.hpp>

#include <utility>

namespace cafegram::protocol {

namespace {

/// Two talks, one behind the other.
class chained_tunnel final : public tunnel {
public:
  chained_tunnel(std::unique_ptr<tunnel> first, std::unique_ptr<tunnel> second)
    : first_{std::move(first)}
    , second_{std::move(second)} {}

  bytes opening() override { return first_->opening(); }

  result<bool> feed(bytes_view data, bytes& send) override {
    if (!first_) {
      return second_->feed(data, send);
    }
    auto open = first_->feed(data, send);
    if (open && *open) {
      first_.reset();
      append(send, second_->opening());
      return false;
    }
    return open;
  }

private:
  std::unique_ptr<tunnel> first_; ///< until it is open
  std::unique_ptr<tunnel> second_;
};

} // namespace

std::unique_ptr<tunnel> through(std::unique_ptr<tunnel> first, std::unique_ptr<tunnel> second) {
  if (!first || !second) {
    return first ? std::move(first) : std::move(second);
  }
  return std::make_unique<chained_tunnel>(std::move(first), std::move(second));
}

result<std::unique_ptr<tunnel>> make_tunnel(const proxy_server& proxy, const tunnel_target& target,
                                            random_source& random, wall_time now) {
  switch (proxy.kind) {
  case proxy_kind::socks5:
    return make_socks5_tunnel(proxy, target);
  case proxy_kind::http:
    return make_http_tunnel(proxy, target);
  case proxy_kind::mtproxy:
    break;
  }
  if (!proxy.secret.fake_tls()) {
    return nullptr;
  }
  return make_fake_tls_tunnel(proxy.secret, random, now);
}

} // namespace cafegram::protocol

#include <cafegram/protocol/tunnel.hpp>

namespace cafegram::protocol {

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

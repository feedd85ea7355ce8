// For: protocol/server_key_exchange.cpp protocol/exchange_messages.cpp
#include <map>
#include <optional>

#include "exchange.hpp"

// A client that says anything at each step of a server's key exchange: as it is, or in the ways
// that get past nonces, RSA and the hashes. Where it is honest, both must come to the same key.
//
//     setup:u8 (what:u8 piece)*
namespace {

using namespace cafegram;
using namespace cafegram::protocol;
using fuzz::holds;

class liar {
public:
  explicit liar(std::uint8_t setup)
    : setup_{setup} {
    fresh_.fill(0x66);
    both_.client.fill(0x44);
  }

  /// What an honest client says now, but for the changes of its encrypted part.
  bytes say(std::uint8_t what, bytes_view how) {
    if (stage_ == 0 || (what & 4) != 0) {
      return exchange::write_req_pq(both_.client);
    }
    return stage_ == 1 ? req_dh_params(what, how) : set_client_dh(what, how);
  }

  /// Follows the server's answer, as far as it makes sense.
  void hear(bytes_view payload) {
    const auto body = exchange::unwrap(payload);
    holds(body.has_value(), "a server says unencrypted messages");
    if (const auto pq = exchange::read_res_pq(*body)) {
      both_ = pq->both;
      pq_ = pq->pq;
      stage_ = 1;
    } else if (const auto params = exchange::read_dh_params(*body)) {
      take_params(*params);
    } else if (const auto gen = exchange::read_dh_gen(*body)) {
      if (gen->how == exchange::outcome::retry && key_) {
        retry_id_ = key_->aux_hash();
      }
    }
  }

  const std::optional<auth_key>& key() const { return key_; }

private:
  void take_params(const exchange::dh_params_ok& params) {
    keys_ = crypto::exchange_keys(fresh_, both_.server);
    const auto opened = exchange::open(*keys_, params.encrypted);
    std::size_t used = 0;
    const auto inner = opened ? exchange::read_server_inner(opened->data(), used)
                              : result<exchange::server_inner>{std::unexpected(opened.error())};
    if (inner && exchange::check_hash(*opened, used)) {
      g_a_ = inner->g_a;
      retry_id_ = 0;
      stage_ = 2;
    }
  }

  bytes req_dh_params(std::uint8_t what, bytes_view how) {
    static std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> known;
    auto& factors = known[pq_];
    if (factors.first == 0) {
      factors = crypto::factor_pq(pq_).value();
    }
    exchange::inner_data inner{pq_,    factors.first, factors.second, both_,
                               fresh_, std::nullopt,  std::nullopt};
    fuzz::input in{how};
    if ((setup_ & 1) != 0) {
      inner.dc = (what & 8) != 0 ? in.number<std::int32_t>() : 2;
    }
    if ((setup_ & 2) != 0) {
      inner.expires_in = (what & 16) != 0 ? in.number<std::int32_t>() : 3600;
    }
    auto data = exchange::write(inner);
    if ((what & 32) != 0) {
      fuzz::change(data, in.rest());
    } else if ((what & 64) != 0) {
      data = to_bytes(in.take(140));
    }
    const auto& key = fuzz::server_key()->public_key();
    const auto random = fuzz::repeatable(8);
    const auto encrypted =
        ((setup_ & 4) != 0 ? key.encrypt_old(data, *random) : key.encrypt_pad(data, *random))
            .value();
    return exchange::write(exchange::req_dh_params{both_, factors.first, factors.second,
                                                   key.fingerprint(), encrypted});
  }

  bytes set_client_dh(std::uint8_t what, bytes_view how) {
    fuzz::input in{how};
    auto g_b = fuzz::own_pair().public_value;
    if ((what & 8) != 0) {
      fuzz::change(g_b, in.piece());
    } else if ((what & 16) != 0) {
      g_b = to_bytes(in.piece());
    } else {
      key_ = fuzz::agreed_key(g_a_, fuzz::own_pair());
    }
    auto data = exchange::write(exchange::client_inner{both_, retry_id_, g_b});
    if ((what & 32) != 0) {
      fuzz::change(data, in.rest());
    } else if ((what & 64) != 0) {
      data = to_bytes(in.rest());
    }
    return exchange::write(exchange::set_client_dh{both_, fuzz::seal_inner(*keys_, data)});
  }

  std::uint8_t setup_;
  int stage_ = 0;
  exchange::nonce256 fresh_{};
  exchange::nonces both_;
  std::uint64_t pq_ = 0;
  std::optional<crypto::ige_keys> keys_;
  bytes g_a_;
  std::uint64_t retry_id_ = 0;
  std::optional<auth_key> key_;
};

server_exchange_options options_of(std::uint8_t setup) {
  server_exchange_options out;
  out.key = fuzz::server_key();
  out.test = (setup & 8) != 0;
  out.taken = [left = setup >> 4 & 3](std::uint64_t) mutable { return left-- > 0; };
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in{data, size};
  const auto setup = in.octet();
  server_key_exchange server{options_of(setup), fuzz::repeatable()};
  liar client{setup};
  auto now = fuzz::start;
  bytes payload;
  for (int steps = 0; steps < 10 && !in.empty(); ++steps) {
    const auto what = in.octet();
    const auto how = in.piece();
    if ((what & 3) == 0) {
      payload = to_bytes(how);
    } else if ((what & 3) == 1) {
      payload = exchange::wrap(msg_id{4}, how);
    } else if ((what & 3) == 2) {
      payload = exchange::wrap(msg_id{4}, client.say(what, how));
    } else { // the last one again, sooner or later
      now += std::chrono::seconds{how.size() * 100};
      fuzz::change(payload, how);
    }
    const auto step = server.on_message(payload, now);
    holds(step.send.empty() || step.transport_error == 0, "an answer or an error word");
    if (!step.send.empty()) {
      client.hear(step.send);
    }
    if (step.done && (what & 3) == 2 && (what & 0x78) == 0) {
      holds(client.key() && step.done->key == *client.key(), "both have the same key");
    }
  }
  return 0;
}

// For: protocol/client_key_exchange.cpp crypto/factor.cpp
#include <optional>

#include "exchange.hpp"

// A server that says anything at each step of a client's key exchange, in the ways that get past
// the nonces, the hash of the encrypted part and the hash of new_nonce.
//
//     setup:u8 (what:u8 piece)*
namespace {

using namespace cafegram;
using namespace cafegram::protocol;
using fuzz::holds;

/// Remembers the client's new_nonce, the first 32 octets that it draws at once.
class watched_random final : public random_source {
public:
  void fill(mutable_bytes_view out) override {
    drawn_.fill(out);
    if (out.size() == 32 && !fresh) {
      std::ranges::copy(out, fresh.emplace().begin());
    }
  }
  std::optional<exchange::nonce256> fresh;

private:
  seeded_random drawn_{5};
};

class liar {
public:
  explicit liar(std::shared_ptr<watched_random> client)
    : client_{std::move(client)} {
    both_.server.fill(0x55);
  }

  /// What the next step of an honest server would say, changed as `how` says.
  bytes honest(bytes_view query, std::uint8_t what, bytes_view how) {
    const auto body = exchange::unwrap(query).value();
    if (const auto nonce = exchange::read_req_pq(body)) {
      return res_pq(*nonce, what, how);
    }
    if (exchange::read_req_dh_params(body)) {
      return dh_params(what, how);
    }
    return dh_gen(exchange::read_set_client_dh(body).value(), what, how);
  }

  std::optional<auth_key> key; ///< that the client must have when it says that it is done

private:
  bytes res_pq(const exchange::nonce128& nonce, std::uint8_t what, bytes_view how) {
    both_.client = nonce;
    fuzz::input in{how};
    std::uint64_t pq = std::uint64_t{1073741827} * 1073741831;
    if ((what & 8) != 0) {
      pq = in.number<std::uint64_t>();
    }
    return exchange::write(
        exchange::res_pq{both_, pq, {1, fuzz::server_key()->public_key().fingerprint()}});
  }

  /// `server_DH_inner_data` with another g, prime, g_a or time; or anything at all.
  bytes dh_params(std::uint8_t what, bytes_view how) {
    keys_ = crypto::exchange_keys(*client_->fresh, both_.server);
    exchange::server_inner inner{both_, 3, to_bytes(crypto::telegram_prime()),
                                 fuzz::own_pair().public_value, 1'750'000'100};
    fuzz::input in{how};
    if ((what & 8) != 0) {
      inner.g = in.octet();
      inner.server_time = in.number<std::int32_t>();
      const auto changes = in.piece();
      fuzz::change((what & 16) != 0 ? inner.prime : inner.g_a, changes);
    }
    auto data = exchange::write(inner);
    if ((what & 32) != 0) {
      fuzz::change(data, in.rest());
    } else if ((what & 64) != 0) {
      data = to_bytes(in.rest());
    }
    return exchange::write_dh_params_ok(both_, fuzz::seal_inner(*keys_, data));
  }

  bytes dh_gen(const exchange::set_client_dh& query, std::uint8_t what, bytes_view) {
    const auto opened = exchange::open(*keys_, query.encrypted).value();
    std::size_t used = 0;
    const auto inner = exchange::read_client_inner(opened.data(), used).value();
    holds(exchange::check_hash(opened, used).has_value(), "the client's part is whole");
    key = fuzz::agreed_key(inner.g_b, fuzz::own_pair());
    static constexpr exchange::outcome outcomes[] = {
        exchange::outcome::ok, exchange::outcome::retry, exchange::outcome::failed,
        exchange::outcome::ok};
    const auto outcome = outcomes[what >> 3 & 3];
    return exchange::write(
        exchange::dh_gen{outcome, both_,
                         crypto::new_nonce_hash(*client_->fresh, static_cast<std::uint8_t>(outcome),
                                                key->aux_hash())});
  }

  std::shared_ptr<watched_random> client_;
  exchange::nonces both_;
  std::optional<crypto::ige_keys> keys_;
};

exchange_options options_of(std::uint8_t setup) {
  exchange_options out{.keys = {fuzz::server_key()->public_key()}, .max_retries = 2};
  if ((setup & 1) != 0) {
    out.dc = 2;
  }
  if ((setup & 2) != 0) {
    out.expires_in = 3600;
  }
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto primes = std::make_shared<crypto::prime_cache>();
  fuzz::input in{data, size};
  const auto random = std::make_shared<watched_random>();
  client_key_exchange client{options_of(in.octet()), random, primes};
  liar server{random};
  auto query = client.start(fuzz::start);
  for (int steps = 0; steps < 8 && !in.empty(); ++steps) {
    const auto what = in.octet();
    const auto how = in.piece();
    bytes reply;
    if ((what & 3) == 0) {
      reply = to_bytes(how);
    } else if ((what & 3) == 1) {
      reply = exchange::wrap(msg_id{1}, how);
    } else {
      auto body = server.honest(query, what, how);
      if ((what & 3) == 3) {
        fuzz::change(body, how);
      }
      reply = exchange::wrap(msg_id{1}, body);
    }
    auto step = client.on_message(reply, fuzz::start);
    if (!step) {
      holds(!step.error().what.empty(), "an error says what was wrong");
      return 0;
    }
    if (step->done) {
      holds(server.key && step->done->key == *server.key, "the key is the server's");
      const auto after = client.on_message(reply, fuzz::start);
      holds(!after.has_value(), "nothing comes after the end");
      return 0;
    }
    holds(!step->send.empty(), "the client goes on");
    query = std::move(step->send);
  }
  return 0;
}

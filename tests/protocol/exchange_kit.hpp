#pragma once

#include <cafegram/crypto/aes.hpp>
#include <cafegram/crypto/hash.hpp>
#include <cafegram/protocol/exchange_messages.hpp>
#include <cafegram/protocol/key_exchange.hpp>

#include <functional>
#include <memory>

#include "../support.hpp"
#include "test_rsa_key.hpp"

namespace cafegram::protocol {

inline constexpr wall_time exchange_time{std::chrono::seconds{1'750'000'000}};

inline std::shared_ptr<const crypto::rsa_private_key> exchange_secret() {
  static const auto key = std::make_shared<const crypto::rsa_private_key>(
      crypto::rsa_private_key::from_pem(cafegram::test::test_rsa_key_pem).value());
  return key;
}

inline std::shared_ptr<crypto::prime_cache> exchange_primes() {
  static const auto cache = std::make_shared<crypto::prime_cache>();
  return cache;
}

/// 2^2048 - 2^1984 - 1 + 2^64 * (floor(2^1918 pi) + 124476): RFC 3526, group 14.
inline bytes rfc3526_prime() {
  return cafegram::test::hex("ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74"
                             "020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437"
                             "4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed"
                             "ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf05"
                             "98da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb"
                             "9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b"
                             "e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf695581718"
                             "3995497cea956ae515d2261898fa051015728e5a8aacaa68ffffffffffffffff");
}

/// `sha1(data) data` and zeros as padding.
inline bytes with_hash(bytes_view data, std::size_t padding) {
  const crypto::digest_sha1 hash = crypto::sha1(data);
  bytes out(hash.size() + data.size() + padding);
  std::ranges::copy(hash, out.begin());
  std::ranges::copy(data, out.begin() + hash.size());
  return out;
}

/// Gives out recorded octets in their order, then those of a seed.
class replayed_random final : public random_source {
public:
  explicit replayed_random(bytes data)
    : data_{std::move(data)} {}
  void fill(mutable_bytes_view out) override {
    for (std::uint8_t& octet : out) {
      octet = used_ < data_.size() ? data_[used_] : later_.integer<std::uint8_t>();
      ++used_;
    }
  }
  std::size_t used() const { return used_; }

private:
  bytes data_;
  std::size_t used_ = 0;
  seeded_random later_{7};
};

/// A server that can lie at each place: the hooks change a message before it is sent.
struct lying_server {
  std::function<void(exchange::res_pq&)> at_res_pq;
  std::function<void(exchange::nonces&)> at_params;
  std::function<void(exchange::server_inner&)> at_inner;
  std::function<void(bytes& plain)> at_plain; ///< sha1, data and padding before encryption
  std::function<void(exchange::dh_gen&)> at_gen;
  std::function<void(bytes&)> at_body; ///< every body before it is wrapped
  std::size_t extra_padding = 0;
  int retries = 0; ///< dh_gen_retry this often
  std::uint64_t pq = std::uint64_t{1073741827} * 1073741831;
  bytes prime = to_bytes(crypto::telegram_prime());
  std::int32_t g = 3;

  seeded_random random{11};
  exchange::nonces both{};
  exchange::inner_data client{};
  std::optional<crypto::ige_keys> keys{};
  std::optional<crypto::dh_keypair> own{};
  std::vector<std::uint64_t> retry_ids{}; ///< that the client named
  std::optional<auth_key> key{};

  bytes reply(bytes_view payload) {
    const bytes_view query = exchange::unwrap(payload).value();
    bytes body;
    if (const auto nonce = exchange::read_req_pq(query)) {
      body = res_pq(*nonce);
    } else if (const auto params = exchange::read_req_dh_params(query)) {
      body = dh_params(*params);
    } else {
      body = dh_gen(exchange::read_set_client_dh(query).value());
    }
    if (at_body) {
      at_body(body);
    }
    return exchange::wrap(msg_id{(1'750'000'000LL << 32) + 1}, body);
  }

private:
  bytes res_pq(const exchange::nonce128& nonce) {
    both.client = nonce;
    random.fill(both.server);
    exchange::res_pq out{both, pq, {1, exchange_secret()->public_key().fingerprint()}};
    if (at_res_pq) {
      at_res_pq(out);
    }
    return exchange::write(out);
  }

  bytes dh_params(const exchange::req_dh_params& query) {
    const auto opened = exchange_secret()->open(query.encrypted).value();
    std::size_t used = 0;
    client = exchange::read_inner_data(opened.data, used).value();
    keys = crypto::exchange_keys(client.fresh, both.server);
    own = crypto::make_dh_keypair(g, prime, random).value();
    exchange::server_inner inner{both, g, prime, own->public_value, 1'750'000'100};
    if (at_inner) {
      at_inner(inner);
    }
    const bytes data = exchange::write(inner);
    bytes plain = with_hash(data, exchange::padding_for(data) + extra_padding);
    if (at_plain) {
      at_plain(plain);
    }
    crypto::ige_encrypt(crypto::ige_job{keys->key.view(), keys->iv.view(), plain, plain});
    exchange::nonces said = both;
    if (at_params) {
      at_params(said);
    }
    return exchange::write_dh_params_ok(said, plain);
  }

  bytes dh_gen(const exchange::set_client_dh& query) {
    const auto opened = exchange::open(*keys, query.encrypted).value();
    std::size_t used = 0;
    const auto inner = exchange::read_client_inner(opened.data(), used).value();
    EXPECT_TRUE(exchange::check_hash(opened, used));
    EXPECT_TRUE(inner.both == both);
    retry_ids.push_back(inner.retry_id);
    key = auth_key::from(crypto::dh_shared_key(inner.g_b, own->exponent, prime).view()).value();
    const auto how = retries-- > 0 ? exchange::outcome::retry : exchange::outcome::ok;
    exchange::dh_gen out{
        how, both,
        crypto::new_nonce_hash(client.fresh, static_cast<std::uint8_t>(how), key->aux_hash())};
    if (at_gen) {
      at_gen(out);
    }
    return exchange::write(out);
  }
};

inline exchange_options trusting_options() {
  return {.keys = {exchange_secret()->public_key()}, .dc = 2};
}

/// Runs a client against `server` to its end.
template <class Server>
result<exchange_result> run_exchange(client_key_exchange& client, Server& server) {
  bytes query = client.start(exchange_time);
  for (int i = 0; i < 20; ++i) {
    auto step = client.on_message(server.reply(query), exchange_time);
    if (!step) {
      return std::unexpected(step.error());
    }
    if (step->done) {
      return *std::move(step->done);
    }
    query = std::move(step->send);
  }
  return fail(errc::deadline, "no end");
}

inline result<exchange_result> run_exchange(lying_server& server,
                                            exchange_options options = trusting_options()) {
  client_key_exchange client{std::move(options), std::make_shared<seeded_random>(41),
                             exchange_primes()};
  return run_exchange(client, server);
}

} // namespace cafegram::protocol

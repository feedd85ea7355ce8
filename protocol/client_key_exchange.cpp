#include <cafegram/crypto/factor.hpp>
#include <cafegram/crypto/kdf.hpp>
#include <cafegram/protocol/exchange_messages.hpp>
#include <cafegram/protocol/key_exchange.hpp>
#include <cafegram/protocol/server_clock.hpp>

#include <algorithm>
#include <span>

namespace cafegram::protocol {

using exchange::violation;

/// What the next message must be.
enum class awaited : std::uint8_t { res_pq, dh_params, dh_gen, nothing };

struct client_key_exchange::state {
  exchange_options options;
  std::shared_ptr<random_source> random;
  std::shared_ptr<crypto::prime_cache> primes;
  msg_id_source ids;
  awaited next = awaited::nothing;
  exchange::nonces both;
  crypto::fixed_secret<32> fresh; ///< new_nonce
  std::optional<crypto::ige_keys> keys;
  exchange::server_inner group;
  duration time_offset{};
  std::optional<auth_key> made; ///< not agreed on before dh_gen_ok
  int retries = 0;

  bytes wrapped(bytes_view body, wall_time now) {
    return exchange::wrap(ids.next(std::chrono::duration_cast<duration>(now.time_since_epoch()), 0),
                          body);
  }

  exchange::nonce256 fresh_copy() const {
    exchange::nonce256 out;
    std::ranges::copy(fresh.view(), out.begin());
    return out;
  }

  result<void> check(const exchange::nonces& given) const {
    if (given.client != both.client) {
      return violation("the server answers with another nonce");
    }
    if (given.server != both.server) {
      return violation("the server answers with another server_nonce");
    }
    return {};
  }

  result<bytes> on_res_pq(bytes_view body);
  result<bytes> on_dh_params(bytes_view body, wall_time now);
  result<bytes> answer_group(std::uint64_t retry_id);
  result<exchange_step> on_dh_gen(bytes_view body, wall_time now);
};

result<bytes> client_key_exchange::state::on_res_pq(bytes_view body) {
  const auto message = exchange::read_res_pq(body);
  if (!message) {
    return std::unexpected(message.error());
  }
  if (message->both.client != both.client) {
    return violation("the server answers with another nonce");
  }
  both.server = message->both.server;
  // Our order counts: Telegram shows keys of old times in front of the one in use.
  const auto key = std::ranges::find_first_of(options.keys, message->fingerprints, {},
                                              &crypto::rsa_public_key::fingerprint);
  if (key == options.keys.end()) {
    return fail(errc::not_found, "key exchange: the server has none of the RSA keys that are "
                                 "trusted here; is it a test server, or one with its own key?");
  }
  const auto factors = crypto::factor_pq(message->pq);
  if (!factors) {
    return std::unexpected(factors.error());
  }
  random->fill(fresh.view());
  exchange::inner_data inner{message->pq,  factors->first, factors->second,   both,
                             fresh_copy(), options.dc,     options.expires_in};
  bytes data = exchange::write(inner);
  crypto::wipe(inner.fresh);
  const auto encrypted = key->encrypt_pad(data, *random);
  crypto::wipe(data);
  if (!encrypted) {
    return std::unexpected(encrypted.error());
  }
  keys = crypto::exchange_keys(fresh.view(), both.server);
  next = awaited::dh_params;
  return exchange::write(exchange::req_dh_params{both, factors->first, factors->second,
                                                 key->fingerprint(), *encrypted});
}

result<bytes> client_key_exchange::state::on_dh_params(bytes_view body, wall_time now) {
  const auto message = exchange::read_dh_params(body);
  if (!message) {
    return std::unexpected(message.error());
  }
  if (auto fine = check(message->both); !fine) {
    return std::unexpected(fine.error());
  }
  const auto opened = exchange::open(*keys, message->encrypted);
  if (!opened) {
    return std::unexpected(opened.error());
  }
  std::size_t used = 0;
  auto inner = exchange::read_server_inner(opened->data(), used);
  if (!inner) {
    return std::unexpected(inner.error());
  }
  if (auto fine = exchange::check_hash(*opened, used); !fine) {
    return std::unexpected(fine.error());
  }
  if (auto fine = check(inner->both); !fine) {
    return std::unexpected(fine.error());
  }
  if (auto fine = crypto::check_dh_params(inner->g, inner->prime, *primes); !fine) {
    return std::unexpected(fine.error());
  }
  if (auto fine = crypto::check_dh_public(inner->g_a, inner->prime); !fine) {
    return std::unexpected(fine.error());
  }
  group = *std::move(inner);
  time_offset = std::chrono::seconds{group.server_time} -
                std::chrono::duration_cast<duration>(now.time_since_epoch());
  return answer_group(0);
}

result<bytes> client_key_exchange::state::answer_group(std::uint64_t retry_id) {
  const auto own = crypto::make_dh_keypair(group.g, group.prime, *random);
  if (!own) {
    return std::unexpected(own.error());
  }
  auto key = auth_key::from(crypto::dh_shared_key(group.g_a, own->exponent, group.prime).view());
  if (!key) {
    return std::unexpected(key.error());
  }
  made = *std::move(key);
  // Numbers travel without leading zeros, as Telegram's own applications send them.
  const auto digits =
      std::ranges::find_if(own->public_value, [](std::uint8_t octet) { return octet != 0; });
  const bytes data = exchange::write(
      exchange::client_inner{both, retry_id, bytes(digits, own->public_value.end())});
  bytes padding(exchange::padding_for(data));
  random->fill(padding);
  next = awaited::dh_gen;
  const bytes encrypted = exchange::seal(*keys, data, padding);
  return exchange::write(exchange::set_client_dh{both, encrypted});
}

result<exchange_step> client_key_exchange::state::on_dh_gen(bytes_view body, wall_time now) {
  const auto message = exchange::read_dh_gen(body);
  if (!message) {
    return std::unexpected(message.error());
  }
  if (auto fine = check(message->both); !fine) {
    return std::unexpected(fine.error());
  }
  const auto hash = crypto::new_nonce_hash(fresh.view(), static_cast<std::uint8_t>(message->how),
                                           made->aux_hash());
  if (!crypto::constant_time_equal(hash, message->hash)) {
    return violation("the server's new_nonce_hash does not hold");
  }
  switch (message->how) {
  case exchange::outcome::ok: {
    next = awaited::nothing;
    auto nonce = fresh_copy();
    const std::uint64_t salt = exchange::first_salt(nonce, both.server);
    crypto::wipe(nonce);
    return exchange_step{
        {}, exchange_result{*std::move(made), salt, time_offset, options.expires_in, options.dc}};
  }
  case exchange::outcome::retry: {
    if (++retries > options.max_retries) {
      return fail(errc::limit, "key exchange: the server asked for too many retries");
    }
    auto again = answer_group(made->aux_hash());
    if (!again) {
      return std::unexpected(again.error());
    }
    return exchange_step{wrapped(*again, now), {}};
  }
  case exchange::outcome::failed:
    break;
  }
  return violation("the server refuses the key (dh_gen_fail)");
}

client_key_exchange::client_key_exchange(exchange_options options,
                                         std::shared_ptr<random_source> random,
                                         std::shared_ptr<crypto::prime_cache> primes)
  : state_{std::make_unique<state>()} {
  state_->options = std::move(options);
  state_->random = std::move(random);
  state_->primes = std::move(primes);
}

client_key_exchange::client_key_exchange(client_key_exchange&&) noexcept = default;
client_key_exchange& client_key_exchange::operator=(client_key_exchange&&) noexcept = default;
client_key_exchange::~client_key_exchange() = default;

bytes client_key_exchange::start(wall_time now) {
  state_->random->fill(state_->both.client);
  state_->next = awaited::res_pq;
  return state_->wrapped(exchange::write_req_pq(state_->both.client), now);
}

result<exchange_step> client_key_exchange::on_message(bytes_view payload, wall_time now) {
  const auto body = exchange::unwrap(payload);
  if (!body) {
    return std::unexpected(body.error());
  }
  const auto sent = [this, now](result<bytes> answer) -> result<exchange_step> {
    if (!answer) {
      return std::unexpected(std::move(answer).error());
    }
    return exchange_step{state_->wrapped(*answer, now), {}};
  };
  switch (state_->next) {
  case awaited::res_pq:
    return sent(state_->on_res_pq(*body));
  case awaited::dh_params:
    return sent(state_->on_dh_params(*body, now));
  case awaited::dh_gen:
    return state_->on_dh_gen(*body, now);
  case awaited::nothing:
    break;
  }
  return violation("a message after its end");
}

} // namespace cafegram::protocol

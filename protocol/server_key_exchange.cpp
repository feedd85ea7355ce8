#include <cafegram/crypto/factor.hpp>
#include <cafegram/crypto/hash.hpp>
#include <cafegram/crypto/kdf.hpp>
#include <cafegram/protocol/exchange_messages.hpp>
#include <cafegram/protocol/key_exchange.hpp>
#include <cafegram/protocol/server_clock.hpp>
#include <cafegram/protocol/service.hpp>

#include <algorithm>
#include <array>

namespace cafegram::protocol {
namespace {

constexpr std::int32_t not_found_word = -404;
constexpr std::int32_t wrong_dc_word = -444;
constexpr std::int32_t first_test_dc = 10'000;

/// An answer that is given again for the same query.
struct given_answer {
  crypto::digest_sha256 query{};
  bytes body;
  wall_time until;
};

/// A prime of 31 bits, so that pq has at most 62.
std::uint64_t draw_prime(random_source& random) {
  for (;;) {
    const std::uint64_t candidate = (random.integer<std::uint32_t>() >> 1) | 0x4000'0001U;
    if (crypto::is_prime(candidate)) {
      return candidate;
    }
  }
}

} // namespace

struct server_key_exchange::state {
  server_exchange_options options;
  std::shared_ptr<random_source> random;
  msg_id_source ids;

  /// One step's answers: resPQ, server_DH_params, dh_gen.
  std::array<std::optional<given_answer>, 3> given;
  exchange::nonces both;
  std::uint64_t p = 0;
  std::uint64_t q = 0;
  bool dc_refused = false;
  crypto::fixed_secret<32> fresh; ///< new_nonce
  std::optional<crypto::ige_keys> keys;
  std::optional<crypto::dh_keypair> own;
  std::optional<std::uint64_t> retry_id; ///< that the next set_client_DH_params must name
  std::optional<std::int32_t> dc;
  std::optional<std::int32_t> expires_in;
  std::optional<exchange_result> done;

  result<bytes> on_req_pq(const exchange::nonce128& client);
  result<bytes> on_req_dh_params(const exchange::req_dh_params& query, wall_time now);
  result<exchange::inner_data> open_inner(bytes_view encrypted) const;
  result<void> check_inner(const exchange::inner_data& inner) const;
  result<bytes> on_set_client_dh(const exchange::set_client_dh& query);
  bytes agree(const auth_key& key);
  result<bytes> answer(bytes_view body, std::size_t& step, wall_time now);
};

result<bytes> server_key_exchange::state::on_req_pq(const exchange::nonce128& client) {
  given = {};
  keys.reset();
  own.reset();
  retry_id.reset();
  both.client = client;
  random->fill(both.server);
  p = draw_prime(*random);
  do {
    q = draw_prime(*random);
  } while (q == p);
  if (q < p) {
    std::swap(p, q);
  }
  return exchange::write(exchange::res_pq{both, p * q, {options.key->public_key().fingerprint()}});
}

result<exchange::inner_data> server_key_exchange::state::open_inner(bytes_view encrypted) const {
  auto opened = options.key->open(encrypted);
  if (!opened) {
    return std::unexpected(opened.error());
  }
  std::size_t used = 0;
  auto inner = exchange::read_inner_data(opened->data, used);
  const bool old = opened->kind == crypto::rsa_private_key::padding::old;
  const bool holds =
      inner && (!old || crypto::constant_time_equal(
                            opened->old_hash, crypto::sha1(bytes_view{opened->data}.first(used))));
  crypto::wipe(opened->data);
  if (!holds) {
    return exchange::violation("the encrypted data has neither RSA padding");
  }
  return inner;
}

result<void> server_key_exchange::state::check_inner(const exchange::inner_data& inner) const {
  if (inner.both != both) {
    return exchange::violation("the encrypted data names other nonces");
  }
  if (inner.pq != p * q || inner.p != p || inner.q != q) {
    return exchange::violation("the encrypted data names other factors");
  }
  if (inner.expires_in && *inner.expires_in <= 0) {
    return exchange::violation("a temporary key without a lifetime");
  }
  return {};
}

result<bytes> server_key_exchange::state::on_req_dh_params(const exchange::req_dh_params& query,
                                                           wall_time now) {
  if (!given[0] || query.both != both || query.p != p || query.q != q ||
      query.fingerprint != options.key->public_key().fingerprint()) {
    return exchange::violation("req_DH_params does not fit what was said before");
  }
  auto inner = open_inner(query.encrypted);
  if (!inner) {
    return std::unexpected(inner.error());
  }
  if (auto fine = check_inner(*inner); !fine) {
    return std::unexpected(fine.error());
  }
  const std::int64_t said = inner->dc ? std::abs(std::int64_t{*inner->dc}) : 0;
  if (inner->dc && (said >= first_test_dc) != options.test) {
    dc_refused = true;
    return exchange::violation("test and production are mixed up");
  }
  std::ranges::copy(inner->fresh, fresh.view().begin());
  crypto::wipe(inner->fresh);
  dc = inner->dc;
  expires_in = inner->expires_in;
  keys = crypto::exchange_keys(fresh.view(), both.server);
  auto pair = crypto::make_dh_keypair(options.g, options.prime, *random);
  if (!pair) {
    return std::unexpected(pair.error());
  }
  own = *std::move(pair);
  retry_id = 0;
  const auto unix_now =
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  const bytes data = exchange::write(exchange::server_inner{
      both, options.g, options.prime, own->public_value, static_cast<std::int32_t>(unix_now)});
  bytes padding(exchange::padding_for(data));
  random->fill(padding);
  return exchange::write_dh_params_ok(both, exchange::seal(*keys, data, padding));
}

result<bytes> server_key_exchange::state::on_set_client_dh(const exchange::set_client_dh& query) {
  if (!keys || !own || !retry_id || query.both != both) {
    return exchange::violation("set_client_DH_params does not fit what was said before");
  }
  const auto opened = exchange::open(*keys, query.encrypted);
  if (!opened) {
    return std::unexpected(opened.error());
  }
  std::size_t used = 0;
  const auto inner = exchange::read_client_inner(opened->data(), used);
  if (!inner) {
    return std::unexpected(inner.error());
  }
  if (auto fine = exchange::check_hash(*opened, used); !fine) {
    return std::unexpected(fine.error());
  }
  if (inner->both != both || inner->retry_id != *retry_id) {
    return exchange::violation("client_DH_inner_data does not fit what was said before");
  }
  const auto key =
      auth_key::from(crypto::dh_shared_key(inner->g_b, own->exponent, options.prime).view());
  if (!key) {
    return std::unexpected(key.error());
  }
  if (crypto::check_dh_public(inner->g_b, options.prime)) {
    return agree(*key);
  }
  retry_id.reset();
  const auto hash = crypto::new_nonce_hash(fresh.view(), 3, key->aux_hash());
  return exchange::write(exchange::dh_gen{exchange::outcome::failed, both, hash});
}

bytes server_key_exchange::state::agree(const auth_key& key) {
  if (options.taken && options.taken(key.id())) {
    retry_id = key.aux_hash();
    const auto hash = crypto::new_nonce_hash(fresh.view(), 2, key.aux_hash());
    return exchange::write(exchange::dh_gen{exchange::outcome::retry, both, hash});
  }
  retry_id.reset();
  exchange::nonce256 copy;
  std::ranges::copy(fresh.view(), copy.begin());
  done = exchange_result{key, exchange::first_salt(copy, both.server), {}, expires_in, dc};
  crypto::wipe(copy);
  const auto hash = crypto::new_nonce_hash(fresh.view(), 1, key.aux_hash());
  return exchange::write(exchange::dh_gen{exchange::outcome::ok, both, hash});
}

result<bytes> server_key_exchange::state::answer(bytes_view body, std::size_t& step,
                                                 wall_time now) {
  if (const auto client = exchange::read_req_pq(body)) {
    step = 0;
    return on_req_pq(*client);
  }
  if (const auto query = exchange::read_req_dh_params(body)) {
    step = 1;
    return on_req_dh_params(*query, now);
  }
  if (const auto query = exchange::read_set_client_dh(body)) {
    step = 2;
    return on_set_client_dh(*query);
  }
  return exchange::violation("this is no query of the key exchange");
}

server_key_exchange::server_key_exchange(server_exchange_options options,
                                         std::shared_ptr<random_source> random)
  : state_{std::make_unique<state>()} {
  state_->options = std::move(options);
  state_->random = std::move(random);
  if (state_->options.prime.empty()) {
    state_->options.prime = to_bytes(crypto::telegram_prime());
  }
}

server_key_exchange::server_key_exchange(server_key_exchange&&) noexcept = default;
server_key_exchange& server_key_exchange::operator=(server_key_exchange&&) noexcept = default;
server_key_exchange::~server_key_exchange() = default;

server_exchange_step server_key_exchange::on_message(bytes_view payload, wall_time now) {
  const auto wrapped = [this, now](bytes_view body) {
    return exchange::wrap(
        state_->ids.next(std::chrono::duration_cast<duration>(now.time_since_epoch()), 1), body);
  };
  const auto body = exchange::unwrap(payload);
  if (!body) {
    return {{}, not_found_word, {}, body.error().what};
  }
  if (constructor_of(*body) == ids::msgs_ack) {
    return {}; // some old clients acknowledge even here
  }
  const crypto::digest_sha256 query = crypto::sha256(*body);
  for (const auto& before : state_->given) {
    if (before && before->query == query && now < before->until) {
      return {wrapped(before->body), 0, {}, {}};
    }
  }
  state_->dc_refused = false;
  std::size_t step = 0;
  auto answer = state_->answer(*body, step, now);
  if (!answer) {
    return {{}, state_->dc_refused ? wrong_dc_word : not_found_word, {}, answer.error().what};
  }
  bytes send = wrapped(*answer);
  const auto until =
      now + std::chrono::duration_cast<wall_time::duration>(state_->options.repeat_for);
  state_->given[step] = given_answer{query, *std::move(answer), until};
  return {std::move(send), 0, std::exchange(state_->done, std::nullopt), {}};
}

} // namespace cafegram::protocol

#pragma once

#include <cafegram/crypto/factor.hpp>

#include "exchange_kit.hpp"

namespace cafegram::protocol {

/// A client that can lie: speaks the messages by hand.
struct handmade_client {
  /// Gives a payload to the server; what it answers, empty when that is nothing.
  std::function<bytes(bytes_view payload)> transfer{};
  crypto::rsa_public_key server_key = exchange_secret()->public_key();
  seeded_random random{23};
  std::function<void(exchange::inner_data&)> at_inner{};
  std::function<void(exchange::req_dh_params&)> at_params{};
  std::function<void(exchange::client_inner&)> at_client{};
  std::function<void(bytes&)> at_plain{};
  std::function<void(exchange::set_client_dh&)> at_set{};
  bool old_padding = false;
  std::size_t extra_padding = 0;
  exchange::nonces both{};
  exchange::nonce256 fresh{};
  std::optional<crypto::ige_keys> keys{};
  exchange::server_inner group{};
  std::optional<crypto::dh_keypair> own{};

  /// The body of the answer, empty when there is none.
  bytes ask(bytes_view body, std::int64_t id = 0, std::size_t trailing = 0) {
    bytes payload = exchange::wrap(msg_id{id}, body);
    payload.resize(payload.size() + trailing, 0xab);
    const bytes answer = transfer(payload);
    return answer.empty() ? bytes{} : to_bytes(exchange::unwrap(answer).value());
  }

  bytes begin() {
    random.fill(both.client);
    return ask(exchange::write_req_pq(both.client));
  }

  bytes params_query(bytes_view res_pq_body) {
    const auto question = exchange::read_res_pq(res_pq_body).value();
    both = question.both;
    random.fill(fresh);
    const auto [p, q] = crypto::factor_pq(question.pq).value();
    exchange::inner_data inner{question.pq, p, q, both, fresh, {}, {}};
    if (at_inner) {
      at_inner(inner);
    }
    const bytes data = exchange::write(inner);
    const auto encrypted =
        (old_padding ? server_key.encrypt_old(data, random) : server_key.encrypt_pad(data, random))
            .value();
    keys = crypto::exchange_keys(fresh, both.server);
    exchange::req_dh_params query{both, p, q, server_key.fingerprint(), encrypted};
    if (at_params) {
      at_params(query);
    }
    return exchange::write(query);
  }

  void take_params(bytes_view body) {
    const auto message = exchange::read_dh_params(body).value();
    const auto opened = exchange::open(*keys, message.encrypted).value();
    std::size_t used = 0;
    group = exchange::read_server_inner(opened.data(), used).value();
    EXPECT_TRUE(exchange::check_hash(opened, used));
    EXPECT_TRUE(group.both == both);
  }

  bytes set_query(std::uint64_t retry_id = 0) {
    own = crypto::make_dh_keypair(group.g, group.prime, random).value();
    exchange::client_inner inner{both, retry_id, own->public_value};
    if (at_client) {
      at_client(inner);
    }
    const bytes data = exchange::write(inner);
    bytes plain = with_hash(data, exchange::padding_for(data) + extra_padding);
    if (at_plain) {
      at_plain(plain);
    }
    crypto::ige_encrypt(crypto::ige_job{keys->key.view(), keys->iv.view(), plain, plain});
    exchange::set_client_dh query{both, plain};
    if (at_set) {
      at_set(query);
    }
    return exchange::write(query);
  }

  /// All of it; false as soon as the server does not go on.
  bool run() {
    const bytes params = ask(params_query(begin()));
    if (params.empty()) {
      return false;
    }
    take_params(params);
    const bytes gen = ask(set_query());
    return !gen.empty() && exchange::read_dh_gen(gen).value().how == exchange::outcome::ok;
  }
};

} // namespace cafegram::protocol

#include "exchange_kit.hpp"

namespace cafegram::protocol {
namespace {

/// The exchange must end with this code and a text that holds `word`.
void expect_refused(lying_server& server, std::string_view word,
                    errc code = errc::protocol_violation) {
  const auto answer = run_exchange(server);
  ASSERT_FALSE(answer) << word;
  EXPECT_EQ(answer.error().code, code) << answer.error().what;
  EXPECT_NE(answer.error().what.find(word), std::string::npos) << answer.error().what;
}

TEST(client_key_exchange, agrees_with_an_honest_server) {
  lying_server server;
  const auto made = run_exchange(server);
  ASSERT_TRUE(made) << to_string(made.error());
  EXPECT_EQ(to_hex(made->key.view()), to_hex(server.key->view()));
  EXPECT_EQ(made->salt, exchange::first_salt(server.client.fresh, server.both.server));
  EXPECT_EQ(made->server_time_offset, duration{std::chrono::seconds{100}});
  EXPECT_EQ(server.client.dc, 2);
  EXPECT_EQ(server.client.expires_in, std::nullopt);
  EXPECT_LT(server.client.p, server.client.q);
}

TEST(client_key_exchange, says_dc_and_lifetime_as_it_was_told) {
  for (const std::optional<std::int32_t> dc : {std::optional<std::int32_t>{}, {10002}, {-4}}) {
    for (const std::optional<std::int32_t> expires : {std::optional<std::int32_t>{}, {86400}}) {
      lying_server server;
      exchange_options options = trusting_options();
      options.dc = dc;
      options.expires_in = expires;
      const auto made = run_exchange(server, options);
      ASSERT_TRUE(made);
      EXPECT_EQ(server.client.dc, dc);
      EXPECT_EQ(server.client.expires_in, expires);
      EXPECT_EQ(made->expires_in, expires);
    }
  }
}

TEST(client_key_exchange, refuses_another_nonce_in_each_step) {
  lying_server first;
  first.at_res_pq = [](exchange::res_pq& m) { m.both.client[0] ^= 1; };
  expect_refused(first, "another nonce");
  lying_server second;
  second.at_params = [](exchange::nonces& m) { m.client[15] ^= 1; };
  expect_refused(second, "another nonce");
  lying_server inside;
  inside.at_inner = [](exchange::server_inner& m) { m.both.client[7] ^= 1; };
  expect_refused(inside, "another nonce");
  lying_server third;
  third.at_gen = [](exchange::dh_gen& m) { m.both.client[0] ^= 1; };
  expect_refused(third, "another nonce");
}

TEST(client_key_exchange, refuses_another_server_nonce_in_each_step) {
  lying_server second;
  second.at_params = [](exchange::nonces& m) { m.server[0] ^= 1; };
  expect_refused(second, "another server_nonce");
  lying_server inside;
  inside.at_inner = [](exchange::server_inner& m) { m.both.server[0] ^= 1; };
  expect_refused(inside, "another server_nonce");
  lying_server third;
  third.at_gen = [](exchange::dh_gen& m) { m.both.server[0] ^= 1; };
  expect_refused(third, "another server_nonce");
}

TEST(client_key_exchange, refuses_unknown_rsa_keys) {
  lying_server server;
  server.at_res_pq = [](exchange::res_pq& m) { m.fingerprints = {1, 2, 3}; };
  expect_refused(server, "RSA keys", errc::not_found);
  server.at_res_pq = [](exchange::res_pq& m) { m.fingerprints.clear(); };
  expect_refused(server, "RSA keys", errc::not_found);
}

TEST(client_key_exchange, prefers_its_own_first_key_to_the_servers) {
  lying_server server;
  const auto& ours = exchange_secret()->public_key();
  const auto& other = crypto::telegram_production_keys().front();
  server.at_res_pq = [&](exchange::res_pq& m) {
    m.fingerprints = {other.fingerprint(), ours.fingerprint()};
  };
  exchange_options options = trusting_options();
  options.keys = {ours, other};
  EXPECT_TRUE(run_exchange(server, options));
}

TEST(client_key_exchange, refuses_a_pq_that_is_no_product_of_two_primes) {
  for (const std::uint64_t pq :
       {std::uint64_t{0}, std::uint64_t{1073741827}, std::uint64_t{1073741827} * 2,
        std::uint64_t{1073741827} * 1073741827, std::uint64_t{3} * 5 * 7}) {
    lying_server server;
    server.pq = pq;
    // A zero has no octets at all: the message itself is malformed then.
    expect_refused(server, pq == 0 ? "resPQ is malformed" : "pq ");
  }
}

TEST(client_key_exchange, checks_hash_and_padding_of_the_encrypted_answer) {
  lying_server hash;
  hash.at_plain = [](bytes& plain) { plain[3] ^= 1; };
  expect_refused(hash, "SHA-1");
  lying_server data;
  data.at_plain = [](bytes& plain) { plain[20 + 36 + 8 + 5] ^= 1; }; // within dh_prime
  expect_refused(data, "SHA-1");
  lying_server padding;
  padding.extra_padding = 16;
  expect_refused(padding, "padding");
  lying_server length;
  length.at_plain = [](bytes& plain) { plain.resize(16); };
  expect_refused(length, "length");
}

TEST(client_key_exchange, holds_the_prime_to_the_rules) {
  lying_server composite;
  composite.at_inner = [](exchange::server_inner& m) {
    m.prime[255] ^= 0x10;
    m.g = 4; // fits any prime
  };
  expect_refused(composite, "safe prime");
  lying_server small;
  small.at_inner = [](exchange::server_inner& m) { m.prime[0] = 0x47; };
  expect_refused(small, "2048 bits");
  lying_server longer;
  longer.at_inner = [](exchange::server_inner& m) { m.prime.push_back(1); };
  expect_refused(longer, "2048 bits");
}

TEST(client_key_exchange, takes_exactly_the_generators_that_fit_the_prime) {
  for (std::int32_t g = -1; g <= 9; ++g) {
    lying_server known;
    known.at_inner = [g](exchange::server_inner& m) { m.g = g; };
    if (g == 3 || g == 4 || g == 7) {
      known.g = g; // the server computes with it, too
      EXPECT_TRUE(run_exchange(known)) << g;
    } else {
      expect_refused(known, "generator");
    }
  }
}

TEST(client_key_exchange, takes_another_safe_prime_and_remembers_it) {
  lying_server server;
  server.prime = rfc3526_prime();
  server.g = 2;
  const auto made = run_exchange(server);
  ASSERT_TRUE(made) << to_string(made.error());
  EXPECT_EQ(made->key, *server.key);
  EXPECT_TRUE(exchange_primes()->knows(crypto::sha256(server.prime)));
}

TEST(client_key_exchange, holds_g_a_away_from_the_ends) {
  const bytes_view prime = crypto::telegram_prime();
  const auto with = [](bytes g_a) {
    lying_server server;
    server.at_inner = [&g_a](exchange::server_inner& m) { m.g_a = g_a; };
    expect_refused(server, "too close");
  };
  with({});
  with({1});
  with(to_bytes(prime));
  bytes minus_one = to_bytes(prime);
  minus_one[255] -= 1;
  with(minus_one);
  bytes low(256 - 8, 0xff); // 2^(2048-64) - 1
  with(low);
  bytes high = to_bytes(prime); // p - 2^(2048-64) + 1
  high[7] -= 1;
  high[255] += 1;
  with(high);
}

TEST(client_key_exchange, checks_each_new_nonce_hash) {
  lying_server ok;
  ok.at_gen = [](exchange::dh_gen& m) { m.hash[0] ^= 1; };
  expect_refused(ok, "new_nonce_hash");
  lying_server kind; // the hash of another outcome
  kind.at_gen = [](exchange::dh_gen& m) { m.how = exchange::outcome::retry; };
  expect_refused(kind, "new_nonce_hash");
  lying_server failed;
  failed.at_gen = [&failed](exchange::dh_gen& m) {
    m.how = exchange::outcome::failed;
    m.hash = crypto::new_nonce_hash(failed.client.fresh, 3, failed.key->aux_hash());
  };
  expect_refused(failed, "dh_gen_fail");
}

TEST(client_key_exchange, retries_with_the_last_keys_hash_five_times) {
  lying_server server;
  server.retries = 5;
  const auto made = run_exchange(server);
  ASSERT_TRUE(made);
  EXPECT_EQ(server.retry_ids.size(), 6U);
  EXPECT_EQ(server.retry_ids.front(), 0U);
  EXPECT_NE(server.retry_ids[1], server.retry_ids[2]);
  EXPECT_EQ(made->key, *server.key);
  lying_server endless;
  endless.retries = 1000;
  expect_refused(endless, "too many retries", errc::limit);
}

TEST(client_key_exchange, names_the_failed_keys_aux_hash_when_it_tries_again) {
  lying_server server;
  server.retries = 1;
  std::uint64_t failed = 0;
  server.at_gen = [&](exchange::dh_gen& m) {
    if (m.how == exchange::outcome::retry) {
      failed = server.key->aux_hash();
    }
  };
  ASSERT_TRUE(run_exchange(server));
  EXPECT_EQ(server.retry_ids.back(), failed);
}

TEST(client_key_exchange, survives_any_damage_to_any_message) {
  seeded_random random{test::seed()};
  int refused = 0;
  for (int i = 0; i < 60; ++i) {
    lying_server server;
    int at = i % 3;
    server.at_body = [&](bytes& body) {
      if (at-- == 0) {
        body[random.integer<std::uint32_t>() % body.size()] ^= 1;
        if (i % 2 == 0) {
          body.resize(random.integer<std::uint32_t>() % body.size());
        }
      }
    };
    refused += run_exchange(server) ? 0 : 1;
  }
  // A changed bit of pq or of an unknown fingerprint may be harmless; little else is.
  EXPECT_GE(refused, 50);
}

TEST(client_key_exchange, refuses_what_is_no_unencrypted_message) {
  const auto refused = [](bytes payload) {
    client_key_exchange client{trusting_options(), std::make_shared<seeded_random>(1),
                               exchange_primes()};
    client.start(exchange_time);
    const auto step = client.on_message(payload, exchange_time);
    return !step && step.error().code == errc::protocol_violation;
  };
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused(bytes(19)));
  EXPECT_TRUE(refused(bytes(20)));
  EXPECT_TRUE(refused(bytes(100, 0xff)));
  bytes longer(24);
  longer[16] = 5;
  EXPECT_TRUE(refused(longer));
}

TEST(client_key_exchange, ends_after_its_end) {
  lying_server server;
  client_key_exchange client{trusting_options(), std::make_shared<seeded_random>(3),
                             exchange_primes()};
  ASSERT_TRUE(run_exchange(client, server));
  const auto more = client.on_message(exchange::wrap(msg_id{1}, bytes(8)), exchange_time);
  EXPECT_FALSE(more);
}

} // namespace
} // namespace cafegram::protocol

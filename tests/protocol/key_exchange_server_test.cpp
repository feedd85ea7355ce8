#include "handmade_client.hpp"

namespace cafegram::protocol {
namespace {

server_exchange_options server_options() {
  server_exchange_options out;
  out.key = exchange_secret();
  return out;
}

/// The lying client and the machine that it lies to.
struct lying_client : handmade_client {
  lying_client() {
    transfer = [this](bytes_view payload) { return take(payload); };
  }

  bytes take(bytes_view payload) {
    auto step = machine.on_message(payload, exchange_time);
    word = step.transport_error;
    if (step.done) {
      made = std::move(step.done);
    }
    return std::move(step.send);
  }

  server_key_exchange machine{server_options(), std::make_shared<seeded_random>(22)};
  std::optional<exchange_result> made{};
  std::int32_t word = 0;
};

/// Our server behind the interface of the kit.
struct honest_server {
  server_key_exchange machine{server_options(), std::make_shared<seeded_random>(21)};
  std::optional<exchange_result> made{};
  std::int32_t word = 0;

  bytes reply(bytes_view payload) {
    auto step = machine.on_message(payload, exchange_time);
    word = step.transport_error;
    if (step.done) {
      made = std::move(step.done);
    }
    return std::move(step.send);
  }
};

void expect_word(lying_client& client, std::int32_t word) {
  EXPECT_FALSE(client.run());
  EXPECT_EQ(client.word, word);
  EXPECT_FALSE(client.made);
}

TEST(server_key_exchange, agrees_with_our_client) {
  honest_server server;
  exchange_options options = trusting_options();
  options.dc = -2;
  options.expires_in = 3600;
  client_key_exchange client{options, std::make_shared<seeded_random>(31), exchange_primes()};
  const auto made = run_exchange(client, server);
  ASSERT_TRUE(made) << to_string(made.error());
  ASSERT_TRUE(server.made);
  EXPECT_EQ(to_hex(made->key.view()), to_hex(server.made->key.view()));
  EXPECT_EQ(made->salt, server.made->salt);
  EXPECT_EQ(server.made->dc, -2);
  EXPECT_EQ(server.made->expires_in, 3600);
  EXPECT_EQ(made->server_time_offset, duration{});
}

TEST(server_key_exchange, makes_several_keys_one_after_the_other) {
  honest_server server;
  std::uint64_t last = 0;
  for (int i = 0; i < 3; ++i) {
    client_key_exchange client{trusting_options(), std::make_shared<seeded_random>(100 + i),
                               exchange_primes()};
    const auto made = run_exchange(client, server);
    ASSERT_TRUE(made);
    EXPECT_NE(made->key.id(), last);
    last = made->key.id();
  }
}

TEST(server_key_exchange, bears_what_real_clients_do) {
  lying_client old;
  old.old_padding = true;
  EXPECT_TRUE(old.run());
  lying_client temporary;
  temporary.at_inner = [](exchange::inner_data& m) { m.expires_in = 86400; };
  EXPECT_TRUE(temporary.run());
  EXPECT_EQ(temporary.made->expires_in, 86400);
  lying_client with_dc;
  with_dc.at_inner = [](exchange::inner_data& m) { m.dc = -4; };
  EXPECT_TRUE(with_dc.run());
}

TEST(server_key_exchange, takes_req_pq_any_msg_id_and_octets_behind_the_end) {
  lying_client client;
  bytes query = exchange::write_req_pq(client.both.client);
  const bytes old_id = test::hex("78974660"); // req_pq
  std::ranges::copy(old_id, query.begin());
  for (const std::int64_t id : {0, 1, 1 << 30}) {
    const bytes answer = client.ask(query, id, 15);
    ASSERT_FALSE(answer.empty());
    EXPECT_TRUE(exchange::read_res_pq(answer));
  }
}

TEST(server_key_exchange, takes_a_g_b_of_fewer_octets) {
  lying_client client;
  client.take_params(client.ask(client.params_query(client.begin())));
  do {
    client.own = crypto::make_dh_keypair(client.group.g, client.group.prime, client.random).value();
  } while (client.own->public_value[0] != 0);
  const bytes& padded = client.own->public_value;
  const bytes data = exchange::write(
      exchange::client_inner{client.both, 0, bytes(padded.begin() + 1, padded.end())});
  const bytes sealed = exchange::seal(*client.keys, data, bytes(exchange::padding_for(data)));
  const bytes gen = client.ask(exchange::write(exchange::set_client_dh{client.both, sealed}));
  ASSERT_FALSE(gen.empty());
  EXPECT_EQ(exchange::read_dh_gen(gen)->how, exchange::outcome::ok);
}

TEST(server_key_exchange, repeats_its_answer_to_a_repeated_query) {
  lying_client client;
  const bytes first = client.begin();
  EXPECT_EQ(client.ask(exchange::write_req_pq(client.both.client)), first);
  const bytes query = client.params_query(first);
  const bytes params = client.ask(query);
  EXPECT_EQ(client.ask(query), params);
  client.take_params(params);
  const bytes set = client.set_query();
  const bytes gen = client.ask(set);
  ASSERT_TRUE(client.made);
  client.made.reset();
  EXPECT_EQ(client.ask(set), gen);
  EXPECT_FALSE(client.made) << "the key was announced twice";
}

TEST(server_key_exchange, forgets_its_answers_after_ten_minutes) {
  lying_client client;
  const bytes first = client.begin();
  const bytes query = exchange::wrap(msg_id{0}, exchange::write_req_pq(client.both.client));
  const auto at = [&](std::chrono::seconds later) {
    return to_bytes(
        exchange::unwrap(client.machine.on_message(query, exchange_time + later).send).value());
  };
  EXPECT_EQ(at(std::chrono::seconds{599}), first);
  EXPECT_NE(at(std::chrono::seconds{600}), first);
}

TEST(server_key_exchange, asks_again_when_the_id_is_taken) {
  int asked = 0;
  server_exchange_options options = server_options();
  options.taken = [&asked](std::uint64_t) { return asked++ < 2; };
  honest_server server;
  server.machine = server_key_exchange{options, std::make_shared<seeded_random>(5)};
  client_key_exchange client{trusting_options(), std::make_shared<seeded_random>(31),
                             exchange_primes()};
  const auto made = run_exchange(client, server);
  ASSERT_TRUE(made) << to_string(made.error());
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(made->key, server.made->key);
}

TEST(server_key_exchange, wants_the_retry_id_of_the_failed_key) {
  server_exchange_options options = server_options();
  options.taken = [](std::uint64_t) { return true; };
  lying_client client;
  client.machine = server_key_exchange{options, std::make_shared<seeded_random>(6)};
  client.take_params(client.ask(client.params_query(client.begin())));
  const bytes gen = client.ask(client.set_query());
  EXPECT_EQ(exchange::read_dh_gen(gen)->how, exchange::outcome::retry);
  EXPECT_TRUE(client.ask(client.set_query(12345)).empty());
  EXPECT_EQ(client.word, -404);
}

TEST(server_key_exchange, says_404_to_each_thing_that_is_wrong) {
  using exchange::client_inner;
  using exchange::inner_data;
  using exchange::req_dh_params;
  const std::vector<std::function<void(inner_data&)>> inner_lies = {
      [](inner_data& m) { m.both.client[0] ^= 1; },
      [](inner_data& m) { m.both.server[0] ^= 1; },
      [](inner_data& m) { m.pq += 2; },
      [](inner_data& m) { m.p += 2; },
      [](inner_data& m) { m.q += 2; },
      [](inner_data& m) { m.expires_in = 0; }};
  for (const auto& lie : inner_lies) {
    lying_client client;
    client.at_inner = lie;
    expect_word(client, -404);
  }
  bytes damaged(256, 1);
  const std::vector<std::function<void(req_dh_params&)>> param_lies = {
      [](req_dh_params& m) { m.both.client[0] ^= 1; },
      [](req_dh_params& m) { m.both.server[0] ^= 1; },
      [](req_dh_params& m) { m.p += 2; },
      [](req_dh_params& m) { std::swap(m.p, m.q); },
      [](req_dh_params& m) { m.fingerprint ^= 1; },
      [](req_dh_params& m) { m.encrypted = m.encrypted.first(255); },
      [&damaged](req_dh_params& m) { m.encrypted = damaged; }};
  for (const auto& lie : param_lies) {
    lying_client client;
    client.at_params = lie;
    expect_word(client, -404);
  }
  const std::vector<std::function<void(client_inner&)>> client_lies = {
      [](client_inner& m) { m.both.client[0] ^= 1; },
      [](client_inner& m) { m.both.server[0] ^= 1; }, [](client_inner& m) { m.retry_id = 1; }};
  for (const auto& lie : client_lies) {
    lying_client client;
    client.at_client = lie;
    expect_word(client, -404);
  }
}

TEST(server_key_exchange, says_404_to_a_wrong_old_hash) {
  lying_client client;
  client.old_padding = true;
  client.at_params = [&client](exchange::req_dh_params& m) {
    // The hash of one text in front of another.
    static crypto::rsa_block block;
    crypto::rsa_block number{};
    exchange::inner_data inner{m.p * m.q, m.p, m.q, client.both, client.fresh, {}, {}};
    const bytes data = exchange::write(inner);
    std::ranges::copy(crypto::sha1(as_bytes("something else")), number.begin() + 1);
    std::ranges::copy(data, number.begin() + 21);
    block = exchange_secret()->public_key().encrypt_raw(number).value();
    m.encrypted = block;
  };
  expect_word(client, -404);
}

TEST(server_key_exchange, checks_hash_length_and_padding_of_the_clients_part) {
  lying_client hash;
  hash.at_plain = [](bytes& plain) { plain[0] ^= 1; };
  expect_word(hash, -404);
  lying_client padding;
  padding.extra_padding = 16;
  expect_word(padding, -404);
  lying_client length;
  length.at_plain = [](bytes& plain) { plain.resize(16); };
  expect_word(length, -404);
  lying_client nonce;
  nonce.at_set = [](exchange::set_client_dh& m) { m.both.server[1] ^= 1; };
  expect_word(nonce, -404);
}

TEST(server_key_exchange, says_failed_to_a_bad_g_b) {
  for (const bytes& g_b : {bytes{1}, to_bytes(crypto::telegram_prime()), bytes(248, 0xff)}) {
    lying_client client;
    client.at_client = [&g_b](exchange::client_inner& m) { m.g_b = g_b; };
    client.take_params(client.ask(client.params_query(client.begin())));
    const bytes gen = client.ask(client.set_query());
    ASSERT_FALSE(gen.empty());
    EXPECT_EQ(exchange::read_dh_gen(gen)->how, exchange::outcome::failed);
    EXPECT_FALSE(client.made);
  }
}

TEST(server_key_exchange, says_444_when_test_and_production_are_mixed_up) {
  lying_client client;
  client.at_inner = [](exchange::inner_data& m) { m.dc = 10002; };
  expect_word(client, -444);
  server_exchange_options options = server_options();
  options.test = true;
  lying_client other;
  other.machine = server_key_exchange{options, std::make_shared<seeded_random>(9)};
  other.at_inner = [](exchange::inner_data& m) { m.dc = -2; };
  expect_word(other, -444);
  lying_client fits;
  fits.machine = server_key_exchange{options, std::make_shared<seeded_random>(9)};
  fits.at_inner = [](exchange::inner_data& m) { m.dc = -10002; };
  EXPECT_TRUE(fits.run());
}

TEST(server_key_exchange, wants_its_steps_in_order) {
  lying_client client;
  EXPECT_TRUE(client.ask(exchange::write(exchange::set_client_dh{{}, bytes(32)})).empty());
  EXPECT_EQ(client.word, -404);
  const bytes first = client.begin();
  const bytes query = client.params_query(first);
  EXPECT_TRUE(client.ask(exchange::write(exchange::set_client_dh{client.both, bytes(32)})).empty());
  EXPECT_FALSE(client.ask(query).empty());
}

TEST(server_key_exchange, survives_any_octets) {
  seeded_random random{test::seed()};
  lying_client client;
  for (int i = 0; i < 2000; ++i) {
    bytes payload(random.integer<std::uint8_t>());
    random.fill(payload);
    if (i % 2 == 0 && payload.size() >= 24) {
      std::ranges::fill_n(payload.begin(), 8, std::uint8_t{0});
      payload[16] = static_cast<std::uint8_t>(payload.size() - 20);
      std::ranges::fill_n(payload.begin() + 17, 3, std::uint8_t{0});
    }
    const auto step = client.machine.on_message(payload, exchange_time);
    EXPECT_EQ(step.transport_error, -404);
  }
}

} // namespace
} // namespace cafegram::protocol

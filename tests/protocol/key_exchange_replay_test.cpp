#include <nlohmann/json.hpp>

#include "exchange_kit.hpp"

namespace cafegram::protocol {
namespace {

using json = nlohmann::json;

bytes field(const json& in, const char* name) {
  return cafegram::test::hex(in.at(name).get_ref<const std::string&>());
}

json recorded(const char* name) {
  return json::parse(cafegram::test::read_text(cafegram::test::shared_folder() / "vectors" /
                                               "auth_key_exchange.json"))[name];
}

bytes joined(std::initializer_list<bytes> parts) {
  bytes out;
  for (const bytes& part : parts) {
    append(out, part);
  }
  return out;
}

bytes body_of(const bytes& payload) {
  return to_bytes(exchange::unwrap(payload).value());
}

/// Plays one recorded exchange: each answer goes in as it was, what comes out is kept.
struct replay {
  std::shared_ptr<replayed_random> random;
  client_key_exchange client;

  replay(const std::vector<crypto::rsa_public_key>& keys, bytes octets,
         std::optional<std::int32_t> dc)
    : random{std::make_shared<replayed_random>(std::move(octets))}
    , client{{.keys = keys, .dc = dc}, random, exchange_primes()} {}

  result<exchange_step> feed(const bytes& body) {
    return client.on_message(exchange::wrap(msg_id{1}, body), exchange_time);
  }
};

// A real exchange with Telegram, every octet of it known.
TEST(key_exchange_replay, client_sends_what_was_recorded) {
  CAFEGRAM_NEEDS_SHARED();
  const json flow = recorded("grammers_flow");
  replay run{
      crypto::telegram_test_keys(),
      joined({field(flow, "step1_random"), field(flow, "new_nonce"), field(flow, "rsa_padding"),
              field(flow, "rsa_temp_key"), field(flow, "b"), field(flow, "client_padding")}),
      std::nullopt};
  bytes first = body_of(run.client.start(exchange_time));
  EXPECT_EQ(first, field(flow, "step1_request"));
  const auto second = run.feed(field(flow, "step1_response"));
  ASSERT_TRUE(second) << to_string(second.error());
  EXPECT_EQ(to_hex(body_of(second->send)), flow["step2_request"].get<std::string>());
  const auto third = run.feed(field(flow, "step2_response"));
  ASSERT_TRUE(third) << to_string(third.error());
  EXPECT_EQ(to_hex(body_of(third->send)), flow["step3_request"].get<std::string>());
  const auto last = run.feed(field(flow, "step3_response"));
  ASSERT_TRUE(last) << to_string(last.error());
  ASSERT_TRUE(last->done);
  EXPECT_EQ(to_hex(last->done->key.view()), flow["expected_auth_key"].get<std::string>());
  EXPECT_EQ(std::to_string(static_cast<std::int64_t>(last->done->salt)),
            flow["first_salt"].is_string() ? flow["first_salt"].get<std::string>()
                                           : flow["first_salt"].dump());
  const auto offset = std::chrono::seconds{flow["server_time"].get<std::int64_t>() - 1'750'000'000};
  EXPECT_EQ(last->done->server_time_offset, duration{offset});
}

// The specification's sample of 2024; its temp_key was not published.
TEST(key_exchange_replay, client_follows_the_specifications_sample) {
  CAFEGRAM_NEEDS_SHARED();
  const json flow = recorded("modern");
  replay run{
      crypto::telegram_production_keys(),
      joined({field(flow, "nonce"), field(flow, "new_nonce"), field(flow, "rsa_pad_random_padding"),
              bytes(32, 1), field(flow, "b"), field(flow, "client_padding")}),
      2};
  const bytes packet = field(flow, "req_pq_multi_packet");
  EXPECT_EQ(body_of(run.client.start(exchange_time)), body_of(packet));
  const auto second = run.feed(field(flow, "resPQ_body"));
  ASSERT_TRUE(second) << to_string(second.error());
  const bytes second_body = body_of(second->send);
  const auto query = exchange::read_req_dh_params(second_body);
  ASSERT_TRUE(query);
  EXPECT_EQ(query->p, flow["p"].get<std::uint64_t>());
  EXPECT_EQ(query->q, flow["q"].get<std::uint64_t>());
  EXPECT_EQ(query->fingerprint, crypto::telegram_production_keys().front().fingerprint());
  const exchange::nonces both = query->both;
  const auto third = run.feed(exchange::write_dh_params_ok(both, field(flow, "encrypted_answer")));
  ASSERT_TRUE(third) << to_string(third.error());
  const bytes third_body = body_of(third->send);
  EXPECT_EQ(to_bytes(exchange::read_set_client_dh(third_body)->encrypted),
            field(flow, "client_encrypted_data"));
  const auto last = run.feed(field(flow, "dh_gen_ok_body"));
  ASSERT_TRUE(last) << to_string(last.error());
  ASSERT_TRUE(last->done);
  EXPECT_EQ(to_bytes(last->done->key.view()), field(flow, "auth_key"));
}

// The sample of 2013 has g = 2, which does not fit its prime: today's rules refuse it.
TEST(key_exchange_replay, client_refuses_the_generator_of_the_first_sample) {
  CAFEGRAM_NEEDS_SHARED();
  const json flow = recorded("classic");
  replay run{crypto::telegram_production_keys(),
             joined({field(flow, "nonce"), field(flow, "new_nonce")}), std::nullopt};
  const std::int64_t shown = static_cast<std::int64_t>(0xc3b42b026ce86b21);
  run.client.start(exchange_time);
  auto question = exchange::read_res_pq(body_of(field(flow, "resPQ_packet"))).value();
  EXPECT_EQ(question.pq, flow["pq"].get<std::uint64_t>());
  question.fingerprints = {shown};
  ASSERT_TRUE(run.feed(exchange::write(question)));
  const auto third =
      run.feed(exchange::write_dh_params_ok(question.both, field(flow, "encrypted_answer")));
  ASSERT_FALSE(third);
  EXPECT_NE(third.error().what.find("generator 2"), std::string::npos) << third.error().what;
  // Its arithmetic is ours all the same.
  crypto::secret b{field(flow, "b")};
  EXPECT_EQ(to_bytes(crypto::dh_shared_key(field(flow, "g_a"), b, crypto::telegram_prime()).view()),
            field(flow, "auth_key"));
}

// A server's secrets are never recorded: what it reads and writes is held against the record.
TEST(key_exchange_replay, server_reads_and_writes_what_was_recorded) {
  CAFEGRAM_NEEDS_SHARED();
  const json flow = recorded("grammers_flow");
  const auto client = exchange::read_req_pq(field(flow, "step1_request"));
  ASSERT_TRUE(client);
  const bytes first = field(flow, "step1_response");
  const auto question = exchange::read_res_pq(first);
  ASSERT_TRUE(question);
  EXPECT_EQ(question->both.client, *client);
  EXPECT_EQ(exchange::write(*question), first);

  const bytes second = field(flow, "step2_request");
  const auto query = exchange::read_req_dh_params(second);
  ASSERT_TRUE(query);
  EXPECT_EQ(exchange::write(*query), second);
  std::size_t used = 0;
  const auto inner = exchange::read_inner_data(field(flow, "p_q_inner_data"), used);
  ASSERT_TRUE(inner);
  EXPECT_EQ(inner->p * inner->q, question->pq);

  const auto keys = crypto::exchange_keys(inner->fresh, question->both.server);
  const bytes answer = field(flow, "answer");
  exchange::opened plain{answer};
  const auto group = exchange::read_server_inner(plain.data(), used);
  ASSERT_TRUE(group);
  EXPECT_TRUE(exchange::check_hash(plain, used));
  const bytes data = exchange::write(*group);
  EXPECT_EQ(to_hex(exchange::write_dh_params_ok(
                question->both, exchange::seal(keys, data, plain.data().subspan(used)))),
            flow["step2_response"].get<std::string>());

  const bytes third = field(flow, "step3_request");
  const auto set = exchange::read_set_client_dh(third);
  ASSERT_TRUE(set);
  const auto opened = exchange::open(keys, set->encrypted);
  ASSERT_TRUE(opened);
  const auto theirs = exchange::read_client_inner(opened->data(), used);
  ASSERT_TRUE(theirs && exchange::check_hash(*opened, used));
  EXPECT_EQ(theirs->retry_id, 0U);
  const auto key = auth_key::from(field(flow, "expected_auth_key")).value();
  EXPECT_EQ(to_hex(exchange::write(
                exchange::dh_gen{exchange::outcome::ok, question->both,
                                 crypto::new_nonce_hash(inner->fresh, 1, key.aux_hash())})),
            flow["step3_response"].get<std::string>());
}

// The specification's sample too. What the RSA part holds was published, so that the rest follows
// from it.
TEST(key_exchange_replay, server_follows_the_specifications_sample) {
  CAFEGRAM_NEEDS_SHARED();
  const json flow = recorded("modern");
  const auto client = exchange::read_req_pq(body_of(field(flow, "req_pq_multi_packet")));
  ASSERT_TRUE(client);
  const bytes first = field(flow, "resPQ_body");
  const auto question = exchange::read_res_pq(first);
  ASSERT_TRUE(question);
  EXPECT_EQ(question->both.client, *client);
  EXPECT_EQ(question->fingerprints.size(), 3U);
  EXPECT_EQ(exchange::write(*question), first);

  std::size_t used = 0;
  const auto inner = exchange::read_inner_data(field(flow, "p_q_inner_data_dc"), used);
  ASSERT_TRUE(inner);
  EXPECT_EQ(inner->dc, 2);
  EXPECT_EQ(inner->p * inner->q, question->pq);
  EXPECT_EQ(inner->both.server, question->both.server);

  const auto keys = crypto::exchange_keys(inner->fresh, question->both.server);
  exchange::opened plain{field(flow, "answer_with_hash")};
  const auto group = exchange::read_server_inner(plain.data(), used);
  ASSERT_TRUE(group && exchange::check_hash(plain, used));
  EXPECT_EQ(to_hex(exchange::seal(keys, exchange::write(*group), plain.data().subspan(used))),
            to_hex(field(flow, "encrypted_answer")));

  const auto opened = exchange::open(keys, field(flow, "client_encrypted_data"));
  ASSERT_TRUE(opened);
  const auto theirs = exchange::read_client_inner(opened->data(), used);
  ASSERT_TRUE(theirs && exchange::check_hash(*opened, used));
  EXPECT_EQ(to_bytes(opened->data().first(used)), field(flow, "client_DH_inner_data"));
  EXPECT_EQ(to_bytes(opened->data().subspan(used)), field(flow, "client_padding"));

  const auto key = auth_key::from(field(flow, "auth_key")).value();
  EXPECT_EQ(
      exchange::write(exchange::dh_gen{exchange::outcome::ok, question->both,
                                       crypto::new_nonce_hash(inner->fresh, 1, key.aux_hash())}),
      field(flow, "dh_gen_ok_body"));
  std::uint64_t salt = 0;
  for (const std::uint8_t octet : field(flow, "server_salt")) {
    salt = salt >> 8 | std::uint64_t{octet} << 56; // little endian
  }
  EXPECT_EQ(exchange::first_salt(inner->fresh, question->both.server), salt);
}

} // namespace
} // namespace cafegram::protocol

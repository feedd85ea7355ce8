#include <cafegram/tests/protocol/handmade_client.hpp>

#include "sandbox_kit.hpp"

/// Section 1 the other way round: a client that is right in all but one thing, and the sandbox.
namespace cafegram {
namespace {

using protocol::handmade_client;

namespace exchange = protocol::exchange;

struct guest_row {
  std::string name;
  std::function<void(handmade_client&)> lie;
  std::string logged;
  std::int32_t word = -404;
  std::optional<exchange::outcome> outcome = {}; ///< of the exchange, where it comes so far
};

void PrintTo(const guest_row& of, std::ostream* out) {
  *out << of.name;
}

guest_row by_inner(std::string name, std::string logged,
                   const std::function<void(exchange::inner_data&)>& change) {
  return {std::move(name), [change](handmade_client& c) { c.at_inner = change; },
          std::move(logged)};
}

guest_row by_params(std::string name, std::string logged,
                    const std::function<void(exchange::req_dh_params&)>& change) {
  return {std::move(name), [change](handmade_client& c) { c.at_params = change; },
          std::move(logged)};
}

guest_row in_client(std::string name, std::string logged,
                    const std::function<void(exchange::client_inner&)>& change) {
  return {std::move(name), [change](handmade_client& c) { c.at_client = change; },
          std::move(logged)};
}

void add_params(std::vector<guest_row>& rows) {
  const std::string unfit = "req_DH_params does not fit";
  rows.push_back(by_params("params_name_another_nonce", unfit,
                           [](exchange::req_dh_params& m) { m.both.client[0] ^= 1; }));
  rows.push_back(by_params("params_name_another_server_nonce", unfit,
                           [](exchange::req_dh_params& m) { m.both.server[0] ^= 1; }));
  rows.push_back(
      by_params("params_name_another_p", unfit, [](exchange::req_dh_params& m) { m.p += 2; }));
  rows.push_back(
      by_params("params_name_another_q", unfit, [](exchange::req_dh_params& m) { m.q += 2; }));
  rows.push_back(by_params("params_name_another_key", unfit,
                           [](exchange::req_dh_params& m) { m.fingerprint ^= 1; }));
  static const bytes high(256, 0xff);
  static const bytes zeros(256);
  static const bytes some(256, 0x11);
  static const bytes few(255, 0x11);
  const std::pair<std::string, bytes_view> boxes[] = {{"above_the_modulus", high},
                                                      {"zero", zeros},
                                                      {"noise", some},
                                                      {"of_255_octets", few},
                                                      {"empty", {}}};
  rows.push_back({"encrypted_data_in_old_padding_hash_another_text",
                  [](handmade_client& c) {
                    c.at_params = [&c](exchange::req_dh_params& m) {
                      static crypto::rsa_block block;
                      crypto::rsa_block number{};
                      const bytes data = exchange::write(
                          exchange::inner_data{m.p * m.q, m.p, m.q, c.both, c.fresh, {}, {}});
                      std::ranges::copy(crypto::sha1(as_bytes("another text")), number.begin() + 1);
                      std::ranges::copy(data, number.begin() + 21);
                      block = c.server_key.encrypt_raw(number).value();
                      m.encrypted = block;
                    };
                  },
                  "neither RSA padding"});
  for (const auto& [name, octets] : boxes) {
    rows.push_back(by_params("encrypted_data_is_" + name, "key exchange: ",
                             [octets](exchange::req_dh_params& m) { m.encrypted = octets; }));
  }
}

void add_inner(std::vector<guest_row>& rows) {
  const std::string nonces = "names other nonces";
  const std::string factors = "names other factors";
  rows.push_back(by_inner("inner_data_name_another_nonce", nonces,
                          [](exchange::inner_data& m) { m.both.client[0] ^= 1; }));
  rows.push_back(by_inner("inner_data_name_another_server_nonce", nonces,
                          [](exchange::inner_data& m) { m.both.server[0] ^= 1; }));
  rows.push_back(
      by_inner("inner_data_name_another_pq", factors, [](exchange::inner_data& m) { m.pq += 2; }));
  rows.push_back(
      by_inner("inner_data_name_another_p", factors, [](exchange::inner_data& m) { m.p += 2; }));
  rows.push_back(
      by_inner("inner_data_name_another_q", factors, [](exchange::inner_data& m) { m.q += 2; }));
  rows.push_back(by_inner("a_temporary_key_of_no_time", "without a lifetime",
                          [](exchange::inner_data& m) { m.expires_in = 0; }));
  rows.push_back(by_inner("a_temporary_key_of_the_past", "without a lifetime",
                          [](exchange::inner_data& m) { m.expires_in = -86400; }));
  rows.push_back(
      by_inner("a_test_data_centre", "mixed up", [](exchange::inner_data& m) { m.dc = 10002; }));
  rows.back().word = -444;
  rows.push_back(by_inner("a_test_data_centre_for_media", "mixed up",
                          [](exchange::inner_data& m) { m.dc = -10002; }));
  rows.back().word = -444;
}

void add_set(std::vector<guest_row>& rows) {
  const std::string unfit = "does not fit what was said before";
  rows.push_back(in_client("client_inner_names_another_nonce", unfit,
                           [](exchange::client_inner& m) { m.both.client[3] ^= 1; }));
  rows.push_back(in_client("client_inner_names_another_server_nonce", unfit,
                           [](exchange::client_inner& m) { m.both.server[3] ^= 1; }));
  rows.push_back(in_client("client_inner_retries_what_did_not_fail", unfit,
                           [](exchange::client_inner& m) { m.retry_id = 7; }));
  rows.push_back({"set_names_another_nonce",
                  [](handmade_client& c) {
                    c.at_set = [](exchange::set_client_dh& m) { m.both.client[3] ^= 1; };
                  },
                  unfit});
  rows.push_back({"set_names_another_server_nonce",
                  [](handmade_client& c) {
                    c.at_set = [](exchange::set_client_dh& m) { m.both.server[3] ^= 1; };
                  },
                  unfit});
  rows.push_back({"sha1_is_wrong",
                  [](handmade_client& c) { c.at_plain = [](bytes& plain) { plain[0] ^= 1; }; },
                  "SHA-1"});
  rows.push_back({"16_octets_of_padding", [](handmade_client& c) { c.extra_padding = 16; },
                  "too much padding"});
  rows.push_back({"one_block",
                  [](handmade_client& c) { c.at_plain = [](bytes& plain) { plain.resize(16); }; },
                  "impossible length"});
}

void add_g_b(std::vector<guest_row>& rows) {
  const auto g_b = [&rows](std::string name, const bytes& value) {
    auto row =
        in_client("g_b_is_" + name, "", [value](exchange::client_inner& m) { m.g_b = value; });
    row.word = 0;
    row.outcome = exchange::outcome::failed;
    rows.push_back(std::move(row));
  };
  const auto prime = to_bytes(crypto::telegram_prime());
  auto minus_one = prime;
  minus_one[255] -= 1;
  auto high = prime;
  high[7] -= 1;
  high[255] += 1;
  g_b("missing", {});
  g_b("1", {1});
  g_b("the_prime", prime);
  g_b("the_prime_less_1", minus_one);
  g_b("too_low", bytes(256 - 8, 0xff));
  g_b("too_high", high);
  g_b("above_the_prime", bytes(256, 0xff));
  g_b("of_300_octets", bytes(300, 0x55));
}

std::vector<guest_row> guest_rows() {
  std::vector<guest_row> rows;
  add_params(rows);
  add_inner(rows);
  add_set(rows);
  add_g_b(rows);
  return rows;
}

/// Speaks by hand over a socket.
struct guest {
  explicit guest(test::attacked_sandbox& at)
    : wire{at.settings()} {
    machine.random = seeded_random{crypto::system_random()->integer<std::uint64_t>()};
    machine.server_key = crypto::rsa_public_key::from_pem(at.server().public_key_pem()).value();
    machine.transfer = [this](bytes_view payload) {
      wire.send_payload(payload);
      return wire.next_payload().value_or(bytes{});
    };
  }

  std::vector<bytes> secrets() const {
    std::vector<bytes> out{to_bytes(machine.both.client), to_bytes(machine.both.server)};
    if (machine.keys) {
      out.push_back(to_bytes(machine.fresh));
    }
    return out;
  }

  test::raw_client wire;
  handmade_client machine;
};

class wrong_guest : public testing::TestWithParam<guest_row> {};

TEST_P(wrong_guest, gets_no_key) {
  const auto& row = GetParam();
  test::captured_log log;
  {
    test::attacked_sandbox sandbox;
    guest who{sandbox};
    row.lie(who.machine);
    const auto params = who.machine.ask(who.machine.params_query(who.machine.begin()));
    std::optional<exchange::outcome> outcome;
    if (!params.empty()) {
      who.machine.take_params(params);
      const auto gen = who.machine.ask(who.machine.set_query());
      if (!gen.empty()) {
        outcome = exchange::read_dh_gen(gen).value().how;
      }
    }
    EXPECT_EQ(outcome, row.outcome);
    EXPECT_EQ(row.word == 0 ? 0 : who.wire.word(), row.word);
    EXPECT_EQ(sandbox.server().page().state()->keys.size(), 1U) << "the bystander's alone";
    sandbox.expect_unharmed();
    // The same client, once it behaves, over the same address.
    guest better{sandbox};
    EXPECT_TRUE(better.machine.run());
    test::expect_no_secrets(log.text(), who.secrets());
  }
  EXPECT_TRUE(log.says(row.logged)) << log.text();
}

INSTANTIATE_TEST_SUITE_P(, wrong_guest, testing::ValuesIn(guest_rows()), test::name_of<guest_row>);

/// Each message of the exchange, cut at each word: an error word, never more.
TEST(wrong_guest_at_any_length, gets_an_error_word) {
  test::attacked_sandbox sandbox;
  const auto expect_word = [&sandbox](const auto& speak) {
    guest who{sandbox};
    const bytes payload = speak(who.machine);
    who.wire.send_payload(payload);
    EXPECT_FALSE(who.wire.next_payload());
    EXPECT_EQ(who.wire.word(), -404);
  };
  const auto wrapped = [](bytes_view body) { return exchange::wrap(protocol::msg_id{4}, body); };
  for (std::size_t size = 4; size < 20; size += 4) {
    expect_word([&](handmade_client&) {
      return wrapped(bytes_view{exchange::write_req_pq({})}.first(size));
    });
  }
  for (std::size_t size = 4; size < 320; size += 36) {
    expect_word([&](handmade_client& c) {
      const auto query = c.params_query(c.begin());
      return wrapped(bytes_view{query}.first(size));
    });
  }
  for (std::size_t size = 4; size < 360; size += 44) {
    expect_word([&](handmade_client& c) {
      c.take_params(c.ask(c.params_query(c.begin())));
      const auto query = c.set_query();
      return wrapped(bytes_view{query}.first(size));
    });
  }
  sandbox.expect_unharmed();
}

TEST(wrong_guest_out_of_turn, gets_an_error_word) {
  test::attacked_sandbox sandbox;
  guest early{sandbox};
  early.machine.group.g = 3;
  early.machine.group.prime = to_bytes(crypto::telegram_prime());
  early.machine.keys.emplace(crypto::exchange_keys(early.machine.fresh, early.machine.both.server));
  EXPECT_TRUE(early.machine.ask(early.machine.set_query()).empty());
  EXPECT_EQ(early.wire.word(), -404);
  guest twice{sandbox};
  const auto query = twice.machine.params_query(twice.machine.begin());
  EXPECT_FALSE(twice.machine.begin().empty()) << "begins anew: what was said before is void";
  EXPECT_TRUE(twice.machine.ask(query).empty());
  EXPECT_EQ(twice.wire.word(), -404);
  sandbox.expect_unharmed();
}

} // namespace
} // namespace cafegram

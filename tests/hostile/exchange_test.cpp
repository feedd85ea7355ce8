#include <cafegram/crypto/bignum.hpp>
#include <cafegram/protocol/exchange_messages.hpp>

#include "scene.hpp"

/// Section 1, the key exchange: a server that is right in all but one thing. The client closes,
/// connects anew, agrees with it once it behaves, and the call that waited is answered.
namespace cafegram {
namespace {

using namespace std::chrono_literals;
using protocol::lying_server;
using test::line;
using test::misdeed;
using test::scene;

namespace exchange = protocol::exchange;

constexpr int res_pq = 0;
constexpr int dh_params = 1;
constexpr int dh_gen = 2;

scene row(std::string name, std::string logged, misdeed what) {
  return {.name = std::move(name),
          .what = std::move(what),
          .logged = std::move(logged),
          .logged_in = false};
}

// -- what is changed ----------------------------------------------------------------------------

scene in_res_pq(std::string name, std::string logged,
                const std::function<void(exchange::res_pq&)>& change) {
  return row(std::move(name), std::move(logged),
             {.lie = [change](lying_server& s) { s.at_res_pq = change; }});
}

scene in_params(std::string name, std::string logged,
                const std::function<void(exchange::nonces&)>& change) {
  return row(std::move(name), std::move(logged),
             {.lie = [change](lying_server& s) { s.at_params = change; }});
}

scene in_inner(std::string name, std::string logged,
               const std::function<void(exchange::server_inner&)>& change) {
  return row(std::move(name), std::move(logged),
             {.lie = [change](lying_server& s) { s.at_inner = change; }});
}

scene in_plain(std::string name, std::string logged, const std::function<void(bytes&)>& change) {
  return row(std::move(name), std::move(logged),
             {.lie = [change](lying_server& s) { s.at_plain = change; }});
}

scene in_gen(std::string name, std::string logged,
             const std::function<void(exchange::dh_gen&)>& change) {
  return row(std::move(name), std::move(logged),
             {.lie = [change](lying_server& s) { s.at_gen = change; }});
}

/// Changes the unencrypted message of one step, `auth_key_id msg_id length body`.
scene in_payload(std::string name, int step, std::string logged,
                 const std::function<void(bytes&)>& change) {
  return row(std::move(name), std::move(logged),
             {.at_payload = [step, change](int at, bytes& payload) {
               if (at == step) {
                 change(payload);
               }
             }});
}

scene instead(std::string name, int step, std::string logged,
              const std::function<void(line&)>& what) {
  return row(std::move(name), std::move(logged), {.instead = [step, what](int at, line& to) {
               if (at == step) {
                 what(to);
               }
               return at == step;
             }});
}

void cut_body(bytes& payload, std::size_t by) {
  payload.resize(payload.size() - by);
  const auto length = static_cast<std::uint32_t>(payload.size() - 20);
  std::memcpy(payload.data() + 16, &length, sizeof(length));
}

bytes prime_with(std::size_t at, int by) {
  auto out = to_bytes(crypto::telegram_prime());
  out[at] = static_cast<std::uint8_t>(out[at] + by);
  return out;
}

/// A message of a step that is not due.
bytes out_of_turn() {
  return exchange::wrap(protocol::msg_id{1}, exchange::write(exchange::dh_gen{}));
}

// -- the rows -----------------------------------------------------------------------------------

void add_res_pq(std::vector<scene>& rows) {
  const auto nonce = [](exchange::res_pq& m) { m.both.client[0] ^= 1; };
  rows.push_back(in_res_pq("res_pq_names_another_nonce", "answers with another nonce", nonce));
  rows.push_back(in_res_pq("res_pq_names_only_unknown_keys", "none of the RSA keys",
                           [](exchange::res_pq& m) { m.fingerprints = {1, 2, 3}; }));
  rows.push_back(in_res_pq("res_pq_names_no_key", "none of the RSA keys",
                           [](exchange::res_pq& m) { m.fingerprints.clear(); }));
  const auto pq = [&rows](std::string name, std::uint64_t value, std::string logged) {
    rows.push_back(row("pq_is_" + name, std::move(logged),
                       {.lie = [value](lying_server& s) { s.pq = value; }}));
  };
  pq("zero", 0, "resPQ is malformed");
  pq("one", 1, "the server's pq ");
  pq("a_prime", 1073741827, "the server's pq ");
  pq("a_large_prime", 0xffff'ffff'ffff'ffc5, "the server's pq ");
  pq("even", 2 * std::uint64_t{1073741827}, "the server's pq ");
  pq("a_square", std::uint64_t{1073741827} * 1073741827, "the server's pq ");
  pq("a_product_of_three", std::uint64_t{1009} * 1013 * 1019, "the server's pq ");
  rows.push_back(in_payload("pq_has_nine_octets", res_pq, "resPQ is malformed", [](bytes& p) {
    p[20 + 36] = 9; // its length; what follows is read as a part of it
  }));
  rows.push_back(
      in_payload("res_pq_announces_2_31_keys", res_pq, "resPQ is malformed", [](bytes& p) {
        const std::uint32_t count = 0x7fffffff;
        std::memcpy(p.data() + p.size() - 20, &count, sizeof(count));
      }));
  rows.push_back(instead("res_pq_is_another_message", res_pq, "resPQ is malformed",
                         [](line& to) { to.frame(out_of_turn()); }));
}

void add_params(std::vector<scene>& rows) {
  rows.push_back(in_params("params_name_another_nonce", "answers with another nonce",
                           [](exchange::nonces& m) { m.client[15] ^= 1; }));
  rows.push_back(in_params("params_name_another_server_nonce", "answers with another server_nonce",
                           [](exchange::nonces& m) { m.server[0] ^= 1; }));
  rows.push_back(in_payload("params_are_refused", dh_params, "server_DH_params_fail", [](bytes& p) {
    const std::uint32_t failed = 0x79cb045d;
    std::memcpy(p.data() + 20, &failed, sizeof(failed));
  }));
  rows.push_back(instead("params_are_another_message", dh_params, "server_DH_params_ok",
                         [](line& to) { to.frame(out_of_turn()); }));
  rows.push_back(
      in_plain("sha1_of_the_answer_is_wrong", "SHA-1", [](bytes& plain) { plain[3] ^= 1; }));
  rows.push_back(in_plain("the_answer_is_changed", "SHA-1", [](bytes& plain) {
    plain[20 + 36 + 8 + 5] ^= 1; // within dh_prime
  }));
  rows.push_back(row("the_answer_has_16_octets_of_padding", "padding",
                     {.lie = [](lying_server& s) { s.extra_padding = 16; }}));
  rows.push_back(in_plain("the_answer_is_one_block", "impossible length",
                          [](bytes& plain) { plain.resize(16); }));
  rows.push_back(
      in_payload("the_answer_is_not_whole_blocks", dh_params, "impossible length", [](bytes& p) {
        p[20 + 36 + 1] = static_cast<std::uint8_t>(p[20 + 36 + 1] - 4);
        cut_body(p, 4);
      }));
  rows.push_back(in_inner("the_answer_names_another_nonce", "answers with another nonce",
                          [](exchange::server_inner& m) { m.both.client[7] ^= 1; }));
  rows.push_back(in_inner("the_answer_names_another_server_nonce",
                          "answers with another server_nonce",
                          [](exchange::server_inner& m) { m.both.server[7] ^= 1; }));
}

void add_group(std::vector<scene>& rows) {
  const auto prime = [&rows](std::string name, bytes value, std::string logged) {
    rows.push_back(
        in_inner("the_prime_" + name, std::move(logged), [value](exchange::server_inner& m) {
          m.prime = value;
          m.g = 4; // fits any prime
        }));
  };
  prime("has_2047_bits", prime_with(0, -0x80), "2048 bits");
  auto longer = prime_with(0, 0);
  longer.push_back(1);
  prime("has_2056_bits", longer, "2048 bits");
  prime("is_missing", {}, "2048 bits");
  prime("is_composite", prime_with(255, 0x10), "safe prime");
  // 2^2048 - 14505 is a prime, and its half is none.
  bytes unsafe(256, 0xff);
  unsafe[254] = 0xc7;
  unsafe[255] = 0x57;
  prime("is_not_safe", unsafe, "safe prime");
  for (const int g : {-1, 0, 1, 2, 5, 6, 8}) {
    rows.push_back(in_inner("the_generator_is_" + (g < 0 ? "minus_1" : std::to_string(g)),
                            "generator", [g](exchange::server_inner& m) { m.g = g; }));
  }
  const auto g_a = [&rows](std::string name, const bytes& value) {
    rows.push_back(in_inner("g_a_is_" + name, "too close",
                            [value](exchange::server_inner& m) { m.g_a = value; }));
  };
  g_a("missing", {});
  g_a("0", {0});
  g_a("1", {1});
  g_a("the_prime", prime_with(0, 0));
  g_a("the_prime_less_1", prime_with(255, -1));
  g_a("above_the_prime", bytes(256, 0xff));
  g_a("too_low", bytes(256 - 8, 0xff)); // 2^(2048-64) - 1
  auto high = prime_with(7, -1);        // p - 2^(2048-64) + 1
  high[255] += 1;
  g_a("too_high", high);
  g_a("of_300_octets", bytes(300, 0x55));
}

void add_gen(std::vector<scene>& rows) {
  rows.push_back(in_gen("dh_gen_names_another_nonce", "answers with another nonce",
                        [](exchange::dh_gen& m) { m.both.client[0] ^= 1; }));
  rows.push_back(in_gen("dh_gen_names_another_server_nonce", "answers with another server_nonce",
                        [](exchange::dh_gen& m) { m.both.server[0] ^= 1; }));
  rows.push_back(in_gen("new_nonce_hash_1_is_wrong", "new_nonce_hash",
                        [](exchange::dh_gen& m) { m.hash[15] ^= 1; }));
  rows.push_back(in_gen("new_nonce_hash_1_stands_in_a_retry", "new_nonce_hash",
                        [](exchange::dh_gen& m) { m.how = exchange::outcome::retry; }));
  rows.push_back(in_gen("new_nonce_hash_1_stands_in_a_refusal", "new_nonce_hash",
                        [](exchange::dh_gen& m) { m.how = exchange::outcome::failed; }));
  rows.push_back(row("new_nonce_hash_2_is_wrong", "new_nonce_hash", {.lie = [](lying_server& s) {
                       s.retries = 1;
                       s.at_gen = [](exchange::dh_gen& m) { m.hash[0] ^= 1; };
                     }}));
  rows.push_back(row("dh_gen_refuses", "dh_gen_fail", {.lie = [](lying_server& s) {
                       s.at_gen = [&s](exchange::dh_gen& m) {
                         m.how = exchange::outcome::failed;
                         m.hash = crypto::new_nonce_hash(s.client.fresh, 3, s.key->aux_hash());
                       };
                     }}));
  rows.push_back(row("dh_gen_wants_a_sixth_retry", "too many retries",
                     {.lie = [](lying_server& s) { s.retries = 6; }}));
  rows.push_back(in_payload("dh_gen_is_another_message", dh_gen, "dh_gen is malformed",
                            [](bytes& p) { p[20] ^= 1; }));
}

/// What can be wrong with each step's message, whatever is in it.
void add_each_step(std::vector<scene>& rows) {
  const std::pair<int, std::string> steps[] = {
      {res_pq, "res_pq"}, {dh_params, "params"}, {dh_gen, "dh_gen"}};
  for (const auto& [step, name] : steps) {
    rows.push_back(in_payload(name + "_names_a_key", step, "no unencrypted message",
                              [](bytes& p) { p[0] = 1; }));
    rows.push_back(in_payload(name + "_says_it_is_empty", step, "no unencrypted message",
                              [](bytes& p) { std::ranges::fill_n(p.begin() + 16, 4, 0); }));
    rows.push_back(in_payload(name + "_says_it_is_longer", step, "no unencrypted message",
                              [](bytes& p) { p[18] = 0xff; }));
    rows.push_back(
        in_payload(name + "_is_cut", step, "is malformed", [](bytes& p) { cut_body(p, 4); }));
    rows.push_back(
        in_payload(name + "_has_something_behind_it", step, "is malformed", [](bytes& p) {
          p.resize(p.size() + 8);
          cut_body(p, 4);
        }));
    rows.push_back(instead(name + "_is_minus_404", step, "transport error -404",
                           [](line& to) { to.word(-404); }));
    rows.push_back(instead(name + "_is_minus_444", step, "transport error -444",
                           [](line& to) { to.word(-444); }));
    rows.push_back(instead(name + "_is_a_closed_socket", step, "connection was closed",
                           [](line& to) { to.close(); }));
    auto silent = instead(name + "_does_not_come", step, "took too long", [](line&) {});
    silent.options = [](client_options& o) { o.timing.handshake_timeout = 500ms; };
    silent.lines = -1; // a busy machine may need longer for the right exchange, too
    rows.push_back(std::move(silent));
    rows.push_back(instead(name + "_is_garbage", step, "no unencrypted message",
                           [](line& to) { to.frame(bytes(64, 0x5a)); }));
  }
}

std::vector<scene> all_rows() {
  std::vector<scene> rows;
  add_res_pq(rows);
  add_params(rows);
  add_group(rows);
  add_gen(rows);
  add_each_step(rows);
  return rows;
}

/// The same lies in the exchange of a temporary key, once the permanent one is made.
std::vector<scene> temporary_rows() {
  auto rows = all_rows();
  for (auto& one : rows) {
    one.what.temporary = true;
    one.options = [before = one.options](client_options& o) {
      o.forward_secrecy = true;
      if (before) {
        before(o);
      }
    };
    one.check = [exact = one.lines == 0](const test::server_record& seen) {
      EXPECT_TRUE(exact ? seen.exchanges == 3 : seen.exchanges >= 3) << "the permanent key stays";
    };
  }
  return rows;
}

class wrong_key_exchange : public testing::TestWithParam<scene> {};

TEST_P(wrong_key_exchange, is_left_and_begun_anew) {
  test::play(GetParam());
}

INSTANTIATE_TEST_SUITE_P(permanent, wrong_key_exchange, testing::ValuesIn(all_rows()),
                         test::name_of<scene>);
INSTANTIATE_TEST_SUITE_P(temporary, wrong_key_exchange, testing::ValuesIn(temporary_rows()),
                         test::name_of<scene>);

// What looks odd and is right.

TEST(odd_key_exchange, five_retries_are_made) {
  auto what = row("five_retries", "ready", {.lie = [](lying_server& s) { s.retries = 5; }});
  what.expected = test::reaction::drops; // that is, the connection stays
  what.logged.clear();
  test::play(what);
}

TEST(odd_key_exchange, another_safe_prime_is_proven) {
  auto what = row("another_prime", "", {.lie = [](lying_server& s) {
                    s.prime = protocol::rfc3526_prime();
                    s.g = 2;
                  }});
  what.expected = test::reaction::drops;
  test::play(what);
}

} // namespace
} // namespace cafegram

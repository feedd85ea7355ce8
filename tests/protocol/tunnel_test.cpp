#include <cafegram/protocol/fake_tls.hpp>
#include <cafegram/protocol/tunnel.hpp>

#include <optional>
#include <set>

#include "kit.hpp"

namespace cafegram::protocol {
namespace {

using test::hex;

constexpr auto password = "a-password-that-no-error-shows";

proxy_server proxy_of(proxy_kind kind, bool with_user = false) {
  proxy_server out;
  out.kind = kind;
  out.host = "proxy.example";
  out.port = 1080;
  if (with_user) {
    out.user = "user";
    out.password = password;
  }
  return out;
}

std::unique_ptr<tunnel> make(const proxy_server& proxy,
                             const tunnel_target& target = {"dc.example", 443, {}}) {
  seeded_random random{1};
  auto out = make_tunnel(proxy, target, random, {});
  EXPECT_TRUE(out);
  return out ? *std::move(out) : nullptr;
}

/// One turn: what the client has to have said, and what the proxy answers then.
struct turn {
  bytes said;
  bytes answer;
};

/// The whole talk, each answer in two pieces, cut at `split` octets (if it is that long).
void expect_talk(const proxy_server& proxy, const tunnel_target& target,
                 const std::vector<turn>& turns, std::size_t split) {
  auto way = make(proxy, target);
  auto said = way->opening();
  bool open = false;
  for (const auto& one : turns) {
    ASSERT_EQ(to_hex(said), to_hex(one.said)) << "split at " << split;
    ASSERT_FALSE(open);
    said.clear();
    const auto cut = std::min(split, one.answer.size());
    for (const auto& piece :
         {bytes_view{one.answer}.first(cut), bytes_view{one.answer}.subspan(cut)}) {
      const auto fed = way->feed(piece, said);
      ASSERT_TRUE(fed) << fed.error().what;
      open = *fed;
    }
  }
  EXPECT_TRUE(open);
  EXPECT_TRUE(said.empty());
}

void expect_talk_at_every_split(const proxy_server& proxy, const tunnel_target& target,
                                const std::vector<turn>& turns) {
  for (std::size_t split = 0; split < 100; ++split) {
    expect_talk(proxy, target, turns, split);
  }
}

/// The error that an answer to the first words leads to, if any.
std::optional<error> refusal(const proxy_server& proxy, bytes_view answer) {
  auto way = make(proxy);
  way->opening();
  bytes said;
  const auto fed = way->feed(answer, said);
  if (fed) {
    return std::nullopt;
  }
  EXPECT_EQ(fed.error().code, errc::proxy);
  EXPECT_FALSE(fed.error().what.contains(password));
  return fed.error();
}

bytes text(std::string_view of) {
  return to_bytes(as_bytes(of));
}

TEST(socks5, leads_to_a_name_without_a_password) {
  expect_talk_at_every_split(
      proxy_of(proxy_kind::socks5), {"dc.example", 443, {}},
      {{hex("050100"), hex("0500")},
       {hex("050100030a64632e6578616d706c6501bb"), hex("05000001000000000000")}});
}

TEST(socks5, leads_to_addresses_of_both_families) {
  expect_talk_at_every_split(
      proxy_of(proxy_kind::socks5), {"203.0.113.5", 8443, hex("cb007105")},
      {{hex("050100"), hex("0500")},
       {hex("05010001cb00710520fb"), hex("0500000400112233445566778899aabbccddeeff0001")}});
  expect_talk_at_every_split(
      proxy_of(proxy_kind::socks5), {"2001:db8::7", 80, hex("20010db8000000000000000000000007")},
      {{hex("050100"), hex("0500")},
       {hex("0501000420010db80000000000000000000000070050"), hex("050000030561622e63640001")}});
}

TEST(socks5, logs_in_where_the_proxy_wants_it) {
  const auto log_in = "0104" + to_hex(as_bytes("user")) + "1e" + to_hex(as_bytes(password));
  expect_talk_at_every_split(proxy_of(proxy_kind::socks5, true),
                             {"203.0.113.5", 443, hex("cb007105")},
                             {{hex("05020002"), hex("0502")},
                              {hex(log_in), hex("0100")},
                              {hex("05010001cb00710501bb"), hex("05000001000000000000")}});
  expect_talk_at_every_split(
      proxy_of(proxy_kind::socks5, true), {"203.0.113.5", 443, hex("cb007105")},
      {{hex("05020002"), hex("0500")}, {hex("05010001cb00710501bb"), hex("05000001000000000000")}});
}

TEST(socks5, says_what_the_proxy_did_wrong) {
  const auto plain = proxy_of(proxy_kind::socks5);
  const auto with_user = proxy_of(proxy_kind::socks5, true);
  EXPECT_NE(refusal(plain, hex("05ff"))->what.find("wants a user name"), std::string::npos);
  EXPECT_NE(refusal(with_user, hex("05ff"))->what.find("does not take"), std::string::npos);
  EXPECT_NE(refusal(plain, hex("0502"))->what.find("not offered"), std::string::npos);
  EXPECT_NE(refusal(plain, hex("0501"))->what.find("not offered"), std::string::npos);
  EXPECT_NE(refusal(plain, hex("04"))->what.find("another protocol"), std::string::npos);
  EXPECT_NE(refusal(plain, text("HTTP/1.1 400"))->what.find("another"), std::string::npos);
  EXPECT_NE(refusal(with_user, hex("05020101"))->what.find("did not accept"), std::string::npos);
  EXPECT_NE(refusal(with_user, hex("05020500"))->what.find("log-in"), std::string::npos);
  EXPECT_NE(refusal(plain, hex("050004"))->what.find("reply"), std::string::npos);
  EXPECT_NE(refusal(plain, hex("05000500000200"))->what.find("reply"), std::string::npos);
  EXPECT_NE(refusal(plain, hex("0500050000010000000000000a"))->what.find("before it was asked"),
            std::string::npos);
}

TEST(socks5, each_reply_has_its_words_and_number) {
  const auto plain = proxy_of(proxy_kind::socks5);
  std::set<std::string> seen;
  for (int reply = 1; reply <= 255; ++reply) {
    const auto why = refusal(plain, {bytes{5, 0, 5, static_cast<std::uint8_t>(reply)}});
    ASSERT_TRUE(why);
    EXPECT_EQ(why->number, reply);
    seen.insert(why->what);
  }
  EXPECT_EQ(seen.size(), 9U) << "eight known ones and the rest";
}

TEST(socks5, what_it_cannot_carry_is_refused_before_anything_is_sent) {
  seeded_random random{1};
  const auto code = [&](const proxy_server& proxy, const tunnel_target& target) {
    const auto out = make_tunnel(proxy, target, random, {});
    return out ? errc::none : out.error().code;
  };
  for (const auto kind : {proxy_kind::socks5, proxy_kind::http}) {
    const auto proxy = proxy_of(kind);
    EXPECT_EQ(code(proxy, {"", 443, {}}), errc::bad_argument);
    EXPECT_EQ(code(proxy, {std::string(256, 'a'), 443, {}}), errc::bad_argument);
    EXPECT_EQ(code(proxy, {"a", 0, {}}), errc::bad_argument);
    auto long_password = proxy_of(kind, true);
    long_password.password.resize(256);
    EXPECT_EQ(code(long_password, {"a", 1, {}}), errc::bad_argument);
  }
  EXPECT_EQ(code(proxy_of(proxy_kind::socks5), {"a", 1, bytes(5)}), errc::bad_argument);
  EXPECT_EQ(code(proxy_of(proxy_kind::http), {"a\r\nX: y", 1, {}}), errc::bad_argument);
}

TEST(http_connect, leads_to_names_and_addresses) {
  const auto proxy = proxy_of(proxy_kind::http);
  expect_talk_at_every_split(
      proxy, {"dc.example", 443, {}},
      {{text("CONNECT dc.example:443 HTTP/1.1\r\nHost: dc.example:443\r\n\r\n"),
        text("HTTP/1.1 200 Connection established\r\n\r\n")}});
  expect_talk_at_every_split(
      proxy, {"2001:db8::1", 80, hex("20010db8000000000000000000000001")},
      {{text("CONNECT [2001:db8::1]:80 HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n"),
        text("HTTP/1.0 200\nVia: x\n\n")}});
}

TEST(http_connect, logs_in_by_basic) {
  expect_talk_at_every_split(
      proxy_of(proxy_kind::http, true), {"dc.example", 443, {}},
      {{text("CONNECT dc.example:443 HTTP/1.1\r\nHost: dc.example:443\r\nProxy-Authorization: "
             "Basic " +
             to_base64(as_bytes("user:" + std::string{password})) + "\r\n\r\n"),
        text("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 Fine\r\nContent-Length: 0\r\n\r\n")}});
}

TEST(http_connect, each_other_status_is_an_error_with_its_number) {
  for (int status = 300; status < 600; ++status) {
    const auto why = refusal(proxy_of(proxy_kind::http),
                             text("HTTP/1.1 " + std::to_string(status) + " Because\x07 of\r\n"));
    ASSERT_TRUE(why) << status;
    EXPECT_EQ(why->number, status);
    EXPECT_FALSE(why->what.contains('\x07'));
  }
  EXPECT_NE(refusal(proxy_of(proxy_kind::http), text("HTTP/1.1 407 X\r\n"))->what.find("wants"),
            std::string::npos);
  EXPECT_NE(refusal(proxy_of(proxy_kind::http, true), text("HTTP/1.1 407 X\r\n"))
                ->what.find("did not accept"),
            std::string::npos);
  EXPECT_NE(
      refusal(proxy_of(proxy_kind::http), text("HTTP/1.1 503 no way\r\n"))->what.find("503 no way"),
      std::string::npos);
}

TEST(http_connect, what_is_no_answer_is_refused) {
  const auto proxy = proxy_of(proxy_kind::http);
  for (const auto wrong :
       {"SSH-2.0-x\r\n", "HTTP/2.0 200 OK\r\n", "HTTP/1.1 20\r\n", "HTTP/1.1 2000 OK\r\n",
        "HTTP/1.1 -20 OK\r\n", "HTTP/1.1 099 OK\r\n", "HTTP/1.1  200\r\n", "\r\n", "HTTQ",
        "HTTP/1.1 101 Switching\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nmore"}) {
    EXPECT_TRUE(refusal(proxy, text(wrong))) << wrong;
  }
  EXPECT_FALSE(refusal(proxy, text("HTTP/1")));
}

TEST(http_connect, an_answer_without_an_end_is_bounded) {
  auto way = make(proxy_of(proxy_kind::http));
  way->opening();
  bytes said;
  ASSERT_TRUE(way->feed(text("HTTP/1.1 200 OK\r\n"), said));
  std::size_t taken = 0;
  while (way->feed(text("X-Field: and so on\r\n"), said)) {
    taken += 20;
    ASSERT_LT(taken, 20'000U);
  }
  EXPECT_GT(taken, 8'000U);
}

/// Fake TLS, as an address of a data centre may want it, behind a proxy of another kind.
TEST(tunnels, one_leads_through_another) {
  constexpr wall_time now{std::chrono::seconds{1'750'000'000}};
  const mtproxy_secret secret{.key = {1, 2, 3}, .padded = true, .domain = "example.org"};
  for (std::size_t split = 0; split < 40; ++split) {
    seeded_random random{1};
    auto way =
        through(make(proxy_of(proxy_kind::socks5)), make_fake_tls_tunnel(secret, random, now));
    const auto hear = [&](bytes_view answer) {
      bytes said;
      bool open = false;
      const auto cut = std::min(split, answer.size());
      for (const auto piece : {answer.first(cut), answer.subspan(cut)}) {
        EXPECT_FALSE(open);
        const auto fed = way->feed(piece, said);
        EXPECT_TRUE(fed) << fed.error().what;
        open = fed && *fed;
      }
      return std::pair{said, open};
    };
    EXPECT_EQ(to_hex(way->opening()), "050100");
    EXPECT_EQ(to_hex(hear(hex("0500")).first), "050100030a64632e6578616d706c6501bb");
    const auto [hello, open] = hear(hex("05000001000000000000"));
    EXPECT_FALSE(open) << "the first way alone";
    fake_tls_server server{secret, std::make_shared<seeded_random>(9)};
    const auto proven = server.feed(hello, now);
    ASSERT_TRUE(proven && *proven);
    const auto [nothing, all_open] = hear(server.accept());
    EXPECT_TRUE(nothing.empty());
    EXPECT_TRUE(all_open);
  }
  EXPECT_FALSE(through(nullptr, nullptr));
  EXPECT_EQ(to_hex(through(make(proxy_of(proxy_kind::socks5)), nullptr)->opening()), "050100");
  EXPECT_EQ(to_hex(through(nullptr, make(proxy_of(proxy_kind::socks5)))->opening()), "050100");
}

TEST(tunnels, anything_at_all_ends_or_waits) {
  seeded_random random{test::seed()};
  const std::vector<bytes> answers{hex("050205000100"), hex("05000500000100000000000000"),
                                   text("HTTP/1.1 200 OK\r\nA: b\r\n\r\n"),
                                   hex("160303007a0200007603031403030001011703030010")};
  for (int round = 0; round < 20'000; ++round) {
    auto proxy = proxy_of(static_cast<proxy_kind>(round % 3), round % 2 == 0);
    proxy.secret.domain = "example.org";
    auto way = make(proxy);
    way->opening();
    auto answer = answers[random.next() % answers.size()];
    answer[random.next() % answer.size()] = static_cast<std::uint8_t>(random.next());
    append(answer, test::random_octets(random, random.next() % 40));
    bytes said;
    for (bytes_view rest = answer; !rest.empty();) {
      const auto piece = rest.first(1 + random.next() % rest.size());
      rest = rest.subspan(piece.size());
      const auto fed = way->feed(piece, said);
      if (!fed || *fed) {
        break;
      }
    }
    EXPECT_LT(said.size(), 600U);
  }
}

} // namespace
} // namespace cafegram::protocol

#include <cafegram/protocol/proxy.hpp>

#include "kit.hpp"

namespace cafegram::protocol {
namespace {

constexpr auto plain_hex = "00112233445566778899aabbccddeeff";
const bytes plain_octets = test::hex(plain_hex);

proxy_server must_parse(std::string_view link) {
  auto out = proxy_server::parse(link);
  EXPECT_TRUE(out) << link << ": " << (out ? "" : out.error().what);
  return out.value_or(proxy_server{});
}

std::string problem_of(std::string_view link) {
  const auto out = proxy_server::parse(link);
  EXPECT_FALSE(out) << link;
  if (out) {
    return {};
  }
  EXPECT_EQ(out.error().code, errc::bad_argument);
  return out.error().what;
}

bytes marked(std::uint8_t mark, std::string_view domain = {}) {
  bytes out(1, mark);
  out.reserve(1 + plain_octets.size() + domain.size());
  append(out, plain_octets);
  append(out, as_bytes(domain));
  return out;
}

TEST(proxy_secret, has_three_kinds) {
  const auto plain = mtproxy_secret::parse(plain_hex);
  ASSERT_TRUE(plain);
  EXPECT_EQ(to_hex(plain->key), plain_hex);
  EXPECT_FALSE(plain->padded);
  EXPECT_FALSE(plain->fake_tls());
  const auto padded = mtproxy_secret::parse("dd" + std::string{plain_hex});
  ASSERT_TRUE(padded);
  EXPECT_EQ(padded->key, plain->key);
  EXPECT_TRUE(padded->padded);
  EXPECT_FALSE(padded->fake_tls());
  const auto tls = mtproxy_secret::parse(to_hex(marked(0xee, "example.org")));
  ASSERT_TRUE(tls);
  EXPECT_EQ(tls->key, plain->key);
  EXPECT_TRUE(tls->padded);
  EXPECT_EQ(tls->domain, "example.org");
}

TEST(proxy_secret, comes_as_hexadecimal_or_base64) {
  for (const auto& octets : {plain_octets, marked(0xdd), marked(0xee, "a.example")}) {
    const auto expected = mtproxy_secret::parse(to_hex(octets));
    ASSERT_TRUE(expected);
    for (const auto& text : {to_base64(octets), to_base64url(octets)}) {
      const auto got = mtproxy_secret::parse(text);
      ASSERT_TRUE(got) << text;
      EXPECT_EQ(*got, *expected);
    }
  }
}

TEST(proxy_secret, what_is_none_is_refused_without_being_shown) {
  const std::string hex = plain_hex;
  const std::vector<std::string> bad{
      "",
      hex.substr(2),
      "dd" + hex.substr(2) + "zz",
      "ee" + hex, // no domain
      "aa" + hex, // another mark
      "dd" + hex + "00",
      to_hex(marked(0xee, std::string(183, 'a'))),
      to_hex(marked(0xee, "with space")),
      to_hex(marked(0xee, std::string_view{"zero\0", 5})),
      "not/base64!",
      std::string(5000, 'a'),
  };
  for (const auto& text : bad) {
    const auto got = mtproxy_secret::parse(text);
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().code, errc::bad_argument);
    if (text.size() > 8) {
      EXPECT_FALSE(got.error().what.contains(text.substr(2, 8)));
    }
  }
  EXPECT_TRUE(mtproxy_secret::parse(to_hex(marked(0xee, std::string(182, 'a')))));
}

TEST(proxy_link, of_mtproxy_in_all_its_forms) {
  const std::string query = "server=proxy.example&port=443&secret=dd" + std::string{plain_hex};
  for (const auto beginning : {"tg://proxy?", "tg:proxy?", "TG://proxy?", "https://t.me/proxy?",
                               "http://t.me/proxy?", "t.me/proxy?", "https://telegram.me/proxy?",
                               "https://www.t.me/proxy/?", "telegram.dog/proxy?"}) {
    const auto got = must_parse(beginning + query);
    EXPECT_EQ(got.kind, proxy_kind::mtproxy);
    EXPECT_EQ(got.host, "proxy.example");
    EXPECT_EQ(got.port, 443);
    EXPECT_TRUE(got.secret.padded);
  }
  EXPECT_EQ(to_string(must_parse("tg://proxy?" + query)), "MTProxy proxy.example:443");
}

TEST(proxy_link, of_socks_and_http) {
  const auto bare = must_parse("tg://socks?server=10.0.0.1&port=1080");
  EXPECT_EQ(bare.kind, proxy_kind::socks5);
  EXPECT_EQ(bare.user, "");
  const auto full = must_parse("https://t.me/socks?port=1&server=%5B2001%3Adb8%3A%3A1%5D&user=a%26b"
                               "&pass=%25+x#there");
  EXPECT_EQ(full.host, "2001:db8::1");
  EXPECT_EQ(full.user, "a&b");
  EXPECT_EQ(full.password, "%+x");
  EXPECT_EQ(to_string(full), "SOCKS5 proxy [2001:db8::1]:1");
  EXPECT_EQ(must_parse("tg://http?server=h&port=3128&user=u&pass=p").kind, proxy_kind::http);
}

TEST(proxy_link, as_a_url) {
  const auto socks = must_parse("socks5://user:p%40ss%3Aword@host.example:1080");
  EXPECT_EQ(socks.kind, proxy_kind::socks5);
  EXPECT_EQ(socks.host, "host.example");
  EXPECT_EQ(socks.port, 1080);
  EXPECT_EQ(socks.user, "user");
  EXPECT_EQ(socks.password, "p@ss:word");
  const auto http = must_parse("http://[::1]:8080/");
  EXPECT_EQ(http.kind, proxy_kind::http);
  EXPECT_EQ(http.host, "::1");
  EXPECT_EQ(to_string(http), "HTTP proxy [::1]:8080");
  EXPECT_EQ(must_parse("socks5h://a:1").port, 1);
}

TEST(proxy_link, each_wrong_part_is_named) {
  const std::string secret = plain_hex;
  EXPECT_NE(problem_of("ftp://host:1").find("socks5://HOST:PORT"), std::string::npos);
  EXPECT_NE(problem_of("").find("tg://proxy"), std::string::npos);
  EXPECT_NE(problem_of("tg://resolve?domain=x").find("none to a proxy"), std::string::npos);
  EXPECT_NE(problem_of("tg://proxy?port=1&secret=" + secret).find("host"), std::string::npos);
  for (const auto port : {"", "port=0&", "port=65536&", "port=-1&", "port=1x&", "port=&"}) {
    EXPECT_NE(
        problem_of("tg://proxy?server=h&" + std::string{port} + "secret=" + secret).find("port"),
        std::string::npos);
  }
  EXPECT_NE(problem_of("tg://proxy?server=h&port=1").find("secret"), std::string::npos);
  EXPECT_NE(problem_of("tg://proxy?server=h%2&port=1").find('%'), std::string::npos);
  EXPECT_NE(problem_of("tg://proxy?server=h%zz&port=1").find('%'), std::string::npos);
  EXPECT_NE(problem_of("tg://socks?server=a%20b&port=1").find("host"), std::string::npos);
  EXPECT_NE(problem_of("tg://socks?server=a%0d%0ab&port=1").find("host"), std::string::npos);
  EXPECT_NE(problem_of("tg://socks?server=a&port=1&pass=x").find("user"), std::string::npos);
  EXPECT_NE(problem_of("tg://http?server=a&port=1&user=x%3Ay").find("colon"), std::string::npos);
  EXPECT_NE(problem_of("socks5://host").find("HOST:PORT"), std::string::npos);
  EXPECT_NE(problem_of("socks5://::1:1080").find("[ADDRESS]"), std::string::npos);
  EXPECT_NE(problem_of("socks5://[::1]").find("HOST:PORT"), std::string::npos);
  EXPECT_NE(problem_of("socks5://" + std::string(256, 'u') + "@h:1").find("255"),
            std::string::npos);
  EXPECT_NE(problem_of("tg://proxy?" + std::string(5000, 'x')).find("too long"), std::string::npos);
}

TEST(proxy_link, anything_at_all_ends_in_an_answer) {
  seeded_random random{test::seed()};
  const std::string valid = "tg://proxy?server=h&port=443&secret=ee" + std::string{plain_hex} +
                            "6578616d706c65&user=%41&pass=x";
  for (int round = 0; round < 20'000; ++round) {
    auto text = valid;
    for (int change = 0; change < 1 + round % 4; ++change) {
      text[random.next() % text.size()] = static_cast<char>(random.next());
    }
    text.resize(text.size() - random.next() % 8);
    if (const auto got = proxy_server::parse(text)) {
      EXPECT_TRUE(check(*got));
    } else {
      EXPECT_EQ(got.error().code, errc::bad_argument);
    }
  }
}

} // namespace
} // namespace cafegram::protocol

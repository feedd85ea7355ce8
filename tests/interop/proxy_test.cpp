#include <cafegram/protocol/client_hello.hpp>
#include <cafegram/protocol/fake_tls.hpp>
#include <cafegram/sandbox/server.hpp>

#include "bot_talk.hpp"
#include "foreign_process.hpp"
#include "relay.hpp"
#include "standin.hpp"

namespace cafegram {

namespace {

using namespace std::chrono_literals;
using test::foreign_process;

constexpr auto token = "1000001:a-secret";
constexpr auto password = "a-password-that-no-log-shows";
constexpr auto secret_digits = "00112233445566778899aabbccddeeff";
constexpr auto domain_digits = "6578616d706c652e6f7267"; // example.org

/// A sandbox with an MTProxy port, and clients that come to it in roundabout ways.
struct proxies : testing::Test {
  runtime server_runtime;
  runtime rt;
  std::unique_ptr<sandbox::server> server;
  std::mutex lock;
  std::vector<std::string> told; ///< all that a client has said to people

  void start(const std::string& secret = secret_digits) {
    sandbox::server_options options;
    options.mtproxies = {{.secret = protocol::mtproxy_secret::parse(secret).value()}};
    auto started = sandbox::server::start(server_runtime, options);
    ASSERT_TRUE(started) << to_string(started.error());
    server = *std::move(started);
  }

  client_options options(std::optional<proxy_server> through) {
    client_options out;
    out.api_id = 1;
    out.api_hash = "hash";
    out.dc = dc_override{2, {"127.0.0.1", server->port()}};
    out.rsa_keys_pem = {server->public_key_pem()};
    out.timing.reconnect_min = out.timing.reconnect_max = 100ms;
    out.proxy = std::move(through);
    out.on_progress = [this](std::string_view step, std::string_view detail) {
      const std::lock_guard guard{lock};
      told.push_back(std::string{step} + " " + std::string{detail});
    };
    return out;
  }

  std::string all_told() {
    const std::lock_guard guard{lock};
    std::string out;
    for (const auto& line : told) {
      out += line + '\n';
    }
    return out;
  }

  /// The one port that is left open leads nowhere: only the proxy can have been the way.
  proxy_server mtproxy(const std::string& secret) const {
    return proxy_server::parse("tg://proxy?server=127.0.0.1&port=" +
                               std::to_string(server->mtproxy_ports()[0]) + "&secret=" + secret)
        .value();
  }

  void expect_talk(const client_options& with) {
    auto bot = client::start(rt, with);
    ASSERT_TRUE(bot) << to_string(bot.error());
    const auto who = bot->login_bot(token);
    ASSERT_TRUE(who) << to_string(who.error()) << '\n' << all_told();
    test::update_log log;
    bot->subscribe(log.receiver(rt.system()));
    const auto alice = test::resolve(*bot, "alice");
    ASSERT_TRUE(alice) << to_string(alice.error());
    ASSERT_TRUE(test::send_bold(*bot, *alice, "hello through", 1000));
    EXPECT_TRUE(log.message(0)) << "alice answers";
    bot->stop();
    EXPECT_FALSE(all_told().contains(password));
    EXPECT_FALSE(all_told().contains(secret_digits));
  }

  /// The error that the last attempt to connect ended with.
  std::string refusal(const client_options& with) {
    auto bot = client::start(rt, with);
    EXPECT_TRUE(bot);
    const auto answer = bot->invoke_sync(tl::help::getConfig{}, {.timeout = 2s});
    EXPECT_FALSE(answer);
    const auto status = bot->status();
    bot->stop();
    EXPECT_FALSE(all_told().contains(password));
    EXPECT_FALSE(all_told().contains(secret_digits));
    return status.last_error;
  }
};

std::vector<std::string> microsocks(bool with_password) {
  std::vector<std::string> out{"microsocks", "-i", "127.0.0.1", "-p", "%PORT%"};
  if (with_password) {
    out.insert(out.end(), {"-u", "user", "-P", password});
  }
  return out;
}

proxy_server proxy_at(proxy_kind kind, std::uint16_t port, bool with_password = false) {
  proxy_server out;
  out.kind = kind;
  out.host = "127.0.0.1";
  out.port = port;
  if (with_password) {
    out.user = "user";
    out.password = password;
  }
  return out;
}

/// tinyproxy takes its settings from a file alone.
struct tiny_proxy {
  test::temporary_folder folder;
  std::unique_ptr<foreign_process> process;

  explicit tiny_proxy(const std::string& more) {
    const auto file = folder.file("settings");
    const auto script = "printf 'Listen 127.0.0.1\\nPort %s\\nTimeout 60\\nMaxClients 20\\n" +
                        more + "' %PORT% > " + file + " && exec tinyproxy -d -c " + file;
    process = std::make_unique<foreign_process>(std::vector<std::string>{"sh", "-c", script});
  }
  std::uint16_t port() const { return process->port(); }
};

} // namespace

TEST_F(proxies, a_bot_talks_through_a_socks5_proxy) {
  start();
  const foreign_process proxy{microsocks(false)};
  expect_talk(options(proxy_at(proxy_kind::socks5, proxy.port())));
  EXPECT_TRUE(
      all_told().contains("127.0.0.1:" + std::to_string(server->port()) +
                          " through SOCKS5 proxy 127.0.0.1:" + std::to_string(proxy.port())))
      << all_told();
  EXPECT_NE(proxy.log().find(std::to_string(server->port())), std::string::npos)
      << "it has not been there: " << proxy.log();
}

TEST_F(proxies, a_socks5_proxy_is_given_the_password_and_looks_names_up) {
  start();
  const foreign_process proxy{microsocks(true)};
  auto with = options(proxy_at(proxy_kind::socks5, proxy.port(), true));
  with.dc->address.host = "localhost";
  expect_talk(with);
  EXPECT_NE(proxy.log().find("localhost"), std::string::npos) << proxy.log();
}

TEST_F(proxies, a_wrong_password_for_socks5_is_said_without_showing_it) {
  start();
  const foreign_process proxy{microsocks(true)};
  auto wrong = proxy_at(proxy_kind::socks5, proxy.port(), true);
  wrong.user = "somebody";
  EXPECT_NE(refusal(options(wrong)).find("user name and password"), std::string::npos)
      << all_told();
  EXPECT_NE(refusal(options(proxy_at(proxy_kind::socks5, proxy.port())))
                .find("wants a user name and password"),
            std::string::npos);
}

TEST_F(proxies, what_a_socks5_proxy_cannot_reach_has_its_words) {
  start();
  const foreign_process proxy{microsocks(false)};
  auto with = options(proxy_at(proxy_kind::socks5, proxy.port()));
  with.dc->address.port = test::listener{}.where().port;
  EXPECT_NE(refusal(with).find("was refused by the host"), std::string::npos) << all_told();
}

TEST_F(proxies, a_bot_talks_through_an_http_proxy) {
  start();
  const tiny_proxy proxy{""};
  expect_talk(options(proxy_at(proxy_kind::http, proxy.port())));
}

TEST_F(proxies, an_http_proxy_is_given_the_password) {
  start();
  const tiny_proxy proxy{std::string{"BasicAuth user "} + password + "\\n"};
  expect_talk(options(proxy_at(proxy_kind::http, proxy.port(), true)));
  auto wrong = proxy_at(proxy_kind::http, proxy.port(), true);
  wrong.user = "somebody";
  EXPECT_NE(refusal(options(wrong)).find("proxy"), std::string::npos) << all_told();
}

TEST_F(proxies, a_status_of_an_http_proxy_is_told) {
  start();
  const tiny_proxy proxy{"ConnectPort 1\\n"};
  EXPECT_NE(refusal(options(proxy_at(proxy_kind::http, proxy.port()))).find("403"),
            std::string::npos)
      << all_told();
}

TEST_F(proxies, a_bot_talks_through_each_kind_of_mtproxy) {
  for (const std::string secret : {secret_digits, "dd", "ee"}) {
    SCOPED_TRACE(secret);
    const auto whole = secret == secret_digits ? secret
                       : secret == "dd"        ? secret + secret_digits
                                               : secret + secret_digits + domain_digits;
    start(whole);
    auto with = options(mtproxy(whole));
    with.dc->address.port = test::listener{}.where().port; // not used: the proxy knows the way
    expect_talk(with);
    server->stop();
  }
  EXPECT_TRUE(all_told().contains("dc 2 through MTProxy 127.0.0.1:")) << all_told();
}

TEST_F(proxies, a_plain_secret_takes_every_obfuscated_framing) {
  start();
  for (const auto* transport : {"abridged", "intermediate", "padded", "obfuscated-padded"}) {
    auto with = options(mtproxy(secret_digits));
    with.transport = transport_choice::parse(transport).value();
    auto bot = client::start(rt, with);
    ASSERT_TRUE(bot);
    EXPECT_TRUE(bot->invoke_sync(tl::help::getConfig{})) << transport;
    bot->stop();
  }
  auto full = options(mtproxy(secret_digits));
  full.transport = transport_choice::parse("full").value();
  const auto refused = client::start(rt, full);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::bad_argument);
}

TEST_F(proxies, a_login_lives_on_when_the_line_through_fake_tls_is_cut) {
  const auto secret = std::string{"ee"} + secret_digits + domain_digits;
  start(secret);
  test::relay line{{"127.0.0.1", server->mtproxy_ports()[0]}};
  auto through = mtproxy(secret);
  through.port = line.where().port;
  auto bot = client::start(rt, options(through));
  ASSERT_TRUE(bot);
  ASSERT_TRUE(bot->login_bot(token));
  for (int round = 0; round < 3; ++round) {
    line.cut();
    const auto me = test::get_me(*bot);
    ASSERT_TRUE(me) << to_string(me.error());
    EXPECT_EQ(me->id, 1'000'001);
  }
  EXPECT_GE(bot->status().reconnects, 3U);
}

TEST_F(proxies, another_secret_or_data_centre_does_not_get_through) {
  const auto secret = std::string{"ee"} + secret_digits + domain_digits;
  start(secret);
  auto other_key = mtproxy(secret);
  other_key.secret.key[0] ^= 1;
  EXPECT_NE(refusal(options(other_key)).find("refused the hello"), std::string::npos) << all_told();
  auto other_domain = mtproxy(secret);
  other_domain.secret.domain = "example.com";
  EXPECT_NE(refusal(options(other_domain)).find("refused the hello"), std::string::npos);
  auto no_tls = mtproxy(secret);
  no_tls.secret.domain.clear();
  EXPECT_NE(refusal(options(no_tls)).find("closed"), std::string::npos) << all_told();
  auto elsewhere = options(mtproxy(secret));
  elsewhere.dc->id = 4;
  EXPECT_NE(refusal(elsewhere).find("closed"), std::string::npos);
}

/// A socket to the MTProxy port, and what the port says to `hello`.
struct hello_answer {
  test::plain_socket socket{::socket(AF_INET, SOCK_STREAM, 0)};
  bytes head;

  hello_answer(std::uint16_t port, bytes_view hello) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket.fd(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    socket.write(hello);
    head = socket.read(7);
  }
};

TEST_F(proxies, a_recorded_hello_is_refused) {
  const auto secret = std::string{"ee"} + secret_digits + domain_digits;
  start(secret);
  seeded_random random{1};
  const auto parsed = protocol::mtproxy_secret::parse(secret).value();
  auto hello = protocol::make_client_hello(parsed.domain, random);
  protocol::sign_client_hello(hello, parsed.key, std::chrono::system_clock::now());
  const hello_answer first{server->mtproxy_ports()[0], hello};
  EXPECT_EQ(to_hex(first.head).substr(0, 6), "160303");
  const hello_answer second{server->mtproxy_ports()[0], hello};
  EXPECT_EQ(to_hex(second.head), "15030300020228");
  // Signed long ago, though never seen.
  hello = protocol::make_client_hello(parsed.domain, random);
  protocol::sign_client_hello(hello, parsed.key,
                              std::chrono::system_clock::now() - std::chrono::hours{1});
  const hello_answer old{server->mtproxy_ports()[0], hello};
  EXPECT_EQ(to_hex(old.head), "15030300020228");
  // A web client.
  const hello_answer web{server->mtproxy_ports()[0], as_bytes("GET / HTTP/1.1\r\n\r\n")};
  EXPECT_TRUE(web.head.empty());
}

TEST_F(proxies, a_proxy_that_says_nothing_is_given_up_at_the_deadline) {
  start();
  const test::listener silent;
  for (const auto kind : {proxy_kind::socks5, proxy_kind::http}) {
    auto with = options(proxy_at(kind, silent.where().port));
    with.timing.connect_timeout = 200ms;
    EXPECT_NE(refusal(with).find("no answer within 200 ms"), std::string::npos) << all_told();
  }
}

TEST(standin_secret, whole_day_through_its_secret) {
  CAFEGRAM_NEEDS_SHARED();
  test::standin server{{"--secret", secret_digits}};
  runtime rt;
  client_options options;
  options.api_id = 1;
  options.api_hash = "00000000000000000000000000000000";
  options.dc = dc_override{2, server.where()};
  options.rsa_keys_pem = {server.public_key()};
  proxy_server through;
  through.kind = proxy_kind::mtproxy;
  through.host = server.where().host;
  through.port = server.where().port;
  through.secret = protocol::mtproxy_secret::parse(secret_digits).value();
  options.proxy = through;
  auto bot = client::start(rt, options);
  ASSERT_TRUE(bot) << to_string(bot.error());
  const auto who = bot->login_bot("4242:a-secret-that-no-log-shows");
  ASSERT_TRUE(who) << to_string(who.error());
  test::update_log log;
  bot->subscribe(log.receiver(rt.system()));
  const auto alice = test::resolve(*bot, "alice");
  ASSERT_TRUE(alice) << to_string(alice.error());
  ASSERT_TRUE(test::send_bold(*bot, *alice, "hello", 1));
  EXPECT_EQ(log.message(0), "echo: hello");
  bot->stop();
  EXPECT_EQ(server.count("VIOLATION"), 0U) << server.log();
}

} // namespace cafegram

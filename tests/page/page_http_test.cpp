#include <cafegram/sandbox/http.hpp>
#include <cafegram/sandbox/page_json.hpp>
#include <cafegram/tests/watchdog.hpp>

#include <gtest/gtest.h>
#include <httplib.h>

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <future>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "page_fake.hpp"

namespace cafegram::sandbox {

namespace {

using namespace std::chrono_literals;

/// A socket to the server, for what a well-behaved client would never send.
class raw_socket {
public:
  explicit raw_socket(std::uint16_t port)
    : fd_{socket(AF_INET, SOCK_STREAM, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }
  ~raw_socket() { close(fd_); }
  raw_socket(const raw_socket&) = delete;
  raw_socket& operator=(const raw_socket&) = delete;

  /// False once the other side has closed.
  bool send(std::string_view data) const {
    while (!data.empty()) {
      const auto sent = ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        return false;
      }
      data.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  int fd() const { return fd_; }

  /// Reads until `mark` has come, or to the end.
  std::string read_to(std::string_view mark = "\1no such thing\1") const {
    std::string out;
    std::array<char, 4096> buffer{};
    while (out.find(mark) == std::string::npos) {
      const auto got = recv(fd_, buffer.data(), buffer.size(), 0);
      if (got <= 0) {
        break;
      }
      out.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return out;
  }

private:
  int fd_;
};

struct page_http_test : testing::Test {
  std::shared_ptr<page_feed> feed = std::make_shared<page_feed>(3);
  test::page_fake fake{feed, wall_time{1'750'000'000s}, true};
  std::unique_ptr<http_server> server = start();
  httplib::Client client{"127.0.0.1", server->port()};

  std::unique_ptr<http_server> start() {
    auto out = http_server::start({}, fake, feed);
    EXPECT_TRUE(out);
    return *std::move(out);
  }
  std::string host() const { return "127.0.0.1:" + std::to_string(server->port()); }
  int status(const httplib::Result& result) {
    EXPECT_TRUE(result) << to_string(result.error());
    return result ? result->status : 0;
  }
};

} // namespace

TEST_F(page_http_test, gives_the_page_with_a_strict_policy) {
  const auto page = client.Get("/");
  ASSERT_EQ(status(page), 200);
  EXPECT_EQ(page->get_header_value("Content-Type"), "text/html; charset=utf-8");
  const auto policy = page->get_header_value("Content-Security-Policy");
  EXPECT_NE(policy.find("default-src 'none'"), std::string::npos);
  EXPECT_NE(policy.find("frame-ancestors 'none'"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(page->get_header_value("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(page->body.find("<script>"), std::string::npos);
  EXPECT_EQ(page->body.find("style=\""), std::string::npos);
  EXPECT_EQ(page->body.find("https://"), std::string::npos);
}

TEST_F(page_http_test, assets_are_asked_for_again_only_when_they_change) {
  const auto script = client.Get("/app.js");
  ASSERT_EQ(status(script), 200);
  EXPECT_EQ(script->get_header_value("Content-Type"), "text/javascript; charset=utf-8");
  const auto again = client.Get("/app.js", {{"If-None-Match", script->get_header_value("ETag")}});
  EXPECT_EQ(status(again), 304);
  EXPECT_TRUE(again->body.empty());
  const auto head = client.Head("/app.js");
  EXPECT_EQ(status(head), 200);
  EXPECT_EQ(status(client.Get("/../page_model.hpp")), 404);
  EXPECT_EQ(status(client.Get("/nothing.js")), 404);
}

TEST_F(page_http_test, refuses_foreign_hosts_origins_and_methods) {
  EXPECT_EQ(status(client.Get("/api/state")), 200);
  EXPECT_EQ(status(client.Get("/api/state", {{"Host", "example.org"}})), 403);
  EXPECT_EQ(status(client.Get("/api/state", {{"Origin", "http://example.org"}})), 403);
  EXPECT_EQ(status(client.Post("/api/users", {{"Origin", "http://example.org"}},
                               R"({"name":"Eve"})", "application/json")),
            403);
  EXPECT_EQ(status(client.Put("/api/users", "{}", "application/json")), 405);
  EXPECT_EQ(status(client.Delete("/api/users")), 405);
  EXPECT_EQ(status(client.Options("/api/users")), 405);
  const auto get = client.Get("/api/users");
  EXPECT_EQ(status(get), 405);
  EXPECT_EQ(get->get_header_value("Allow"), "POST");
  EXPECT_EQ(status(client.Post("/api/state", "{}", "application/json")), 405);
  EXPECT_EQ(status(client.Post("/api/users", R"({"name":"Eve"})", "text/plain")), 415);
  EXPECT_EQ(fake.state()->users.size(), 4u);
}

TEST_F(page_http_test, takes_a_post_of_our_own_page) {
  const auto made = client.Post("/api/users", {{"Origin", "http://" + host()}},
                                R"({"name":"Grace"})", "application/json");
  ASSERT_EQ(status(made), 201);
  EXPECT_EQ(page_json::parse(made->body)["name"], "Grace");
}

TEST_F(page_http_test, a_body_that_is_too_big_is_refused_and_answered) {
  const auto body = R"({"name":")" + std::string(200'000, 'x') + R"("})";
  const auto out = client.Post("/api/users", body, "application/json");
  ASSERT_EQ(status(out), 413);
  EXPECT_NE(out->body.find("65536"), std::string::npos);
}

TEST_F(page_http_test, refuses_bodies_in_disguise) {
  const auto ask = [this](const std::string& headers, const std::string& body) {
    const raw_socket wire{server->port()};
    wire.send("POST /api/users HTTP/1.1\r\nHost: " + host() +
              "\r\nContent-Type: application/json\r\n" + headers + "\r\n" + body);
    return wire.read_to().substr(0, 12);
  };
  EXPECT_EQ(ask("Transfer-Encoding: chunked\r\n", "5\r\n{}   \r\n0\r\n\r\n"), "HTTP/1.1 415");
  EXPECT_EQ(ask("Content-Encoding: gzip\r\nContent-Length: 2\r\n", "{}"), "HTTP/1.1 415");
  EXPECT_EQ(ask("", ""), "HTTP/1.1 411");
  EXPECT_EQ(ask("Content-Length: 2\r\n", "{}"), "HTTP/1.1 400");
}

TEST_F(page_http_test, survives_what_is_not_http) {
  const std::vector<std::string> inputs{
      "\r\n\r\n",
      std::string(100, '\0'),
      "GET\r\n\r\n",
      "GET / HTTP/9.9\r\n\r\n",
      "BREW /coffee HTTP/1.1\r\n\r\n",
      "GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: " + host() + "\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: " + host() + "\r\nRange: bytes=" + std::string(8'000, '1') +
          "\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: " + host() + "\r\nRange: bytes=5-1,-,9999999999999999999-\r\n\r\n",
      "GET /%00%ff%2e%2e HTTP/1.1\r\nHost: " + host() + "\r\n\r\n",
      "POST /api/send HTTP/1.1\r\nHost: " + host() +
          "\r\nContent-Type: multipart/form-data; boundary=" + std::string(4'000, '-') + "\r\n\r\n",
  };
  for (const auto& input : inputs) {
    const raw_socket wire{server->port()};
    wire.send(input);
    shutdown(wire.fd(), SHUT_WR);
    const auto out = wire.read_to();
    EXPECT_TRUE(out.empty() || out.starts_with("HTTP/1.1 ")) << input.substr(0, 60);
  }
  EXPECT_EQ(status(client.Get("/api/state")), 200);
}

TEST_F(page_http_test, headers_without_end_are_cut_off) {
  const raw_socket wire{server->port()};
  wire.send("GET / HTTP/1.1\r\n");
  const std::string line = "X-More: " + std::string(1'000, 'x') + "\r\n";
  // Far more than what the buffers of both sockets hold.
  constexpr std::size_t plenty = 64'000'000;
  std::size_t sent = 0;
  while (sent < plenty && wire.send(line)) {
    sent += line.size();
  }
  EXPECT_LT(sent, plenty);
}

TEST_F(page_http_test, serves_others_while_slow_clients_dawdle) {
  std::vector<std::unique_ptr<raw_socket>> slow;
  for (int i = 0; i < 10; ++i) {
    slow.push_back(std::make_unique<raw_socket>(server->port()));
    slow.back()->send("GET / HT");
  }
  EXPECT_EQ(status(client.Get("/api/state")), 200);
}

TEST_F(page_http_test, streams_events) {
  const raw_socket wire{server->port()};
  wire.send("GET /api/events HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
  const auto head = wire.read_to("data: {}\n\n\r\n");
  EXPECT_NE(head.find("text/event-stream"), std::string::npos);
  EXPECT_NE(head.find("no-store"), std::string::npos);
  const auto sent =
      client.Post("/api/send", R"({"as":5001,"to":7001,"text":"hello"})", "application/json");
  EXPECT_EQ(status(sent), 200);
  const auto events = wire.read_to("Echo: hello");
  EXPECT_NE(events.find(R"(data: {"type":"message","owner":5001,"peer":7001)"), std::string::npos);
  EXPECT_NE(events.find(R"("type":"typing")"), std::string::npos);
}

TEST_F(page_http_test, has_room_for_so_many_streams_and_frees_what_is_left) {
  const std::string ask = "GET /api/events HTTP/1.1\r\nHost: " + host() + "\r\n\r\n";
  {
    std::vector<std::unique_ptr<raw_socket>> open;
    for (int i = 0; i < 3; ++i) {
      open.push_back(std::make_unique<raw_socket>(server->port()));
      open.back()->send(ask);
      EXPECT_NE(open.back()->read_to("event: open").find(" 200 "), std::string::npos);
    }
    EXPECT_EQ(status(client.Get("/api/events")), 503);
    EXPECT_EQ(status(client.Get("/api/state")), 200);
  }
  // The streams notice on their next write that nobody is there.
  EXPECT_TRUE(test::comes_true([this] {
    feed->publish(page_events::typing{1, 2, true});
    return feed->readers() == 0;
  }));
}

TEST_F(page_http_test, stops_at_once_with_a_stream_open) {
  // Many times, for the stop has to meet the stream at any point of its loop.
  for (int round = 0; round < 40; ++round) {
    const raw_socket wire{server->port()};
    wire.send("GET /api/events HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
    wire.read_to("data: {}\n\n\r\n");
    auto end_of_stream = std::async(std::launch::async, [&wire] { return wire.read_to(); });
    server.reset();
    ASSERT_EQ(end_of_stream.get(), "0\r\n\r\n") << "its end, and no sign of life before it";
    EXPECT_EQ(feed->readers(), 0u);
    server = start();
  }
  EXPECT_EQ(status(httplib::Client{"127.0.0.1", server->port()}.Get("/api/state")), 200);
}

TEST_F(page_http_test, a_busy_port_is_said_to_be_busy) {
  const auto second = http_server::start({.host = "127.0.0.1", .port = server->port()}, fake, feed);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::network);
  EXPECT_EQ(second.error().number, EADDRINUSE);
  EXPECT_NE(second.error().what.find(std::to_string(server->port())), std::string::npos);
}

TEST_F(page_http_test, listens_on_loopback_only) {
  for (const char* name : {"0.0.0.0", "192.168.0.1", "example.org", "", "::"}) {
    const auto out = http_server::start({.host = name, .port = 0}, fake, feed);
    ASSERT_FALSE(out) << name;
    EXPECT_EQ(out.error().code, errc::bad_argument);
  }
  EXPECT_EQ(server->url(), "http://" + host() + "/");
}

} // namespace cafegram::sandbox

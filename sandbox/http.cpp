#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/http.hpp>
#include <cafegram/sandbox/http_gate.hpp>
#include <cafegram/sandbox/native.hpp>
#include <cafegram/sandbox/page_api.hpp>
#include <cafegram/sandbox/page_assets.hpp>

#include <fmt/format.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace cafegram::sandbox {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t threads = 20; ///< more than the feed has readers: each holds one
constexpr std::size_t queue = 32;
constexpr int backlog = 64;
constexpr auto request_deadline = 10s;
constexpr auto heartbeat = 15s;
constexpr auto farewell = 1s;    ///< what event streams have to end by themselves
constexpr auto look_around = 1s; ///< how often an event stream looks whether its reader lives
constexpr std::size_t drain_limit = std::size_t{256} * 1024;
constexpr const char* json_type = "application/json; charset=utf-8";

const httplib::Headers page_headers{
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

void give(httplib::Response& out, const api_answer& answer) {
  out.status = answer.status;
  out.set_header("Cache-Control", "no-store");
  out.set_content(answer.body, json_type);
}

void give_asset(const httplib::Request& in, httplib::Response& out, const page_asset& asset) {
  out.set_header("ETag", std::string{asset.etag});
  out.set_header("Cache-Control", "no-cache");
  if (in.get_header_value("If-None-Match") == asset.etag) {
    out.status = 304;
    return;
  }
  out.status = 200;
  out.set_content(asset.body.data(), asset.body.size(), std::string{asset.type});
}

http_head head_of(const httplib::Request& in) {
  http_head out{.method = in.method,
                .path = in.path,
                .hosts = {},
                .origin = in.get_header_value("Origin"),
                .fetch_site = in.get_header_value("Sec-Fetch-Site"),
                .fetch_mode = in.get_header_value("Sec-Fetch-Mode"),
                .content_type = in.get_header_value("Content-Type"),
                .content_length = in.get_header_value("Content-Length"),
                .encoded = in.has_header("Transfer-Encoding") || in.has_header("Content-Encoding")};
  for (std::size_t i = 0; i < in.get_header_value_count("Host"); ++i) {
    out.hosts.push_back(in.get_header_value("Host", i));
  }
  return out;
}

/// Lets the other side finish what it is sending: closing at once would throw our answer away.
void close_gently(int socket) {
  shutdown(socket, SHUT_WR);
  http_stream rest{socket, std::chrono::steady_clock::now() + 500ms};
  std::array<char, 4096> buffer{};
  std::size_t total = 0;
  for (ssize_t got = 1; got > 0 && total < drain_limit; total += static_cast<std::size_t>(got)) {
    got = rest.read(buffer.data(), buffer.size());
    if (got < 0) {
      break;
    }
  }
  close(socket);
}

/// One request per connection: nothing idles in a thread, and what a refused request still sends
/// is never taken for the next one.
class one_shot_server final : public httplib::Server {
public:
  /// httplib asks for a backlog of five; the sixth of a browser's sockets would wait a second.
  void widen_backlog() { ::listen(svr_sock_, backlog); }

private:
  bool process_and_close_socket(socket_t socket) override {
    bool done = false;
    try {
      http_stream stream{socket, std::chrono::steady_clock::now() + request_deadline};
      bool closed = false;
      done = process_request(stream, true, closed, nullptr);
    } catch (const std::exception& e) {
      log::warn("sandbox.http", "a request was given up: {}", e.what());
    }
    close_gently(socket);
    return done;
  }
};

} // namespace

struct http_server::state {
  state(page_model& m, std::shared_ptr<page_feed> f)
    : model{m}
    , feed{std::move(f)} {}
  ~state() { stop(); }

  void wire();
  result<void> listen(const http_options& options);
  void stop();
  httplib::Server::HandlerResponse before_body(const httplib::Request& in, httplib::Response& out);
  void get(const httplib::Request& in, httplib::Response& out);
  void stream_events(httplib::Response& out);
  bool write_events(page_feed::reader& reader, httplib::DataSink& sink) const;

  page_model& model;
  std::shared_ptr<page_feed> feed;
  std::string host;
  std::uint16_t port = 0;
  std::atomic<bool> stopping{false};
  std::atomic<bool> ended{false};
  one_shot_server server;
  std::thread acceptor;
};

void http_server::state::wire() {
  server.new_task_queue = [] { return new http_workers{threads, queue}; };
  server.set_socket_options([](socket_t socket) {
    // Not SO_REUSEPORT, httplib's own choice: it would let two sandboxes share a busy port.
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  });
  server.set_tcp_nodelay(true);
  server.set_default_headers(page_headers);
  server.set_payload_max_length(http_body_limit);
  server.set_pre_routing_handler(
      [this](const httplib::Request& in, httplib::Response& out) { return before_body(in, out); });
  server.Post(".*", [this](const httplib::Request& in, httplib::Response& out) {
    give(out, api_post(model, in.path, in.body));
  });
  server.set_exception_handler(
      [](const httplib::Request& in, httplib::Response& out, const std::exception_ptr&) {
        log::warn("sandbox.http", "{} {} threw", in.method, in.path);
        give(out, api_error(500, "internal", "the sandbox could not answer; see its log"));
      });
  server.set_error_handler([](const httplib::Request&, httplib::Response& out) {
    if (out.body.empty() && out.status != 304) {
      give(out, api_error(out.status, "http", "this request cannot be understood"));
    }
  });
}

httplib::Server::HandlerResponse http_server::state::before_body(const httplib::Request& in,
                                                                 httplib::Response& out) {
  using enum httplib::Server::HandlerResponse;
  if (auto refusal = check_head(head_of(in), port)) {
    give(out, api_error(refusal->status, "refused", refusal->what));
    return Handled;
  }
  const bool events = in.path == "/api/events";
  const bool readable = events || verb_of(in.path) == api_verb::get || find_asset(in.path);
  const bool post = in.method == "POST";
  if (!readable && verb_of(in.path) == api_verb::none) {
    give(out, api_error(404, "not_found", "there is nothing here"));
  } else if (post == readable) {
    out.set_header("Allow", post ? "GET, HEAD" : "POST");
    give(out, api_error(405, "refused", post ? "this can only be read" : "this takes a POST"));
  } else if (post) {
    return Unhandled;
  } else {
    get(in, out);
  }
  return Handled;
}

void http_server::state::get(const httplib::Request& in, httplib::Response& out) {
  if (in.path == "/api/events") {
    if (in.method == "HEAD") {
      give(out, api_error(405, "refused", "a stream of events takes a GET"));
    } else {
      stream_events(out);
    }
  } else if (const auto* asset = find_asset(in.path)) {
    give_asset(in, out, *asset);
  } else {
    give(out, api_get(model, in.path, in.params));
  }
}

void http_server::state::stream_events(httplib::Response& out) {
  auto reader = stopping ? fail(errc::cancelled, "the sandbox is stopping") : feed->subscribe();
  if (!reader) {
    give(out, api_error(503, to_string(reader.error().code), reader.error().what));
    return;
  }
  out.status = 200;
  out.set_header("Cache-Control", "no-store");
  auto shared = std::shared_ptr<page_feed::reader>{*std::move(reader)};
  out.set_chunked_content_provider(
      "text/event-stream", [this, shared](std::size_t offset, httplib::DataSink& sink) {
        constexpr std::string_view hello = "retry: 1000\nevent: open\ndata: {}\n\n";
        return offset == 0 ? sink.write(hello.data(), hello.size()) : write_events(*shared, sink);
      });
}

/// Waits for events and writes them all at once, or a comment where there were none for long.
/// False: the reader is gone.
bool http_server::state::write_events(page_feed::reader& reader, httplib::DataSink& sink) const {
  const auto until = std::chrono::steady_clock::now() + heartbeat;
  while (!stopping) {
    std::string out;
    for (const auto& event : reader.take(look_around)) {
      out += "data: " + dump(to_json(event)) + "\n\n";
    }
    if (out.empty() && std::chrono::steady_clock::now() >= until) {
      out = ":\n\n";
    }
    if (!out.empty()) {
      return sink.write(out.data(), out.size());
    }
    if (!sink.is_writable()) {
      return false;
    }
  }
  sink.done();
  return true;
}

result<void> http_server::state::listen(const http_options& options) {
  if (!is_loopback(options.host)) {
    return fail(errc::bad_argument,
                fmt::format("the page listens on loopback only, not on `{}`: use 127.0.0.1, and "
                            "`ssh -L` from another machine",
                            options.host));
  }
  host = options.host == "localhost" ? "127.0.0.1" : options.host;
  errno = 0;
  const int bound = options.port == 0                         ? server.bind_to_any_port(host)
                    : server.bind_to_port(host, options.port) ? options.port
                                                              : -1;
  if (bound <= 0) {
    const int reason = errno;
    return fail(errc::network,
                fmt::format("cannot listen on {}:{} for the page: {}", host, options.port,
                            reason != 0 ? std::strerror(reason) : "unknown reason"),
                reason);
  }
  port = static_cast<std::uint16_t>(bound);
  server.widen_backlog();
  acceptor = std::thread{[this] {
    server.listen_after_bind();
    ended = true;
  }};
  // A stop before the loop has begun would be lost, and the join would then wait for ever.
  while (!server.is_running() && !ended) {
    std::this_thread::yield();
  }
  return {};
}

void http_server::state::stop() {
  stopping = true;
  feed->wake();
  // Told to stop, httplib breaks a stream off wherever it is; before that, each ends itself whole.
  feed->wait_until_left(farewell);
  server.stop();
  if (acceptor.joinable()) {
    acceptor.join();
  }
}

result<std::unique_ptr<http_server>> http_server::start(const http_options& options,
                                                        page_model& model,
                                                        std::shared_ptr<page_feed> feed) {
  auto made = std::make_unique<state>(model, std::move(feed));
  made->wire();
  if (auto listening = made->listen(options); !listening) {
    return std::unexpected(listening.error());
  }
  return std::unique_ptr<http_server>{new http_server{std::move(made)}};
}

http_server::http_server(std::unique_ptr<state> s)
  : state_{std::move(s)} {}

http_server::~http_server() = default;

std::uint16_t http_server::port() const {
  return state_->port;
}

std::string http_server::url() const {
  const bool v6 = state_->host.find(':') != std::string::npos;
  return fmt::format("http://{}:{}/", v6 ? "[" + state_->host + "]" : state_->host, state_->port);
}

} // namespace cafegram::sandbox

#pragma once

#include <cafegram/base/error.hpp>
#include <cafegram/sandbox/page_feed.hpp>
#include <cafegram/sandbox/page_model.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace cafegram::sandbox {

/// Where the page listens.
struct http_options {
  std::string host = "127.0.0.1"; ///< a loopback address or `localhost`; nothing else is accepted
  std::uint16_t port = 0;         ///< 0: any free one
};

/// The sandbox's page over HTTP, in threads of its own: a fixed number, each request with a
/// deadline and bounds on all that it may bring. See docs/sandbox_page.md for the interface.
class http_server {
public:
  /// Listens and serves. `model` must outlive the server. Errors: `bad_argument` for a host that is
  /// not loopback, `network` for an address that cannot be had (`number` is EADDRINUSE for a busy
  /// port).
  static result<std::unique_ptr<http_server>> start(const http_options& options, page_model& model,
                                                    std::shared_ptr<page_feed> feed);

  /// Stops: no new connection, open pages are let go, all threads joined.
  ~http_server();
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  std::uint16_t port() const;

  /// `http://127.0.0.1:8080/`
  std::string url() const;

private:
  struct state;
  explicit http_server(std::unique_ptr<state> s);

  std::unique_ptr<state> state_;
};

} // namespace cafegram::sandbox

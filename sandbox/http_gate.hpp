#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Who may talk to the page at all: decided from a request's head, before its body is read.
namespace cafegram::sandbox {

/// What of a request's head the decision needs. Absent headers are empty.
struct http_head {
  std::string method;
  std::string path;
  std::vector<std::string> hosts; ///< every `Host` header; exactly one is right
  std::string origin;
  std::string fetch_site; ///< `Sec-Fetch-Site`
  std::string fetch_mode; ///< `Sec-Fetch-Mode`
  std::string content_type;
  std::string content_length;
  bool encoded = false; ///< has `Transfer-Encoding` or `Content-Encoding`
};

/// A status and a sentence for the person who sees it.
struct http_refusal {
  int status = 400;
  std::string what;
};

/// A body may have this many octets: 4,096 characters with 100 entities fit several times.
inline constexpr std::size_t http_body_limit = std::size_t{64} * 1024;

/// Refuses what could come from another site's page: a foreign `Host` (DNS rebinding), a foreign
/// `Origin`, a body that an HTML form could send; and what the page never needs. `port` is ours.
std::optional<http_refusal> check_head(const http_head& head, std::uint16_t port);

/// True for `localhost`, an address of 127.0.0.0/8, `::1` (also in brackets).
bool is_loopback(std::string_view host);

} // namespace cafegram::sandbox

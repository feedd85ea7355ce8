#include <cafegram/sandbox/http_gate.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

namespace cafegram::sandbox {

namespace {

constexpr std::size_t path_limit = 256;

std::string lower(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c;
  });
  return out;
}

/// `name:port` with our port and a loopback name. Port 80 is left out by browsers.
bool is_ours(std::string_view host, std::uint16_t port) {
  const std::string suffix = fmt::format(":{}", port);
  if (host.ends_with(suffix)) {
    host.remove_suffix(suffix.size());
  } else if (port != 80) {
    return false;
  }
  return is_loopback(host);
}

std::optional<http_refusal> check_sender(const http_head& head, std::uint16_t port) {
  if (head.hosts.size() != 1 || !is_ours(head.hosts.front(), port)) {
    return http_refusal{
        403, fmt::format("this page answers only as localhost:{0} or 127.0.0.1:{0}; from another "
                         "machine use `ssh -L {0}:127.0.0.1:{0}`",
                         port)};
  }
  if (!head.origin.empty() && lower(head.origin) != "http://" + lower(head.hosts.front())) {
    return http_refusal{403, "another site's page may not talk to the sandbox"};
  }
  const bool own =
      head.fetch_site.empty() || head.fetch_site == "same-origin" || head.fetch_site == "none";
  // Following a link to the page is fine; fetching, framing or embedding it is not.
  const bool visit = head.method == "GET" && head.path == "/" && head.fetch_mode == "navigate";
  if (!own && !visit) {
    return http_refusal{403, "another site's page may not talk to the sandbox"};
  }
  return std::nullopt;
}

std::optional<http_refusal> check_body(const http_head& head) {
  std::string_view type = head.content_type;
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) {
    type.remove_suffix(1);
  }
  if (head.encoded) {
    return http_refusal{415, "send the body as it is, with its length"};
  }
  if (lower(type) != "application/json") {
    return http_refusal{415, "the content type must be application/json"};
  }
  std::uint64_t length = 0;
  const auto* end = head.content_length.data() + head.content_length.size();
  const auto [stop, problem] = std::from_chars(head.content_length.data(), end, length);
  if (head.content_length.empty() || stop != end || problem == std::errc::invalid_argument) {
    return http_refusal{411, "the request must say how long its body is"};
  }
  if (problem != std::errc{} || length > http_body_limit) {
    return http_refusal{413, fmt::format("a body may have {} octets", http_body_limit)};
  }
  return std::nullopt;
}

} // namespace

bool is_loopback(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    return host == "::1";
  }
  if (lower(host) == "localhost" || host == "::1") {
    return true;
  }
  in_addr address{};
  return inet_pton(AF_INET, std::string{host}.c_str(), &address) == 1 &&
         (ntohl(address.s_addr) >> 24) == 127;
}

std::optional<http_refusal> check_head(const http_head& head, std::uint16_t port) {
  if (auto refusal = check_sender(head, port)) {
    return refusal;
  }
  if (head.path.size() > path_limit) {
    return http_refusal{414, "no path of the page is that long"};
  }
  if (head.method == "POST") {
    return check_body(head);
  }
  if (head.method != "GET" && head.method != "HEAD") {
    return http_refusal{405, "only GET, HEAD and POST are understood"};
  }
  // A body here would be taken for the next request by some software on the way.
  if (head.encoded || (!head.content_length.empty() && head.content_length != "0")) {
    return http_refusal{400, "a GET has no body"};
  }
  return std::nullopt;
}

} // namespace cafegram::sandbox

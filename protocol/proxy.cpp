#include <cafegram/protocol/proxy.hpp>

#include <algorithm>
#include <charconv>
#include <map>

namespace cafegram::protocol {
namespace {

constexpr std::size_t longest_host = 255;
constexpr std::size_t max_credential = 255; // RFC 1929: one octet of length
constexpr std::size_t max_link = 4096;

std::unexpected<error> wrong(std::string what) {
  return fail(errc::bad_argument, std::move(what));
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Takes `word` off the front, in any case of letters.
bool skip(std::string_view& text, std::string_view word) {
  if (text.size() < word.size() ||
      !std::ranges::equal(text.substr(0, word.size()), word,
                          [](char a, char b) { return lower(a) == b; })) {
    return false;
  }
  text.remove_prefix(word.size());
  return true;
}

/// No spaces, no control characters: what stands in a header or in a name must not end it.
bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::optional<int> digit(char c) {
  int out = 0;
  const auto [end, problem] = std::from_chars(&c, &c + 1, out, 16);
  return problem == std::errc{} && end == &c + 1 ? std::optional{out} : std::nullopt;
}

result<std::string> decode_percent(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto high = i + 2 < text.size() ? digit(text[i + 1]) : std::nullopt;
    const auto low = i + 2 < text.size() ? digit(text[i + 2]) : std::nullopt;
    if (!high || !low) {
      return wrong("a % in the proxy's link is not followed by two hexadecimal digits");
    }
    out += static_cast<char>(*high * 16 + *low);
    i += 2;
  }
  return out;
}

result<std::uint16_t> read_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto* begin = text.data();
  const auto* end = begin + text.size();
  const auto [stop, problem] = std::from_chars(begin, end, port);
  if (text.empty() || problem != std::errc{} || stop != end || port == 0) {
    return wrong("the proxy's port is not a number from 1 to 65535");
  }
  return port;
}

std::string without_brackets(std::string host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return host.substr(1, host.size() - 2);
  }
  return host;
}

/// The fields behind the `?`; of a repeated one the first counts.
result<std::map<std::string, std::string, std::less<>>> read_query(std::string_view query) {
  std::map<std::string, std::string, std::less<>> out;
  while (!query.empty()) {
    const auto field = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(field.size() + 1, query.size()));
    const auto equals = field.find('=');
    if (equals == std::string_view::npos) {
      continue;
    }
    auto value = decode_percent(field.substr(equals + 1));
    if (!value) {
      return std::unexpected(std::move(value.error()));
    }
    out.try_emplace(std::string{field.substr(0, equals)}, *std::move(value));
  }
  return out;
}

result<proxy_server> checked(proxy_server made) {
  if (auto good = check(made); !good) {
    return std::unexpected(std::move(good.error()));
  }
  return made;
}

/// `proxy?server=...`, with what stood before already taken off.
result<proxy_server> parse_link(std::string_view text) {
  const auto mark = text.find('?');
  auto path = text.substr(0, mark);
  if (path.ends_with('/')) {
    path.remove_suffix(1);
  }
  proxy_server out;
  if (path == "proxy") {
    out.kind = proxy_kind::mtproxy;
  } else if (path == "http") {
    out.kind = proxy_kind::http;
  } else if (path != "socks") {
    return wrong("the link is none to a proxy: those are called proxy, socks or http");
  }
  const auto query = mark == std::string_view::npos ? std::string_view{} : text.substr(mark + 1);
  auto fields = read_query(query.substr(0, query.find('#')));
  if (!fields) {
    return std::unexpected(std::move(fields.error()));
  }
  auto& given = *fields;
  const auto port = read_port(given["port"]);
  if (!port) {
    return std::unexpected(port.error());
  }
  out.host = without_brackets(std::move(given["server"]));
  out.port = *port;
  if (out.kind != proxy_kind::mtproxy) {
    out.user = std::move(given["user"]);
    out.password = std::move(given["pass"]);
    return checked(std::move(out));
  }
  auto secret = mtproxy_secret::parse(given["secret"]);
  if (!secret) {
    return std::unexpected(std::move(secret.error()));
  }
  out.secret = *std::move(secret);
  return checked(std::move(out));
}

/// `[USER[:PASSWORD]@]HOST:PORT[/]`.
result<proxy_server> parse_authority(proxy_kind kind, std::string_view text) {
  proxy_server out;
  out.kind = kind;
  if (text.ends_with('/')) {
    text.remove_suffix(1);
  }
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    const auto who = text.substr(0, at);
    const auto colon = who.find(':');
    auto user = decode_percent(who.substr(0, colon));
    auto password = decode_percent(colon == std::string_view::npos ? std::string_view{}
                                                                   : who.substr(colon + 1));
    if (!user || !password) {
      return std::unexpected(user ? password.error() : user.error());
    }
    out.user = *std::move(user);
    out.password = *std::move(password);
    text.remove_prefix(at + 1);
  }
  const auto colon = text.rfind(':');
  const bool bare_v6 =
      colon != std::string_view::npos && !text.starts_with('[') && text.find(':') != colon;
  if (colon == std::string_view::npos || bare_v6 || text.ends_with(']')) {
    return wrong("the proxy's address is not HOST:PORT (of version 6: [ADDRESS]:PORT)");
  }
  const auto port = read_port(text.substr(colon + 1));
  if (!port) {
    return std::unexpected(port.error());
  }
  out.host = without_brackets(std::string{text.substr(0, colon)});
  out.port = *port;
  return checked(std::move(out));
}

/// True behind the host of a link to Telegram; takes it off.
bool skip_telegram(std::string_view& text) {
  auto rest = text;
  skip(rest, "https://") || skip(rest, "http://");
  skip(rest, "www.");
  for (const auto host : {"t.me/", "telegram.me/", "telegram.dog/"}) {
    if (skip(rest, host)) {
      text = rest;
      return true;
    }
  }
  return false;
}

result<bytes> decode_secret(std::string_view text) {
  if (auto digits = from_hex(text)) {
    return *std::move(digits);
  }
  if (auto letters = from_base64(text)) {
    return *std::move(letters);
  }
  return wrong("the proxy's secret is neither hexadecimal nor base64");
}

} // namespace

result<mtproxy_secret> mtproxy_secret::parse(std::string_view text) {
  if (text.empty()) {
    return wrong("the proxy's secret is missing");
  }
  if (text.size() > max_link) {
    return wrong("the proxy's secret is too long");
  }
  const auto octets = decode_secret(text);
  if (!octets) {
    return std::unexpected(octets.error());
  }
  return from(*octets);
}

result<mtproxy_secret> mtproxy_secret::from(bytes_view octets) {
  mtproxy_secret out;
  auto rest = octets;
  constexpr auto size = std::tuple_size_v<proxy_secret>;
  if (rest.size() < size) {
    return wrong("the proxy's secret is too short: it has 16 octets at least");
  }
  if (rest.size() > size) {
    const auto mark = rest[0];
    rest = rest.subspan(1);
    out.padded = mark == 0xdd || mark == 0xee;
    out.domain = as_text(rest.subspan(size));
    const bool has_domain = !out.domain.empty();
    if (!out.padded || has_domain != (mark == 0xee)) {
      return wrong("the proxy's secret is of no known kind: 16 octets, 17 that begin with dd, or "
                   "ee with 16 more and a domain");
    }
    if (out.domain.size() > max_fake_domain || !is_plain(out.domain)) {
      return wrong("the domain in the proxy's secret is none");
    }
  }
  std::copy_n(rest.begin(), size, out.key.begin());
  return out;
}

result<proxy_server> proxy_server::parse(std::string_view link) {
  if (link.size() > max_link) {
    return wrong("the proxy's link is too long");
  }
  if (skip(link, "tg:")) {
    skip(link, "//");
    return parse_link(link);
  }
  if (skip_telegram(link)) {
    return parse_link(link);
  }
  if (skip(link, "socks5://") || skip(link, "socks5h://")) {
    return parse_authority(proxy_kind::socks5, link);
  }
  if (skip(link, "http://")) {
    return parse_authority(proxy_kind::http, link);
  }
  return wrong("a proxy is given as tg://proxy?..., tg://socks?..., https://t.me/proxy?..., "
               "https://t.me/socks?..., socks5://HOST:PORT or http://HOST:PORT");
}

result<void> check(const proxy_server& proxy) {
  if (proxy.host.empty() || proxy.host.size() > longest_host || !is_plain(proxy.host)) {
    return wrong("the proxy's host is missing or no name");
  }
  if (proxy.port == 0) {
    return wrong("the proxy's port is missing");
  }
  if (proxy.user.size() > max_credential || proxy.password.size() > max_credential) {
    return wrong("the proxy's user name or password is longer than 255 octets");
  }
  if (proxy.user.empty() && !proxy.password.empty()) {
    return wrong("the proxy's password comes without a user name");
  }
  if (proxy.kind == proxy_kind::http && proxy.user.contains(':')) {
    return wrong("the proxy's user name has a colon in it, which HTTP has no way to send");
  }
  if (proxy.secret.domain.size() > max_fake_domain || !is_plain(proxy.secret.domain)) {
    return wrong("the domain in the proxy's secret is none");
  }
  return {};
}

std::string to_string(const proxy_server& proxy) {
  const bool v6 = proxy.host.contains(':');
  const auto* kind = proxy.kind == proxy_kind::mtproxy  ? "MTProxy"
                     : proxy.kind == proxy_kind::socks5 ? "SOCKS5 proxy"
                                                        : "HTTP proxy";
  return std::string{kind} + " " + (v6 ? "[" + proxy.host + "]" : proxy.host) + ":" +
         std::to_string(proxy.port);
}

} // namespace cafegram::protocol

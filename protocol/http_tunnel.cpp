#include <cafegram/protocol/tunnel.hpp>

#include <algorithm>
#include <charconv>

namespace cafegram::protocol {
namespace {

constexpr std::size_t max_head = 16U << 10;
constexpr std::size_t max_host = 255;
constexpr std::size_t max_reason = 60;
constexpr std::string_view line_end = "\r\n";

std::unexpected<error> http_broken(std::string what, std::int64_t number = 0) {
  return fail(errc::proxy, "the HTTP proxy " + std::move(what), number);
}

/// The proxy's words, for a person: short, printable.
std::string tidy(std::string_view text) {
  std::string out{text.substr(0, max_reason)};
  std::ranges::replace_if(out, [](char c) { return c < 0x20 || c >= 0x7f; }, '?');
  return out;
}

struct status_line {
  int code = 0;
  std::string_view reason;
};

/// `HTTP/1.1 200 Connection established`.
std::optional<status_line> read_status(std::string_view line) {
  if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ' ||
      (line.size() > 12 && line[12] != ' ')) {
    return std::nullopt;
  }
  status_line out;
  const auto digits = line.substr(9, 3);
  const auto [end, problem] =
      std::from_chars(digits.data(), digits.data() + digits.size(), out.code);
  if (problem != std::errc{} || end != digits.data() + digits.size() || out.code < 100) {
    return std::nullopt;
  }
  out.reason = line.substr(std::min<std::size_t>(13, line.size()));
  return out;
}

class http_tunnel final : public tunnel {
public:
  http_tunnel(const proxy_server& proxy, const tunnel_target& target)
    : has_user_{!proxy.user.empty()} {
    const bool v6 = target.host.contains(':');
    const auto authority =
        (v6 ? "[" + target.host + "]" : target.host) + ":" + std::to_string(target.port);
    request_ = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
    if (has_user_) {
      request_ += "Proxy-Authorization: Basic " +
                  to_base64(as_bytes(proxy.user + ":" + proxy.password)) + "\r\n";
    }
    request_ += line_end;
  }

  bytes opening() override { return to_bytes(as_bytes(request_)); }

  result<bool> feed(bytes_view data, bytes&) override {
    // Nothing but the bound keeps a proxy from sending for ever.
    if (head_.size() + data.size() > max_head) {
      return http_broken("has an answer without an end");
    }
    head_ += as_text(data);
    while (!open_) {
      const auto line = take_line();
      if (!line && !could_be_status()) {
        return http_broken("speaks another protocol");
      }
      if (!line) {
        break;
      }
      if (auto good = take(*line); !good) {
        return std::unexpected(std::move(good.error()));
      }
    }
    if (open_ && at_ < head_.size()) {
      return http_broken("sent something before it was asked");
    }
    return open_;
  }

private:
  /// The next whole line without its end; the final one may miss its carriage return.
  std::optional<std::string_view> take_line() {
    const auto end = head_.find('\n', std::max(at_, searched_));
    if (end == std::string::npos) {
      searched_ = head_.size();
      return std::nullopt;
    }
    auto line = std::string_view{head_}.substr(at_, end - at_);
    at_ = end + 1;
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    return line;
  }

  /// Not to wait for the end of a line that cannot be one.
  bool could_be_status() const {
    constexpr std::string_view beginning = "HTTP/1.";
    const auto seen = std::string_view{head_}.substr(at_, beginning.size());
    return status_ != 0 || beginning.starts_with(seen);
  }

  result<void> take(std::string_view line) {
    if (status_ == 0) {
      return take_status(line);
    }
    if (!line.empty()) {
      return {};
    }
    // An interim answer is followed by another one.
    open_ = status_ >= 200;
    status_ = 0;
    return {};
  }

  result<void> take_status(std::string_view line) {
    const auto status = read_status(line);
    if (!status) {
      return http_broken("speaks another protocol");
    }
    if (status->code == 407) {
      return http_broken(has_user_ ? "did not accept the user name and password"
                                   : "wants a user name and password",
                         status->code);
    }
    if (status->code >= 300 || status->code == 101) {
      return http_broken("answered " + std::to_string(status->code) + " " + tidy(status->reason),
                         status->code);
    }
    status_ = status->code;
    return {};
  }

  std::string request_;
  bool has_user_;
  std::string head_;
  std::size_t at_ = 0;       ///< lines before are done with
  std::size_t searched_ = 0; ///< no line ends before
  int status_ = 0;           ///< of the answer whose fields are being read
  bool open_ = false;
};

} // namespace

result<std::unique_ptr<tunnel>> make_http_tunnel(const proxy_server& proxy,
                                                 const tunnel_target& target) {
  if (auto good = check(proxy); !good) {
    return std::unexpected(std::move(good.error()));
  }
  const bool plain = std::ranges::all_of(target.host, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!plain || target.host.empty() || target.host.size() > max_host || target.port == 0) {
    return fail(errc::bad_argument, "an HTTP proxy cannot be told this address");
  }
  return std::make_unique<http_tunnel>(proxy, target);
}

} // namespace cafegram::protocol

#include <cafegram/crypto/hash.hpp>
#include <cafegram/crypto/x25519.hpp>
#include <cafegram/protocol/fake_tls.hpp>
#include <cafegram/protocol/tunnel.hpp>

#include <algorithm>
#include <utility>

namespace cafegram::protocol {
namespace {

constexpr std::size_t record_header = 5;
constexpr std::size_t max_hello = 4096;
constexpr std::size_t max_server_hello = 4096;
constexpr std::size_t max_certificate = (16U << 10) + 256;
constexpr std::uint8_t change_cipher_spec[] = {0x14, 3, 3, 0, 1, 1};
constexpr std::uint8_t handshake_failure[] = {0x15, 3, 3, 0, 2, 2, 40};
constexpr std::size_t time_at = hello_random_size - 4;

std::int64_t unix_seconds(wall_time at) {
  return std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
}

std::size_t record_size(bytes_view record) {
  return record_header + (static_cast<std::size_t>(record[3]) << 8 | record[4]);
}

mutable_bytes_view random_of(bytes& record) {
  return mutable_bytes_view{record}.subspan(hello_random_at, hello_random_size);
}

/// What `random` has to be, before the time is in it.
hello_random proof(const proxy_secret& secret, bytes_view before, bytes record) {
  std::ranges::fill(random_of(record), 0);
  bytes all = to_bytes(before);
  append(all, record);
  return crypto::hmac_sha256(secret, all);
}

std::unexpected<error> tls_broken(std::string what) {
  return fail(errc::proxy, "the MTProxy " + std::move(what));
}

class fake_tls_client final : public tunnel {
public:
  fake_tls_client(const mtproxy_secret& secret, random_source& random, wall_time now)
    : secret_{secret.key}
    , hello_{make_client_hello(secret.domain, random)} {
    sign_client_hello(hello_, secret_, now);
    std::ranges::copy(random_of(hello_), random_.begin());
  }

  bytes opening() override { return std::exchange(hello_, {}); }

  result<bool> feed(bytes_view data, bytes&) override {
    if (open_) {
      return data.empty() ? result<bool>{true} : spoke_early();
    }
    // Bounded by the checks below: no record is waited for that is longer than it may be.
    append(reply_, data);
    const auto end = find_end();
    if (!end) {
      return std::unexpected(end.error());
    }
    if (*end == 0) {
      return false;
    }
    if (reply_.size() > *end) {
      return spoke_early();
    }
    if (!crypto::constant_time_equal(proof(secret_, random_, reply_), random_of(reply_))) {
      return tls_broken(
          "did not prove that it knows the secret: the secret is wrong, or the clock of "
          "this machine");
    }
    reply_ = {};
    open_ = true;
    return true;
  }

private:
  static result<bool> spoke_early() { return tls_broken("sent something before it was asked"); }

  /// Where the reply ends; 0 while more is needed. Three records: ServerHello, ChangeCipherSpec,
  /// application data.
  result<std::size_t> find_end() const {
    static constexpr std::uint8_t beginning[] = {0x16, 3, 3};
    static constexpr std::uint8_t middle[] = {0x14, 3, 3, 0, 1, 1, 0x17, 3, 3};
    const bytes_view all{reply_};
    if (!begins(all, beginning)) {
      const bool is_alert = all[0] == 0x15;
      return tls_broken(is_alert
                            ? "refused the hello: the secret is wrong, or the clock of this machine"
                            : "speaks no TLS: its secret does not begin with ee");
    }
    if (all.size() < record_header) {
      return std::size_t{0};
    }
    const auto first = record_size(all);
    if (first < hello_random_at + hello_random_size || first > max_server_hello) {
      return tls_broken("broke the protocol in its ServerHello");
    }
    if (all.size() <= first) {
      return std::size_t{0};
    }
    const auto rest = all.subspan(first);
    if (!begins(rest, middle)) {
      return tls_broken("broke the protocol behind its ServerHello: it may be a web server");
    }
    constexpr auto header = sizeof(middle) + 2;
    if (rest.size() < header) {
      return std::size_t{0};
    }
    const auto last = record_size(rest.subspan(sizeof(change_cipher_spec)));
    if (last > record_header + max_certificate) {
      return tls_broken("broke the protocol behind its ServerHello: a record is too long");
    }
    const auto end = first + sizeof(change_cipher_spec) + last;
    return all.size() < end ? std::size_t{0} : end;
  }

  /// True while `data` may become something that begins so.
  static bool begins(bytes_view data, bytes_view with) {
    const auto common = std::min(data.size(), with.size());
    return std::ranges::equal(data.first(common), with.first(common));
  }

  proxy_secret secret_;
  bytes hello_;
  hello_random random_{};
  bytes reply_;
  bool open_ = false;
};

} // namespace

void sign_client_hello(bytes& hello, const proxy_secret& secret, wall_time now) {
  auto random = proof(secret, {}, hello);
  const auto seconds = static_cast<std::uint32_t>(unix_seconds(now));
  for (std::size_t i = 0; i < 4; ++i) {
    random[time_at + i] ^= static_cast<std::uint8_t>(seconds >> (8 * i));
  }
  std::ranges::copy(random, random_of(hello).begin());
}

std::unique_ptr<tunnel> make_fake_tls_tunnel(const mtproxy_secret& secret, random_source& random,
                                             wall_time now) {
  return std::make_unique<fake_tls_client>(secret, random, now);
}

result<std::optional<proven_hello>> fake_tls_server::feed(bytes_view data, wall_time now) {
  append(hello_, data.first(std::min(data.size(), max_hello + 1 - hello_.size())));
  static constexpr std::uint8_t beginning[] = {0x16, 3, 1};
  const auto common = std::min(hello_.size(), sizeof(beginning));
  if (!std::equal(beginning, beginning + common, hello_.begin())) {
    return fail(errc::protocol_violation, "the client speaks no TLS");
  }
  if (hello_.size() < record_header) {
    return std::nullopt;
  }
  const auto size = record_size(hello_);
  if (size > max_hello || hello_.size() > size) {
    return fail(errc::protocol_violation, "the client's hello is too long");
  }
  if (hello_.size() < size) {
    return std::nullopt;
  }
  return judge(now);
}

result<std::optional<proven_hello>> fake_tls_server::judge(wall_time now) {
  const auto hello = read_client_hello(hello_);
  if (!hello) {
    return fail(errc::protocol_violation, hello.error().what);
  }
  auto expected = proof(secret_.key, {}, hello_);
  proven_hello out;
  std::ranges::copy(hello->random, out.random.begin());
  if (!crypto::constant_time_equal(bytes_view{expected}.first(time_at),
                                   bytes_view{out.random}.first(time_at))) {
    return fail(errc::protocol_violation, "the client does not know the secret");
  }
  std::uint32_t seconds = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    seconds |= static_cast<std::uint32_t>(expected[time_at + i] ^ out.random[time_at + i])
               << (8 * i);
  }
  out.unix_time = seconds;
  const auto age = unix_seconds(now) - out.unix_time;
  if (age > hello_may_be_older.count() || age < -hello_may_be_newer.count()) {
    return fail(errc::protocol_violation, "the client's clock is too far off", age);
  }
  if (hello->domain != secret_.domain) {
    return fail(errc::protocol_violation, "the client asks for another domain");
  }
  return out;
}

bytes fake_tls_server::accept() {
  const auto hello = read_client_hello(hello_);
  if (!hello) {
    return {};
  }
  hello_random private_key;
  random_->fill(private_key);
  const auto id = hello->session_id;
  const auto total = 4 + 2 + hello_random_size + 1 + id.size() + 3 + 2 + 40 + 6;
  bytes out{0x16,
            3,
            3,
            0,
            static_cast<std::uint8_t>(total),
            2,
            0,
            0,
            static_cast<std::uint8_t>(total - 4),
            3,
            3};
  out.resize(out.size() + hello_random_size);
  out.push_back(static_cast<std::uint8_t>(id.size()));
  append(out, id);
  append(out, bytes{static_cast<std::uint8_t>(hello->cipher >> 8),
                    static_cast<std::uint8_t>(hello->cipher), 0, 0, 46});
  append(out, bytes{0, 0x33, 0, 36, 0, 0x1d, 0, 32});
  append(out, crypto::x25519_public(private_key));
  append(out, bytes{0, 0x2b, 0, 2, 3, 4});
  append(out, change_cipher_spec);
  bytes certificate(1024 + random_->integer<std::uint16_t>() % 3072);
  random_->fill(certificate);
  append(out, bytes{0x17, 3, 3, static_cast<std::uint8_t>(certificate.size() >> 8),
                    static_cast<std::uint8_t>(certificate.size())});
  append(out, certificate);
  std::ranges::copy(proof(secret_.key, hello->random, out), random_of(out).begin());
  hello_ = {};
  return out;
}

bytes fake_tls_server::refusal() const {
  return !hello_.empty() && hello_[0] == 0x16 ? to_bytes(handshake_failure) : bytes{};
}

} // namespace cafegram::protocol

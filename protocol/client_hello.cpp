#include <cafegram/crypto/x25519.hpp>
#include <cafegram/protocol/client_hello.hpp>

#include <algorithm>
#include <array>
#include <vector>

namespace cafegram::protocol {
namespace {

/// The usual length: a hello between 256 and 511 octets is padded to 512 (RFC 7685).
constexpr std::size_t padded_size = 517;
constexpr std::size_t extension_header = 4;

constexpr std::uint16_t extension_server_name = 0x0000;
constexpr std::uint16_t extension_padding = 0x0015;

void put_u8(bytes& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value));
}

void put_u16(bytes& out, std::size_t value) {
  put_u8(out, value >> 8);
  put_u8(out, value);
}

/// What `fill` appends, behind its length in `width` octets.
template <class Fill>
void put_sized(bytes& out, int width, Fill fill) {
  const auto at = out.size();
  out.resize(at + static_cast<std::size_t>(width));
  fill(out);
  auto size = out.size() - at - static_cast<std::size_t>(width);
  for (int i = width; i-- > 0; size >>= 8) {
    out[at + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(size);
  }
}

bytes make_extension(std::uint16_t type, bytes_view content) {
  bytes out;
  out.reserve(extension_header + content.size());
  put_u16(out, type);
  put_u16(out, content.size());
  append(out, content);
  return out;
}

/// Values that no standard uses: servers have to ignore them. RFC 8701.
class grease {
public:
  explicit grease(random_source& random) {
    random.fill(high_);
    // The two extensions must differ, or there would be one twice.
    if (((high_[extension_first] ^ high_[extension_last]) & 0xf0) == 0) {
      high_[extension_last] ^= 0x10;
    }
  }
  enum place : std::uint8_t { cipher, group, version, extension_first, extension_last };
  std::uint16_t at(place where) const {
    return static_cast<std::uint16_t>(((high_[where] & 0xf0) | 0x0a) * 0x101);
  }

private:
  std::array<std::uint8_t, 5> high_{};
};

bytes server_name(std::string_view domain) {
  bytes out;
  put_sized(out, 2, [&](bytes& list) {
    put_u8(list, 0); // host_name
    put_sized(list, 2, [&](bytes& name) { append(name, as_bytes(domain)); });
  });
  return out;
}

bytes supported_groups(const grease& fakes) {
  bytes out;
  put_sized(out, 2, [&](bytes& list) {
    for (const std::uint16_t group : {fakes.at(grease::group), std::uint16_t{0x001d},
                                      std::uint16_t{0x0017}, std::uint16_t{0x0018}}) {
      put_u16(list, group);
    }
  });
  return out;
}

bytes key_share(const grease& fakes, random_source& random) {
  std::array<std::uint8_t, 32> private_key;
  random.fill(private_key);
  bytes out;
  put_sized(out, 2, [&](bytes& shares) {
    put_u16(shares, fakes.at(grease::group));
    put_sized(shares, 2, [](bytes& key) { put_u8(key, 0); });
    put_u16(shares, 0x001d);
    put_sized(shares, 2, [&](bytes& key) { append(key, crypto::x25519_public(private_key)); });
  });
  return out;
}

bytes supported_versions(const grease& fakes) {
  bytes out;
  put_sized(out, 1, [&](bytes& list) {
    for (const std::uint16_t version :
         {fakes.at(grease::version), std::uint16_t{0x0304}, std::uint16_t{0x0303}}) {
      put_u16(list, version);
    }
  });
  return out;
}

/// All but the padding. Browsers of today put them into another order each time.
std::vector<bytes> extensions(std::string_view domain, const grease& fakes, random_source& random) {
  constexpr std::uint8_t alpn[] = {0, 12, 2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  constexpr std::uint8_t status_request[] = {1, 0, 0, 0, 0};
  constexpr std::uint8_t signatures[] = {0,    16,   0x04, 0x03, 0x08, 0x04, 0x04, 0x01, 0x05,
                                         0x03, 0x08, 0x05, 0x05, 0x01, 0x08, 0x06, 0x06, 0x01};
  constexpr std::uint8_t point_formats[] = {1, 0};
  constexpr std::uint8_t key_exchange_modes[] = {1, 1};
  constexpr std::uint8_t compression[] = {2, 0, 2};
  constexpr std::uint8_t renegotiation[] = {0};
  std::vector<bytes> out{
      make_extension(extension_server_name, server_name(domain)),
      make_extension(0x0017, {}), // extended_main_secret
      make_extension(0xff01, renegotiation),
      make_extension(0x000a, supported_groups(fakes)),
      make_extension(0x000b, point_formats),
      make_extension(0x0023, {}), // session_ticket
      make_extension(0x0010, alpn),
      make_extension(0x0005, status_request),
      make_extension(0x000d, signatures),
      make_extension(0x0012, {}), // signed_certificate_timestamp
      make_extension(0x0033, key_share(fakes, random)),
      make_extension(0x002d, key_exchange_modes),
      make_extension(0x002b, supported_versions(fakes)),
      make_extension(0x001b, compression),
  };
  for (auto left = out.size(); left > 1; --left) {
    std::swap(out[left - 1], out[random.integer<std::uint32_t>() % left]);
  }
  out.insert(out.begin(), make_extension(fakes.at(grease::extension_first), {}));
  constexpr std::uint8_t zero[] = {0};
  out.push_back(make_extension(fakes.at(grease::extension_last), zero));
  return out;
}

void put_ciphers(bytes& out, const grease& fakes) {
  put_sized(out, 2, [&](bytes& list) {
    put_u16(list, fakes.at(grease::cipher));
    for (const int cipher : {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8,
                             0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035}) {
      put_u16(list, static_cast<std::size_t>(cipher));
    }
  });
}

/// Up to the end of the record, which begins with `out`.
void put_extensions(bytes& out, const std::vector<bytes>& all) {
  put_sized(out, 2, [&](bytes& to) {
    for (const auto& one : all) {
      append(to, one);
    }
    const auto size = to.size() + extension_header;
    if (size <= padded_size) {
      append(to, make_extension(extension_padding, bytes(padded_size - size)));
    }
  });
}

/// Takes octets off the front; once too many were asked for, everything is empty.
class cursor {
public:
  explicit cursor(bytes_view data)
    : rest_{data} {}

  bytes_view take(std::size_t count) {
    if (count > rest_.size()) {
      good_ = false;
      rest_ = {};
      return {};
    }
    const auto out = rest_.first(count);
    rest_ = rest_.subspan(count);
    return out;
  }
  std::size_t number(std::size_t width) {
    std::size_t out = 0;
    for (const auto octet : take(width)) {
      out = out << 8 | octet;
    }
    return out;
  }
  bytes_view sized(std::size_t width) { return take(number(width)); }
  bool good() const { return good_; }
  bool empty() const { return rest_.empty(); }

private:
  bytes_view rest_;
  bool good_ = true;
};

std::unexpected<error> not_a_hello(std::string_view why) {
  return fail(errc::malformed, "no ClientHello: " + std::string{why});
}

std::uint16_t first_cipher(bytes_view list) {
  for (cursor ciphers{list}; !ciphers.empty() && ciphers.good();) {
    const auto one = ciphers.number(2);
    if (one >= 0x1301 && one <= 0x1303) {
      return static_cast<std::uint16_t>(one);
    }
  }
  return 0;
}

/// The host name of a `server_name` extension.
std::string_view read_domain(bytes_view extension) {
  cursor names{cursor{extension}.sized(2)};
  if (names.number(1) != 0) {
    return {};
  }
  return as_text(names.sized(2));
}

} // namespace

bytes make_client_hello(std::string_view domain, random_source& random) {
  const grease fakes{random};
  std::array<std::uint8_t, 32> session_id;
  random.fill(session_id);
  const auto all = extensions(domain, fakes, random);
  bytes out{0x16, 3, 1};
  put_sized(out, 2, [&](bytes& record) {
    put_u8(record, 1); // client_hello
    put_sized(record, 3, [&](bytes& hello) {
      put_u16(hello, 0x0303);
      hello.resize(hello.size() + hello_random_size);
      put_sized(hello, 1, [&](bytes& id) { append(id, session_id); });
      put_ciphers(hello, fakes);
      put_sized(hello, 1, [](bytes& methods) { put_u8(methods, 0); });
      put_extensions(hello, all);
    });
  });
  return out;
}

result<client_hello> read_client_hello(bytes_view record) {
  cursor outer{record};
  const auto type = outer.number(1);
  const auto version = outer.number(2);
  cursor handshake{outer.sized(2)};
  if (type != 0x16 || version >> 8 != 3 || !outer.good() || !outer.empty()) {
    return not_a_hello("the record is of another kind");
  }
  const auto message = handshake.number(1);
  cursor hello{handshake.sized(3)};
  if (message != 1 || !handshake.good() || !handshake.empty()) {
    return not_a_hello("the record holds something else");
  }
  hello.take(2);
  const auto random = hello.take(hello_random_size);
  const auto session_id = hello.sized(1);
  const auto cipher = first_cipher(hello.sized(2));
  hello.sized(1); // compression methods
  cursor all{hello.sized(2)};
  if (!hello.good() || session_id.size() > 32) {
    return not_a_hello("it is cut off");
  }
  if (cipher == 0) {
    return not_a_hello("no cipher of TLS 1.3 is offered");
  }
  client_hello out{random.first<hello_random_size>(), session_id, cipher, {}};
  while (!all.empty() && all.good()) {
    const auto kind = all.number(2);
    const auto content = all.sized(2);
    if (kind == extension_server_name && all.good()) {
      out.domain = read_domain(content);
    }
  }
  if (!all.good()) {
    return not_a_hello("an extension is cut off");
  }
  return out;
}

} // namespace cafegram::protocol

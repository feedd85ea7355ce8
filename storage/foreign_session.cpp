#include <cafegram/storage/foreign_session.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <utility>

namespace cafegram::storage {

namespace {

constexpr std::size_t key_size = 256;
constexpr std::array<std::string_view, 4> format_names{"telethon", "gramjs", "pyrogram", "mtcute"};
constexpr std::uint32_t bool_true = 0x997275b5;
constexpr std::uint32_t bool_false = 0xbc799737;

// Flags of mtcute's strings, and of the data centres in them.
constexpr std::int32_t has_user = 1;
constexpr std::int32_t test_of_before = 2;
constexpr std::int32_t has_media = 4;
constexpr std::uint8_t dc_ipv6 = 1;
constexpr std::uint8_t dc_test = 4;

/// Reads from the front; once there is too little it stays at that.
class reader {
public:
  explicit reader(bytes_view data)
    : data_{data} {}

  bytes_view take(std::size_t count) {
    if (short_ || data_.size() - at_ < count) {
      short_ = true;
      return {};
    }
    at_ += count;
    return data_.subspan(at_ - count, count);
  }
  std::uint64_t big(std::size_t size) {
    std::uint64_t out = 0;
    for (const auto octet : take(size)) {
      out = out << 8 | octet;
    }
    return out;
  }
  std::uint64_t little(std::size_t size) {
    std::uint64_t out = 0;
    const auto octets = take(size);
    for (std::size_t i = 0; i < octets.size(); ++i) {
      out |= static_cast<std::uint64_t>(octets[i]) << (8 * i);
    }
    return out;
  }
  /// TL's `bytes`.
  bytes_view tl() {
    const auto begin = at_;
    auto length = little(1);
    if (length == 254) {
      length = little(3);
    }
    const auto out = take(length);
    take((4 - (at_ - begin) % 4) % 4);
    return out;
  }
  bool is_short() const { return short_; }
  bool at_end() const { return !short_ && at_ == data_.size(); }
  std::unexpected<error> failure(std::string what) const {
    return fail(errc::malformed, std::move(what), static_cast<std::int64_t>(at_));
  }

private:
  bytes_view data_;
  std::size_t at_ = 0;
  bool short_ = false;
};

/// Octets of the string to come; wiped, for the key is among them.
class writer {
public:
  writer& raw(bytes_view data) {
    out_.insert(out_.end(), data.begin(), data.end());
    return *this;
  }
  writer& big(std::uint64_t value, std::size_t size) {
    for (auto left = size; left > 0; --left) {
      out_.push_back(static_cast<std::uint8_t>(value >> (8 * (left - 1))));
    }
    return *this;
  }
  writer& little(std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      out_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
    return *this;
  }
  writer& tl(bytes_view data) {
    const auto begin = out_.size();
    if (data.size() < 254) {
      little(data.size(), 1);
    } else {
      little(254, 1).little(data.size(), 3);
    }
    raw(data);
    return little(0, (4 - (out_.size() - begin) % 4) % 4);
  }
  bytes_view view() const { return out_; }

private:
  blob out_;
};

shared_secret key_of(bytes_view octets) {
  return std::make_shared<const crypto::secret>(octets);
}

/// The octets of a string, without the version before them.
result<blob> octets_of(std::string_view text, session_format format) {
  if (format == session_format::telethon || format == session_format::gramjs) {
    if (!text.starts_with('1')) {
      return fail(errc::malformed, "the string is not of version 1", 0);
    }
    text.remove_prefix(1);
  }
  auto octets = from_base64(text);
  if (!octets) {
    return fail(errc::malformed, "the string is not base64: " + std::string{octets.error().problem},
                static_cast<std::int64_t>(octets.error().offset));
  }
  auto out = to_blob(*octets);
  crypto::wipe(*octets);
  return out;
}

crypto::secret text_of(std::string before, std::string text) {
  before += text;
  crypto::secret out{as_bytes(before)};
  for (auto* one : {&before, &text}) {
    crypto::wipe(*one);
  }
  return out;
}

std::string address_text(bytes_view octets) {
  std::array<char, INET6_ADDRSTRLEN> out{};
  ::inet_ntop(octets.size() == 4 ? AF_INET : AF_INET6, octets.data(), out.data(), out.size());
  return out.data();
}

/// 4 or 16 octets; none for what is no address.
std::optional<bytes> address_octets(const std::string& host) {
  bytes out(16);
  if (::inet_pton(AF_INET, host.c_str(), out.data()) == 1) {
    out.resize(4);
    return out;
  }
  return ::inet_pton(AF_INET6, host.c_str(), out.data()) == 1 ? std::optional{out} : std::nullopt;
}

dc_address address_of(std::string host, std::uint64_t port) {
  dc_address out;
  out.ipv6 = host.find(':') != std::string::npos;
  out.host = std::move(host);
  out.port = static_cast<std::uint16_t>(port);
  return out;
}

/// What all formats have to have in the end.
result<foreign_session> finish(foreign_session out, const reader& from, bytes_view key) {
  if (!from.at_end() || key.size() != key_size) {
    return from.failure("the string is too short, or longer than its format has it");
  }
  if (out.dc < 1 || out.dc > 1000 || (out.address && out.address->port == 0)) {
    return from.failure("the string names no data centre that can be");
  }
  out.auth_key = key_of(key);
  return out;
}

result<foreign_session> read_telethon(bytes_view data) {
  reader from{data};
  foreign_session out;
  out.dc = static_cast<std::int32_t>(from.big(1));
  const auto address = from.take(data.size() == 263 ? 4 : 16);
  if (!from.is_short()) {
    auto host = address_text(address);
    out.address = address_of(std::move(host), from.big(2));
  }
  const auto key = from.take(key_size);
  return finish(std::move(out), from, key);
}

result<foreign_session> read_gramjs(bytes_view data) {
  reader from{data};
  foreign_session out;
  out.dc = static_cast<std::int32_t>(from.big(1));
  const std::string host{as_text(from.take(from.big(2)))};
  out.address = address_of(host, from.big(2));
  const auto key = from.take(key_size);
  return finish(std::move(out), from, key);
}

result<foreign_session> read_pyrogram(bytes_view data) {
  const bool with_api = data.size() == 271;
  const bool short_user = data.size() == 263;
  reader from{data};
  foreign_session out;
  out.dc = static_cast<std::int32_t>(from.big(1));
  out.api_id = with_api ? static_cast<std::int32_t>(from.big(4)) : 0;
  out.test = from.big(1) != 0;
  const auto key = from.take(key_size);
  const auto user = static_cast<std::int64_t>(from.big(short_user ? 4 : 8));
  if (user != 0) {
    out.user = user;
  }
  out.bot = from.big(1) != 0;
  return finish(std::move(out), from, key);
}

result<std::pair<std::int32_t, dc_address>> read_dc(bytes_view data, bool& test) {
  reader from{data};
  const auto version = from.little(1);
  const auto id = static_cast<std::int32_t>(from.little(1));
  const auto flags = from.little(1);
  const std::string host{as_text(from.tl())};
  const auto port = from.little(4);
  auto address = address_of(host, port);
  address.ipv6 = (flags & dc_ipv6) != 0;
  test = test || (version >= 2 && (flags & dc_test) != 0);
  if (!from.at_end() || version < 1 || version > 2 || port > 65535) {
    return from.failure("a data centre in the string is not readable");
  }
  return std::pair{id, std::move(address)};
}

result<foreign_session> read_mtcute(bytes_view data) {
  reader from{data};
  foreign_session out;
  if (from.little(1) != 3) {
    return from.failure("the string is of a version that is not known to this program");
  }
  const auto flags = static_cast<std::int32_t>(from.little(4));
  out.test = (flags & test_of_before) != 0;
  auto home = read_dc(from.tl(), out.test);
  if (!home) {
    return std::unexpected(std::move(home.error()));
  }
  out.dc = home->first;
  out.address = std::move(home->second);
  if ((flags & has_media) != 0) {
    from.tl();
  }
  if ((flags & has_user) != 0) {
    out.user = static_cast<std::int64_t>(from.little(8));
    out.bot = from.little(4) == bool_true;
  }
  const auto key = from.tl();
  return finish(std::move(out), from, key);
}

std::unexpected<error> lacking(std::string_view what, session_format format) {
  return fail(errc::bad_argument,
              "a session of " + std::string{name_of(format)} + " has to have " + std::string{what});
}

result<crypto::secret> write_telethon(const foreign_session& from) {
  const auto octets = address_octets(from.address->host);
  if (!octets) {
    return lacking("an IP address as its data centre's address", session_format::telethon);
  }
  writer out;
  out.big(static_cast<std::uint64_t>(from.dc), 1).raw(*octets).big(from.address->port, 2);
  out.raw(from.auth_key->view());
  auto text = to_base64url(out.view());
  text.append((4 - text.size() % 4) % 4, '=');
  return text_of("1", std::move(text));
}

result<crypto::secret> write_gramjs(const foreign_session& from) {
  // It reads the port with a sign.
  if (from.address->port > 32767) {
    return lacking("a port of at most 32767", session_format::gramjs);
  }
  const auto host = as_bytes(from.address->host);
  // A shorter string it takes for one of Telethon's, as it does with a longer address.
  if (host.size() > 100 || host.size() < 4) {
    return lacking("an address of 4 to 100 characters", session_format::gramjs);
  }
  writer out;
  out.big(static_cast<std::uint64_t>(from.dc), 1).big(host.size(), 2).raw(host);
  out.big(from.address->port, 2).raw(from.auth_key->view());
  return text_of("1", to_base64(out.view()));
}

result<crypto::secret> write_pyrogram(const foreign_session& from) {
  if (!from.user) {
    return lacking("the id of who is logged in", session_format::pyrogram);
  }
  writer out;
  out.big(static_cast<std::uint64_t>(from.dc), 1);
  out.big(static_cast<std::uint32_t>(from.api_id), 4).big(from.test ? 1 : 0, 1);
  out.raw(from.auth_key->view());
  out.big(static_cast<std::uint64_t>(*from.user), 8).big(from.bot ? 1 : 0, 1);
  return text_of({}, to_base64url(out.view()));
}

result<crypto::secret> write_mtcute(const foreign_session& from) {
  writer dc;
  const std::uint8_t flags = (from.address->ipv6 ? dc_ipv6 : 0) | (from.test ? dc_test : 0);
  dc.little(2, 1).little(static_cast<std::uint64_t>(from.dc), 1).little(flags, 1);
  dc.tl(as_bytes(from.address->host)).little(from.address->port, 4);
  writer out;
  out.little(3, 1).little(from.user ? has_user : 0, 4).tl(dc.view());
  if (from.user) {
    out.little(static_cast<std::uint64_t>(*from.user), 8)
        .little(from.bot ? bool_true : bool_false, 4);
  }
  out.tl(from.auth_key->view());
  return text_of({}, to_base64url(out.view()));
}

} // namespace

std::string_view name_of(session_format format) {
  return format_names.at(static_cast<std::size_t>(format));
}

std::optional<session_format> session_format_of(std::string_view name) {
  const auto found = std::ranges::find(format_names, name);
  return found == format_names.end()
             ? std::nullopt
             : std::optional{static_cast<session_format>(found - format_names.begin())};
}

std::optional<session_format> guess_format(std::string_view text) {
  if (text.starts_with('1')) {
    const auto octets = octets_of(text, session_format::telethon);
    if (!octets || octets->size() < 263) {
      return std::nullopt;
    }
    // gramjs says how long the address is, where Telethon has the address itself.
    const auto length = static_cast<std::size_t>((*octets)[1] << 8 | (*octets)[2]);
    if (octets->size() != 263 && octets->size() == 261 + length) {
      return session_format::gramjs;
    }
    return octets->size() == 263 || octets->size() == 275 ? std::optional{session_format::telethon}
                                                          : std::nullopt;
  }
  const auto octets = octets_of(text, session_format::pyrogram);
  if (!octets || octets->empty()) {
    return std::nullopt;
  }
  if (octets->size() == 263 || octets->size() == 267 || octets->size() == 271) {
    return session_format::pyrogram;
  }
  return octets->front() == 3 ? std::optional{session_format::mtcute} : std::nullopt;
}

result<foreign_session> read_foreign(std::string_view text, session_format format) {
  const auto octets = octets_of(text, format);
  if (!octets) {
    return std::unexpected(octets.error());
  }
  switch (format) {
  case session_format::telethon:
    return read_telethon(*octets);
  case session_format::gramjs:
    return read_gramjs(*octets);
  case session_format::pyrogram:
    return read_pyrogram(*octets);
  case session_format::mtcute:
    break;
  }
  return read_mtcute(*octets);
}

result<crypto::secret> write_foreign(const foreign_session& session, session_format format) {
  if (!session.auth_key || session.auth_key->size() != key_size) {
    return lacking("a key", format);
  }
  if (session.dc < 1 || session.dc > 255) {
    return lacking("a data centre from 1 to 255", format);
  }
  if (format != session_format::pyrogram && !session.address) {
    return lacking("its data centre's address", format);
  }
  switch (format) {
  case session_format::telethon:
    return write_telethon(session);
  case session_format::gramjs:
    return write_gramjs(session);
  case session_format::pyrogram:
    return write_pyrogram(session);
  case session_format::mtcute:
    break;
  }
  return write_mtcute(session);
}

session_state to_session(const foreign_session& from) {
  session_state out;
  out.home_dc = from.dc;
  out.test = from.test;
  auto& home = out.data_centres[from.dc];
  home.auth_key = from.auth_key;
  if (from.address) {
    home.addresses.push_back(*from.address);
  }
  if (from.user) {
    out.user = user_record{*from.user, from.bot, {}, {}};
  }
  return out;
}

result<foreign_session> from_session(const session_state& from) {
  const auto home = from.data_centres.find(from.home_dc);
  if (home == from.data_centres.end() || !home->second.auth_key) {
    return fail(errc::storage, "the session has no key of its home data centre");
  }
  foreign_session out;
  out.dc = from.home_dc;
  out.test = from.test;
  out.auth_key = home->second.auth_key;
  const auto& known = home->second.addresses;
  // IPv4 is what every one of them can say.
  for (const bool ipv6 : {false, true}) {
    const auto found = std::ranges::find_if(known, [ipv6](const dc_address& one) {
      return one.ipv6 == ipv6 && !one.media_only && !one.cdn && one.secret.empty();
    });
    if (found != known.end() && !out.address) {
      out.address = *found;
    }
  }
  if (from.user) {
    out.user = from.user->id;
    out.bot = from.user->bot;
  }
  return out;
}

} // namespace cafegram::storage

#include <cafegram/crypto/aes.hpp>
#include <cafegram/crypto/sha256.hpp>
#include <cafegram/protocol/envelope.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <utility>

namespace cafegram::protocol {
namespace {

constexpr std::size_t outer_header = 24; ///< auth_key_id msg_key
constexpr std::size_t inner_header = 32; ///< salt session_id msg_id seqno length
constexpr std::size_t block = 16;
constexpr std::size_t least_padding = 12;
constexpr std::size_t most_padding = 1024;
/// Padding is of random length, but not up to what is allowed: that would double small packets.
constexpr std::size_t extra_blocks = 16;
/// The most messages whose keys lie on the stack at a time; more than are ever interleaved.
constexpr std::size_t at_once = 16;
constexpr std::size_t longest_padding = least_padding + block - 1 + (extra_blocks - 1) * block;

crypto::direction direction_of(side from) {
  return from == side::client ? crypto::direction::to_server : crypto::direction::to_client;
}

template <class T>
void put(mutable_bytes_view out, std::size_t offset, const T& value) {
  std::memcpy(out.data() + offset, &value, sizeof(value));
}

template <class T>
T get(bytes_view in, std::size_t offset) {
  T out;
  std::memcpy(&out, in.data() + offset, sizeof(out));
  return out;
}

std::uint32_t token_of(const crypto::digest_sha256& large) {
  return get<std::uint32_t>(large, 0) | 0x80000000U;
}

/// Cuts the packet to size and lays header, body and padding out behind room for the outer header.
void lay_out(const auth_key& key, sealing& one, random_source& random) {
  // One draw for the padding's length and content: each costs as much as hashing the message.
  std::array<std::uint8_t, 1 + longest_padding> drawn;
  random.fill(drawn);
  const auto& [header, body] = one.message;
  const auto used = inner_header + body.size();
  const auto least = (used + least_padding + block - 1) / block * block;
  const auto size = least + drawn[0] % extra_blocks * block;
  assert(one.packet.size() >= outer_header + size);
  one.packet = one.packet.first(outer_header + size);
  put(one.packet, 0, key.id());
  const auto plain = one.packet.subspan(outer_header);
  put(plain, 0, header.salt);
  put(plain, 8, header.session_id);
  put(plain, 16, header.id);
  put(plain, 24, header.seqno);
  put(plain, 28, static_cast<std::uint32_t>(body.size()));
  std::ranges::copy(body, plain.begin() + inner_header);
  std::copy_n(drawn.begin() + 1, size - used, plain.begin() + static_cast<std::ptrdiff_t>(used));
}

/// Keys of up to `Most` messages and the work to be done with them, wiped at the end. A message
/// alone is to pay for one.
template <std::size_t Most>
class batch {
public:
  batch()
    : jobs_{empty_jobs(keys_, std::make_index_sequence<Most>{})} {}

  void add(crypto::ige_keys keys, mutable_bytes_view text) {
    keys_[count_] = std::move(keys);
    jobs_[count_].in = text;
    jobs_[count_].out = text;
    ++count_;
  }
  std::span<const crypto::ige_job> jobs() const { return std::span{jobs_}.first(count_); }

private:
  using key_array = std::array<crypto::ige_keys, Most>;

  template <std::size_t... I>
  static std::array<crypto::ige_job, Most> empty_jobs(const key_array& keys,
                                                      std::index_sequence<I...> /*unused*/) {
    return {crypto::ige_job{keys[I].key.view(), keys[I].iv.view(), {}, {}}...};
  }

  key_array keys_;
  std::array<crypto::ige_job, Most> jobs_;
  std::size_t count_ = 0;
};

/// What msg_key is taken from, for several messages together: SHA-256 over 32 octets of the key and
/// the padded plaintext.
template <std::size_t Most>
class large_hashes {
public:
  large_hashes(const auth_key& key, side from)
    : part_{key.view().subspan(88 + static_cast<std::size_t>(direction_of(from)), 32)} {}

  void add(bytes_view plain) {
    jobs_[count_] = {.head = part_, .body = plain, .out = &digests_[count_]};
    ++count_;
  }
  void run() { crypto::sha256_each(std::span{jobs_}.first(count_)); }
  const crypto::digest_sha256& operator[](std::size_t i) const { return digests_[i]; }

private:
  bytes_view part_;
  std::array<crypto::sha256_job, Most> jobs_;
  std::array<crypto::digest_sha256, Most> digests_;
  std::size_t count_ = 0;
};

template <std::size_t Most>
void seal_batch(const auth_key& key, side from, std::span<sealing> messages,
                random_source& random) {
  large_hashes<Most> large{key, from};
  for (auto& one : messages) {
    lay_out(key, one, random);
    large.add(one.packet.subspan(outer_header));
  }
  large.run();
  batch<Most> work;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    auto& one = messages[i];
    const auto msg_key = crypto::middle_of(large[i]);
    std::ranges::copy(msg_key, one.packet.begin() + 8);
    one.token = token_of(large[i]);
    work.add(crypto::message_keys_v2(key.view(), msg_key, direction_of(from)),
             one.packet.subspan(outer_header));
  }
  crypto::ige_encrypt(work.jobs());
}

/// What can be said of a packet without its plaintext; also cuts the padded transport's tail.
open_status check_outside(const auth_key& key, opening& one, bool tail) {
  if (one.packet.size() < outer_header + 48) {
    return open_status::too_short;
  }
  if (get<std::uint64_t>(one.packet, 0) != key.id()) {
    return open_status::wrong_key;
  }
  const auto rest = (one.packet.size() - outer_header) % block;
  if (rest != 0 && !tail) {
    return open_status::odd_length;
  }
  one.packet = one.packet.first(one.packet.size() - rest);
  return open_status::ok;
}

/// The decrypted octets against msg_key first, only then their content.
open_status check_inside(const crypto::digest_sha256& large, opening& one) {
  const bytes_view plain = one.packet.subspan(outer_header);
  const auto expected = crypto::middle_of(large);
  if (!crypto::constant_time_equal(expected, one.packet.subspan(8, expected.size()))) {
    return open_status::wrong_msg_key;
  }
  const std::size_t length = get<std::uint32_t>(plain, 28);
  const auto room = plain.size() - inner_header;
  if (length % 4 != 0 || length > room) {
    return open_status::bad_message_length;
  }
  if (room - length < least_padding || room - length > most_padding) {
    return open_status::bad_padding;
  }
  one.header = {.salt = get<std::uint64_t>(plain, 0),
                .session_id = get<std::uint64_t>(plain, 8),
                .id = get<msg_id>(plain, 16),
                .seqno = get<std::int32_t>(plain, 24)};
  one.body = plain.subspan(inner_header, length);
  one.token = token_of(large);
  return open_status::ok;
}

template <std::size_t Most>
void open_batch(const auth_key& key, side from, std::span<opening> packets, bool tail) {
  batch<Most> work;
  for (auto& one : packets) {
    one.status = check_outside(key, one, tail);
    if (one.status == open_status::ok) {
      const crypto::message_key_view msg_key{one.packet.data() + 8, 16};
      work.add(crypto::message_keys_v2(key.view(), msg_key, direction_of(from)),
               one.packet.subspan(outer_header));
    }
  }
  crypto::ige_decrypt(work.jobs());
  large_hashes<Most> large{key, from};
  for (const auto& job : work.jobs()) {
    large.add(job.out);
  }
  large.run();
  std::size_t opened = 0;
  for (auto& one : packets) {
    if (one.status == open_status::ok) {
      one.status = check_inside(large[opened++], one);
    }
  }
}

/// Hands `all` out in pieces of up to `at_once`: to `one` if it is a single, else to `several`.
template <class T, class One, class Several>
void in_batches(std::span<T> all, const One& one, const Several& several) {
  while (!all.empty()) {
    const auto now = all.first(std::min(all.size(), at_once));
    all = all.subspan(now.size());
    if (now.size() == 1) {
      one(now);
    } else {
      several(now);
    }
  }
}

} // namespace

std::size_t longest_packet(std::size_t body) {
  return outer_header + inner_header + body + longest_padding;
}

void seal(const auth_key& key, side from, std::span<sealing> messages, random_source& random) {
  in_batches(
      messages, [&](auto some) { seal_batch<1>(key, from, some, random); },
      [&](auto some) { seal_batch<at_once>(key, from, some, random); });
}

std::vector<sealed_packet> seal(const auth_key& key, side from,
                                std::span<const plain_message> messages, random_source& random) {
  std::vector<sealed_packet> out(messages.size());
  for (std::size_t begin = 0; begin < messages.size(); begin += at_once) {
    const auto some = messages.subspan(begin, std::min(at_once, messages.size() - begin));
    std::array<sealing, at_once> work;
    for (std::size_t i = 0; i < some.size(); ++i) {
      auto& octets = out[begin + i].octets;
      octets.resize(longest_packet(some[i].body.size()));
      work[i] = {.message = some[i], .packet = octets};
    }
    seal(key, from, std::span{work}.first(some.size()), random);
    for (std::size_t i = 0; i < some.size(); ++i) {
      out[begin + i].octets.resize(work[i].packet.size());
      out[begin + i].token = work[i].token;
    }
  }
  return out;
}

sealed_packet seal(const auth_key& key, side from, const plain_message& message,
                   random_source& random) {
  sealed_packet out;
  out.octets.resize(longest_packet(message.body.size()));
  sealing one{.message = message, .packet = out.octets};
  seal(key, from, std::span{&one, 1}, random);
  out.octets.resize(one.packet.size());
  out.token = one.token;
  return out;
}

void open(const auth_key& key, side from, std::span<opening> packets, bool tail) {
  in_batches(
      packets, [&](auto some) { open_batch<1>(key, from, some, tail); },
      [&](auto some) { open_batch<at_once>(key, from, some, tail); });
}

opening open(const auth_key& key, side from, mutable_bytes_view packet, bool tail) {
  opening one;
  one.packet = packet;
  open(key, from, std::span{&one, 1}, tail);
  return one;
}

std::uint64_t key_id_of(bytes_view packet) {
  return packet.size() < 8 ? 0 : get<std::uint64_t>(packet, 0);
}

std::string_view to_string(open_status status) {
  switch (status) {
  case open_status::ok:
    return "ok";
  case open_status::too_short:
    return "shorter than any message";
  case open_status::wrong_key:
    return "encrypted with another key";
  case open_status::odd_length:
    return "not whole blocks";
  case open_status::wrong_msg_key:
    return "msg_key does not fit";
  case open_status::bad_message_length:
    return "message length does not fit";
  case open_status::bad_padding:
    return "padding outside 12..1024";
  }
  return "?";
}

} // namespace cafegram::protocol

#include <cafegram/crypto/aes.hpp>
#include <cafegram/crypto/hash.hpp>
#include <cafegram/protocol/envelope.hpp>

#include <algorithm>
#include <array>
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

/// Lays a message and its padding out behind room for the outer header.
bytes lay_out(const auth_key& key, const plain_message& message, random_source& random) {
  // One draw for the padding's length and content: each costs as much as hashing the message.
  std::array<std::uint8_t, 1 + longest_padding> drawn;
  random.fill(drawn);
  const auto used = inner_header + message.body.size();
  const auto least = (used + least_padding + block - 1) / block * block;
  const auto size = least + drawn[0] % extra_blocks * block;
  bytes out(outer_header + size);
  put(out, 0, key.id());
  const auto plain = mutable_bytes_view{out}.subspan(outer_header);
  put(plain, 0, message.header.salt);
  put(plain, 8, message.header.session_id);
  put(plain, 16, message.header.id);
  put(plain, 24, message.header.seqno);
  put(plain, 28, static_cast<std::uint32_t>(message.body.size()));
  std::ranges::copy(message.body, plain.begin() + inner_header);
  std::copy_n(drawn.begin() + 1, size - used, plain.begin() + static_cast<std::ptrdiff_t>(used));
  return out;
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
open_status check_inside(const auth_key& key, side from, opening& one) {
  const bytes_view plain = one.packet.subspan(outer_header);
  const auto large = crypto::message_key_large(key.view(), plain, direction_of(from));
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

} // namespace

std::vector<sealed_packet> seal(const auth_key& key, side from,
                                std::span<const plain_message> messages, random_source& random) {
  std::vector<sealed_packet> out;
  std::vector<crypto::ige_keys> keys;
  std::vector<crypto::ige_job> jobs;
  out.reserve(messages.size());
  keys.reserve(messages.size());
  jobs.reserve(messages.size());
  for (const auto& message : messages) {
    auto& sealed = out.emplace_back(lay_out(key, message, random));
    const auto plain = mutable_bytes_view{sealed.octets}.subspan(outer_header);
    const auto large = crypto::message_key_large(key.view(), plain, direction_of(from));
    const auto msg_key = crypto::middle_of(large);
    std::ranges::copy(msg_key, sealed.octets.begin() + 8);
    sealed.token = token_of(large);
    keys.push_back(crypto::message_keys_v2(key.view(), msg_key, direction_of(from)));
    jobs.push_back({.key = std::as_const(keys.back()).key.view(),
                    .iv = std::as_const(keys.back()).iv.view(),
                    .in = plain,
                    .out = plain});
  }
  crypto::ige_encrypt(std::span<const crypto::ige_job>{jobs});
  return out;
}

sealed_packet seal(const auth_key& key, side from, const plain_message& message,
                   random_source& random) {
  return std::move(seal(key, from, std::span{&message, 1}, random).front());
}

void open(const auth_key& key, side from, std::span<opening> packets, bool tail) {
  std::vector<crypto::ige_keys> keys;
  std::vector<crypto::ige_job> jobs;
  keys.reserve(packets.size());
  jobs.reserve(packets.size());
  for (auto& one : packets) {
    one.status = check_outside(key, one, tail);
    if (one.status != open_status::ok) {
      continue;
    }
    const crypto::message_key_view msg_key{one.packet.data() + 8, 16};
    keys.push_back(crypto::message_keys_v2(key.view(), msg_key, direction_of(from)));
    const auto encrypted = one.packet.subspan(outer_header);
    jobs.push_back({.key = std::as_const(keys.back()).key.view(),
                    .iv = std::as_const(keys.back()).iv.view(),
                    .in = encrypted,
                    .out = encrypted});
  }
  crypto::ige_decrypt(std::span<const crypto::ige_job>{jobs});
  for (auto& one : packets) {
    if (one.status == open_status::ok) {
      one.status = check_inside(key, from, one);
    }
  }
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

#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/protocol/auth_key.hpp>
#include <cafegram/protocol/message.hpp>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace cafegram::protocol {

/// What is encrypted around one message, or around one container.
struct message_header {
  std::uint64_t salt = 0;
  std::uint64_t session_id = 0;
  msg_id id{};
  std::int32_t seqno = 0;
};

/// A message to be sealed. `body` has a multiple of 4 octets.
struct plain_message {
  message_header header;
  bytes_view body;
};

/// A message and the room for its packet: at least `longest_packet(body.size())` octets, which
/// `seal` cuts to what it has used. `body` lies elsewhere.
struct sealing {
  plain_message message;
  mutable_bytes_view packet{};
  std::uint32_t token = 0; ///< of the quick acknowledgement
};

/// The most octets that a packet around such a body has.
std::size_t longest_packet(std::size_t body);

/// An encrypted packet, and the token of its quick acknowledgement.
struct sealed_packet {
  bytes octets;
  std::uint32_t token = 0;
};

/// Encrypts messages of `from`: auth_key_id(8) msg_key(16) ige(salt(8) session(8) msg_id(8)
/// seqno(4) length(4) body padding(12..1024)). Several are encrypted together, which for large ones
/// takes a fraction of the time. Allocates nothing. Spec: "Encrypted Message".
void seal(const auth_key& key, side from, std::span<sealing> messages, random_source& random);
/// The same into memory of its own.
std::vector<sealed_packet> seal(const auth_key& key, side from,
                                std::span<const plain_message> messages, random_source& random);
sealed_packet seal(const auth_key& key, side from, const plain_message& message,
                   random_source& random);

/// Why a packet was not opened. All but `ok` get the same reaction: close, connect anew.
enum class open_status : std::uint8_t {
  ok,
  too_short,  ///< less than 24 + 48 octets
  wrong_key,  ///< auth_key_id is not ours
  odd_length, ///< not whole blocks behind the header
  wrong_msg_key,
  bad_message_length, ///< negative, not a multiple of 4, or beyond the packet
  bad_padding,        ///< less than 12 or more than 1024 octets
};

std::string_view to_string(open_status status);

/// A packet and, after `open`, what was in it. `body` lies in `packet`, which is decrypted in
/// place.
struct opening {
  mutable_bytes_view packet{};
  open_status status = open_status::too_short;
  message_header header{};
  bytes_view body{};
  std::uint32_t token = 0; ///< of the quick acknowledgement
};

/// Opens packets of `from`, several together. Nothing of a plaintext is looked at before its
/// msg_key is found right. Allocates nothing. With `tail`, 1 to 15 octets behind whole blocks are
/// cut (padded transport).
void open(const auth_key& key, side from, std::span<opening> packets, bool tail = false);
opening open(const auth_key& key, side from, mutable_bytes_view packet, bool tail = false);

/// The key that a packet names, 0 for an unencrypted message or one too short.
std::uint64_t key_id_of(bytes_view packet);

} // namespace cafegram::protocol

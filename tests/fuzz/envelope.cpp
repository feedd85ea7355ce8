// For: protocol/envelope.cpp
#include <cafegram/crypto/aes.hpp>
#include <cafegram/crypto/kdf.hpp>
#include <cafegram/protocol/envelope.hpp>

#include <span>
#include <vector>

#include "fuzz.hpp"

// Packets under a key that both sides have: as they are, with whatever plaintext behind the right
// msg_key, sealed by us, and sealed by us and changed.
//
//     setup:u8 (what:u8 piece)*
namespace {

using namespace cafegram;
using namespace cafegram::protocol;
using fuzz::holds;

constexpr std::size_t outer_header = 24;

crypto::direction direction_of(side from) {
  return from == side::client ? crypto::direction::to_server : crypto::direction::to_client;
}

/// Encrypts a plaintext as it is, lengths and padding included, with the msg_key that it has.
bytes seal_plain(const auth_key& key, side from, bytes_view plain) {
  auto text = to_bytes(plain);
  text.resize(text.size() / 16 * 16);
  const auto msg_key =
      crypto::middle_of(crypto::message_key_large(key.view(), text, direction_of(from)));
  const auto keys = crypto::message_keys_v2(key.view(), msg_key, direction_of(from));
  crypto::ige_encrypt({keys.key.view(), keys.iv.view(), text, text});
  fuzz::output out;
  out.number(key.id()).raw(msg_key).raw(text);
  return out.take();
}

/// One packet of the input, and what has to be found in it.
struct packet {
  bytes octets;
  bytes body;
  bool intact = false;
};

packet make_packet(const auth_key& key, side from, std::uint8_t what, bytes_view piece) {
  packet out;
  if ((what & 3) == 0) {
    out.octets = to_bytes(piece);
    return out;
  }
  if ((what & 3) == 1) {
    out.octets = seal_plain(key, from, piece);
    return out;
  }
  fuzz::input in{piece};
  const message_header header{.salt = in.number<std::uint64_t>(),
                              .session_id = in.number<std::uint64_t>(),
                              .id = msg_id{in.number<std::int64_t>()},
                              .seqno = in.number<std::int32_t>()};
  const auto change = in.number<std::uint32_t>();
  out.body = to_bytes(in.rest());
  out.body.resize(out.body.size() / 4 * 4);
  auto sealed = seal(key, from, {header, out.body}, *fuzz::repeatable());
  holds(sealed.octets.size() <= longest_packet(out.body.size()), "no packet is longer");
  holds(key_id_of(sealed.octets) == key.id(), "a packet names its key");
  out.octets = std::move(sealed.octets);
  out.intact = (what & 3) == 2;
  if (!out.intact) {
    out.octets[change % out.octets.size()] ^= static_cast<std::uint8_t>(change >> 24 | 1);
  }
  return out;
}

/// Nothing but what was sealed comes out, and all of it.
void check(const packet& made, const opening& opened, bool plain) {
  if (made.intact) {
    holds(opened.status == open_status::ok, "what was sealed is opened");
    holds(std::ranges::equal(opened.body, made.body), "and is what it was");
  } else if (!plain) {
    holds(opened.status != open_status::ok, "no changed packet is opened");
  }
  if (opened.status == open_status::ok) {
    const auto padding = opened.packet.size() - outer_header - 32 - opened.body.size();
    holds(opened.body.size() % 4 == 0 && padding >= 12 && padding <= 1024, "lengths are bounded");
  }
  holds(!to_string(opened.status).empty(), "a status has a name");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto key = fuzz::some_key();
  fuzz::input in{data, size};
  const auto setup = in.octet();
  const auto from = (setup & 1) != 0 ? side::client : side::server;
  const bool tail = (setup & 2) != 0;
  std::vector<packet> packets;
  std::vector<bool> plain;
  while (!in.empty() && packets.size() < 40) {
    const auto what = in.octet();
    packets.push_back(make_packet(key, from, what, in.piece()));
    plain.push_back((what & 3) < 2);
    if (tail) {
      packets.back().octets.resize(packets.back().octets.size() + what / 16); // up to 15 octets
    }
  }
  std::vector<bytes> together(packets.size());
  std::vector<opening> openings(packets.size());
  for (std::size_t i = 0; i < packets.size(); ++i) {
    together[i] = packets[i].octets;
    openings[i].packet = together[i];
  }
  open(key, from, openings, tail);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    check(packets[i], openings[i], plain[i]);
    auto alone = packets[i].octets;
    const auto one = open(key, from, alone, tail);
    holds(one.status == openings[i].status && one.token == openings[i].token, "alone as together");
    holds(std::ranges::equal(one.body, openings[i].body), "alone as together");
  }
  return 0;
}

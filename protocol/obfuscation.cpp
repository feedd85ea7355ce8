#include <cafegram/crypto/hash.hpp>
#include <cafegram/protocol/obfuscation.hpp>

#include <algorithm>
#include <cstring>

namespace cafegram::protocol {
namespace {

constexpr std::size_t key_at = 8;
constexpr std::size_t key_and_iv = 48;
constexpr std::size_t tag_at = 56;
constexpr std::size_t dc_at = 60;

std::uint8_t tag_octet(framing kind) {
  switch (kind) {
  case framing::abridged:
    return 0xef;
  case framing::intermediate:
    return 0xee;
  default:
    return 0xdd;
  }
}

/// The stream of a key and iv that lie one behind the other.
crypto::aes_ctr stream_of(std::span<const std::uint8_t, key_and_iv> material,
                          const std::optional<proxy_secret>& secret) {
  crypto::digest_sha256 key;
  if (secret) {
    key = crypto::sha256({material.first<32>(), *secret});
  } else {
    std::copy_n(material.begin(), key.size(), key.begin());
  }
  return {key, material.last<16>()};
}

/// Streams from the client's side: what it sends is keyed forwards, what it gets backwards.
obfuscated_streams client_streams(const obfuscation_header& header,
                                  const std::optional<proxy_secret>& secret) {
  std::array<std::uint8_t, key_and_iv> forwards;
  std::copy_n(header.begin() + key_at, key_and_iv, forwards.begin());
  auto backwards = forwards;
  std::ranges::reverse(backwards);
  return {.outgoing = stream_of(forwards, secret), .incoming = stream_of(backwards, secret)};
}

std::uint32_t word_at(const obfuscation_header& header, std::size_t offset) {
  std::uint32_t out = 0;
  std::memcpy(&out, header.data() + offset, sizeof(out));
  return out;
}

} // namespace

bool usable_obfuscation(const obfuscation_header& plain) {
  constexpr std::uint32_t taken[] = {
      0x44414548, // HEAD
      0x54534f50, // POST
      0x20544547, // GET
      0x4954504f, // OPTI
      0x02010316, // TLS
      0xdddddddd, 0xeeeeeeee,
  };
  return plain[0] != 0xef && std::ranges::find(taken, word_at(plain, 0)) == std::end(taken) &&
         word_at(plain, 4) != 0;
}

obfuscation_header make_obfuscation(framing kind, std::int16_t dc, random_source& random) {
  obfuscation_header header;
  do {
    random.fill(header);
  } while (!usable_obfuscation(header));
  std::fill_n(header.begin() + tag_at, 4, tag_octet(kind));
  std::memcpy(header.data() + dc_at, &dc, sizeof(dc));
  return header;
}

obfuscated_streams start_obfuscation(obfuscation_header& header,
                                     const std::optional<proxy_secret>& secret) {
  auto streams = client_streams(header, secret);
  auto encrypted = header;
  streams.outgoing.apply(encrypted);
  std::copy_n(encrypted.begin() + tag_at, 8, header.begin() + tag_at);
  return streams;
}

std::optional<accepted_obfuscation> accept_obfuscation(const obfuscation_header& received,
                                                       const std::optional<proxy_secret>& secret) {
  auto client = client_streams(received, secret);
  auto plain = received;
  client.outgoing.apply(plain);
  const auto tag = word_at(plain, tag_at);
  std::int16_t dc = 0;
  std::memcpy(&dc, plain.data() + dc_at, sizeof(dc));
  for (const auto kind : {framing::abridged, framing::intermediate, framing::padded}) {
    if (tag == tag_octet(kind) * 0x01010101U) {
      return accepted_obfuscation{
          {std::move(client.incoming), std::move(client.outgoing)}, kind, dc};
    }
  }
  return std::nullopt;
}

} // namespace cafegram::protocol

#pragma once

#include <cafegram/protocol/framing.hpp>

#include <cstdint>

namespace cafegram::protocol {

/// Cuts the octets of one direction into frames.
///
///     abridged      n:u8 (n < 127) or 0x7f n:u24, then n words; n's top bit: quick ack
///     intermediate  length:u32, then the payload; top bit: quick ack
///     padded        the same, with 0..15 random octets at the payload's end
///     full          length:u32 seqno:u32 payload crc32:u32; length counts all of it
class frame_reader {
public:
  /// `reading`: at which end this runs.
  frame_reader(framing kind, side reading)
    : kind_{kind}
    , reading_{reading} {}

  /// Room at the end for `size` octets, to be written by the caller. What was handed out before is
  /// given up.
  mutable_bytes_view extend(std::size_t size);
  result<std::optional<transport_event>> next();

  std::size_t buffered() const { return buffer_.size() - begin_; }
  /// Frees what handed-out frames kept, moving the rest to the front.
  void release();

private:
  using outcome = result<std::optional<transport_event>>;

  outcome next_abridged();
  outcome next_intermediate();
  outcome next_full();
  outcome take(std::size_t header, std::size_t size, std::size_t trailer, bool quick_ack);
  std::uint32_t word(std::size_t offset) const;

  framing kind_;
  side reading_;
  bytes buffer_;
  std::size_t begin_ = 0;
  std::uint32_t full_seqno_ = 0;
};

/// Puts frames around payloads, for one direction.
class frame_writer {
public:
  explicit frame_writer(framing kind)
    : kind_{kind} {}

  /// Appends. Errors: see `client_transport::encode`.
  result<void> write(bytes_view payload, bool quick_ack, random_source& random, bytes& out);

private:
  framing kind_;
  std::uint32_t full_seqno_ = 0;
};

} // namespace cafegram::protocol

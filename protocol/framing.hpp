#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/base/error.hpp>
#include <cafegram/protocol/message.hpp>
#include <cafegram/protocol/proxy.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

namespace cafegram::protocol {

/// How packets are told apart on a stream. Spec: "MTProto transports".
enum class framing : std::uint8_t { abridged, intermediate, padded, full };

std::string_view to_string(framing kind);

/// The largest payload of one frame, either way.
constexpr std::size_t max_frame = 16U << 20;

/// One packet. The octets lie in the transport's buffer, may be decrypted in place, and stay valid
/// until the next `feed`, also while further events are taken.
struct frame {
  mutable_bytes_view payload;
  bool quick_ack = false; ///< server side: the client wants a quick acknowledgement
};

/// The server has the packet whose token this is. Client side only.
struct quick_ack {
  std::uint32_t token = 0;
};

/// A packet of 4 octets instead of a message: -404, -429, -444. Spec: "Transport errors".
struct transport_error {
  std::int32_t code = 0;
};

using transport_event = std::variant<frame, quick_ack, transport_error>;

/// How a client talks.
struct transport_options {
  framing kind = framing::abridged;
  bool obfuscated = false; ///< obfuscated2; not possible over `full`
  std::optional<proxy_secret> secret{};
  std::int16_t dc = 0; ///< for proxies: +10000 on test, negative for media
  /// The stream lies in TLS records: fake TLS, its handshake (tunnel.hpp) being over.
  bool records = false;
};

/// The client's end of one connection: frames out, events in. Make a new one per connection.
class client_transport {
public:
  /// Errors: `bad_argument` for obfuscation over `full`, a secret or records without obfuscation.
  static result<client_transport> make(const transport_options& options,
                                       std::shared_ptr<random_source> random);
  client_transport(client_transport&&) noexcept;
  client_transport& operator=(client_transport&&) noexcept;
  ~client_transport();

  /// What goes first on a fresh connection; may be empty. Take it once, before any frame. (In TLS
  /// records it goes with the first frame.)
  bytes opening();

  /// Appends the frame of `payload` to `out`. `wants_quick_ack` is ignored by `full`.
  /// Errors: `bad_argument` if empty or not a multiple of 4 octets, `limit` over `max_frame`.
  result<void> encode(bytes_view payload, bool wants_quick_ack, bytes& out);

  /// Takes in what the socket brought; frames handed out before are gone.
  void feed(bytes_view data);

  /// The next event, or none until more arrives. An error is final: close the connection.
  /// Errors: `limit` (frame too large), `protocol_violation` (length, sequence or CRC wrong).
  result<std::optional<transport_event>> next();

  /// Octets held that are not handed out yet.
  std::size_t buffered() const;
  /// Frames handed out are done with: frees their memory, so that an idle connection holds none.
  void release();

private:
  struct state;
  explicit client_transport(std::unique_ptr<state> s);
  std::unique_ptr<state> state_;
};

/// What a server found out from the first octets.
struct detected_transport {
  framing kind = framing::abridged;
  bool obfuscated = false;
  std::int16_t dc = 0; ///< from an obfuscated header: may be anything
};

/// Another protocol that spoke first.
enum class foreign_protocol : std::uint8_t { none, http, tls, unknown };

std::string_view to_string(foreign_protocol kind);

/// The server's end of one connection: finds the framing out, then frames both ways.
class server_transport {
public:
  /// With `secret` only obfuscated connections made with it are understood. With `records` the
  /// stream lies in TLS records, behind the handshake of `fake_tls_server`.
  explicit server_transport(std::shared_ptr<random_source> random,
                            std::optional<proxy_secret> secret = {}, bool records = false);
  server_transport(server_transport&&) noexcept;
  server_transport& operator=(server_transport&&) noexcept;
  ~server_transport();

  void feed(bytes_view data);
  /// As the client's. A stream that is no MTProto transport fails with `protocol_violation`, and
  /// `foreign()` says what it looks like. Words of 4 octets from a client are `transport_error`.
  result<std::optional<transport_event>> next();

  /// Empty until enough has arrived.
  std::optional<detected_transport> detected() const;
  foreign_protocol foreign() const;

  /// Appends the frame of `payload` to `out`. Errors: as the client's; also `bad_argument` before
  /// the framing is known.
  result<void> encode(bytes_view payload, bytes& out);
  /// Tells the client that a packet which asked for it has arrived. Nothing over `full`.
  void encode_quick_ack(std::uint32_t token, bytes& out);
  /// Sends an error word such as -404. Errors: `bad_argument` before the framing is known.
  result<void> encode_error(std::int32_t code, bytes& out);

  std::size_t buffered() const;
  void release();

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace cafegram::protocol

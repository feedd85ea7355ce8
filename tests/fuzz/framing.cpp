// For: protocol/framing.cpp protocol/frame_codec.cpp protocol/obfuscation.cpp
//      protocol/tls_records.cpp
#include <cafegram/protocol/framing.hpp>
#include <cafegram/protocol/obfuscation.hpp>
#include <cafegram/protocol/tls_records.hpp>

#include <string>
#include <vector>

#include "fuzz.hpp"

// A stream in pieces, to either end, in every framing; and both ends talking to each other.
//
//     setup:u16 piece*
//
// `setup` says who is attacked and over what; see `plan`.
namespace {

using namespace cafegram;
using namespace cafegram::protocol;
using fuzz::holds;

constexpr proxy_secret secret{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

struct plan {
  explicit plan(std::uint16_t setup)
    : kind{static_cast<framing>(setup & 3)}
    , obfuscated{(setup & 4) != 0 && kind != framing::full}
    , with_secret{obfuscated && (setup & 8) != 0}
    , records{obfuscated && (setup & 16) != 0}
    , to_server{(setup & 32) != 0}
    , talk{(setup & 64) != 0}
    , bare{(setup & 128) != 0}
    , bare_records{(setup & 256) != 0} {}

  transport_options options() const {
    return {.kind = kind,
            .obfuscated = obfuscated,
            .secret = with_secret ? std::optional{secret} : std::nullopt,
            .dc = 2,
            .records = records};
  }

  framing kind;
  bool obfuscated;
  bool with_secret;
  bool records;
  bool to_server;
  bool talk;         ///< both ends are ours, and have to understand each other
  bool bare;         ///< the octets go as they are: no opening, no cipher
  bool bare_records; ///< and so do the TLS records
};

/// A letter for the kind of event, and what it holds.
std::string describe(const transport_event& event) {
  std::string out{"?"};
  if (const auto* frame = std::get_if<protocol::frame>(&event)) {
    out = frame->quick_ack ? 'F' : 'f';
    out += to_hex(frame->payload);
  } else if (const auto* ack = std::get_if<quick_ack>(&event)) {
    out = 'q';
    out += std::to_string(ack->token);
  } else {
    out = 'e';
    out += std::to_string(std::get<transport_error>(event).code);
  }
  return out;
}

/// All that an end has to say after it was fed; false after its error.
template <class End>
bool drain(End& end, std::vector<std::string>& out) {
  for (;;) {
    const auto event = end.next();
    if (!event) {
      out.emplace_back(to_string(event.error().code));
      return false;
    }
    if (!*event) {
      return true;
    }
    out.push_back(describe(**event));
  }
}

/// The same octets in these pieces and all at once must mean the same.
template <class Make>
void attack(const std::vector<bytes>& pieces, Make make) {
  auto by_pieces = make();
  auto at_once = make();
  std::vector<std::string> heard;
  bool alive = true;
  bytes all;
  for (const auto& piece : pieces) {
    append(all, piece);
    if (alive) {
      by_pieces.feed(piece);
      alive = drain(by_pieces, heard);
      if ((piece.size() & 1) != 0) {
        by_pieces.release();
      }
    }
  }
  at_once.feed(all);
  std::vector<std::string> whole;
  drain(at_once, whole);
  holds(heard == whole, "pieces and the whole mean the same");
  holds(!alive || by_pieces.buffered() == at_once.buffered(), "the same octets wait");
}

/// What stands before and around the attacker's octets, so that they reach the framing.
std::vector<bytes> dress(const plan& how, fuzz::input& in) {
  const auto random = fuzz::repeatable();
  auto header = make_obfuscation(how.obfuscated ? how.kind : framing::abridged, 2, *random);
  auto client = start_obfuscation(header, how.options().secret);
  auto server = accept_obfuscation(header, how.options().secret).value();
  tls_record_writer records{how.to_server ? side::client : side::server};
  std::vector<bytes> out;
  const auto add = [&](bytes piece) {
    if (how.records && !how.bare_records) {
      bytes wrapped;
      records.write(piece, wrapped);
      piece = std::move(wrapped);
    }
    out.push_back(std::move(piece));
  };
  if (how.to_server && !how.bare && how.obfuscated) {
    add({header.begin(), header.end()});
  }
  while (!in.empty()) {
    auto piece = to_bytes(in.piece());
    if (how.obfuscated && !how.bare) {
      (how.to_server ? client.outgoing : server.streams.outgoing).apply(piece);
    }
    add(std::move(piece));
  }
  return out;
}

/// The client end as it is after its opening was said.
client_transport make_client(const plan& how) {
  auto out = client_transport::make(how.options(), fuzz::repeatable());
  holds(out.has_value(), "these options fit together");
  out->opening();
  return *std::move(out);
}

/// What was sent arrives, both ways.
class conversation {
public:
  explicit conversation(const plan& how)
    : client_{client_transport::make(how.options(), fuzz::repeatable()).value()}
    , server_{fuzz::repeatable(6), how.options().secret, how.records}
    , kind_{how.kind}
    , wire_{client_.opening()} {}

  void run(fuzz::input& in) {
    if (!say_first()) {
      return;
    }
    while (!in.empty()) {
      const auto what = in.octet();
      const auto payload = in.piece();
      if ((what & 3) == 0) {
        from_server(payload);
      } else if ((what & 3) == 1) {
        from_client(payload, (what & 4) != 0);
      } else {
        words(payload);
      }
    }
  }

private:
  bool say_first() {
    from_client(as_bytes("ping"), false, true);
    holds(server_.detected().has_value(), "the server knows the framing");
    return server_.detected()->kind == kind_;
  }

  static bool fits(bytes_view payload) { return !payload.empty() && payload.size() % 4 == 0; }

  /// What the other end makes of a payload. The padding of the padded framing comes along.
  void expect(const result<std::optional<transport_event>>& got, bytes_view payload) {
    holds(got && *got, "a whole frame arrives");
    const std::size_t longest_word = kind_ == framing::padded ? 16 : 4;
    if (payload.size() <= longest_word) {
      holds(std::holds_alternative<transport_error>(**got), "an error word it is");
      return;
    }
    const auto* frame = std::get_if<protocol::frame>(&**got);
    holds(frame != nullptr && frame->payload.size() >= payload.size(), "a frame it is");
    holds(std::ranges::equal(frame->payload.first(payload.size()), payload), "as it was sent");
  }

  void from_client(bytes_view payload, bool quick_ack, bool first = false) {
    const auto sent = client_.encode(payload, quick_ack, wire_);
    holds(sent.has_value() == fits(payload), "what can be sent is sent");
    if (!sent) {
      return;
    }
    server_.feed(std::exchange(wire_, {}));
    const auto got = server_.next();
    if (!first) {
      expect(got, payload);
    }
  }

  void from_server(bytes_view payload) {
    bytes wire;
    const auto sent = server_.encode(payload, wire);
    holds(sent.has_value() == fits(payload), "what can be sent is sent");
    if (sent) {
      client_.feed(wire);
      expect(client_.next(), payload);
    }
  }

  void words(bytes_view payload) {
    fuzz::input in{payload};
    bytes wire;
    const auto token = in.number<std::uint32_t>() | 0x80000000U;
    server_.encode_quick_ack(token, wire);
    client_.feed(wire);
    const auto ack = client_.next();
    holds(ack.has_value() && ack->has_value() == (kind_ != framing::full), "a quick ack arrives");
    if (*ack) {
      holds(std::get<quick_ack>(**ack).token == token, "as it was sent");
    }
    wire.clear();
    const auto code = in.number<std::int16_t>();
    holds(server_.encode_error(code, wire).has_value(), "an error word is sent");
    client_.feed(wire);
    expect(client_.next(), as_bytes("1234"));
    server_.release();
    client_.release();
    holds(server_.buffered() == 0 && client_.buffered() == 0, "nothing is left");
  }

  client_transport client_;
  server_transport server_;
  framing kind_;
  bytes wire_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in{data, size};
  const plan how{in.number<std::uint16_t>()};
  if (how.talk) {
    conversation{how}.run(in);
    return 0;
  }
  const auto pieces = dress(how, in);
  if (how.to_server) {
    attack(pieces,
           [&] { return server_transport{fuzz::repeatable(), how.options().secret, how.records}; });
  } else {
    attack(pieces, [&] { return make_client(how); });
  }
  return 0;
}

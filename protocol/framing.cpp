#include <cafegram/protocol/frame_codec.hpp>
#include <cafegram/protocol/framing.hpp>
#include <cafegram/protocol/obfuscation.hpp>
#include <cafegram/protocol/tls_records.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace cafegram::protocol {

std::string_view to_string(framing kind) {
  switch (kind) {
  case framing::abridged:
    return "abridged";
  case framing::intermediate:
    return "intermediate";
  case framing::padded:
    return "padded";
  case framing::full:
    return "full";
  }
  return "?";
}

std::string_view to_string(foreign_protocol kind) {
  switch (kind) {
  case foreign_protocol::none:
    return "none";
  case foreign_protocol::http:
    return "http";
  case foreign_protocol::tls:
    return "tls";
  case foreign_protocol::unknown:
    return "unknown";
  }
  return "?";
}

// -- client ----------------------------------------------------------------------------------

namespace {

/// The TLS records around a stream, both ways.
struct record_layer {
  explicit record_layer(side at)
    : incoming{at}
    , outgoing{at} {}

  tls_record_reader incoming;
  tls_record_writer outgoing;
  std::optional<error> broken;

  /// Calls `take` with each piece of the stream. What is wrong with the records is found out after
  /// the frames before it.
  template <class Take>
  void unwrap(bytes_view data, Take take) {
    while (!broken) {
      const auto piece = incoming.next(data);
      if (!piece) {
        broken = piece.error();
      } else if (piece->empty()) {
        return;
      } else {
        take(*piece);
      }
    }
  }

  /// Puts what stands in `out` from `begin` on into records.
  void wrap(std::size_t begin, bytes& out) {
    const bytes plain{out.begin() + static_cast<std::ptrdiff_t>(begin), out.end()};
    out.resize(begin);
    outgoing.write(plain, out);
  }
};

/// What a reader has, and behind its last frame what was wrong with the records.
result<std::optional<transport_event>> next_of(frame_reader& reader,
                                               const std::optional<record_layer>& records) {
  auto out = reader.next();
  if (out && !*out && records && records->broken) {
    return std::unexpected(*records->broken);
  }
  return out;
}

} // namespace

struct client_transport::state {
  explicit state(framing kind)
    : reader{kind, side::client}
    , writer{kind} {}

  void take_in(bytes_view data);

  frame_reader reader;
  frame_writer writer;
  std::optional<obfuscated_streams> streams;
  std::optional<record_layer> records;
  bytes opening;
  std::shared_ptr<random_source> random;
};

void client_transport::state::take_in(bytes_view data) {
  const auto room = reader.extend(data.size());
  std::ranges::copy(data, room.begin());
  if (streams) {
    streams->incoming.apply(room);
  }
}

client_transport::client_transport(std::unique_ptr<state> s)
  : state_{std::move(s)} {}
client_transport::client_transport(client_transport&&) noexcept = default;
client_transport& client_transport::operator=(client_transport&&) noexcept = default;
client_transport::~client_transport() = default;

result<client_transport> client_transport::make(const transport_options& options,
                                                std::shared_ptr<random_source> random) {
  if (options.obfuscated && options.kind == framing::full) {
    return fail(errc::bad_argument, "the full transport cannot be obfuscated");
  }
  if ((options.secret || options.records) && !options.obfuscated) {
    return fail(errc::bad_argument, "a proxy's secret needs obfuscation");
  }
  auto s = std::make_unique<state>(options.kind);
  if (options.obfuscated) {
    auto header = make_obfuscation(options.kind, options.dc, *random);
    s->streams = start_obfuscation(header, options.secret);
    append(s->opening, header);
  } else if (options.kind == framing::abridged) {
    s->opening = {0xef};
  } else if (options.kind != framing::full) {
    s->opening.assign(4, options.kind == framing::padded ? 0xdd : 0xee);
  }
  if (options.records) {
    s->records.emplace(side::client);
  }
  s->random = std::move(random);
  return client_transport{std::move(s)};
}

bytes client_transport::opening() {
  return state_->records ? bytes{} : std::exchange(state_->opening, {});
}

result<void> client_transport::encode(bytes_view payload, bool wants_quick_ack, bytes& out) {
  const auto begin = out.size();
  auto& s = *state_;
  if (s.records) {
    append(out, s.opening);
  }
  const auto frame_at = out.size();
  auto written = s.writer.write(payload, wants_quick_ack, *s.random, out);
  if (!written) {
    out.resize(begin);
    return written;
  }
  if (s.streams) {
    s.streams->outgoing.apply(mutable_bytes_view{out}.subspan(frame_at));
  }
  if (s.records) {
    s.opening.clear();
    s.records->wrap(begin, out);
  }
  return written;
}

void client_transport::feed(bytes_view data) {
  auto& s = *state_;
  if (!s.records) {
    s.take_in(data);
    return;
  }
  s.reader.release();
  s.records->unwrap(data, [&s](bytes_view piece) { s.take_in(piece); });
}

result<std::optional<transport_event>> client_transport::next() {
  return next_of(state_->reader, state_->records);
}

std::size_t client_transport::buffered() const {
  return state_->reader.buffered();
}

void client_transport::release() {
  state_->reader.release();
}

// -- server ----------------------------------------------------------------------------------

namespace {

std::uint32_t first_word(bytes_view data) {
  std::uint32_t out = 0;
  std::memcpy(&out, data.data(), sizeof(out));
  return out;
}

bool looks_like_http(bytes_view data) {
  const auto text = as_text(data.first(4));
  return text == "HEAD" || text == "POST" || text == "GET " || text == "OPTI";
}

} // namespace

struct server_transport::state {
  std::shared_ptr<random_source> random;
  std::optional<proxy_secret> secret;
  bytes beginning; ///< until the framing is known; at most 64 octets stay in it
  std::optional<detected_transport> detected;
  foreign_protocol foreign = foreign_protocol::none;
  std::optional<frame_reader> reader;
  std::optional<frame_writer> writer;
  std::optional<obfuscated_streams> streams;
  std::optional<record_layer> records;

  void detect();
  void detect_obfuscated();
  void start(framing kind, std::size_t header);
  void take_in(bytes_view data);
  void take_stream(bytes_view data);
  void finish(std::size_t begin, bytes& out);
};

/// Looks at what has arrived; nothing happens while it could still be several things.
void server_transport::state::detect() {
  if (beginning.empty()) {
    return;
  }
  if (!secret && beginning[0] == 0xef) {
    return start(framing::abridged, 1);
  }
  if (beginning.size() < 4) {
    return;
  }
  const auto word = first_word(beginning);
  if (looks_like_http(beginning)) {
    foreign = foreign_protocol::http;
  } else if (word == 0x02010316) {
    foreign = foreign_protocol::tls;
  } else if (!secret && word == 0xeeeeeeee) {
    start(framing::intermediate, 4);
  } else if (!secret && word == 0xdddddddd) {
    start(framing::padded, 4);
  } else if (beginning.size() >= 8 && !secret &&
             first_word(bytes_view{beginning}.subspan(4)) == 0) {
    start(framing::full, 0);
  } else if (beginning.size() >= std::tuple_size_v<obfuscation_header>) {
    detect_obfuscated();
  }
}

void server_transport::state::detect_obfuscated() {
  obfuscation_header header;
  std::copy_n(beginning.begin(), header.size(), header.begin());
  auto accepted = accept_obfuscation(header, secret);
  if (!accepted) {
    const bool tls = beginning[0] == 0x16 && beginning[1] == 0x03;
    foreign = tls ? foreign_protocol::tls : foreign_protocol::unknown;
    return;
  }
  streams = std::move(accepted->streams);
  start(accepted->kind, header.size());
  detected->obfuscated = true;
  detected->dc = accepted->dc;
}

void server_transport::state::start(framing kind, std::size_t header) {
  detected = detected_transport{.kind = kind};
  reader.emplace(kind, side::server);
  writer.emplace(kind);
  take_in(bytes_view{beginning}.subspan(header));
  beginning = {};
}

void server_transport::state::take_in(bytes_view data) {
  const auto room = reader->extend(data.size());
  std::ranges::copy(data, room.begin());
  if (streams) {
    streams->incoming.apply(room);
  }
}

void server_transport::state::finish(std::size_t begin, bytes& out) {
  if (streams) {
    streams->outgoing.apply(mutable_bytes_view{out}.subspan(begin));
  }
  if (records) {
    records->wrap(begin, out);
  }
}

void server_transport::state::take_stream(bytes_view data) {
  if (reader) {
    take_in(data);
  } else if (foreign == foreign_protocol::none) {
    append(beginning, data);
    detect();
  }
}

server_transport::server_transport(std::shared_ptr<random_source> random,
                                   std::optional<proxy_secret> secret, bool records)
  : state_{std::make_unique<state>()} {
  state_->random = std::move(random);
  state_->secret = secret;
  if (records) {
    state_->records.emplace(side::server);
  }
}
server_transport::server_transport(server_transport&&) noexcept = default;
server_transport& server_transport::operator=(server_transport&&) noexcept = default;
server_transport::~server_transport() = default;

void server_transport::feed(bytes_view data) {
  auto& s = *state_;
  if (!s.records) {
    s.take_stream(data);
    return;
  }
  release();
  s.records->unwrap(data, [&s](bytes_view piece) { s.take_stream(piece); });
}

result<std::optional<transport_event>> server_transport::next() {
  if (state_->foreign != foreign_protocol::none) {
    return fail(errc::protocol_violation, "the client speaks no MTProto transport: " +
                                              std::string{to_string(state_->foreign)});
  }
  if (state_->reader) {
    return next_of(*state_->reader, state_->records);
  }
  if (state_->records && state_->records->broken) {
    return std::unexpected(*state_->records->broken);
  }
  return std::nullopt;
}

std::optional<detected_transport> server_transport::detected() const {
  return state_->detected;
}

foreign_protocol server_transport::foreign() const {
  return state_->foreign;
}

result<void> server_transport::encode(bytes_view payload, bytes& out) {
  if (!state_->writer) {
    return fail(errc::bad_argument, "the client's framing is not known yet");
  }
  const auto begin = out.size();
  auto written = state_->writer->write(payload, false, *state_->random, out);
  if (written) {
    state_->finish(begin, out);
  }
  return written;
}

void server_transport::encode_quick_ack(std::uint32_t token, bytes& out) {
  if (!state_->detected || state_->detected->kind == framing::full) {
    return;
  }
  const auto begin = out.size();
  token |= 0x80000000;
  if (state_->detected->kind == framing::abridged) {
    token = __builtin_bswap32(token);
  }
  out.resize(begin + sizeof(token));
  std::memcpy(out.data() + begin, &token, sizeof(token));
  state_->finish(begin, out);
}

result<void> server_transport::encode_error(std::int32_t code, bytes& out) {
  return encode(as_bytes({reinterpret_cast<const char*>(&code), sizeof(code)}), out);
}

std::size_t server_transport::buffered() const {
  return state_->reader ? state_->reader->buffered() : state_->beginning.size();
}

void server_transport::release() {
  if (state_->reader) {
    state_->reader->release();
  }
}

} // namespace cafegram::protocol

#include <cafegram/crypto/hash.hpp>
#include <cafegram/protocol/exchange_messages.hpp>
#include <cafegram/protocol/frame_codec.hpp>
#include <cafegram/protocol/gzip.hpp>
#include <cafegram/protocol/service.hpp>
#include <cafegram/storage/foreign_session.hpp>
#include <cafegram/storage/log_file.hpp>
#include <cafegram/storage/session_file.hpp>
#include <cafegram/storage/session_rows.hpp>
#include <cafegram/storage/snapshot.hpp>
#include <cafegram/tl/api.hpp>
#include <cafegram/tl/text.hpp>

#include <fstream>
#include <map>
#include <set>

#include "recording.hpp"

namespace cafegram::fuzz {

using namespace cafegram::protocol;

namespace {

/// No seed is longer: what a fuzzer changes in it should matter.
constexpr std::size_t longest_seed = 4096;

using stream_key = std::pair<std::size_t, bool>;

struct traffic {
  std::vector<bytes> exchange_client; ///< bodies of unencrypted messages
  std::vector<bytes> exchange_server;
  std::vector<bytes> packets_opened; ///< plaintexts as sealed
  std::vector<heard_message> messages;
};

/// Cuts one direction of one connection into payloads, as they came.
class stream_cutter {
public:
  stream_cutter(framing kind, bool from_client)
    : reader_{kind, from_client ? side::server : side::client}
    , skip_{!from_client                ? 0U
            : kind == framing::abridged ? 1U
            : kind == framing::full     ? 0U
                                        : 4U} {}

  std::vector<bytes> feed(bytes_view data) {
    const auto skipped = std::min(skip_, data.size());
    skip_ -= skipped;
    data = data.subspan(skipped);
    std::ranges::copy(data, reader_.extend(data.size()).begin());
    std::vector<bytes> out;
    for (;;) {
      const auto event = reader_.next();
      if (!event || !*event) {
        return out;
      }
      if (const auto* frame = std::get_if<protocol::frame>(&**event)) {
        out.push_back(to_bytes(frame->payload));
      }
    }
  }

private:
  frame_reader reader_;
  std::size_t skip_;
};

void take_packet(const auth_key& key, bool from_client, bytes payload, traffic& out) {
  if (key_id_of(payload) == 0) {
    if (const auto body = exchange::unwrap(payload)) {
      (from_client ? out.exchange_client : out.exchange_server).push_back(to_bytes(*body));
    }
    return;
  }
  const auto opened = open(key, from_client ? side::client : side::server, payload, true);
  if (opened.status != open_status::ok) {
    return;
  }
  out.packets_opened.push_back(to_bytes(opened.packet.subspan(24)));
  if (const auto items = constructor_of(opened.body) == ids::msg_container
                             ? read_container(opened.body)
                             : std::nullopt) {
    for (const auto& item : *items) {
      out.messages.push_back(
          {from_client, {.id = item.id, .seqno = item.seqno}, to_bytes(item.body)});
    }
  }
  out.messages.push_back({from_client, opened.header, to_bytes(opened.body)});
}

traffic understand(const recording& heard) {
  const auto key = auth_key::from(heard.session.data_centres.at(2).auth_key->view()).value();
  std::map<stream_key, stream_cutter> cutters;
  traffic out;
  for (const auto& piece : heard.pieces) {
    auto& cutter =
        cutters.try_emplace({piece.connection, piece.from_client}, heard.kind, piece.from_client)
            .first->second;
    for (auto& payload : cutter.feed(piece.data)) {
      take_packet(key, piece.from_client, std::move(payload), out);
    }
  }
  return out;
}

/// What lies within results, gzip and the wrappers of calls, too.
std::vector<bytes> objects_in(const heard_message& message) {
  std::vector<bytes> out{message.body};
  if (const auto answer = constructor_of(message.body) == ids::rpc_result
                              ? read_rpc_result(message.body)
                              : std::nullopt) {
    out.push_back(to_bytes(answer->body));
  }
  if (constructor_of(out.back()) == ids::gzip_packed) {
    if (const auto packed = read_gzip(out.back())) {
      if (auto plain = gzip_unpack(*packed, 1U << 20)) {
        out.push_back(*std::move(plain));
      }
    }
  }
  return out;
}

// -- one function for each fuzzer --------------------------------------------------------------

void framing_seeds(const recording& heard, const seed_folder& to) {
  for (const unsigned dress : {0U, 4U, 12U, 28U}) { // plain, obfuscated, with a secret, in records
    for (const bool from_client : {true, false}) {
      output out;
      const unsigned bare_server = from_client ? 32U : 0U;
      out.number(
          static_cast<std::uint16_t>(static_cast<unsigned>(heard.kind) | dress | bare_server));
      // The opening of a plain stream is part of it; an obfuscated one is dressed by the fuzzer.
      std::size_t skip = from_client && dress != 0 ? (heard.kind == framing::abridged ? 1 : 4) : 0;
      for (const auto& piece : heard.pieces) {
        if (piece.from_client == from_client && piece.connection == 0 &&
            out.size() + piece.data.size() < longest_seed) {
          out.piece(bytes_view{piece.data}.subspan(std::min(skip, piece.data.size())));
          skip = 0;
        }
      }
      to.add("framing", out.take());
    }
    output talk;
    talk.number(static_cast<std::uint16_t>(static_cast<unsigned>(heard.kind) | dress | 64U));
    for (const unsigned what : {0U, 1U, 5U, 2U}) {
      talk.octet(what).piece(bytes(what * 200 + 24, 't'));
    }
    to.add("framing", talk.take());
  }
}

void exchange_seeds(const traffic& all, const seed_folder& to) {
  for (const unsigned setup : {0U, 1U, 2U, 3U}) {
    output client;
    output server;
    client.octet(setup).octet(2).piece({}).octet(2).piece({}).octet(2 | 8).piece({});
    to.add("key_exchange_client", client.octet(2).piece({}).take());
    server.octet(setup | (setup << 3));
    to.add(
        "key_exchange_server",
        server.octet(2).piece({}).octet(2).piece({}).octet(2).piece({}).octet(2).piece({}).take());
  }
  output client;
  output server;
  client.octet(0);
  server.octet(0);
  for (const auto& body : all.exchange_server) {
    client.octet(1).piece(body);
  }
  for (const auto& body : all.exchange_client) {
    server.octet(1).piece(body);
  }
  to.add("key_exchange_client", client.take());
  to.add("key_exchange_server", server.take());
}

/// A message as `read_body` takes it; what it names in its first long becomes a reference.
void put_body(output& out, bytes_view body, bool names) {
  out.octet(names ? 1 : 0);
  if (names) {
    out.octet(1).octet(0);
  }
  out.piece(body);
}

bool names_a_message(bytes_view body) {
  const auto id = constructor_of(body);
  return id == ids::rpc_result || id == ids::pong || id == ids::bad_server_salt ||
         id == ids::bad_msg_notification || id == ids::future_salts || id == ids::msgs_state_info;
}

void session_seeds(const traffic& all, const seed_folder& to) {
  output client;
  output server;
  const auto flush = [&to](output& out, std::string_view name) {
    if (out.size() > 1) {
      to.add(name, out.take());
    }
    out.octet(0);
  };
  client.octet(0);
  server.octet(0);
  for (const auto& message : all.messages) {
    if (message.body.size() > longest_seed / 2) {
      continue;
    }
    if (message.from_client) {
      client.octet(0).octet(1).octet(3); // a request of 12 octets
      server.octet(0);
      put_body(server, message.body, false);
      server.octet(message.content() ? 8 : 0);
      server.octet(4).octet(0).piece(bytes(8, 'a'));
    } else {
      client.octet(2);
      put_body(client, message.body, names_a_message(message.body));
      client.octet(message.content() ? 3 : 1);
    }
    if (client.size() > longest_seed / 2) {
      flush(client, "client_session");
    }
    if (server.size() > longest_seed / 2) {
      flush(server, "server_session");
    }
  }
  flush(client, "client_session");
  flush(server, "server_session");
}

void envelope_seeds(const traffic& all, const seed_folder& to) {
  output out;
  out.octet(0);
  for (const auto& plain : all.packets_opened) {
    if (plain.size() < 600) {
      out.octet(1).piece(plain); // with its own padding
      output sealed;
      sealed.raw(bytes_view{plain}.first(28))
          .number(std::uint32_t{1})
          .raw(bytes_view{plain}.subspan(32));
      out.octet(2).piece(sealed.take());
    }
    if (out.size() > longest_seed) {
      to.add("envelope", out.take());
      out.octet(to.count() & 3);
    }
  }
}

void service_seeds(const traffic& all, const seed_folder& to) {
  std::set<std::uint32_t> seen;
  for (const auto& message : all.messages) {
    if (!seen.insert(constructor_of(message.body)).second || message.body.size() > 1024) {
      continue;
    }
    for (unsigned reader = 0; reader < 7; ++reader) {
      to.add("service", output{}.octet(reader).raw(message.body).take());
    }
  }
}

void tl_seeds(const traffic& all, const seed_folder& to) {
  std::set<std::uint32_t> seen;
  for (const auto& message : all.messages) {
    for (const auto& object : objects_in(message)) {
      if (!seen.insert(constructor_of(object)).second || object.size() > longest_seed) {
        continue;
      }
      to.add("tl_typed", object);
      to.add("tl_updates", object);
      to.add("tl_dynamic", output{}.octet(0).raw(object).take());
      const auto text = tl::to_json(object, tl::schema_table);
      to.add("tl_text", as_bytes(text));
      for (const unsigned how : {4U, 12U}) {
        to.add("tl_dynamic", output{}.octet(how).raw(as_bytes(text)).take());
      }
    }
  }
}

/// The keys in it open nothing: the sandbox that made them is gone.
void session_file_seeds(const recording& heard, const seed_folder& to) {
  const auto payload = storage::encode_session(heard.session);
  to.add("session_file", output{}.octet(1).raw(payload.view()).take());
  storage::batch rows;
  storage::put(rows, heard.session);
  storage::row_map all;
  all.apply(rows);
  const auto snapshot = storage::encode_snapshot(all, 7);
  to.add("session_file", output{}.octet(2).raw(snapshot.view()).take());
  for (const auto& file : {storage::wrap_session_file(payload.view(), 1),
                           storage::wrap_session_file(snapshot.view())}) {
    to.add("session_file", output{}.octet(0).raw(file.view()).take());
  }
  auto log = to_bytes(as_bytes(storage::log_magic));
  append(log, storage::encode_log_record(rows, 1, log.size()).view());
  to.add("session_file", output{}.octet(3).raw(log).take());
  to.add("session_file", output{}.octet(4).raw(storage::encode_batch(rows).view()).take());

  to.add("session_string",
         as_bytes(to_base64url(storage::wrap_session_file(snapshot.view()).view())));
  auto login = storage::from_session(heard.session);
  if (login) {
    login->user = 1'000'001;
    login->address = storage::dc_address{.host = "127.0.0.1"};
    for (const auto format : {storage::session_format::telethon, storage::session_format::gramjs,
                              storage::session_format::pyrogram, storage::session_format::mtcute}) {
      if (const auto text = storage::write_foreign(*login, format)) {
        to.add("session_string", text->view());
      }
    }
  }
}

} // namespace

void seed_folder::add(std::string_view fuzzer, bytes_view seed) const {
  const auto folder = root_ / fuzzer;
  std::filesystem::create_directories(folder);
  const auto file = folder / to_hex(crypto::sha1(seed)).substr(0, 16);
  if (!std::filesystem::exists(file)) {
    ++count_;
    std::ofstream{file, std::ios::binary} << as_text(seed);
  }
}

void make_seeds(const recording& heard, const seed_folder& to) {
  const auto all = understand(heard);
  holds(!all.exchange_client.empty() && !all.messages.empty(), "the recording is understood");
  framing_seeds(heard, to);
  exchange_seeds(all, to);
  session_seeds(all, to);
  envelope_seeds(all, to);
  service_seeds(all, to);
  tl_seeds(all, to);
  session_file_seeds(heard, to);
}

namespace {

void tunnel_seed(const seed_folder& to, unsigned setup, std::string_view user,
                 std::string_view host, const std::vector<bytes>& pieces) {
  output out;
  out.octet(setup).piece(as_bytes(user)).piece(as_bytes(user)).piece(as_bytes(host));
  out.number(std::uint16_t{443});
  for (const auto& piece : pieces) {
    out.piece(piece);
  }
  to.add("tunnel", out.take());
}

void text_seeds(const seed_folder& to) {
  for (const std::string_view link :
       {"tg://proxy?server=127.0.0.1&port=443&secret=dd00112233445566778899aabbccddeeff",
        "https://t.me/proxy?server=a.example&port=443&secret=7gARIjNEVWZ3iJmqu8zd7v9hLmV4YW1wbGU",
        "tg://socks?server=a.example&port=1080&user=u&pass=p%20w", "socks5://user:pass@[::1]:1080",
        "http://user:pa%3Ass@a.example:3128", "socks5://a.example:1",
        "ee00112233445566778899aabbccddeeff6578616d706c652e6f7267",
        "00112233445566778899aabbccddeeff"}) {
    to.add("proxy_link", as_bytes(link));
  }
  for (
      const std::string_view text :
      {"// LAYER 7\nnodeEmpty#0a000005 = Node;\nnode#0a000006 value:int next:Node = Node;\n",
       "optional#0a2 flags:# on:flags.0?true id:flags.1?int who:flags.3?Vector<long> = O;\n",
       "---functions---\nask {X:Type} id:int query:!X = X;\n---types---\nempty = Empty;",
       "a.b#1 x:vector<%a.b> = a.B;", "/* c */ int ? = Int; vector {t:Type} # [ t ] = Vector t;",
       R"({"constructors":[{"id":"5","predicate":"a","params":[{"name":"f","type":"#"},{"name":"x","type":"flags.0?int"}],"type":"A"}],"methods":[{"id":"-7","method":"m.f","params":[],"type":"Vector<A>"}],"layer":7})",
       "Vector<Vector<int>>", "flags.3?%a.b", "!X"}) {
    to.add("tl_schema", as_bytes(text));
  }
}

} // namespace

void make_written_seeds(const seed_folder& to) {
  const bytes socks_open{5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  tunnel_seed(to, 0, "", "a.example", {socks_open});
  tunnel_seed(to, 2, "user", "", {{5, 2}, {1, 0}, {5, 0, 0, 3, 1, 'x', 0, 1}});
  tunnel_seed(to, 4, "user", "", {{5, 2, 1, 1}});
  tunnel_seed(to, 0, "", "a.example", {{5, 0}, {5, 5, 0, 4}});
  const std::string_view fine = "HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 200 Yes\r\nA: b\r\n\r\n";
  tunnel_seed(to, 1, "user", "a.example", {to_bytes(as_bytes(fine))});
  tunnel_seed(to, 1, "", "::1", {to_bytes(as_bytes("HTTP/1.0 407 No\r\n\r\n"))});
  tunnel_seed(to, 1, "", "a.example", {to_bytes(as_bytes("HTTP/1.1 503 Busy\r\n\r\n"))});
  for (unsigned setup = 0; setup < 8; ++setup) {
    output out;
    out.octet(setup).piece({}).piece(bytes{10, 0, 7});
    to.add("fake_tls", out.take());
    out.octet(setup).piece(as_bytes("example.org")).piece({});
    to.add("fake_tls", out.piece({}).piece(bytes{0x16, 3, 1, 0, 9}).take());
  }
  output binding; // of 72 octets: random(16) msg_id seqno=0 length=40, then bind_auth_key_inner
  binding.octet(6).raw(bytes(16, 'r')).number(std::int64_t{4}).number(0).number(40);
  to.add("service", binding.number(std::uint32_t{0x75a3f765}).raw(bytes(36, 'b')).take());
  to.add("service", output{}.octet(5).raw(bytes(2000, 'z')).take());
  to.add("service", output{}.octet(5).raw(gzip_pack(bytes(2000, 'z')).value()).take());
  text_seeds(to);
}

} // namespace cafegram::fuzz

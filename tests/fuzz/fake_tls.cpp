// For: protocol/fake_tls.cpp protocol/client_hello.cpp
#include <cafegram/crypto/hash.hpp>
#include <cafegram/protocol/fake_tls.hpp>
#include <cafegram/protocol/tunnel.hpp>

#include <optional>
#include <string>
#include <vector>

#include "fuzz.hpp"

// Both ends of fake TLS. Where a proof is asked for, the input's octets are signed with the secret,
// so that they get past it.
//
//     setup:u8 domain:piece piece*
namespace {

using namespace cafegram;
using namespace cafegram::protocol;
using fuzz::holds;

constexpr std::uint8_t to_server = 1;
constexpr std::uint8_t sign = 2;
constexpr std::uint8_t own_record = 4; ///< begins with the record that our other end makes

mtproxy_secret secret_for(bytes_view domain) {
  mtproxy_secret out{.key = {1, 2, 3}, .padded = true, .domain = "a.example"};
  if (!domain.empty()) {
    out.domain = std::string{as_text(domain.first(std::min(domain.size(), max_fake_domain)))};
  }
  return out;
}

std::vector<bytes> cut(bytes_view whole, const std::vector<std::size_t>& lengths) {
  std::vector<bytes> out;
  for (const auto length : lengths) {
    const auto some = whole.first(std::min(length, whole.size()));
    out.push_back(to_bytes(some));
    whole = whole.subspan(some.size());
  }
  out.push_back(to_bytes(whole));
  return out;
}

/// The proof of a server, as in fake_tls.hpp, over whatever the reply is.
void sign_reply(bytes& reply, const mtproxy_secret& secret, bytes_view client_random) {
  if (reply.size() < hello_random_at + hello_random_size) {
    return;
  }
  const auto place = mutable_bytes_view{reply}.subspan(hello_random_at, hello_random_size);
  std::ranges::fill(place, 0);
  auto all = to_bytes(client_random);
  append(all, reply);
  std::ranges::copy(crypto::hmac_sha256(secret.key, all), place.begin());
}

struct outcome {
  bool failed = false;
  bool done = false;
  friend bool operator==(const outcome&, const outcome&) = default;
};

outcome run_server(const mtproxy_secret& secret, const std::vector<bytes>& pieces) {
  fake_tls_server server{secret, fuzz::repeatable()};
  outcome out;
  for (const auto& piece : pieces) {
    const auto hello = server.feed(piece, fuzz::start);
    if (!hello) {
      server.refusal();
      return {.failed = true};
    }
    if (*hello) {
      out.done = true;
      holds(!server.accept().empty(), "a proven hello is answered");
      return out;
    }
  }
  return out;
}

outcome run_client(const mtproxy_secret& secret, const std::vector<bytes>& pieces) {
  const auto client = make_fake_tls_tunnel(secret, *fuzz::repeatable(), fuzz::start);
  client->opening();
  outcome out;
  bytes nothing;
  for (const auto& piece : pieces) {
    const auto done = client->feed(piece, nothing);
    if (!done) {
      return {.failed = true};
    }
    out.done = *done;
  }
  holds(nothing.empty(), "the client says nothing more");
  return out;
}

/// The hello that our client says for this secret, and our server's answer to it.
struct both_records {
  explicit both_records(const mtproxy_secret& secret)
    : hello{make_fake_tls_tunnel(secret, *fuzz::repeatable(), fuzz::start)->opening()} {
    fake_tls_server server{secret, fuzz::repeatable()};
    const auto proven = server.feed(hello, fuzz::start);
    holds(proven.has_value() && proven->has_value(), "our ends understand each other");
    reply = server.accept();
  }
  bytes hello;
  bytes reply;
};

/// The last ones are kept: making them takes longer than all the rest.
const both_records& records_for(const mtproxy_secret& secret) {
  static std::optional<both_records> last;
  static std::string domain;
  if (!last || domain != secret.domain) {
    last.emplace(secret);
    domain = secret.domain;
  }
  return *last;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in{data, size};
  const auto setup = in.octet();
  const auto secret = secret_for(in.piece());
  const auto& ours = records_for(secret);
  bytes whole;
  if ((setup & own_record) != 0) {
    whole = (setup & to_server) != 0 ? ours.hello : ours.reply;
    // Then the first piece is what changes it: position, octet.
    fuzz::input changes{in.piece()};
    while (!changes.empty()) {
      const auto at = changes.number<std::uint16_t>() % whole.size();
      whole[at] = changes.octet();
    }
  }
  std::vector<std::size_t> lengths;
  while (!in.empty()) {
    const auto piece = in.piece();
    lengths.push_back(piece.size());
    append(whole, piece);
  }
  if ((setup & sign) != 0 && (setup & to_server) != 0) {
    if (whole.size() >= hello_random_at + hello_random_size) {
      sign_client_hello(whole, secret.key, fuzz::start);
    }
  } else if ((setup & sign) != 0) {
    sign_reply(whole, secret, bytes_view{ours.hello}.subspan(hello_random_at, hello_random_size));
  }
  const auto run = (setup & to_server) != 0 ? run_server : run_client;
  const auto by_pieces = run(secret, cut(whole, lengths));
  const auto at_once = run(secret, {whole});
  // A server that has its hello takes no more; what follows it is an error only if it comes along.
  if ((setup & to_server) == 0 || !by_pieces.done) {
    holds(by_pieces == at_once, "pieces mean what the whole means");
  }
  return 0;
}

// For: protocol/socks5.cpp protocol/http_tunnel.cpp protocol/tunnel.cpp
#include <cafegram/protocol/tunnel.hpp>

#include <optional>
#include <string>
#include <vector>

#include "fuzz.hpp"

// What a proxy answers, in pieces, to a client that wants to get through it.
//
//     setup:u8 user:piece password:piece host:piece port:u16 piece*
namespace {

using namespace cafegram;
using namespace cafegram::protocol;
using fuzz::holds;

std::string text_of(bytes_view octets, std::size_t most) {
  return std::string{as_text(octets.first(std::min(octets.size(), most)))};
}

proxy_server proxy_of(std::uint8_t setup, fuzz::input& in) {
  proxy_server out;
  out.kind = (setup & 1) != 0 ? proxy_kind::http : proxy_kind::socks5;
  out.host = "proxy.example";
  out.port = 1080;
  out.user = text_of(in.piece(), 300);
  out.password = text_of(in.piece(), 300);
  return out;
}

tunnel_target target_of(std::uint8_t setup, fuzz::input& in) {
  tunnel_target out;
  out.host = text_of(in.piece(), 300);
  out.port = in.number<std::uint16_t>();
  if ((setup & 6) != 0) {
    out.address.assign((setup & 2) != 0 ? 4 : 16, 7);
  }
  return out;
}

/// What came of a talk: the error or whether the way is open, and all that was said.
struct outcome {
  std::optional<error> failed;
  bool open = false;
  bytes said;
};

outcome talk(tunnel& with, const std::vector<bytes>& pieces) {
  outcome out;
  out.said = with.opening();
  for (const auto& piece : pieces) {
    const auto done = with.feed(piece, out.said);
    if (!done) {
      holds(done.error().code == errc::proxy, "an error of the proxy's");
      out.failed = done.error();
      return out;
    }
    out.open = *done;
  }
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in{data, size};
  const auto setup = in.octet();
  const auto proxy = proxy_of(setup, in);
  const auto target = target_of(setup, in);
  const auto random = fuzz::repeatable();
  const auto make = [&] { return make_tunnel(proxy, target, *random, fuzz::start); };
  auto first = make();
  if (!first) {
    holds(first.error().code == errc::bad_argument, "what cannot be sent is the caller's fault");
    return 0;
  }
  std::vector<bytes> pieces;
  bytes all;
  while (!in.empty()) {
    pieces.push_back(to_bytes(in.piece()));
    append(all, pieces.back());
  }
  const auto by_pieces = talk(**first, pieces);
  const auto at_once = talk(**make(), {all});
  // What comes behind the answer is an error, seen at once or with the next piece.
  holds(by_pieces.failed.has_value() == at_once.failed.has_value(),
        "pieces mean what the whole means");
  holds(by_pieces.failed || by_pieces.open == at_once.open, "pieces open what the whole opens");
  holds(by_pieces.failed || by_pieces.said == at_once.said, "the same is said");
  return 0;
}

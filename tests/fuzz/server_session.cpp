// For: protocol/server_session.cpp protocol/server_receive.cpp protocol/salts.cpp
#include <cafegram/protocol/server_clock.hpp>
#include <cafegram/protocol/server_session.hpp>

#include <set>

#include "play.hpp"

// A client that has the key, and sends a server any sequence of messages between the answers of
// the server's owner. Whatever comes: no call is delivered twice, and what is kept is bounded.
//
//     setup:u8 step*        see `play::step`
namespace {

using namespace cafegram;
using namespace cafegram::protocol;
using fuzz::holds;
using namespace std::chrono_literals;

constexpr std::uint64_t session_id = 0x1234;

const auth_key the_key = fuzz::some_key();

server_session_options options_of(std::uint8_t setup) {
  server_session_options out;
  out.check_salt = (setup & 1) == 0;
  out.check_time = (setup & 2) == 0;
  out.announce = (setup & 4) == 0;
  out.gzip = (setup & 8) == 0;
  out.max_unpacked = 1U << 18;
  if ((setup & 16) != 0) {
    out.container_octets = 256;
    out.max_unacked = 8;
    out.max_unacked_octets = 4096;
  }
  return out;
}

class play {
public:
  explicit play(std::uint8_t setup)
    : options_{options_of(setup)}
    , session_{key_, session_id, 77, salts_, fuzz::repeatable(), options_} {}

  void step(fuzz::input& in) {
    const auto what = in.octet();
    switch (what & 15) {
    case 0:
    case 1:
    case 2:
      send(fuzz::read_body(in, known_), in.octet());
      break;
    case 3:
      send_container(in);
      break;
    case 4:
      answer(in, what);
      break;
    case 5:
      push(in);
      break;
    case 6:
      session_.answer_error(call(in.octet()), 400, as_text(in.piece()));
      break;
    case 7:
      now_ += std::chrono::milliseconds{std::uint32_t{in.number<std::uint16_t>()} * 16U};
      break;
    case 8:
      session_.attached();
      break;
    case 9:
      salts_->rotate();
      break;
    case 10:
      salts_->accept(in.number<std::uint64_t>(), unix_time());
      break;
    case 11:
      repeat();
      break;
    case 12:
      session_.session_destroyed(in.number<std::uint64_t>(), (what & 16) != 0);
      break;
    case 13:
      session_.key_destroyed();
      break;
    case 14:
      stranger(in);
      break;
    default:
      take();
      break;
    }
    events();
    if ((what & 16) == 0) {
      take();
    }
  }

private:
  duration unix_time() const {
    return std::chrono::duration_cast<duration>(now_.time_since_epoch());
  }

  msg_id next_id(std::uint8_t how) { return numbers_.id(how, last_.header.id, unix_time(), 0); }

  std::int32_t next_seqno(std::uint8_t how) { return numbers_.seqno((how & 8) != 0); }

  void deliver(const message_header& header, bytes body) {
    body_ = std::move(body);
    last_ = {.packet = {}, .status = open_status::ok, .header = header, .body = body_};
    repeat();
  }

  void repeat() {
    if (last_.status == open_status::ok) {
      holds(session_.receive(last_, now_).has_value(), "a packet of this session is taken");
      known_.add(last_.header.id);
    }
  }

  /// What did not open or is of another session changes nothing.
  void stranger(fuzz::input& in) {
    auto other = last_;
    other.status = open_status::wrong_msg_key;
    holds(!session_.receive(other, now_), "what did not open is refused");
    other.status = open_status::ok;
    other.header.session_id = session_id + 1 + in.octet();
    holds(!session_.receive(other, now_), "another session's is refused");
  }

  void send(bytes body, std::uint8_t how) {
    deliver({.salt = (how & 16) != 0 ? 1 : salts_->at(unix_time()),
             .session_id = session_id,
             .id = next_id(how),
             .seqno = next_seqno(how)},
            std::move(body));
  }

  void send_container(fuzz::input& in) {
    const auto how = in.octet();
    auto body = fuzz::read_items(
        in, known_,
        [this](std::uint8_t each) { return std::pair{next_id(each), next_seqno(each)}; },
        [this](msg_id id) { known_.add(id); });
    if ((how & 32) != 0) {
      body = fuzz::packed(std::move(body));
    }
    send(std::move(body), how & 0x18);
  }

  msg_id call(std::size_t index) const {
    return calls_.empty()
               ? msg_id{}
               : *std::next(calls_.begin(), static_cast<std::ptrdiff_t>(index % calls_.size()));
  }

  void answer(fuzz::input& in, std::uint8_t what) {
    const auto which = call(in.octet());
    auto body = to_bytes(in.piece());
    if ((what & 32) != 0) {
      body.resize(body.size() * 16); // mostly zeros: it shrinks
    }
    body.resize(body.size() / 4 * 4);
    session_.answer(which, body, (what & 64) == 0);
  }

  void push(fuzz::input& in) {
    auto body = to_bytes(in.piece());
    body.resize(body.size() / 4 * 4);
    session_.push(std::move(body));
  }

  void events() {
    while (const auto event = session_.next_event()) {
      if (const auto* arrived = std::get_if<call_arrived>(&*event)) {
        holds(calls_.insert(arrived->id).second, "no call is delivered twice");
        known_.add(arrived->id);
      } else if (const auto* destroy = std::get_if<destroy_session_asked>(&*event)) {
        session_.session_destroyed(destroy->session_id, false);
      } else if (std::get_if<destroy_key_asked>(&*event) != nullptr) {
        session_.key_destroyed();
      }
    }
    holds(session_.open_calls() <= 4096 + 1, "open calls are bounded");
  }

  void take() {
    bytes packet;
    for (int i = 0; session_.take_packet(packet, now_); ++i) {
      holds(i < 20'000, "sending comes to an end");
      const auto opened = fuzz::opened_packet(key_, side::server, session_id, packet);
      holds((number(opened.header.id) & 1) == 1, "with a server's id");
      known_.add(opened.header.id);
      for (const auto id : fuzz::members_of(opened)) {
        known_.add(id);
      }
    }
    holds(session_.next_deadline() > now_, "nothing is due any more");
  }

  wall_time now_ = fuzz::start;
  auth_key key_ = the_key;
  std::shared_ptr<server_salts> salts_ = std::make_shared<server_salts>(key_);
  server_session_options options_;
  server_session session_;
  fuzz::known_ids known_;
  std::set<msg_id> calls_;
  fuzz::message_numbers numbers_{0, 1};
  bytes body_;
  opening last_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::run<play>(data, size);
}

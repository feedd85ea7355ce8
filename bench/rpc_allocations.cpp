#include <cafegram/actors/dc_line.hpp>
#include <cafegram/bench/allocations.hpp>
#include <cafegram/bench/rpc.hpp>
#include <cafegram/crypto/secure.hpp>
#include <cafegram/protocol/auth_key.hpp>
#include <cafegram/protocol/server_session.hpp>
#include <cafegram/tl/api.hpp>

#include <algorithm>
#include <limits>

// A line and the server's half of its session, in one thread: what is allocated between a call and
// the octets for the socket, and between the octets of the socket and the decoded answer.

namespace cafegram::bench {
namespace {

using protocol::side;

/// A server that answers every call with the same object, octets in and out.
class answering_server {
public:
  answering_server(protocol::auth_key key, std::shared_ptr<random_source> random, bytes answer)
    : key_{std::move(key)}
    , random_{std::move(random)}
    , answer_{std::move(answer)}
    , transport_{random_} {}

  bytes feed(bytes_view data, wall_time wall) {
    transport_.feed(data);
    while (true) {
      auto event = transport_.next();
      if (!event || !*event) {
        break;
      }
      if (const auto* frame = std::get_if<protocol::frame>(&**event)) {
        take(open(key_, side::client, frame->payload), wall);
      }
    }
    bytes out;
    bytes packet;
    while (session_ && session_->take_packet(packet, wall)) {
      (void)transport_.encode(packet, out);
    }
    return out;
  }

private:
  void take(const protocol::opening& packet, wall_time wall) {
    if (!session_) {
      protocol::server_session_options lenient;
      lenient.check_salt = false;
      session_.emplace(key_, packet.header.session_id, 1,
                       std::make_shared<protocol::server_salts>(key_), random_, lenient);
    }
    (void)session_->receive(packet, wall);
    while (auto event = session_->next_event()) {
      if (const auto* call = std::get_if<protocol::call_arrived>(&*event)) {
        session_->answer(call->id, answer_);
      }
    }
  }

  protocol::auth_key key_;
  std::shared_ptr<random_source> random_;
  bytes answer_;
  protocol::server_transport transport_;
  std::optional<protocol::server_session> session_;
};

connection_setup setup_with(const protocol::auth_key& key) {
  connection_setup out;
  auto profile = std::make_shared<connection_profile>();
  profile->forward_secrecy = false; // nobody binds a key here
  profile->transport.obfuscated = false;
  out.profile = std::move(profile);
  out.dc = 2;
  out.keys.permanent =
      dc_key{.dc = 2, .key = std::make_shared<const protocol::auth_key>(key), .salt = 1};
  return out;
}

/// Allocations of a round of calls, per call.
struct round_cost {
  double sending = std::numeric_limits<double>::max();
  double receiving = std::numeric_limits<double>::max(); ///< until the answer can be decoded
  double object = std::numeric_limits<double>::max();    ///< the decoded object's own
};

class round_trips {
public:
  round_trips()
    : random_{crypto::system_random()}
    , server_{key_, random_, tl::encode(tl::updates::state{})}
    , line_{setup_with(key_), random_, std::make_shared<crypto::prime_cache>()} {
    line_.opened({"127.0.0.1", 443}, now_, wall_);
  }

  /// The least of several rounds: other threads of the process may allocate meanwhile.
  round_cost least(std::size_t calls) {
    round_cost out;
    for (int i = 0; i < 50; ++i) {
      const auto one = round(calls);
      out.sending = std::min(out.sending, one.sending);
      out.receiving = std::min(out.receiving, one.receiving);
      out.object = std::min(out.object, one.object);
    }
    return out;
  }

private:
  round_cost round(std::size_t calls) {
    round_cost out;
    bytes sent;
    {
      const allocation_counter counter;
      for (std::size_t i = 0; i < calls; ++i) {
        (void)line_.session().submit(protocol::request_id{next_id_++}, request_, {});
      }
      sent = line_.take_output(1U << 20, now_);
      out.sending = static_cast<double>(counter.count()) / static_cast<double>(calls);
    }
    const auto back = server_.feed(sent, wall_);
    {
      const allocation_counter counter;
      take(shared_bytes::copy_of(back)); // as the transport does for a read
      out.receiving = static_cast<double>(counter.count()) / static_cast<double>(calls);
    }
    const allocation_counter counter;
    for (const auto& outcome : settled_) {
      (void)tl::decode<tl::updates::State>(*outcome.result);
    }
    out.object = static_cast<double>(counter.count()) / static_cast<double>(calls);
    settled_.clear();
    return out;
  }

  void take(const shared_bytes& read) {
    line_.receive(*read, now_, wall_);
    while (auto event = line_.next_event()) {
      auto* one = std::get_if<protocol::session_event>(&*event);
      auto* answer = one == nullptr ? nullptr : std::get_if<protocol::request_answered>(one);
      if (answer != nullptr) {
        settled_.push_back({static_cast<call_id>(answer->id), std::move(answer->body), {}});
      }
    }
  }

  protocol::auth_key key_ = *protocol::auth_key::from(bytes(protocol::auth_key::octets, 7));
  std::shared_ptr<random_source> random_;
  steady_time now_ = std::chrono::steady_clock::now();
  wall_time wall_ = std::chrono::system_clock::now();
  answering_server server_;
  dc_line line_;
  shared_bytes request_ = tl::encode(tl::updates::getState{});
  std::uint64_t next_id_ = 1;
  std::vector<call_settled> settled_;
};

} // namespace

std::vector<figure> run_rpc_allocations() {
  round_trips trips;
  const auto one = trips.least(1);
  const auto many = trips.least(64);
  return {
      {"rpc/own-allocations/receiving/1", one.receiving, "per call"},
      {"rpc/own-allocations/receiving/64", many.receiving, "per call"},
      {"rpc/own-allocations/object", many.object, "per call"},
      {"rpc/own-allocations/sending/1", one.sending, "per call"},
      {"rpc/own-allocations/sending/64", many.sending, "per call"},
  };
}

} // namespace cafegram::bench

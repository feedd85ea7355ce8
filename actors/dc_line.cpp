#include <cafegram/actors/dc_line.hpp>
#include <cafegram/protocol/dc_options.hpp>

#include <utility>

namespace cafegram {

namespace {

protocol::framing framing_of(transport_kind kind) {
  switch (kind) {
  case transport_kind::abridged:
    return protocol::framing::abridged;
  case transport_kind::intermediate:
    return protocol::framing::intermediate;
  case transport_kind::padded:
    return protocol::framing::padded;
  case transport_kind::full:
    return protocol::framing::full;
  }
  return protocol::framing::intermediate;
}

std::int64_t unix_seconds(wall_time at) {
  return std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
}

} // namespace

dc_line::dc_line(connection_setup setup, std::shared_ptr<random_source> random,
                 std::shared_ptr<crypto::prime_cache> primes)
  : setup_{std::move(setup)}
  , random_{std::move(random)}
  , primes_{std::move(primes)} {}

void dc_line::opened(steady_time now, wall_time wall) {
  const auto& profile = *setup_.profile;
  broken_ = false;
  output_.clear();
  auto framing = protocol::client_transport::make(
      {.kind = framing_of(profile.transport.kind),
       .obfuscated = profile.transport.obfuscated,
       .secret = {},
       .dc = protocol::wire_dc(protocol::dc_id{setup_.dc}, profile.test, false)},
      random_);
  if (!framing) {
    break_off(std::move(framing.error()));
    return;
  }
  framing_ = *std::move(framing);
  append(output_, framing_->opening());
  if (session_) {
    session_->connected(now);
  } else if (setup_.key) {
    // A stored key comes without a clock: the machine's, until the server corrects it.
    begin_session(*setup_.key, {now, wall, false},
                  protocol::salt_list{static_cast<std::uint64_t>(setup_.key->salt)});
    session_->connected(now);
  } else {
    begin_exchange(wall);
  }
}

void dc_line::closed() {
  framing_.reset();
  exchange_.reset();
  output_.clear();
  if (session_) {
    session_->disconnected();
  }
}

void dc_line::begin_exchange(wall_time wall) {
  const auto& profile = *setup_.profile;
  protocol::exchange_options options;
  options.keys = profile.rsa_keys;
  options.dc = protocol::wire_dc(protocol::dc_id{setup_.dc}, profile.test, false);
  exchange_.emplace(std::move(options), random_, primes_);
  send(exchange_->start(wall), false);
}

void dc_line::begin_session(const dc_key& key, protocol::server_clock clock,
                            protocol::salt_list salts) {
  protocol::session_options options;
  options.tail = setup_.profile->transport.kind == transport_kind::padded;
  session_.emplace(*key.key, std::move(salts), clock, random_, options);
}

void dc_line::receive(bytes_view data, steady_time now, wall_time wall) {
  if (!framing_ || broken_) {
    return;
  }
  if (session_) {
    session_->heard();
  }
  framing_->feed(data);
  while (!broken_) {
    auto event = framing_->next();
    if (!event) {
      break_off(std::move(event.error()));
      return;
    }
    if (!*event) {
      return;
    }
    if (const auto* frame = std::get_if<protocol::frame>(&**event)) {
      take_frame(frame->payload, now, wall);
    } else if (const auto* token = std::get_if<protocol::quick_ack>(&**event)) {
      if (session_) {
        session_->quick_acked(token->token);
      }
    } else {
      const auto code = std::get<protocol::transport_error>(**event).code;
      events_.emplace_back(line_refused{code, exchange_.has_value()});
      broken_ = true;
    }
  }
}

void dc_line::take_frame(mutable_bytes_view payload, steady_time now, wall_time wall) {
  if (exchange_) {
    advance_exchange(payload, now, wall);
  } else if (session_) {
    session_->receive(payload, now);
  }
}

void dc_line::advance_exchange(bytes_view payload, steady_time now, wall_time wall) {
  auto step = exchange_->on_message(payload, wall);
  if (!step) {
    break_off(std::move(step.error()));
    return;
  }
  if (!step->send.empty()) {
    send(step->send, false);
  }
  if (!step->done) {
    return;
  }
  const auto& made = *step->done;
  dc_key key{setup_.dc, std::make_shared<const protocol::auth_key>(made.key),
             static_cast<std::int64_t>(made.salt), unix_seconds(wall)};
  setup_.key = key;
  const auto server_now =
      wall + std::chrono::duration_cast<wall_time::duration>(made.server_time_offset);
  begin_session(key, {now, server_now, true}, protocol::salt_list{made.salt});
  exchange_.reset();
  session_->connected(now);
  events_.emplace_back(line_key_made{std::move(key)});
}

void dc_line::poll(steady_time now) {
  if (session_) {
    session_->poll(now);
  }
}

steady_time dc_line::next_deadline() const {
  return session_ ? session_->next_deadline() : steady_time::max();
}

bytes dc_line::take_output(std::size_t limit, steady_time now) {
  bool more = session_ && framing_ && !broken_;
  while (more && output_.size() < limit) {
    packets_.clear();
    more = session_->take_packets(packets_, now);
    for (const auto& packet : packets_) {
      send(packet.octets, packet.quick_ack);
    }
  }
  return std::exchange(output_, {});
}

void dc_line::send(bytes_view payload, bool quick_ack) {
  if (auto sent = framing_->encode(payload, quick_ack, output_); !sent) {
    break_off(std::move(sent.error()));
  }
}

std::optional<line_event> dc_line::next_event() {
  if (!events_.empty()) {
    auto out = std::move(events_.front());
    events_.pop_front();
    return out;
  }
  if (session_) {
    if (auto event = session_->next_event()) {
      return line_event{*std::move(event)};
    }
  }
  return std::nullopt;
}

std::vector<protocol::released_request> dc_line::drop_key() {
  std::vector<protocol::released_request> out;
  if (session_) {
    out = session_->release();
  }
  session_.reset();
  setup_.key.reset();
  return out;
}

void dc_line::break_off(error why) {
  broken_ = true;
  events_.emplace_back(line_broken{std::move(why)});
}

} // namespace cafegram

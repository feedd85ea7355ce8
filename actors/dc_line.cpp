#include <cafegram/actors/dc_line.hpp>
#include <cafegram/crypto/pooled_random.hpp>
#include <cafegram/protocol/dc_options.hpp>
#include <cafegram/protocol/envelope.hpp>

#include <algorithm>
#include <array>
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

/// How a server wants to be spoken to that is no data centre's own plain port: an MTProxy, or an
/// address with a secret.
std::optional<protocol::mtproxy_secret> secret_for(const connection_setup& setup,
                                                   const endpoint& peer) {
  const auto& proxy = setup.profile->proxy;
  if (proxy && proxy->kind == proxy_kind::mtproxy) {
    return proxy->secret;
  }
  const auto found = std::ranges::find(setup.route.addresses, peer, endpoint_of);
  return found == setup.route.addresses.end() ? std::nullopt : secret_of(*found);
}

protocol::transport_options transport_for(const connection_setup& setup, const endpoint& peer) {
  const auto& profile = *setup.profile;
  protocol::transport_options out{
      .kind = framing_of(profile.transport.kind),
      .obfuscated = profile.transport.obfuscated,
      .dc = protocol::wire_dc(protocol::dc_id{setup.dc}, profile.test, setup.route.media)};
  if (const auto secret = secret_for(setup, peer)) {
    out.kind = secret->padded ? protocol::framing::padded : out.kind;
    out.secret = secret->key;
    out.records = secret->fake_tls();
  }
  return out;
}

} // namespace

/// Frames for one session that came together, until they are opened together.
struct dc_line::frame_batch {
  steady_time now;
  wall_time wall;
  session_slot* to = nullptr;
  std::array<mutable_bytes_view, 16> frames{};
  std::size_t count = 0;
};

dc_line::dc_line(connection_setup setup, std::shared_ptr<random_source> random,
                 std::shared_ptr<crypto::prime_cache> primes)
  : setup_{std::move(setup)}
  , order_{setup_.keys}
  , random_{std::make_shared<crypto::pooled_random>(std::move(random))}
  , primes_{std::move(primes)} {}

void dc_line::opened(const endpoint& peer, steady_time now, wall_time wall) {
  now_ = now;
  broken_ = false;
  proven_ = false;
  output_.clear();
  const auto options = transport_for(setup_, peer);
  padded_ = options.kind == protocol::framing::padded;
  auto framing = protocol::client_transport::make(options, random_);
  if (!framing) {
    break_off(std::move(framing.error()));
    return;
  }
  framing_ = *std::move(framing);
  append(output_, framing_->opening());
  for (auto* session : {&session_, &next_, &retired_}) {
    if (*session) {
      (*session)->connected(now, padded_);
    }
  }
  if (next_) {
    exchange_until_ = now + setup_.profile->timing.handshake_timeout;
  }
  proceed(now, wall);
}

void dc_line::closed() {
  framing_.reset();
  exchange_.reset();
  exchange_until_ = steady_time::max();
  output_.clear();
  for (auto* session : {&session_, &next_, &retired_}) {
    if (*session) {
      (*session)->disconnected();
    }
  }
}

void dc_line::receive(bytes_view data, steady_time now, wall_time wall) {
  if (!framing_ || broken_) {
    return;
  }
  now_ = now;
  for (auto* session : {&session_, &next_, &retired_}) {
    if (*session) {
      (*session)->heard();
    }
  }
  framing_->feed(data);
  frame_batch batch{.now = now, .wall = wall};
  while (!broken_) {
    auto event = framing_->next();
    if (event && *event) {
      if (const auto* frame = std::get_if<protocol::frame>(&**event)) {
        take_frame(frame->payload, batch);
        continue;
      }
    }
    receive(batch);
    if (!event) {
      break_off(std::move(event.error()));
      return;
    }
    if (!*event) {
      framing_->release();
      return;
    }
    if (const auto* token = std::get_if<protocol::quick_ack>(&**event)) {
      for (auto* session : {&session_, &retired_}) {
        if (*session) {
          (*session)->quick_acked(token->token);
        }
      }
    } else {
      take_word(std::get<protocol::transport_error>(**event).code);
    }
  }
}

void dc_line::take_frame(mutable_bytes_view payload, frame_batch& batch) {
  const auto id = protocol::key_id_of(payload);
  auto* to = session_ ? &session_ : next_ ? &next_ : nullptr;
  for (auto* session : {&session_, &next_, &retired_}) {
    if (*session && (*session)->key().id() == id) {
      to = session;
    }
  }
  if (exchange_ && (id == 0 || to == nullptr)) {
    receive(batch);
    advance_exchange(payload, batch.now, batch.wall);
  } else if (to != nullptr) {
    if (to != batch.to || batch.count == batch.frames.size()) {
      receive(batch);
    }
    batch.to = to;
    batch.frames[batch.count++] = payload;
  }
}

void dc_line::receive(frame_batch& batch) {
  if (batch.count == 0) {
    return;
  }
  auto& to = **batch.to;
  const auto before = to.counters();
  to.receive(std::span{batch.frames}.first(std::exchange(batch.count, 0)), batch.now);
  const auto& after = to.counters();
  if (after.dropped() != before.dropped()) {
    events_.emplace_back(line_dropped{after.dropped() - before.dropped(), after.last_dropped});
  }
  if (after.messages_in != before.messages_in && !proven_) {
    proven_ = true;
    proceed(batch.now, batch.wall);
  }
}

/// An error word says nothing about what it answers: the newest thing that could be at fault is.
void dc_line::take_word(std::int32_t code) {
  broken_ = true;
  if (code == -404 && (!exchange_ || (session_ && !proven_))) {
    if (next_ && (proven_ || !session_)) {
      next_.reset();
    } else if (retired_ && proven_) {
      hand_back(retired_);
    } else if (session_) {
      events_.emplace_back(line_key_news{
          {.dc = setup_.dc,
           .key_id = session_->key().id(),
           .what = key_news::kind::unknown,
           .server_time = 0,
           .why = error::make(errc::transport_error, "the server does not know the key", code)}});
    }
  }
  events_.emplace_back(line_refused{code});
}

void dc_line::poll(steady_time now) {
  now_ = now;
  if (now >= exchange_until_ && !broken_) {
    break_off(error::make(errc::deadline, "the key exchange took too long"));
  }
  if (retired_ && now >= retired_until_) {
    hand_back(retired_);
  }
  for (auto* session : {&session_, &next_, &retired_}) {
    if (*session) {
      (*session)->poll(now);
    }
  }
}

steady_time dc_line::next_deadline() const {
  auto next = broken_ ? steady_time::max() : exchange_until_;
  for (const auto* session : {&session_, &next_, &retired_}) {
    if (*session) {
      next = std::min(next, (*session)->next_deadline());
    }
  }
  return retired_ ? std::min(next, retired_until_) : next;
}

void dc_line::drained() {
  for (auto* session : {&session_, &next_, &retired_}) {
    if (*session) {
      (*session)->drained();
    }
  }
}

bytes dc_line::take_output(std::size_t limit, steady_time now) {
  for (auto* session : {&next_, &session_, &retired_}) {
    bool more = *session && framing_ && !broken_;
    while (more && output_.size() < limit) {
      packets_.clear();
      more = (*session)->take_packets(packets_, now);
      for (const auto& packet : packets_) {
        send(packet.octets, packet.quick_ack);
      }
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
  while (true) {
    if (!events_.empty()) {
      auto out = std::move(events_.front());
      events_.pop_front();
      return out;
    }
    if (auto event = next_ ? next_->next_event() : std::nullopt) {
      take_next_event(*std::move(event));
      continue;
    }
    if (auto event = session_ ? session_->next_event() : std::nullopt) {
      if (auto* refused = std::get_if<protocol::key_not_bound>(&*event)) {
        refused_binding(*session_, std::move(refused->why));
        continue;
      }
      return line_event{*std::move(event)};
    }
    if (auto event = retired_ ? retired_->next_event() : std::nullopt) {
      if (!std::holds_alternative<protocol::salt_changed>(*event)) {
        return line_event{*std::move(event)};
      }
      continue;
    }
    if (retired_ && retired_->under_way() == 0) {
      retired_.reset();
    }
    return std::nullopt;
  }
}

void dc_line::cancel(protocol::request_id id) {
  for (auto* session : {&session_, &retired_}) {
    if (*session) {
      (*session)->cancel(id);
    }
  }
}

void dc_line::break_off(error why) {
  if (!std::exchange(broken_, true)) {
    events_.emplace_back(line_broken{std::move(why)});
  }
}

} // namespace cafegram

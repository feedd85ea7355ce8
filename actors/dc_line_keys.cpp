#include <cafegram/actors/dc_line.hpp>
#include <cafegram/protocol/auth_key.hpp>
#include <cafegram/protocol/dc_options.hpp>

#include <utility>

// What a line does about keys: makes them, changes from one to the next, gives them up.

namespace cafegram {

namespace {

std::int64_t unix_seconds(duration since_epoch) {
  return std::chrono::duration_cast<std::chrono::seconds>(since_epoch).count();
}

wall_time shifted(wall_time wall, duration by) {
  return wall + std::chrono::duration_cast<wall_time::duration>(by);
}

} // namespace

std::shared_ptr<const protocol::auth_key> dc_line::key_in_use() const {
  if (setup_.profile->forward_secrecy && !setup_.destroy_key) {
    return order_.temporary && order_.permanent ? order_.temporary->key : nullptr;
  }
  return order_.permanent ? order_.permanent->key : nullptr;
}

void dc_line::use(key_order order, steady_time now, wall_time wall) {
  now_ = now;
  const bool same_permanent =
      order.permanent && order_.permanent && *order.permanent->key == *order_.permanent->key;
  order_ = std::move(order);
  if (next_ && !same_permanent) {
    next_.reset();
  }
  if (exchange_ && exchange_is_temporary_ && !same_permanent) {
    break_off(error::make(errc::cancelled, "the permanent key is gone"));
  }
  const auto key = key_in_use();
  if (!key) {
    hand_back(session_);
    hand_back(retired_);
  } else if (session_ && !(session_->key() == *key)) {
    retire();
  }
  if (framing_ && !broken_) {
    proceed(now, wall);
  }
}

/// Takes the next step towards a session with the right key, on an open socket.
void dc_line::proceed(steady_time now, wall_time wall) {
  if (exchange_ || next_) {
    return;
  }
  if (!session_ && key_in_use()) {
    begin_session(now, wall);
  } else if (order_.make && (!session_ || (order_.renew && proven_))) {
    // A renewal waits for the session's first message: were its key unknown to the server, nobody
    // could tell which of the two an error word is about.
    begin_exchange(now, wall);
  }
}

void dc_line::begin_exchange(steady_time now, wall_time wall) {
  const auto& profile = *setup_.profile;
  exchange_is_temporary_ = profile.forward_secrecy && order_.permanent;
  protocol::exchange_options options;
  options.keys = profile.rsa_keys;
  options.dc = protocol::wire_dc(protocol::dc_id{setup_.dc}, profile.test, setup_.route.media);
  if (exchange_is_temporary_) {
    options.expires_in = static_cast<std::int32_t>(profile.temporary_key_lifetime.count());
  }
  exchange_.emplace(std::move(options), random_, primes_);
  exchange_began_ = now;
  exchange_until_ = now + profile.timing.handshake_timeout;
  send(exchange_->start(wall), false);
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
  exchange_.reset();
  exchange_until_ = steady_time::max();
  if (exchange_is_temporary_) {
    made_temporary(*step->done, now, wall);
  } else {
    made_permanent(*step->done, now, wall);
  }
}

void dc_line::made_permanent(const protocol::exchange_result& made, steady_time now,
                             wall_time wall) {
  const auto server_now = shifted(wall, made.server_time_offset);
  dc_key key{setup_.dc, std::make_shared<const protocol::auth_key>(made.key),
             static_cast<std::int64_t>(made.salt), unix_seconds(server_now.time_since_epoch())};
  order_.permanent = key;
  events_.emplace_back(line_key_made{std::move(key)});
  if (setup_.profile->forward_secrecy) {
    begin_exchange(now, wall);
    return;
  }
  session_ = make_session(made.key, order_.permanent->salt, {now, server_now, true});
  session_->connected(now, padded_);
}

void dc_line::made_temporary(const protocol::exchange_result& made, steady_time now,
                             wall_time wall) {
  const auto lifetime = setup_.profile->temporary_key_lifetime;
  const auto server_now = shifted(wall, made.server_time_offset);
  next_key_ = temporary_key{.dc = setup_.dc,
                            .media = setup_.route.media,
                            .key = std::make_shared<const protocol::auth_key>(made.key),
                            .salt = static_cast<std::int64_t>(made.salt),
                            .expires_at = static_cast<std::int32_t>(
                                unix_seconds(server_now.time_since_epoch()) + lifetime.count()),
                            .good_until = exchange_began_ + lifetime,
                            .server_offset = made.server_time_offset};
  next_ = make_session(made.key, next_key_->salt, {now, server_now, true});
  next_->bind_to(*order_.permanent->key, next_key_->expires_at);
  next_->connected(now, padded_);
  exchange_until_ = now + setup_.profile->timing.handshake_timeout;
}

void dc_line::begin_session(steady_time now, wall_time wall) {
  // A known key comes without a clock: the machine's, until the server corrects it.
  if (order_.temporary && key_in_use() == order_.temporary->key) {
    const auto& temporary = *order_.temporary;
    session_ = make_session(*temporary.key, temporary.salt,
                            {now, shifted(wall, temporary.server_offset), false});
    session_->bind_to(*order_.permanent->key, temporary.expires_at, true);
    session_until_ = temporary.good_until;
  } else {
    session_ = make_session(*order_.permanent->key, order_.permanent->salt, {now, wall, false});
  }
  session_->connected(now, padded_);
  if (setup_.destroy_key) {
    session_->destroy_key();
  }
}

protocol::client_session dc_line::make_session(const protocol::auth_key& key, std::int64_t salt,
                                               protocol::server_clock clock) const {
  protocol::client_session out{key, protocol::salt_list{static_cast<std::uint64_t>(salt)}, clock,
                               random_};
  out.introduce_with(setup_.profile->first_call_prefix);
  return out;
}

/// An event of the session that waits for its key to be bound.
void dc_line::take_next_event(protocol::session_event event) {
  if (std::holds_alternative<protocol::key_bound>(event)) {
    exchange_until_ = steady_time::max();
    if (session_) {
      retire();
    }
    session_ = std::exchange(next_, std::nullopt);
    session_until_ = next_key_->good_until;
    order_.temporary = std::exchange(next_key_, std::nullopt);
    order_.make = order_.renew = false;
    events_.emplace_back(line_key_bound{*order_.temporary});
  } else if (auto* refused = std::get_if<protocol::key_not_bound>(&event)) {
    auto why = std::move(refused->why);
    refused_binding(*next_, std::move(why));
    next_.reset();
  } else if (const auto* changed = std::get_if<protocol::salt_changed>(&event)) {
    next_key_->salt = static_cast<std::int64_t>(changed->salt);
  } else {
    events_.emplace_back(std::move(event));
  }
}

void dc_line::refused_binding(const protocol::client_session& by, error why) {
  const auto server_time = unix_seconds(by.clock().unix_time(now_));
  events_.emplace_back(line_key_news{{.dc = setup_.dc,
                                      .key_id = by.key().id(),
                                      .what = key_news::kind::not_bound,
                                      .server_time = server_time,
                                      .permanent = order_.permanent->key->id(),
                                      .why = why}});
  break_off(std::move(why));
}

/// Its key is gone: what it has not settled is for others.
void dc_line::hand_back(session_slot& from) {
  if (!from) {
    return;
  }
  while (auto event = from->next_event()) {
    const bool of_requests = std::holds_alternative<protocol::request_answered>(*event) ||
                             std::holds_alternative<protocol::request_failed>(*event) ||
                             std::holds_alternative<protocol::update_arrived>(*event);
    if (of_requests) {
      events_.emplace_back(*std::move(event));
    }
  }
  if (auto left = from->release(); !left.empty()) {
    events_.emplace_back(line_released{std::move(left)});
  }
  from.reset();
}

/// The session stays for the answers that are on their way, and takes nothing new.
void dc_line::retire() {
  hand_back(retired_);
  if (session_->under_way() == 0) {
    hand_back(session_);
    return;
  }
  retired_ = std::exchange(session_, std::nullopt);
  retired_until_ = session_until_;
}

} // namespace cafegram

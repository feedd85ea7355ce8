#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/connection_state.hpp>

#include <caf/all.hpp>

#include <utility>

namespace cafegram::sandbox {
namespace {

constexpr std::size_t most_sessions = 64;
constexpr std::size_t most_keys = 16;
constexpr auto router_deadline = std::chrono::seconds{10};
constexpr std::int32_t unknown_key_word = -404;

std::string hex_of(std::uint64_t id) {
  return fmt::format("{:016x}", id);
}

bytes_view octets(const std::vector<char>& data) {
  return {reinterpret_cast<const std::uint8_t*>(data.data()), data.size()};
}

} // namespace

void connection_state::start(connection_parts given, std::uint64_t number, std::string remote,
                             caf::io::scribe_ptr socket) {
  parts_ = std::move(given);
  about_.id = number;
  about_.remote = std::move(remote);
  about_.dc = parts_.dc;
  about_.opened = now();
  last_heard_ = now();
  start_framing();
  protocol::server_exchange_options options;
  options.key = parts_.rsa;
  options.test = parts_.test;
  exchange_.emplace(std::move(options), parts_.random);
  self->send(parts_.router, caf::put_atom_v, number, connection_actor{self});
  wire = spawn_transport(self->system(), std::move(socket), byte_sink_actor{self});
  self->monitor(wire);
  self->monitor(parts_.router);
  note();
  schedule();
}

void connection_state::received(const bytes_received& read) {
  if (closing_) {
    return;
  }
  credit_ += read.data->size();
  about_.bytes_in += read.data->size();
  if (held_ || gate_waits_) {
    backlog_.push_back(read.data);
    return;
  }
  feed(*read.data);
  flush();
}

void connection_state::feed(const std::vector<char>& data) {
  if (gate_) {
    pass_gate(octets(data));
    return;
  }
  last_heard_ = now();
  framing_->feed(octets(data));
  pump();
}

void connection_state::drained(std::size_t count) {
  const bool was_full = outstanding_ >= transport_high_water;
  outstanding_ -= std::min(count, outstanding_);
  if (was_full && outstanding_ < transport_high_water) {
    flush();
  }
}

/// Takes frames until there is none, or one has to wait for the router.
void connection_state::pump() {
  while (!held_ && !closing_) {
    auto event = framing_->next();
    if (!event) {
      log::info("sandbox", "{}: {}", about_.remote, to_string(event.error()));
      end();
      return;
    }
    if (!*event) {
      return;
    }
    if (about_.framing.empty()) {
      if (const auto found = framing_->detected()) {
        about_.framing = protocol::to_string(found->kind);
        about_.obfuscated = found->obfuscated;
        note();
        if (!admit(*found)) {
          end();
          return;
        }
      }
    }
    if (const auto* frame = std::get_if<protocol::frame>(&**event)) {
      take_frame(*frame);
    }
  }
}

void connection_state::take_frame(const protocol::frame& frame) {
  const std::uint64_t id = protocol::key_id_of(frame.payload);
  if (id == 0) {
    exchange(frame.payload);
    return;
  }
  held_ = frame;
  const auto known = keys_.find(id);
  if (known != keys_.end() && !known->second->expired(now())) {
    open_packet(known->second);
  } else {
    ask_key(id);
  }
}

void connection_state::exchange(bytes_view payload) {
  auto step = exchange_->on_message(payload, now());
  if (step.done) {
    keep_key(*step.done, std::move(step.send));
  } else if (step.transport_error != 0) {
    send_error(step.transport_error);
  } else if (!step.send.empty()) {
    send(std::move(step.send));
  }
}

/// The client hears that it has a key when the key is kept, not before.
void connection_state::keep_key(const protocol::exchange_result& made, bytes last) {
  self->request(parts_.router, router_deadline,
                key_made{made.key, made.salt, parts_.dc, made.expires_in})
      .then(
          [this, last = std::move(last)](const key_answer& kept) mutable {
            if (kept.key) {
              send(std::move(last));
            } else {
              send_error(unknown_key_word);
            }
            flush();
          },
          [this](const caf::error&) { end(); });
}

void connection_state::ask_key(std::uint64_t id) {
  self->request(parts_.router, router_deadline, key_query{id})
      .then(
          [this, id](const key_answer& found) {
            if (!found.key) {
              key_ended(id);
              held_.reset();
              send_error(unknown_key_word);
              resume();
              return;
            }
            if (keys_.size() >= most_keys && !keys_.contains(id)) {
              end();
              return;
            }
            keys_[id] = found.key;
            about_.key = hex_of(id);
            about_.layer = found.key->layer.load();
            note();
            open_packet(found.key);
            resume();
          },
          [this](const caf::error&) { end(); });
}

void connection_state::open_packet(const std::shared_ptr<known_key>& key) {
  const bool tail = framing_->detected()->kind == protocol::framing::padded;
  opening_ = protocol::open(key->key, protocol::side::client, held_->payload, tail);
  if (opening_.status != protocol::open_status::ok) {
    log::info("sandbox", "{}: a packet was refused: {}", about_.remote,
              protocol::to_string(opening_.status));
    held_.reset();
    end();
    return;
  }
  if (held_->quick_ack) {
    bytes out;
    framing_->encode_quick_ack(opening_.token, out);
    if (!out.empty()) {
      about_.bytes_out += out.size();
      outstanding_ += out.size();
      self->send(wire, bytes_to_send{std::make_shared<const bytes>(std::move(out))});
    }
  }
  const session_name name{key->key.id(), opening_.header.session_id};
  if (const auto known = sessions_.find(name); known != sessions_.end()) {
    take_packet(*known->second);
  } else {
    ask_session(name);
  }
}

void connection_state::ask_session(const session_name& name) {
  if (sessions_.size() >= most_sessions) {
    end();
    return;
  }
  self->request(parts_.router, router_deadline, session_query{name, about_.id})
      .then(
          [this, name](const session_answer& given) {
            if (closing_) {
              self->send(parts_.router, session_parked{name, given.session});
              return;
            }
            take_session(name, given.session);
            resume();
          },
          [this](const caf::error&) { end(); });
}

void connection_state::take_session(const session_name& name,
                                    std::shared_ptr<live_session> session) {
  const auto key = keys_.find(name.key);
  if (key == keys_.end()) {
    // Another connection has ended it meanwhile.
    held_.reset();
    send_error(unknown_key_word);
    return;
  }
  if (session) {
    session->wire.attached();
  } else {
    session = std::make_shared<live_session>(key->second, name.session, now(), parts_.random);
  }
  sessions_[name] = session;
  take_packet(*session);
}

void connection_state::take_packet(live_session& session) {
  const session_name name{session.key->key.id(), session.wire.session_id()};
  const auto taken = session.wire.receive(opening_, now());
  held_.reset();
  if (!taken) {
    log::info("sandbox", "{}: {}", about_.remote, to_string(taken.error()));
    end();
    return;
  }
  // Held by value: an event may end the session.
  const auto holder = sessions_.at(name);
  handle_events(name, *holder);
}

/// The router has answered: goes on with what has come meanwhile.
void connection_state::resume() {
  pump();
  while (!held_ && !gate_waits_ && !closing_ && !backlog_.empty()) {
    const auto data = std::move(backlog_.front());
    backlog_.pop_front();
    feed(*data);
  }
  flush();
}

void connection_state::mail(const session_mail& letter) {
  const auto found = sessions_.find(letter.name);
  if (found == sessions_.end()) {
    self->send(parts_.router, letter);
    return;
  }
  found->second->take(*letter.letter, *parts_.layers);
  // Behind the mail that is here already: many answers, one packet.
  if (!std::exchange(flush_asked_, true)) {
    self->send(self, caf::flush_atom_v);
  }
}

session_answer connection_state::release(const session_name& name) {
  const auto found = sessions_.find(name);
  if (found == sessions_.end()) {
    return {};
  }
  session_answer out{std::move(found->second)};
  sessions_.erase(found);
  return out;
}

void connection_state::key_ended(std::uint64_t id) {
  keys_.erase(id);
  std::erase_if(sessions_, [id](const auto& entry) { return entry.first.key == id; });
}

void connection_state::close() {
  if (closing_) {
    self->quit();
  } else {
    end();
  }
}

/// Leaves the sessions with the router, and stays until the router has nothing more on its way
/// here: an answer to a call must not be lost between the two.
void connection_state::end() {
  if (std::exchange(closing_, true)) {
    return;
  }
  for (auto& [name, session] : sessions_) {
    self->send(parts_.router, session_parked{name, std::move(session)});
  }
  sessions_.clear();
  if (wire) {
    self->send(wire, caf::close_atom_v);
    wire = nullptr;
  }
  self->send(parts_.router, connection_note{about_, false});
}

void connection_state::lost(const caf::actor_addr& who) {
  if (who == parts_.router) {
    self->quit();
    return;
  }
  wire = nullptr;
  end();
}

void connection_state::flush() {
  flush_asked_ = false;
  if (closing_ || !framing_->detected()) {
    return;
  }
  bytes out;
  bytes packet;
  const wall_time at = now();
  for (const auto& [name, session] : sessions_) {
    while (outstanding_ + out.size() < transport_high_water &&
           session->wire.take_packet(packet, at)) {
      if (auto framed = framing_->encode(packet, out); !framed) {
        log::warn("sandbox", "{}: {}", about_.remote, to_string(framed.error()));
      }
    }
  }
  if (!out.empty()) {
    about_.bytes_out += out.size();
    outstanding_ += out.size();
    self->send(wire, bytes_to_send{std::make_shared<const bytes>(std::move(out))});
  }
  if (!held_) {
    framing_->release();
    if (credit_ > 0) {
      self->send(wire, bytes_consumed{std::exchange(credit_, 0)});
    }
  }
  schedule();
}

/// One payload of the key exchange.
void connection_state::send(bytes payload) {
  bytes out;
  if (closing_ || !framing_->encode(payload, out)) {
    return;
  }
  about_.bytes_out += out.size();
  outstanding_ += out.size();
  self->send(wire, bytes_to_send{std::make_shared<const bytes>(std::move(out))});
}

/// The client closes when it has read the word; if not, the idle limit does.
void connection_state::send_error(std::int32_t code) {
  bytes out;
  if (closing_ || !framing_->encode_error(code, out)) {
    return;
  }
  outstanding_ += out.size();
  self->send(wire, bytes_to_send{std::make_shared<const bytes>(std::move(out))});
}

void connection_state::schedule() {
  wall_time next = idle_limit_ > duration{}
                       ? last_heard_ + std::chrono::duration_cast<wall_time::duration>(idle_limit_)
                       : wall_time::max();
  for (const auto& [name, session] : sessions_) {
    next = std::min(next, session->wire.next_deadline());
  }
  if (closing_ || next == wall_time::max() || next >= scheduled_) {
    return;
  }
  scheduled_ = next;
  const auto wait = std::max(next - now(), wall_time::duration{std::chrono::milliseconds{1}});
  self->delayed_send(self, std::chrono::duration_cast<std::chrono::nanoseconds>(wait),
                     caf::tick_atom_v, ++generation_);
}

void connection_state::tick(std::uint64_t generation) {
  if (generation != generation_ || closing_) {
    return;
  }
  scheduled_ = wall_time::max();
  if (idle_limit_ > duration{} && now() - last_heard_ >= idle_limit_) {
    end();
    return;
  }
  flush();
}

void connection_state::note() {
  self->send(parts_.router, connection_note{about_, true});
}

namespace {

connection_actor::behavior_type
connection(connection_actor::stateful_pointer<connection_state> self, const connection_parts& parts,
           std::uint64_t number, const std::string& remote, const caf::io::scribe_ptr& socket) {
  self->set_down_handler([self](const caf::down_msg& down) { self->state.lost(down.source); });
  self->state.start(parts, number, remote, socket);
  return {
      [self](const bytes_received& read) { self->state.received(read); },
      [self](const bytes_drained& by) { self->state.drained(by.count); },
      [self](const session_mail& letter) { self->state.mail(letter); },
      [self](const session_release& what) { return self->state.release(what.name); },
      [self](const key_end& end) { self->state.key_ended(end.key); },
      [self](caf::close_atom) { self->state.close(); },
      [self](caf::flush_atom) { self->state.flush(); },
      [self](caf::tick_atom, std::uint64_t generation) { self->state.tick(generation); },
  };
}

} // namespace

connection_actor spawn_connection(caf::actor_system& system, const connection_parts& parts,
                                  std::uint64_t number, std::string remote,
                                  caf::io::scribe_ptr socket) {
  return system.spawn(connection, parts, number, std::move(remote), std::move(socket));
}

} // namespace cafegram::sandbox

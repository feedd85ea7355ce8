#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/connection_state.hpp>
#include <cafegram/sandbox/text.hpp>

#include <caf/all.hpp>

#include <utility>

namespace cafegram::sandbox {
namespace {

constexpr std::size_t most_sessions = 64;
constexpr std::size_t most_keys = 16;
constexpr auto router_deadline = std::chrono::seconds{10};
constexpr std::int32_t unknown_key_word = -404;

} // namespace

void connection_state::start(connection_parts given, std::uint64_t number, std::string remote,
                             caf::io::scribe_ptr socket) {
  parts_ = std::move(given);
  about_.id = number;
  last_call_ = number << 32;
  about_.remote = std::move(remote);
  about_.dc = parts_.dc;
  about_.opened = now();
  last_heard_ = now();
  use_faults(parts_.faults);
  stranger_until_ =
      last_heard_ + std::chrono::duration_cast<wall_time::duration>(parts_.strangers.time);
  start_framing();
  start_exchange();
  self->send(parts_.router, caf::put_atom_v, number, connection_actor{self});
  wire = spawn_transport(self->system(), std::move(socket), byte_sink_actor{self});
  self->monitor(wire);
  self->monitor(parts_.router);
  if (parts_.events) {
    parts_.events.tell(self, event_lines::opened(now(), number, parts_.dc, about_.remote));
  }
  note();
  schedule();
}

void connection_state::received(const bytes_received& read) {
  if (closing_) {
    return;
  }
  credit_ += read.data->size();
  about_.bytes_in += read.data->size();
  backlog_.push_back(read.data);
  if (!waits()) {
    read_backlog();
    flush();
  }
}

/// Whether what has come stays where it is for now.
bool connection_state::waits() const {
  return held_.has_value() || gate_waits_ || reads_nothing() || is_choked();
}

/// Who does not take our answers gets no more of them: nothing is read until there is room again.
bool connection_state::is_choked() const {
  return outstanding_ >= transport_high_water;
}

void connection_state::read_backlog() {
  while (!waits() && !closing_ && !backlog_.empty()) {
    const auto data = std::move(backlog_.front());
    backlog_.pop_front();
    feed(data->subspan(std::exchange(backlog_read_, 0)));
  }
}

void connection_state::feed(bytes_view data) {
  if (gate_) {
    pass_gate(data);
    return;
  }
  last_heard_ = now();
  framing_->feed(data);
  pump();
}

/// Takes frames until there is none, or one has to wait for the router.
void connection_state::pump() {
  while (!held_ && !closing_ && !is_choked()) {
    if (take_queued()) {
      continue;
    }
    if (takes_nothing()) {
      return;
    }
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
      if (faults_) {
        put_frame(*frame);
      } else {
        take_frame(*frame);
      }
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
  auto step = exchange_->on_message(payload, told_now());
  if (step.done) {
    keep_key(*step.done, std::move(step.send));
  } else if (step.transport_error != 0) {
    log::info("sandbox", "{}: {} to a key exchange: {}", about_.remote, step.transport_error,
              step.refused);
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
  self->request(parts_.router, router_deadline, key_query{id, parts_.dc})
      .then(
          [this, id](const key_answer& found) {
            if (!found.key) {
              log::info("sandbox", "{}: the key of a packet is not known", about_.remote);
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
  no_stranger();
  if (held_->quick_ack) {
    bytes out;
    framing_->encode_quick_ack(opening_.token, out);
    write(std::move(out));
  }
  const session_name name{key->key.id(), opening_.header.session_id};
  if (sessions_.contains(name)) {
    take_packet(name);
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
    session = make_session(key->second, name.session);
  }
  sessions_[name] = std::move(session);
  take_packet(name);
}

std::shared_ptr<live_session> connection_state::make_session(const std::shared_ptr<known_key>& key,
                                                             std::uint64_t id) const {
  return std::make_shared<live_session>(key, id, told_now(), parts_.salt_lifetime, parts_.random);
}

void connection_state::take_packet(const session_name& name) {
  spoil_session(name);
  // Held by value: an event may end the session.
  const auto holder = sessions_.at(name);
  const auto taken = holder->wire.receive(opening_, told_now());
  held_.reset();
  if (!taken) {
    log::info("sandbox", "{}: {}", about_.remote, to_string(taken.error()));
    end();
    return;
  }
  handle_events(name, *holder);
}

/// The router has answered: goes on with what has come meanwhile.
void connection_state::resume() {
  pump();
  read_backlog();
  flush();
}

void connection_state::mail(const session_mail& letter) {
  if (holds_back(letter)) {
    return;
  }
  take_letter(letter);
  if (std::holds_alternative<letter_updates>(*letter.letter)) {
    release_swapped();
  }
}

void connection_state::take_letter(const session_mail& letter) {
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
    // The router would keep the memory of each connection that has ever monitored it.
    self->demonitor(parts_.router.address());
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
  no_stranger();
  if (!loses_sessions()) {
    for (auto& [name, session] : sessions_) {
      self->send(parts_.router, session_parked{name, std::move(session)});
    }
  }
  sessions_.clear();
  give_back_letters();
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

void connection_state::schedule() {
  wall_time next = idle_limit_ > duration{}
                       ? last_heard_ + std::chrono::duration_cast<wall_time::duration>(idle_limit_)
                       : wall_time::max();
  next = std::min(next, stranger_until_);
  for (const auto& [name, session] : sessions_) {
    next = std::min(next, session->wire.next_deadline());
  }
  next = std::min(next, next_fault());
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
  const bool idle = idle_limit_ > duration{} && now() - last_heard_ >= idle_limit_;
  if (idle || now() >= stranger_until_) {
    log::info("sandbox", "{}: closed, {}", about_.remote,
              idle ? "nothing came" : "no key was shown in time");
    end();
    return;
  }
  if (faults_) {
    poll_faults();
  } else {
    flush();
  }
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
      [self](const faults_told& told) { self->state.use_faults(told.plan); },
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

#include <cafegram/actors/transport.hpp>

#include <caf/all.hpp>
#include <caf/io/middleman.hpp>
#include <caf/io/network/multiplexer.hpp>

#include <sys/socket.h>

namespace cafegram {

namespace {

using caf::io::receive_policy;

// An idle connection owns a small buffer; one under load reads in large pieces.
constexpr std::size_t small_read = std::size_t{4} << 10;
constexpr std::size_t large_read = std::size_t{64} << 10;
// Reports of drained octets are bundled; any bundle fits into the high-water mark.
constexpr std::size_t drained_report = std::size_t{64} << 10;
static_assert(2 * drained_report <= transport_high_water);
// A peer that does not read has so long to take what was written before the end.
constexpr auto linger = std::chrono::seconds{2};

bytes_view octets(const std::vector<char>& data) {
  return as_bytes({data.data(), data.size()});
}

shared_bytes taken_over(std::vector<char> data) {
  auto whole = std::make_shared<const std::vector<char>>(std::move(data));
  const auto view = octets(*whole);
  return {std::move(whole), view};
}

struct transport_state {
  explicit transport_state(transport_actor::broker_pointer owner)
    : self{owner} {}

  transport_actor::broker_pointer self;
  caf::io::connection_handle socket;
  byte_sink_actor sink;
  std::size_t read_size = small_read;
  std::size_t unconsumed = 0;
  std::size_t unreported = 0;
  std::size_t unwritten = 0;
  bool halted = false;
  bool ending = false;
  bool loop_knows = false;
  caf::error reason;

  void start(caf::io::scribe_ptr opened, byte_sink_actor to);
  void received(caf::io::new_data_msg& read);
  void adapt(std::size_t got);
  void consumed(std::size_t count);
  void write(const bytes_to_send& out);
  void drained(const caf::io::data_transferred_msg& by);
  void end(caf::error why);
  void loop_has_turned();
  void give_up();
  void leave(caf::error why) const;
};

void transport_state::start(caf::io::scribe_ptr opened, byte_sink_actor to) {
  sink = std::move(to);
  socket = opened->hdl();
  self->add_scribe(std::move(opened));
  // Without this neither data nor the close is ever reported.
  self->configure_read(socket, receive_policy::at_most(read_size));
  self->ack_writes(socket, true);
  self->monitor(sink);
}

void transport_state::received(caf::io::new_data_msg& read) {
  if (ending) {
    return;
  }
  const auto got = read.buf.size();
  // A large read is handed over as it is; a small one is copied, so that its buffer is used again.
  self->send(sink, bytes_received{got >= small_read ? taken_over(std::move(read.buf))
                                                    : shared_bytes::copy_of(octets(read.buf))});
  adapt(got);
  unconsumed += got;
  if (!halted && unconsumed >= transport_read_ahead) {
    halted = true;
    self->halt(socket);
  }
}

void transport_state::adapt(std::size_t got) {
  const auto wanted = got == read_size ? large_read : got < small_read ? small_read : read_size;
  if (wanted != read_size) {
    read_size = wanted;
    self->configure_read(socket, receive_policy::at_most(read_size));
  }
}

void transport_state::consumed(std::size_t count) {
  unconsumed -= std::min(count, unconsumed);
  if (halted && unconsumed < transport_read_ahead / 2) {
    halted = false;
    self->trigger(socket);
  }
}

void transport_state::write(const bytes_to_send& out) {
  if (ending) {
    return;
  }
  unwritten += out.data->size();
  auto& buffer = self->wr_buf(socket);
  buffer.insert(buffer.end(), out.data->begin(), out.data->end());
  self->flush(socket);
}

void transport_state::drained(const caf::io::data_transferred_msg& by) {
  unwritten = by.remaining;
  unreported += by.written;
  if (unreported >= drained_report) {
    self->send(sink, bytes_drained{std::exchange(unreported, 0)});
  }
  if (ending && loop_knows && unwritten == 0) {
    leave(reason);
  }
}

/// CAF 0.17.6 keeps a socket for ever whose broker ends in the same turn of the I/O loop that added
/// it, so the end waits for the next turn; and then, with a limit, for what was written.
void transport_state::end(caf::error why) {
  if (std::exchange(ending, true)) {
    return;
  }
  reason = std::move(why);
  self->system().middleman().backend().post(
      [wire = transport_actor{self}] { caf::anon_send(wire, caf::ok_atom_v); });
}

void transport_state::loop_has_turned() {
  loop_knows = true;
  if (unwritten == 0) {
    leave(reason);
  } else {
    self->delayed_send(self, linger, caf::tick_atom_v);
  }
}

void transport_state::give_up() {
  // The handle of a connection is its descriptor; without this the rest stays until it is read.
  ::shutdown(static_cast<int>(socket.id()), SHUT_RDWR);
  leave(reason);
}

/// What is monitored keeps a note of who monitors it, and with it all memory of this actor: a
/// connection that has had a thousand sockets would have a thousand of them.
void transport_state::leave(caf::error why) const {
  self->demonitor(sink.address());
  self->quit(std::move(why));
}

transport_actor::behavior_type
transport(transport_actor::stateful_broker_pointer<transport_state> self,
          caf::io::scribe_ptr socket, byte_sink_actor sink) {
  self->state.start(std::move(socket), std::move(sink));
  self->set_down_handler([self](const caf::down_msg&) { self->state.end({}); });
  self->set_exit_handler([self](caf::exit_msg& told) { self->state.end(std::move(told.reason)); });
  return {
      [self](caf::io::new_data_msg& read) { self->state.received(read); },
      [self](const caf::io::connection_closed_msg&) { self->state.leave({}); },
      [self](const bytes_to_send& out) { self->state.write(out); },
      [self](const bytes_consumed& by) { self->state.consumed(by.count); },
      [self](caf::close_atom) { self->state.end({}); },
      [self](const caf::io::data_transferred_msg& by) { self->state.drained(by); },
      [self](caf::ok_atom) { self->state.loop_has_turned(); },
      [self](caf::tick_atom) { self->state.give_up(); },
  };
}

} // namespace

transport_actor spawn_transport(caf::actor_system& system, caf::io::scribe_ptr socket,
                                byte_sink_actor sink) {
  return system.middleman().spawn_broker(transport, std::move(socket), std::move(sink));
}

} // namespace cafegram

#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/connection_state.hpp>

#include <caf/all.hpp>

#include <utility>

// What a connection sends.
namespace cafegram::sandbox {

void connection_state::drained(std::size_t count) {
  const bool was_full = outstanding_ >= transport_high_water;
  outstanding_ -= std::min(count, outstanding_);
  if (was_full && outstanding_ < transport_high_water) {
    resume();
  }
}

bool connection_state::has_room(const bytes& out) const {
  const std::size_t queued = faults_ ? faults_->out.octets() + faults_->trickle.size() : 0;
  return outstanding_ + out.size() + queued < transport_high_water;
}

void connection_state::flush() {
  flush_asked_ = false;
  if (closing_ || !framing_->detected()) {
    return;
  }
  bytes out;
  bytes packet;
  const wall_time at = told_now();
  for (const auto& [name, session] : sessions_) {
    while (sends_something() && has_room(out) && session->wire.take_packet(packet, at)) {
      frame_out(packet, out);
    }
  }
  take_queued_out(out);
  write(std::move(out));
  if (break_off()) {
    return;
  }
  if (!waits()) {
    framing_->release();
    if (credit_ > 0) {
      self->send(wire, bytes_consumed{std::exchange(credit_, 0)});
    }
  }
  schedule();
}

/// Appends the frame of a payload to `out`, unless something becomes of it before.
void connection_state::frame_out(bytes_view payload, bytes& out) {
  if (faults_) {
    put_frame_out(payload, out);
  } else if (auto framed = framing_->encode(payload, out); !framed) {
    log::warn("sandbox", "{}: {}", about_.remote, to_string(framed.error()));
  }
}

/// One payload of the key exchange.
void connection_state::send(bytes_view payload) {
  bytes out;
  if (closing_ || !sends_something()) {
    return;
  }
  frame_out(payload, out);
  write(std::move(out));
  if (!break_off()) {
    schedule();
  }
}

/// The client closes when it has read the word; if not, the idle limit does.
void connection_state::send_error(std::int32_t code) {
  bytes out;
  if (!closing_ && framing_->encode_error(code, out)) {
    write(std::move(out));
  }
}

void connection_state::write(bytes out) {
  if (!writes_slowly(out)) {
    write_at_once(std::move(out));
  }
}

void connection_state::write_at_once(bytes out) {
  if (closing_ || !wire || out.empty()) {
    return;
  }
  about_.bytes_out += out.size();
  outstanding_ += out.size();
  self->send(wire, bytes_to_send{std::make_shared<const bytes>(std::move(out))});
}

} // namespace cafegram::sandbox

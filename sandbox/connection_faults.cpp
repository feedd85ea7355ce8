#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/connection_state.hpp>

#include <caf/all.hpp>

#include <algorithm>
#include <utility>

// What goes wrong on a connection because somebody wants it to; see docs/sandbox.md, "Faults".
namespace cafegram::sandbox {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t portion = 64; ///< octets of a slow line
constexpr auto portion_every = milliseconds{20};
constexpr auto wrong_time_for = seconds{2};
constexpr std::size_t most_late = 10'000; ///< updates beyond are told in their time

std::int32_t word_of(fault_kind kind) {
  return kind == fault_kind::error_404 ? -404 : kind == fault_kind::error_429 ? -429 : -444;
}

} // namespace

void connection_state::use_faults(std::shared_ptr<const fault_plan> plan) {
  if (!faults_ && (!plan || !plan->any())) {
    return;
  }
  if (!faults_) {
    faults_ = std::make_unique<faulty_line>(about_.id);
  }
  faults_->plan = plan ? std::move(plan) : std::make_shared<const fault_plan>();
}

void connection_state::count(const fault& what, const fault_place& where) {
  parts_.counts->add(what.kind);
  if (parts_.events) {
    parts_.events.tell(self, event_lines::happened(now(), what, where));
  }
}

wall_time connection_state::told_now() const {
  const wall_time at = now();
  return faults_ && at < faults_->clock_right_at ? at + faults_->clock_off : at;
}

// -- what comes ---------------------------------------------------------------------------------

/// Whether frames that have come stay where they are.
bool connection_state::takes_nothing() const {
  return faults_ && (faults_->half_open_until || faults_->in.paused(now()));
}

/// Whether octets that have come stay where they are; a slow line takes them a few at a time.
bool connection_state::reads_nothing() const {
  return takes_nothing() || (faults_ && now() < faults_->slow_read_until);
}

void connection_state::put_frame(const protocol::frame& frame) {
  if (const auto done =
          faults_->in.put(*faults_->plan, to_bytes(frame.payload), frame.quick_ack, now())) {
    count(*done, faults_->in.place());
  }
}

/// True where the queue had a frame, whatever has become of it.
bool connection_state::take_queued() {
  if (!faults_ || faults_->half_open_until) {
    return false;
  }
  auto frame = faults_->in.take(now());
  if (!frame) {
    return false;
  }
  faults_->session_fault.reset();
  faults_->current_number = frame->number;
  if (frame->what && act_on(*frame)) {
    return true;
  }
  faults_->current = std::move(frame->payload);
  take_frame({faults_->current, frame->quick_ack});
  return true;
}

/// True where the frame is not to be looked at.
bool connection_state::act_on(const queued_frame& frame) {
  const wall_time at = now();
  const fault what = *frame.what;
  const bool sealed = protocol::key_id_of(frame.payload) != 0;
  switch (what.kind) {
  case fault_kind::wrong_salt:
  case fault_kind::forget_session:
    if (sealed) {
      faults_->session_fault = what;
    }
    return false;
  case fault_kind::wrong_time:
    faults_->clock_right_at = at + wrong_time_for;
    faults_->clock_off = seconds{what.value} * (what.value % 2 == 1 ? 1 : -1);
    break;
  case fault_kind::slow_read:
    faults_->slow_read_until = at + milliseconds{what.value};
    break;
  case fault_kind::half_open:
    faults_->half_open_until = at + milliseconds{what.value};
    break;
  default: // cut
    faults_->cut = true;
    break;
  }
  count(what, {about_.id, fault_way::in, frame.number});
  return break_off() || faults_->half_open_until;
}

/// What befalls the session of the packet at hand, before it is looked at.
void connection_state::spoil_session(const session_name& name) {
  if (!faults_ || !faults_->session_fault) {
    return;
  }
  const fault what = *std::exchange(faults_->session_fault, std::nullopt);
  auto& session = sessions_.at(name);
  if (what.kind == fault_kind::wrong_salt) {
    session->salts->rotate();
  } else {
    session = make_session(session->key, name.session);
  }
  count(what, {about_.id, fault_way::in, faults_->current_number});
}

// -- what goes ----------------------------------------------------------------------------------

bool connection_state::sends_something() const {
  return !faults_ || (!faults_->half_open_until && !faults_->cut);
}

void connection_state::put_frame_out(bytes_view payload, bytes& out) {
  if (const auto done = faults_->out.put(*faults_->plan, to_bytes(payload), false, now())) {
    count(*done, faults_->out.place());
  }
  take_queued_out(out);
}

void connection_state::take_queued_out(bytes& out) {
  while (faults_ && sends_something()) {
    const auto frame = faults_->out.take(now());
    if (!frame) {
      return;
    }
    emit(*frame, out);
  }
}

void connection_state::emit(const queued_frame& frame, bytes& out) {
  const std::size_t before = out.size();
  const auto encode = [&] {
    if (auto framed = framing_->encode(frame.payload, out); !framed) {
      log::warn("sandbox", "{}: {}", about_.remote, to_string(framed.error()));
    }
  };
  if (!frame.what) {
    encode();
    return;
  }
  const fault what = *frame.what;
  count(what, {about_.id, fault_way::out, frame.number});
  switch (what.kind) {
  case fault_kind::cut:
    encode();
    out.resize(before + what.value % (out.size() - before + 1));
    faults_->cut = true;
    return;
  case fault_kind::half_open:
    faults_->half_open_until = now() + milliseconds{what.value};
    return;
  case fault_kind::slow_write:
    faults_->slow_write_until = now() + milliseconds{what.value};
    encode();
    return;
  default:
    static_cast<void>(framing_->encode_error(word_of(what.kind), out)); // the framing is known
  }
}

/// Ends the connection where a frame was cut. True where it has ended.
bool connection_state::break_off() {
  if (faults_ && faults_->cut) {
    end();
  }
  return closing_;
}

/// True where the octets were taken, to be written a few at a time.
bool connection_state::writes_slowly(bytes& out) {
  if (!faults_ || (faults_->trickle.empty() && now() >= faults_->slow_write_until)) {
    return false;
  }
  append(faults_->trickle, out);
  return true;
}

// -- calls and sessions -------------------------------------------------------------------------

/// True where the call is refused instead of run.
bool connection_state::call_fails(const session_name& name, live_session& session,
                                  protocol::msg_id id, const api_call& call) {
  if (!faults_) {
    return false;
  }
  const fault_place place{about_.id, fault_way::call, ++faults_->calls};
  const auto what = decide(*faults_->plan, place);
  if (!what) {
    return false;
  }
  count(*what, place);
  if (what->kind == fault_kind::late_answer) {
    faults_->late_calls.emplace(std::pair{name, call.call}, milliseconds{what->value});
    return false;
  }
  const auto refusal = what->kind == fault_kind::flood_wait
                           ? rpc_refusal{420, fmt::format("FLOOD_WAIT_{}", what->value)}
                           : rpc_refusal{500, "RPC_CALL_FAIL"};
  session.wire.answer_error(id, refusal.code, refusal.text);
  self->send(parts_.router, call_refused{name, about_.id, call.msg_id,
                                         fmt::format("{} {}", refusal.code, refusal.text),
                                         call.method, call.print});
  return true;
}

bool connection_state::holds_back(const session_mail& letter) {
  const auto* reply = std::get_if<letter_answer>(letter.letter.get());
  if (!faults_ || closing_) {
    return false; // on its way back to the router: this connection tells nothing more
  }
  if (reply == nullptr) {
    return spoils_news(letter);
  }
  const auto found = faults_->late_calls.find({letter.name, reply->call});
  if (found == faults_->late_calls.end()) {
    return false;
  }
  hold(letter, found->second);
  faults_->late_calls.erase(found);
  return true;
}

void connection_state::hold(const session_mail& letter, milliseconds time, bool until_next) {
  faults_->late.push_back({now() + time, letter, until_next});
  schedule();
}

/// True where the updates are not to be told now.
bool connection_state::spoils_news(const session_mail& letter) {
  const fault_place place{about_.id, fault_way::push, ++faults_->pushes};
  const auto what = decide(*faults_->plan, place);
  if (!what) {
    return false;
  }
  count(*what, place);
  switch (what->kind) {
  case fault_kind::push_repeat:
    take_letter(letter);
    return false;
  case fault_kind::push_delay:
  case fault_kind::push_reorder:
    if (faults_->late.size() >= most_late) {
      return false;
    }
    hold(letter, milliseconds{what->value}, what->kind == fault_kind::push_reorder);
    return true;
  default: // push_drop
    return true;
  }
}

/// Tells what was to come behind the next ones.
void connection_state::release_swapped() {
  if (!faults_) {
    return;
  }
  std::vector<faulty_line::late_letter> letters;
  std::erase_if(faults_->late, [&letters](const auto& one) {
    if (one.until_next) {
      letters.push_back(one);
    }
    return one.until_next;
  });
  for (const auto& one : letters) {
    take_letter(one.mail);
  }
}

/// True where the sessions are forgotten with the connection.
bool connection_state::loses_sessions() {
  const fault_place place{about_.id, fault_way::end, 1};
  const auto what = faults_ && !sessions_.empty() ? decide(*faults_->plan, place) : std::nullopt;
  if (!what) {
    return false;
  }
  count(*what, place);
  for (const auto& [name, session] : sessions_) {
    // Its place stays: another connection may have asked for it already.
    self->send(parts_.router, session_parked{name, nullptr});
  }
  return true;
}

void connection_state::give_back_letters() {
  if (!faults_) {
    return;
  }
  for (const auto& one : std::exchange(faults_->late, {})) {
    self->send(parts_.router, one.mail);
  }
}

// -- time ---------------------------------------------------------------------------------------

wall_time connection_state::next_fault() const {
  if (!faults_) {
    return wall_time::max();
  }
  if (faults_->half_open_until) {
    return *faults_->half_open_until;
  }
  wall_time out = faults_->out.next_deadline();
  if (!faults_->trickle.empty()) {
    out = std::min(out, faults_->next_portion);
  }
  if (!held_ && !gate_waits_ && !is_choked()) {
    out = std::min(out, faults_->in.next_deadline());
    if (!backlog_.empty()) {
      out = std::min(out, faults_->next_portion);
    } else if (credit_ > 0 && now() < faults_->slow_read_until) {
      out = std::min(out, faults_->slow_read_until); // then the transport may go on
    }
  }
  for (const auto& one : faults_->late) {
    out = std::min(out, one.due);
  }
  return out;
}

void connection_state::poll_faults() {
  const wall_time at = now();
  if (faults_->half_open_until && at >= *faults_->half_open_until) {
    end();
    return;
  }
  std::vector<faulty_line::late_letter> letters;
  std::erase_if(faults_->late, [at, &letters](const auto& one) {
    if (one.due > at) {
      return false;
    }
    letters.push_back(one);
    return true;
  });
  for (const auto& one : letters) {
    take_letter(one.mail);
  }
  if (at >= faults_->next_portion) {
    faults_->next_portion = at + portion_every;
    trickle();
  }
  if (!held_ && !gate_waits_) {
    resume();
  } else {
    flush();
  }
}

/// The next octets of a slow line, either way; all of them once its time is over.
void connection_state::trickle() {
  const wall_time at = now();
  if (auto& slow = faults_->trickle; !slow.empty()) {
    const auto count =
        at < faults_->slow_write_until ? std::min(portion, slow.size()) : slow.size();
    const auto end = slow.begin() + static_cast<std::ptrdiff_t>(count);
    write_at_once({slow.begin(), end});
    slow.erase(slow.begin(), end);
  }
  const bool stays = held_ || gate_waits_ || takes_nothing();
  if (at < faults_->slow_read_until && !stays && !backlog_.empty()) {
    const auto data = backlog_.front();
    const auto rest = data->subspan(backlog_read_);
    const auto taken = rest.first(std::min(portion, rest.size()));
    backlog_read_ += taken.size();
    if (taken.size() == rest.size()) {
      backlog_.pop_front();
      backlog_read_ = 0;
    }
    feed(taken);
  }
}

} // namespace cafegram::sandbox

#pragma once

#include <cafegram/base/environment.hpp>
#include <cafegram/protocol/message.hpp>

#include <chrono>

namespace cafegram::protocol {

/// Server time, kept by a steady clock: a machine's date that is set while it runs moves nothing.
class server_clock {
public:
  /// `server_now`: the server's time at `now`. `synchronised`: it came from the server itself
  /// (key exchange), not from the machine's date or from storage.
  server_clock(steady_time now, wall_time server_now, bool synchronised)
    : base_{now}
    , server_{server_now}
    , synchronised_{synchronised} {}

  /// The server's time, since the Unix epoch.
  duration unix_time(steady_time now) const {
    return std::chrono::duration_cast<duration>(server_.time_since_epoch()) +
           std::chrono::duration_cast<duration>(now - base_);
  }
  bool synchronised() const { return synchronised_; }

  /// Takes the server's time from a message that it made just now; returns by how much it moved.
  duration correct(msg_id fresh, steady_time now);
  /// A message cannot come from the future: moves forward only.
  void raise(msg_id seen, steady_time now);
  void confirm() { synchronised_ = true; }
  /// After sleep the steady clock may lag: what comes next is believed again.
  void doubt() { synchronised_ = false; }

private:
  steady_time base_;
  wall_time server_;
  bool synchronised_;
};

/// The time that a msg_id names, since the Unix epoch.
duration time_of(msg_id id);

/// Makes ids that rise strictly.
class msg_id_source {
public:
  /// The next id at server time `unix_time` with these lowest two bits.
  msg_id next(duration unix_time, unsigned low_bits);
  /// Lets the next id be lower: for a new session only.
  void reset() { last_ = 0; }
  msg_id last() const { return msg_id{last_}; }

private:
  std::int64_t last_ = 0;
};

} // namespace cafegram::protocol

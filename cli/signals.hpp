#pragma once

#include <csignal>
#include <unistd.h>

namespace cafegram::cli {

/// Keeps SIGINT and SIGTERM from ending the process, so that one thread can wait for them and end
/// things in order. To be made before any other thread.
class signal_wait {
public:
  signal_wait() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGINT);
    ::sigaddset(&set_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    // A reader of our output that has gone is an error of the write, not our end.
    std::signal(SIGPIPE, SIG_IGN);
  }

  /// Ends the wait, from any thread, as a signal does.
  static void end() { ::kill(::getpid(), SIGTERM); }

  /// Until one of them comes.
  void wait() const {
    int which = 0;
    ::sigwait(&set_, &which);
  }

private:
  ::sigset_t set_{};
};

} // namespace cafegram::cli

#include <cafegram/actors/open_files.hpp>

#include <cerrno>
#include <sys/resource.h>

namespace cafegram {

result<void> allow_open_files(std::size_t wanted) {
  rlimit now{};
  if (::getrlimit(RLIMIT_NOFILE, &now) != 0) {
    return fail(errc::limit, "the limit of open files cannot be read", errno);
  }
  if (now.rlim_cur < now.rlim_max) {
    const rlimit raised{now.rlim_max, now.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) {
      now = raised;
    }
  }
  if (now.rlim_cur < wanted) {
    return fail(errc::limit,
                std::to_string(wanted) + " open files are needed, and this process may have " +
                    std::to_string(now.rlim_cur) +
                    ": raise its hard limit (LimitNOFILE= of a systemd unit, --ulimit nofile= of "
                    "a container, ulimit -n in the shell that starts it)",
                static_cast<std::int64_t>(now.rlim_cur));
  }
  return {};
}

} // namespace cafegram

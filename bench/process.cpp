#include <cafegram/bench/process.hpp>

#include <fstream>
#include <sys/resource.h>
#include <unistd.h>

namespace cafegram::bench {

double own_cpu() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds_in = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds_in(used.ru_utime) + seconds_in(used.ru_stime);
}

std::size_t resident_octets() {
  std::size_t whole = 0;
  std::size_t resident = 0;
  std::ifstream{"/proc/self/statm"} >> whole >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

} // namespace cafegram::bench

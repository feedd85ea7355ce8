#include <cafegram/actors/services.hpp>
#include <cafegram/actors/system.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/event_writer.hpp>
#include <cafegram/tests/support.hpp>
#include <cafegram/tests/watchdog.hpp>

#include <caf/all.hpp>

#include <array>
#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <sys/resource.h>
#include <sys/stat.h>

#include "../actors/loopback.hpp"
#include "event_reader.hpp"

namespace cafegram::sandbox {
namespace {

/// A disk that takes octets when the test does: a pipe with a name.
struct slow_disk : testing::Test {
  test::event_log_file file;
  test::plain_socket reader;
  std::string taken;

  void SetUp() override {
    ASSERT_EQ(::mkfifo(file.path().c_str(), 0600), 0);
    open_reader();
    before_ = ::signal(SIGPIPE, SIG_IGN);
  }
  void TearDown() override { ::signal(SIGPIPE, before_); }

  void open_reader() {
    reader = test::plain_socket{::open(file.path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  }
  std::unique_ptr<event_file> open() {
    return event_file::open(file.path(), system_clock_source()).value();
  }
  /// All that is there by now.
  void take() {
    std::array<char, 65536> some{};
    for (ssize_t count = 0; (count = ::read(reader.fd(), some.data(), some.size())) > 0;) {
      taken.append(some.data(), static_cast<std::size_t>(count));
    }
  }
  std::vector<json> lines() const {
    std::vector<json> out;
    std::istringstream in{taken};
    for (std::string line; std::getline(in, line);) {
      out.push_back(json::parse(line, nullptr, false));
      EXPECT_FALSE(out.back().is_discarded()) << line;
    }
    return out;
  }

private:
  void (*before_)(int) = SIG_DFL;
};

/// Line number `n` of those that a test writes.
std::string line_of(int n) {
  return json{{"event", "n"}, {"n", n}}.dump() + '\n';
}

/// Each number stands there, or is counted as lost where it is missing.
void expect_complete(const std::vector<json>& lines, int count) {
  int next = 0;
  for (const auto& line : lines) {
    if (line["event"] == "lost") {
      next += line["lines"].get<int>();
    } else {
      EXPECT_EQ(line["n"], next);
      next = line["n"].get<int>() + 1;
    }
  }
  EXPECT_EQ(next, count);
}

} // namespace

TEST_F(slow_disk, what_it_could_not_be_given_is_counted_in_the_log) {
  const auto log = open();
  EXPECT_TRUE(log->append(line_of(0)));
  EXPECT_TRUE(log->flush());
  take();
  reader.close();
  for (const int n : {1, 2}) {
    EXPECT_TRUE(log->append(line_of(n)));
    EXPECT_FALSE(log->flush());
  }
  open_reader();
  EXPECT_TRUE(log->append(line_of(3)));
  EXPECT_TRUE(log->flush());
  take();
  const auto seen = lines();
  expect_complete(seen, 4);
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[1]["lines"], 2);
}

TEST_F(slow_disk, what_was_lost_before_is_counted_too_where_it_could_not_be_told) {
  const auto log = open();
  EXPECT_TRUE(log->append(line_of(0)));
  EXPECT_TRUE(log->lose(5));
  EXPECT_TRUE(log->append(line_of(6)));
  take();
  EXPECT_TRUE(taken.empty()) << "a word of what is lost is written with the next lines";
  reader.close();
  EXPECT_FALSE(log->flush());
  open_reader();
  EXPECT_TRUE(log->append(line_of(7)));
  EXPECT_TRUE(log->flush());
  take();
  const auto seen = lines();
  expect_complete(seen, 8);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0]["lines"], 7);
}

namespace {

/// Files of this process grow no further than so many octets.
class file_size_limit {
public:
  explicit file_size_limit(std::size_t octets)
    : handler_{::signal(SIGXFSZ, SIG_IGN)} {
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
    const rlimit now{octets, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &now), 0);
  }
  file_size_limit(const file_size_limit&) = delete;
  file_size_limit& operator=(const file_size_limit&) = delete;
  ~file_size_limit() {
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &before_), 0);
    ::signal(SIGXFSZ, handler_);
  }

private:
  rlimit before_{};
  void (*handler_)(int);
};

} // namespace

TEST(event_file_test, a_torn_line_ends_before_the_next_begins) {
  const test::event_log_file file;
  const auto log = event_file::open(file.path(), system_clock_source()).value();
  EXPECT_TRUE(log->append(line_of(0)));
  EXPECT_TRUE(log->flush());
  {
    const file_size_limit limit{std::filesystem::file_size(file.path()) + 5};
    EXPECT_TRUE(log->append(line_of(1)));
    EXPECT_FALSE(log->flush());
  }
  EXPECT_TRUE(log->append(line_of(2)));
  EXPECT_TRUE(log->flush());
  std::ifstream in{file.path()};
  std::vector<std::string> seen;
  for (std::string line; std::getline(in, line);) {
    seen.push_back(line);
  }
  ASSERT_EQ(seen.size(), 4U);
  EXPECT_EQ(seen[0] + '\n', line_of(0));
  EXPECT_EQ(seen[1], line_of(1).substr(0, 5));
  EXPECT_EQ(json::parse(seen[2], nullptr, false)["lines"], 1);
  EXPECT_EQ(seen[3] + '\n', line_of(2));
}

TEST(event_writer_test, does_not_tell_of_each_line_that_is_lost) {
  const test::event_log_file file;
  log::configure({});
  testing::internal::CaptureStderr();
  {
    runtime rt;
    const auto writer =
        spawn_event_writer(rt.system(),
                           event_file::open(file.path(), system_clock_source()).value(), 1U << 20)
            .writer();
    for (int n = 1; n < 2000; n += 2) {
      caf::anon_send(writer, event_line{line_of(n), 1});
    }
    caf::scoped_actor self{rt.system()};
    self->request(writer, caf::infinite, caf::flush_atom_v)
        .receive([](caf::ok_atom) {}, [](const caf::error& why) { FAIL() << to_string(why); });
    caf::anon_send_exit(writer, caf::exit_reason::user_shutdown);
  }
  const auto told = testing::internal::GetCapturedStderr();
  expect_complete(file.all(), 2000);
  std::size_t count = 0;
  for (auto at = told.find("lines are lost"); at != std::string::npos;
       at = told.find("lines are lost", at + 1)) {
    ++count;
  }
  EXPECT_EQ(count, 10U) << "of 1, 2, 4 and so on";
}

// The disk stalls, and the server waits no longer: what was told before is in the file all the
// same.
TEST_F(slow_disk, an_end_does_not_overtake_what_waits_for_it) {
  runtime rt;
  auto sink = spawn_event_writer(rt.system(), open());
  std::atomic<bool> ended = false;
  sink.writer()->attach_functor([&ended] { ended = true; });
  int count = 0;
  for (std::size_t told = 0; told < (1U << 20); ++count) {
    const auto line = line_of(count);
    told += line.size();
    sink.tell_always(line);
  }
  caf::anon_send_exit(sink.writer(), caf::exit_reason::user_shutdown);
  EXPECT_TRUE(test::comes_true([&] {
    take();
    return ended.load();
  }));
  take();
  expect_complete(lines(), count);
}

TEST_F(slow_disk, what_waits_for_it_is_bounded) {
  constexpr std::size_t limit = 1U << 20;
  runtime rt;
  auto sink = spawn_event_writer(rt.system(), open(), limit);
  caf::scoped_actor self{rt.system()};
  int count = 0;
  for (std::size_t told = 0; told < 2 * limit; ++count) {
    const auto line = line_of(count);
    told += line.size();
    sink.tell(self.ptr(), line);
  }
  sink.tell_always(line_of(count++));
  std::atomic<bool> written = false;
  rt.system().spawn([&written, to = sink.writer()](caf::event_based_actor* asking) {
    asking->request(to, caf::infinite, caf::flush_atom_v)
        .then([&written](caf::ok_atom) { written = true; }, [](const caf::error&) {});
  });
  EXPECT_TRUE(test::comes_true([&] {
    take();
    return written.load();
  }));
  take();
  reader.close(); // or nothing would end a writer that still waits for it
  caf::anon_send_exit(sink.writer(), caf::exit_reason::user_shutdown);
  const auto seen = lines();
  expect_complete(seen, count);
  EXPECT_EQ(seen.back()["n"], count - 1) << "the end of a log is never left out";
  // Beside what waits: what the pipe holds, and what the writer has gathered.
  EXPECT_LT(taken.size(), limit + (192U << 10));
}

} // namespace cafegram::sandbox

#include "scene.hpp"

#include <cafegram/actors/updates.hpp>
#include <cafegram/base/log.hpp>

#include <caf/all.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <condition_variable>
#include <mutex>
#include <sys/mman.h>

namespace cafegram::test {

namespace {

using namespace std::chrono_literals;

/// A loaded machine is slow; none is as slow as this.
constexpr auto patience = 60s;

/// Octets of log in one test, at the most.
constexpr std::size_t most_told = std::size_t{128} << 10;

/// What a call came to, and how often that was told.
class outcome {
public:
  std::function<void(result<bytes>)> taker() {
    return [this](result<bytes> told) {
      const std::lock_guard lock{mutex_};
      ++times_;
      value_ = std::move(told);
      changed_.notify_all();
    };
  }

  result<bytes> wait() {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, patience, [this] { return times_ > 0; });
    return value_;
  }

  int times() {
    const std::lock_guard lock{mutex_};
    return times_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int times_ = 0;
  result<bytes> value_ = fail(errc::deadline, "never settled");
};

/// What people are told beside the log.
class shown_text {
public:
  progress_function taker() {
    return [this](std::string_view step, std::string_view detail) {
      const std::lock_guard lock{mutex_};
      text_.append(step).append(": ").append(detail).append("\n");
    };
  }
  void add(std::string_view more) {
    const std::lock_guard lock{mutex_};
    text_.append(more).append("\n");
  }
  std::string text() {
    const std::lock_guard lock{mutex_};
    return text_;
  }

private:
  std::mutex mutex_;
  std::string text_;
};

client_options options_for(const scene& what, const wrong_server& server, shown_text& shown) {
  client_options out;
  out.api_id = 1;
  out.api_hash = "0123456789abcdef0123456789abcdef";
  out.bot_token = hostile_token;
  out.dc = dc_override{2, server.where()};
  out.rsa_keys_pem = {protocol::exchange_secret()->public_key().to_pem()};
  out.transport = {transport_kind::intermediate, false};
  out.forward_secrecy = false; // scenes that are about it ask for it
  out.timing.reconnect_min = 10ms;
  out.timing.reconnect_max = 20ms;
  out.timing.request_timeout = patience;
  out.on_progress = shown.taker();
  if (what.options) {
    what.options(out);
  }
  return out;
}

void judge(const scene& what, const result<bytes>& first, const server_record& seen) {
  if (what.expected == reaction::fails) {
    ASSERT_FALSE(first) << "the call was answered with " << to_hex(*first);
    EXPECT_EQ(first.error().code, what.code) << to_string(first.error());
  } else {
    ASSERT_TRUE(first) << to_string(first.error());
    EXPECT_EQ(to_hex(*first), to_hex(right_answer()));
    EXPECT_EQ(seen.runs, 1) << "how often the call has run";
  }
  const int natural = what.expected == reaction::anew ? what.what.times + 1 : 1;
  if (what.lines < 0) {
    EXPECT_GE(seen.lines, natural) << "how often it has connected";
  } else {
    EXPECT_EQ(seen.lines, what.lines > 0 ? what.lines : natural) << "how often it has connected";
  }
  if (what.check) {
    what.check(seen);
  }
}

} // namespace

void play(const scene& what) {
  captured_log log;
  shown_text shown;
  wrong_server server{what.what};
  outcome first;
  outcome second;
  {
    runtime rt;
    auto me = client::start(rt, options_for(what, server, shown));
    ASSERT_TRUE(me) << to_string(me.error());
    if (what.logged_in) {
      const auto who = me->login_bot(hostile_token, patience);
      ASSERT_TRUE(who) << to_string(who.error());
    }
    me->subscribe(
        rt.system().spawn([]() -> caf::behavior { return {[](const update_event&) {}}; }));
    me->invoke_bytes_async(first_call(), {}, first.taker());
    if (const auto told = first.wait(); !told) {
      shown.add(to_string(told.error()));
    }
    me->invoke_bytes_async(second_call(), {}, second.taker());
    const auto after = second.wait();
    EXPECT_EQ(to_hex(after.value_or(bytes{})), to_hex(right_answer()))
        << "the client does not recover: " << (after ? "" : to_string(after.error()));
    EXPECT_TRUE(log.says(what.logged)) << "not in the log: " << what.logged;
    shown.add(me->status().last_error);
    me->stop();
  }
  const auto seen = server.finish();
  EXPECT_EQ(first.times(), 1);
  EXPECT_EQ(second.times(), 1);
  judge(what, first.wait(), seen);
  const auto told = log.text() + shown.text();
  EXPECT_LT(told.size(), most_told) << "it grows with what a server says";
  expect_no_secrets(told, seen.secrets);
  if (testing::Test::HasFailure()) {
    std::cout << std::string_view{told}.substr(0, most_told);
  }
}

void expect_no_secrets(std::string_view text, const std::vector<bytes>& secrets) {
  // Of four octets one in thousands of runs is among the lines by chance, of six none is.
  constexpr std::size_t window = 6;
  std::string lower{text};
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto holds = [](std::string_view in, std::string_view what) {
    return in.find(what) != std::string_view::npos;
  };
  for (const auto& secret : secrets) {
    for (std::size_t at = 0; at + window <= secret.size(); ++at) {
      const auto part = bytes_view{secret}.subspan(at, window);
      ASSERT_FALSE(holds(text, as_text(part)) || holds(lower, to_hex(part)))
          << "a secret of " << secret.size() << " octets is shown:\n"
          << text;
    }
  }
  const auto token = hostile_token.substr(hostile_token.find(':') + 1);
  for (std::size_t at = 0; at + 6 <= token.size(); ++at) {
    ASSERT_FALSE(holds(text, token.substr(at, 6))) << "the token is shown:\n" << text;
  }
}

captured_log::captured_log()
  : file_{::memfd_create("log", MFD_CLOEXEC)}
  , before_{::dup(STDERR_FILENO)} {
  log::configure({log::level::debug});
  ::dup2(file_, STDERR_FILENO);
}

captured_log::~captured_log() {
  ::dup2(before_, STDERR_FILENO);
  ::close(before_);
  ::close(file_);
  log::configure({});
}

std::string captured_log::text() const {
  std::string out;
  std::array<char, 4096> some;
  ssize_t got = 0;
  while ((got = ::pread(file_, some.data(), some.size(), static_cast<off_t>(out.size()))) > 0) {
    out.append(some.data(), static_cast<std::size_t>(got));
  }
  return out;
}

bool captured_log::says(std::string_view what) const {
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (text().find(what) == std::string::npos) {
    if (std::chrono::steady_clock::now() >= limit) {
      return false;
    }
    ::poll(nullptr, 0, 5); // what is told by another thread is on its way
  }
  return true;
}

} // namespace cafegram::test

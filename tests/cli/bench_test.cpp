#include <cafegram/bench/measure.hpp>
#include <cafegram/tl/json.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <sstream>
#include <vector>

#include "program.hpp"

using namespace cafegram;
using test::run_program;

namespace {

/// Reads lines of {"name", "value", "unit"}; anything else is a failure.
std::map<std::string, double> read_figures(const std::string& text) {
  std::map<std::string, double> out;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    const auto value = tl::json::parse(line, nullptr, false);
    if (!value.is_object() || value.size() != 3 || !value.contains("unit")) {
      ADD_FAILURE() << "not a figure: " << line;
      continue;
    }
    out[value.value("name", "")] = value.value("value", -1.0);
  }
  return out;
}

} // namespace

TEST(bench, tl_gives_figures_for_programs) {
  const auto answer = run_program("bench tl --json --seconds 0.05");
  ASSERT_EQ(answer.status, 0) << answer.output;
  const auto figures = read_figures(answer.output);
  for (const char* name : {"tl/decode/messages100", "tl/encode/messages100"}) {
    ASSERT_TRUE(figures.contains(name)) << answer.output;
    EXPECT_GT(figures.at(name), 0) << name;
  }
}

TEST(bench, crypto_measures_every_path_beside_libcrypto) {
  const auto answer = run_program("bench crypto --json --seconds 0.2");
  ASSERT_EQ(answer.status, 0) << answer.output;
  const auto figures = read_figures(answer.output);
  for (const char* name :
       {"ige/encrypt/single/64B", "ige/encrypt/single/8KiB", "ige/decrypt/x8/512KiB",
        "openssl-ige/decrypt/single/8KiB", "seal/x8/512KiB", "open/x8/512KiB", "seal/single/256B",
        "open/single/256B", "sha256/x2/512KiB", "factor/pq63"}) {
    ASSERT_TRUE(figures.contains(name)) << name << answer.output;
    EXPECT_GT(figures.at(name), 0) << name;
  }
}

TEST(bench, storage_measures_each_kind_and_many_peers) {
  const auto answer = run_program("bench storage --json --seconds 0.05 --peers 2000");
  ASSERT_EQ(answer.status, 0) << answer.output;
  const auto figures = read_figures(answer.output);
  for (const char* name : {"storage/inbox/memory", "storage/inbox/file", "storage/inbox/sqlite",
                           "storage/inbox/sqlite/durable", "storage/start-ms/no-peers",
                           "storage/start-ms/many-peers", "storage/peers/written-per-second",
                           "storage/peers/found-by-id", "storage/peers/found-by-username"}) {
    ASSERT_TRUE(figures.contains(name)) << name << answer.output;
    EXPECT_GT(figures.at(name), 0) << name;
  }
}

TEST(bench, rpc_measures_two_processes) {
  const auto answer =
      run_program("bench rpc --json --seconds 0.2 --in-flight 16 --connections 1 3");
  ASSERT_EQ(answer.status, 0) << answer.output;
  const auto figures = read_figures(answer.output);
  for (const char* name : {"rpc/per-second/1", "rpc/per-client-cpu-second/1", "rpc/median-us/1",
                           "rpc/p99-us/1", "rpc/per-second/3", "rpc/loaded-p99-us/3",
                           "rpc/one-caller-per-second/3", "rpc/p99-us/3", "rpc/allocations/3"}) {
    ASSERT_TRUE(figures.contains(name)) << name << answer.output;
    EXPECT_GT(figures.at(name), 0) << name;
  }
  EXPECT_LE(figures.at("rpc/median-us/1"), figures.at("rpc/p99-us/1"));
  ASSERT_TRUE(figures.contains("rpc/pipelined/1")) << answer.output;
  EXPECT_EQ(figures.at("rpc/pipelined/1"), figures.at("rpc/per-second/1"));
  // Counts, not times: what is promised of an answer's way.
  EXPECT_LE(figures.at("rpc/own-allocations/receiving/1"), 2);
  EXPECT_LE(figures.at("rpc/own-allocations/receiving/64"), 1.25);
  EXPECT_EQ(figures.at("rpc/own-allocations/object"), 1);
  EXPECT_GT(figures.at("rpc/own-allocations/sending/64"), 0);
}

TEST(bench, idle_measures_bots_at_rest) {
  for (const char* how : {"", " --forward-secrecy --files"}) {
    const auto answer =
        run_program("bench idle --json --sessions 4 --settle 0 --seconds 0.2" + std::string{how});
    ASSERT_EQ(answer.status, 0) << answer.output;
    const auto figures = read_figures(answer.output);
    for (const char* name : {"idle/sessions", "idle/start-seconds", "idle/start-cpu-seconds"}) {
      ASSERT_TRUE(figures.contains(name)) << name << answer.output;
      EXPECT_GT(figures.at(name), 0) << name;
    }
    EXPECT_GE(figures.at("idle/bytes-per-session"), 0);
    EXPECT_GE(figures.at("idle/cpu-percent"), 0);
  }
}

TEST(bench, idle_says_what_to_do_when_it_may_not_open_as_many_sockets) {
  const auto answer = run_program("--version >/dev/null; ulimit -n 256; " +
                                  std::string{CAFEGRAM_PROGRAM} + " bench idle --sessions 500");
  EXPECT_EQ(answer.status, 1);
  EXPECT_NE(answer.output.find("1100 open files are needed, and this process may have 256"),
            std::string::npos)
      << answer.output;
}

TEST(bench, updates_measures_the_way_to_the_handlers) {
  const auto answer = run_program("bench updates --json --updates 2000");
  ASSERT_EQ(answer.status, 0) << answer.output;
  const auto figures = read_figures(answer.output);
  for (const char* name : {"updates/memory/1threads/10chats", "updates/memory/2threads/10000chats",
                           "updates/sqlite/1threads/10chats", "updates/sqlite/2threads/10000chats",
                           "updates/memory/1threads/over-a-connection",
                           "updates/p99-us/memory/2threads", "updates/p99-us/sqlite/2threads"}) {
    ASSERT_TRUE(figures.contains(name)) << name << answer.output;
    EXPECT_GT(figures.at(name), 0) << name;
  }
}

TEST(bench, a_rate_ends_with_the_handlers_and_the_processor_s_time_with_what_comes_behind_them) {
  using namespace std::chrono_literals;
  bench::time_point now{1h};
  double cpu = 3;
  const bench::meters by{[&now] { return now; }, [&cpu] { return cpu; }};
  const auto step = [&](std::chrono::seconds time, double work, bool in_time = true) {
    return [&now, &cpu, time, work, in_time] {
      now += time;
      cpu += work;
      return in_time;
    };
  };
  const auto cost = bench::cost_of(by, step(1s, 0.5), step(1s, 0.25), step(4s, 0.125));
  ASSERT_TRUE(cost);
  EXPECT_DOUBLE_EQ(cost->seconds, 2);
  EXPECT_DOUBLE_EQ(cost->cpu_seconds, 0.875);
  EXPECT_FALSE(bench::cost_of(by, step(1s, 1, false), step(1s, 1), step(1s, 1)));
  EXPECT_FALSE(bench::cost_of(by, step(1s, 1), step(1s, 1, false), step(1s, 1)));
  EXPECT_FALSE(bench::cost_of(by, step(1s, 1), step(1s, 1), step(1s, 1, false)));
}

TEST(bench, a_latency_counts_from_when_an_update_was_due) {
  using namespace std::chrono_literals;
  const bench::timetable each_ms{bench::time_point{1h}, 1000};
  EXPECT_EQ(each_ms.due(0), bench::time_point{1h});
  EXPECT_EQ(each_ms.due(1500), bench::time_point{1h + 1500ms});
  // All is held up for half a second, the feeder too: half of them are fed late, and come at once.
  std::vector<bench::time_point> came;
  for (std::size_t n = 0; n < 1000; ++n) {
    came.push_back(std::max(each_ms.due(n), bench::time_point{1h + 500ms}) + 1ms);
  }
  EXPECT_NEAR(bench::p99_us(each_ms, came), 492'000, 1) << "nine of them have waited longer";
}

TEST(bench, tells_people_in_a_table) {
  const auto answer = run_program("bench tl --seconds 0.05");
  EXPECT_EQ(answer.status, 0);
  EXPECT_NE(answer.output.find("MB/s"), std::string::npos) << answer.output;
  EXPECT_EQ(answer.output.find('{'), std::string::npos) << answer.output;
}

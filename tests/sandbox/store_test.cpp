#include <cafegram/tests/temporary_folder.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world_support.hpp"

namespace cafegram {
namespace {

using sandbox::json;

class sandbox_store : public test::world_test {
protected:
  void SetUp() override { reopen(); }
  void TearDown() override { world.reset(); }

  void reopen() {
    world.reset();
    auto records = sandbox::open_sqlite_store(folder);
    ASSERT_TRUE(records) << to_string(records.error());
    sandbox::world_options options;
    options.message_log = folder / "messages.jsonl";
    open(*std::move(records), options);
  }

  std::vector<json> logged() const {
    std::vector<json> out;
    std::ifstream in{folder / "messages.jsonl"};
    for (std::string line; std::getline(in, line);) {
      out.push_back(parse(line));
    }
    return out;
  }

  test::temporary_folder home;
  std::filesystem::path folder = home.path();
};

TEST_F(sandbox_store, everything_is_there_again) {
  sandbox::key_record key;
  key.id = 0xfedcba9876543210;
  key.secret = bytes(256, 0xab);
  key.dc = 2;
  key.salt = -5;
  ASSERT_TRUE(world->add_key(key));
  ASSERT_TRUE(world->set_layer(key.id, 198));
  const auto bot = log_in_bot();
  const auto bob = log_in_person("15550100", "Bob");
  const json to_bot = peer(bob, "sandbox_1000001_bot");
  const json first = text_to(to_bot, "first");
  call(bob, first);
  json edit = sandbox::make("messages.editMessage");
  edit["peer"] = to_bot;
  edit["id"] = 1;
  edit["message"] = "edited";
  call(bob, edit);
  call(bob, text_to(to_bot, "second"));
  call(bob, text_to(to_bot, "third"));
  call(bob, R"({"_":"messages.deleteMessages","revoke":true,"id":[2]})");
  const json sent = send_code(new_key(), "15550199");
  const std::string code = shown_code();
  const json all = R"({"_":"updates.getDifference","pts":1,"date":0,"qts":0})";
  const json before = call(bot, all);

  reopen();
  const auto* kept = world->find_key(key.id);
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(kept->secret, key.secret);
  EXPECT_EQ(kept->layer, 198);
  EXPECT_EQ(kept->salt, -5);
  EXPECT_EQ(call(bot, all), before);
  EXPECT_EQ(peer(bob, "sandbox_1000001_bot"), to_bot) << "access hashes stay";
  EXPECT_EQ(refused(bob, first), "500 RANDOM_ID_DUPLICATE");
  EXPECT_EQ(call(bob, text_to(to_bot, "fourth"))["updates"][0]["id"], 4);
  call(new_key(), sign_in(sent, "15550199", code));
  EXPECT_EQ(refused(new_key(), parse(R"({"_":"auth.importBotAuthorization","api_id":1,
    "api_hash":"x","bot_auth_token":"1000001:other"})")),
            "400 ACCESS_TOKEN_INVALID");
}

TEST_F(sandbox_store, nobody_else_reads_or_shares_it) {
  struct stat seen{};
  for (const char* name : {"world.db", "messages.jsonl"}) {
    ASSERT_EQ(stat((folder / name).c_str(), &seen), 0) << name;
    EXPECT_EQ(seen.st_mode & 0777, 0600u) << name;
  }
  const auto second = sandbox::open_sqlite_store(folder);
  ASSERT_FALSE(second) << "one sandbox for one folder";
  EXPECT_EQ(second.error().code, errc::storage);
}

// A process that is killed at any moment has kept what it has answered.
TEST_F(sandbox_store, survives_a_kill) {
  world.reset();
  int channel[2];
  ASSERT_EQ(pipe(channel), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    reopen();
    const auto bot = log_in_bot();
    const json alice = peer(bot, "alice");
    for (;;) {
      call(bot, text_to(alice, "x"));
      if (write(channel[1], "x", 1) != 1) {
        _exit(0);
      }
    }
  }
  close(channel[1]);
  std::int64_t answered = 0;
  for (char octet = 0; answered < 200; ++answered) {
    ASSERT_EQ(read(channel[0], &octet, 1), 1);
  }
  kill(child, SIGKILL);
  for (char octet = 0; read(channel[0], &octet, 1) == 1; ++answered) {
  }
  close(channel[0]);
  waitpid(child, nullptr, 0);

  reopen();
  const auto bot = log_in_bot();
  const json state = call(bot, R"({"_":"updates.getState"})");
  const auto pts = sandbox::number(state, "pts");
  EXPECT_GE(pts, 1 + 2 * answered);
  EXPECT_LE(pts, 1 + 2 * (answered + 1)) << "at most the one that was under way";
  EXPECT_EQ(std::ssize(logged()), pts - 1) << "each message stands in the log, once";
}

TEST_F(sandbox_store, the_log_is_mended) {
  const auto bot = log_in_bot();
  const json alice = peer(bot, "alice");
  call(bot, text_to(alice, "one"));
  world.reset();
  const auto path = folder / "messages.jsonl";
  const auto size = std::filesystem::file_size(path);
  std::filesystem::resize_file(path, size - 3); // a line that a killed process cut
  reopen();
  const auto lines = logged();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(std::filesystem::file_size(path), size);
  EXPECT_EQ(lines[0]["text"], "one");
  EXPECT_EQ(lines[0]["from"], test::echo_id);
  EXPECT_EQ(lines[0]["random_id"], std::to_string(last_random_id));
  EXPECT_EQ(lines[1]["text"], "You wrote: one");
  EXPECT_EQ(lines[1]["number"], 2);
}

TEST_F(sandbox_store, what_does_not_read_is_said) {
  world.reset();
  std::filesystem::remove(folder / "world.db-wal");
  std::ofstream{folder / "world.db", std::ios::trunc} << "this is not a database, not at all";
  const auto records = sandbox::open_sqlite_store(folder);
  ASSERT_FALSE(records);
  EXPECT_NE(records.error().what.find("world.db"), std::string::npos);
}

// A store that fails makes the world stop, instead of answering what is not kept.
class failing_store final : public sandbox::store {
public:
  explicit failing_store(int commits)
    : left_{commits} {}
  result<void> load(const visitor&) override { return {}; }
  void put(std::string_view, std::string, std::string) override {}
  void erase(std::string_view, std::string) override {}
  result<void> commit() override {
    return left_-- > 0 ? result<void>{} : fail(errc::storage, "disk full");
  }

private:
  int left_;
};

TEST_F(sandbox_store, a_failed_commit_lets_nothing_out) {
  open(std::make_unique<failing_store>(4));
  const auto key = log_in_bot();
  const json alice = peer(key, "alice");
  EXPECT_EQ(refused(key, text_to(alice, "x")), "400 SANDBOX_STORE_FAILED");
  EXPECT_TRUE(effects.pushes.empty());
  EXPECT_EQ(refused(key, R"({"_":"updates.getState"})"), "400 SANDBOX_STORE_FAILED");
}

} // namespace
} // namespace cafegram

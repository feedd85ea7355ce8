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
    auto options = plain();
    options.message_log = folder / "messages.jsonl";
    open(*std::move(records), options);
  }

  /// Its `inputChannel`, with these people in it.
  json make_supergroup(std::uint64_t key, const json& guests) {
    json channel = sandbox::make("channels.createChannel");
    channel["megagroup"] = true;
    channel["title"] = "Channel";
    channel["about"] = "";
    const json made = call(key, channel)["chats"][0];
    json input = sandbox::make("inputChannel");
    input["channel_id"] = made["id"];
    input["access_hash"] = made["access_hash"];
    json invite = sandbox::make("channels.inviteToChannel");
    invite["channel"] = input;
    invite["users"] = guests;
    call(key, invite);
    return input;
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

// Rooms, their members and boxes, and what bots are told of them.
TEST_F(sandbox_store, rooms_are_there_again) {
  const auto bot = log_in_bot();
  const auto ann = log_in_person("15550100", "Ann");
  const auto bob = log_in_person("15550101", "Bob");
  call(bob, R"({"_":"account.updateUsername","username":"bobby"})");
  json group = sandbox::make("messages.createChat");
  group["title"] = "Group";
  group["users"] = json::array({user(ann, "bobby"), user(ann, "sandbox_1000001_bot")});
  json to_group = sandbox::make("inputPeerChat");
  to_group["chat_id"] = call(ann, group)["updates"]["chats"][0]["id"];
  const json input = make_supergroup(ann, group["users"]);
  json to_channel = input;
  to_channel["_"] = "inputPeerChannel";
  const json hidden = text_to(to_channel, "hidden from the bot");
  call(ann, hidden);
  call(ann, text_to(to_channel, "/seen"));
  json edit = sandbox::make("messages.editMessage");
  edit["peer"] = to_channel;
  edit["id"] = 5;
  edit["message"] = "/edited";
  call(ann, edit);
  const json in_group = text_to(to_group, "/hello");
  call(ann, in_group);
  call(bob, text_to(to_group, "between us"));
  call(ann, R"({"_":"messages.deleteMessages","revoke":true,"id":[2]})");
  const json all = R"({"_":"updates.getDifference","pts":1,"date":0,"qts":1})";
  json of_channel = sandbox::make("updates.getChannelDifference");
  of_channel["channel"] = input;
  of_channel["channel"]["access_hash"] = 0;
  of_channel["filter"] = sandbox::make("channelMessagesFilterEmpty");
  of_channel["pts"] = 1;
  of_channel["limit"] = 100;
  json full = sandbox::make("channels.getFullChannel");
  full["channel"] = input;
  json full_group = sandbox::make("messages.getFullChat");
  full_group["chat_id"] = to_group["chat_id"];
  const auto look = [&] {
    return std::vector<json>{call(bot, all), call(bob, R"({"_":"updates.getDifference",
      "pts":1,"date":0,"qts":0})"),
                             call(bot, of_channel), call(ann, full), call(bob, full_group)};
  };
  const auto before = look();
  const auto seq = call(bob, R"({"_":"updates.getState"})")["seq"].get<int>();
  reopen();
  auto after = look();
  EXPECT_GT(call(bob, R"({"_":"updates.getState"})")["seq"].get<int>(), seq) << "never goes back";
  after[0]["state"]["seq"] = before[0]["state"]["seq"];
  after[1]["state"]["seq"] = before[1]["state"]["seq"];
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(after[i], before[i]) << i;
  }
  EXPECT_EQ(refused(ann, hidden), "500 RANDOM_ID_DUPLICATE");
  EXPECT_EQ(refused(ann, in_group), "500 RANDOM_ID_DUPLICATE");
  const json next = update_in(call(ann, text_to(to_channel, "/next")), "updateNewChannelMessage");
  EXPECT_EQ(next["message"]["id"], 6);
  EXPECT_EQ(pushed(bot, "updateNewChannelMessage")["pts_count"], 1);
  EXPECT_EQ(call(ann, group)["updates"]["chats"][0]["id"], to_group["chat_id"].get<int>() + 1);
}

// What was kept before there were groups reads as it did.
TEST_F(sandbox_store, private_messages_of_before_read_on) {
  const auto bot = log_in_bot();
  const auto bob = log_in_person("15550100", "Bob");
  const json to_bot = peer(bob, "sandbox_1000001_bot");
  const auto bobs = sandbox::number(self(bob), "id");
  call(bob, text_to(to_bot, "first"));
  world.reset();
  {
    auto records = sandbox::open_sqlite_store(folder);
    ASSERT_TRUE(records);
    (*records)->put("message", fmt::format("{:020}", 1),
                    fmt::format(R"({{"number":1,"from":{},"to":1000001,"date":5,"text":"of before",
                      "random_id":77,"sender_id":1,"receiver_id":1,"gone_for_receiver":true}})",
                                bobs));
    ASSERT_TRUE((*records)->commit());
  }
  reopen();
  const json found = call(bob, R"({"_":"messages.getMessages","id":[
    {"_":"inputMessageID","id":1}]})");
  EXPECT_EQ(found["messages"][0]["message"], "of before");
  EXPECT_EQ(sandbox::kind(call(bot, R"({"_":"messages.getMessages","id":[
    {"_":"inputMessageID","id":1}]})")["messages"][0]),
            "messageEmpty");
  EXPECT_EQ(call(bob, text_to(to_bot, "second"))["updates"][0]["id"], 2);
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

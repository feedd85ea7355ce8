#include <cafegram/bots/bot.hpp>
#include <cafegram/testing/lab.hpp>

#include <gtest/gtest.h>

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

extern char** environ;

namespace cafegram {

namespace {

using testing::lab;

TEST(bot, starts_where_another_one_has_just_stopped) {
  runtime rt;
  client_options options;
  options.api_id = 1;
  options.api_hash = "0";
  options.dc = dc_override{.id = 2, .address = {"127.0.0.1", 1}}; // nobody is there
  auto over = client::start(rt, options);
  ASSERT_TRUE(over) << to_string(over.error());
  const auto echo = [](router& r) { r.otherwise([](context ctx) { ctx.reply("x"); }); };
  for (int n = 0; n < 50; ++n) {
    auto one = bot::start(*over, echo);
    ASSERT_TRUE(one) << n << ": " << to_string(one.error());
    one->stop();
  }
  auto one = bot::start(*over, echo);
  ASSERT_TRUE(one);
  EXPECT_FALSE(bot::start(*over, echo)) << "while one finishes the updates no other can";
}

/// What is said with an entity comes back with it, behind the echo's own word.
void expect_echo_with_its_entity(testing::person& one) {
  testing::page_entity bold_part;
  bold_part.type = "messageEntityBold";
  bold_part.offset = 0;
  bold_part.length = 2;
  ASSERT_TRUE(one.says("hi there", {bold_part}));
  const auto echo = one.hears();
  ASSERT_TRUE(echo) << to_string(echo.error());
  EXPECT_EQ(echo->text, "Echo: hi there");
  ASSERT_EQ(echo->entities.size(), 1u);
  EXPECT_EQ(echo->entities[0].type, "messageEntityBold");
  EXPECT_EQ(echo->entities[0].offset, 6);
}

// Through sockets, key exchange and session, against the sandbox in this process.
TEST(lab, a_bot_of_all_three_kinds_talks_to_people) {
  const auto room = lab::start([](router& r) {
    r.on(command("name"),
         [](context ctx) -> task<> {
           const auto answer = co_await ctx.ask("Name?", 10s);
           co_await ctx.reply("Hello, " + answer->text());
         })
        .on(command("late"),
            [](context ctx) -> task<> {
              const auto answer = co_await ctx.ask("Quick!", 200ms);
              co_await ctx.reply(answer ? "in time" : "too late");
            })
        .on(command("press"),
            [](context ctx) {
              ctx.reply(
                  outgoing("Here").markup(inline_keyboard{}.row(callback_button("Go", "go"))));
            })
        .on(callback("go"),
            [](context ctx, const callback_query& q) {
              ctx.answer(q, "Gone");
              ctx.edit(q, bold("done"));
            })
        .otherwise([](bot_actor self) -> behavior {
          return {[self](const new_message& m) { self->reply(m, "Echo: " + m.formatted()); }};
        });
  });
  ASSERT_TRUE(room) << to_string(room.error());
  auto ann = (*room)->make_person("Ann");
  auto ben = (*room)->make_person("Ben");
  ASSERT_TRUE(ann && ben);

  expect_echo_with_its_entity(*ann);

  ASSERT_TRUE(ann->says("/name"));
  EXPECT_EQ(ann->hears()->text, "Name?");
  ASSERT_TRUE(ben->says("not Ann"));
  EXPECT_EQ(ben->hears()->text, "Echo: not Ann");
  ASSERT_TRUE(ann->says("Ann"));
  EXPECT_EQ(ann->hears()->text, "Hello, Ann");

  ASSERT_TRUE(ann->says("/late"));
  EXPECT_EQ(ann->hears()->text, "Quick!");
  EXPECT_EQ(ann->hears()->text, "too late");

  ASSERT_TRUE(ann->says("/press"));
  const auto offered = ann->hears();
  ASSERT_TRUE(offered && offered->markup);
  const auto answer = ann->presses(*offered, "go");
  ASSERT_TRUE(answer) << to_string(answer.error());
  EXPECT_EQ(answer->text, "Gone");
  const auto edited = ann->sees_edited(offered->id);
  ASSERT_TRUE(edited) << to_string(edited.error());
  EXPECT_EQ(edited->text, "done");
}

TEST(lab, many_people_at_once_are_answered_each_in_order) {
  const auto room = lab::start([](router& r) {
    r.otherwise([](bot_actor self) -> behavior {
      auto seen = std::make_shared<int>(0); // of this chat alone: no lock, no sharing
      return {[self, seen](const new_message& m) {
        self->reply(m, m.text() + " " + std::to_string((*seen)++));
      }};
    });
  });
  ASSERT_TRUE(room) << to_string(room.error());
  std::vector<testing::person> people;
  for (int i = 0; i < 8; ++i) {
    auto one = (*room)->make_person("Person " + std::to_string(i));
    ASSERT_TRUE(one) << to_string(one.error());
    people.push_back(*one);
  }
  constexpr int rounds = 6;
  for (int n = 0; n < rounds; ++n) {
    for (auto& one : people) {
      ASSERT_TRUE(one.says("message " + std::to_string(n)));
    }
  }
  for (auto& one : people) {
    for (int n = 0; n < rounds; ++n) {
      const auto answer = one.hears();
      ASSERT_TRUE(answer) << to_string(answer.error());
      const auto number = std::to_string(n);
      EXPECT_EQ(answer->text, "message " + number + " " + number);
    }
  }
}

TEST(lab, streams_and_a_loop_over_one_client_end_with_it) {
  const auto room = lab::start(nullptr);
  ASSERT_TRUE(room) << to_string(room.error());
  runtime rt;
  client_options options;
  options.api_id = 1;
  options.api_hash = "0";
  options.dc = dc_override{.id = 2, .address = {"127.0.0.1", (*room)->port()}};
  options.rsa_keys_pem = {(*room)->public_key_pem()};
  auto me = client::start(rt, options);
  ASSERT_TRUE(me) << to_string(me.error());
  auto stream = update_stream::open(*me);
  auto looker = update_stream::open(*me, {.looks_on = true});
  ASSERT_TRUE(stream && looker);
  const auto who = me->login_bot(lab::bot_token());
  ASSERT_TRUE(who) << to_string(who.error());
  auto ann = (*room)->make_person("Ann");
  ASSERT_TRUE(ann && ann->says("/start hello"));

  const auto first = looker->next(30s);
  ASSERT_TRUE(first) << to_string(first.error());
  EXPECT_TRUE(command("start")(*first));
  EXPECT_EQ(common(*first).account_username(), who->username) << "though it was open before";
  std::vector<std::string> seen;
  const auto ended = stream->run([&](const new_message& m) {
    seen.push_back(m.text());
    if (seen.size() == 1) {
      EXPECT_TRUE(ann->says("more"));
    } else {
      me->stop();
    }
  });
  EXPECT_TRUE(ended) << to_string(ended.error());
  EXPECT_EQ(seen, (std::vector<std::string>{"/start hello", "more"}));
}

TEST(lab, a_bot_that_brings_nothing_is_a_deadline) {
  const auto room = lab::start([](router& r) { r.on(command("x"), [](context) {}); });
  ASSERT_TRUE(room) << to_string(room.error());
  (*room)->patience = 50ms;
  auto ann = (*room)->make_person("Ann");
  ASSERT_TRUE(ann && ann->says("hello"));
  EXPECT_EQ(ann->hears().error().code, errc::deadline);
}

// The program of the README, as it is built, against a room without a bot.
class echo_program : public ::testing::Test {
protected:
  echo_program() {
    std::filesystem::create_directory(folder_);
    std::ofstream{folder_ / "key.pem"} << (*room_)->public_key_pem();
  }
  ~echo_program() override {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      wait_for_end();
    }
    std::filesystem::remove_all(folder_);
  }

  void run(const std::string& token) {
    const std::vector<std::string> words{CAFEGRAM_ECHO_PROGRAM,
                                         "--sandbox",
                                         "127.0.0.1:" + std::to_string((*room_)->port()),
                                         "--rsa-key",
                                         folder_ / "key.pem",
                                         "--bot-token",
                                         token};
    std::vector<char*> argv;
    for (const auto& word : words) {
      argv.push_back(const_cast<char*>(word.c_str()));
    }
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 1, log().c_str(), O_CREAT | O_WRONLY, 0600);
    ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
    EXPECT_EQ(::posix_spawn(&child_, argv[0], &actions, nullptr, argv.data(), environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
  }

  /// The exit code; -1 where a signal has ended it.
  int wait_for_end() {
    int status = 0;
    EXPECT_EQ(::waitpid(child_, &status, 0), child_);
    child_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string log() const { return folder_ / "log"; }
  std::string printed() const {
    std::ifstream in{log()};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  result<std::unique_ptr<lab>> room_ = lab::start(nullptr);
  pid_t child_ = 0;
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("cafegram-lab-" + std::to_string(::getpid()));
};

TEST_F(echo_program, runs_and_ends_cleanly) {
  run(lab::bot_token());
  const auto there = (*room_)->wait_for_bot();
  ASSERT_TRUE(there) << to_string(there.error());
  auto ann = (*room_)->make_person("Ann");
  EXPECT_TRUE(ann && ann->says("hi"));
  const auto echo = ann->hears();
  EXPECT_TRUE(echo && echo->text == "Echo: hi");
  ::kill(child_, SIGINT);
  EXPECT_EQ(wait_for_end(), 0);
  const std::string token = lab::bot_token();
  EXPECT_NE(printed().find("logged in"), std::string::npos);
  EXPECT_EQ(printed().find(token.substr(token.find(':') + 1)), std::string::npos);
}

TEST_F(echo_program, ends_with_1_where_its_login_is_refused) {
  run("1000003:not%allowed");
  EXPECT_EQ(wait_for_end(), 1);
  EXPECT_NE(printed().find("ACCESS_TOKEN_INVALID"), std::string::npos) << printed();
  EXPECT_EQ(printed().find("not%allowed"), std::string::npos);
}

TEST_F(echo_program, ends_with_1_for_what_is_no_token) {
  run("nonsense");
  EXPECT_EQ(wait_for_end(), 1);
  EXPECT_NE(printed().find("not a bot token"), std::string::npos) << printed();
}

} // namespace

} // namespace cafegram

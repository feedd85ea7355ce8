#include <cafegram/bots/bot.hpp>
#include <cafegram/testing/lab.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <signal.h>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

extern char** environ;

namespace cafegram {

namespace {

using testing::lab;

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

  testing::page_entity bold_part;
  bold_part.type = "messageEntityBold";
  bold_part.offset = 0;
  bold_part.length = 2;
  ASSERT_TRUE(ann->says("hi there", {bold_part}));
  const auto echo = ann->hears();
  ASSERT_TRUE(echo) << to_string(echo.error());
  EXPECT_EQ(echo->text, "Echo: hi there");
  ASSERT_EQ(echo->entities.size(), 1u);
  EXPECT_EQ(echo->entities[0].type, "messageEntityBold");
  EXPECT_EQ(echo->entities[0].offset, 6);

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

TEST(lab, a_bot_that_brings_nothing_is_a_deadline) {
  const auto room = lab::start([](router& r) { r.on(command("x"), [](context) {}); });
  ASSERT_TRUE(room) << to_string(room.error());
  (*room)->patience = 50ms;
  auto ann = (*room)->make_person("Ann");
  ASSERT_TRUE(ann && ann->says("hello"));
  EXPECT_EQ(ann->hears().error().code, errc::deadline);
}

// The program of the README, as it is built.
TEST(lab, the_smallest_bot_runs_and_ends_cleanly) {
  const auto room = lab::start(nullptr);
  ASSERT_TRUE(room) << to_string(room.error());
  const auto key = std::filesystem::temp_directory_path() /
                   ("cafegram-lab-" + std::to_string(::getpid()) + ".pem");
  std::ofstream{key} << (*room)->public_key_pem();
  const std::vector<std::string> words{
      CAFEGRAM_ECHO_PROGRAM, "--sandbox", "127.0.0.1:" + std::to_string((*room)->port()),
      "--rsa-key",           key,         "--bot-token",
      lab::bot_token()};
  std::vector<char*> argv;
  for (const auto& word : words) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  pid_t child = 0;
  ASSERT_EQ(::posix_spawn(&child, argv[0], nullptr, nullptr, argv.data(), environ), 0);
  const auto there = (*room)->wait_for_bot();
  EXPECT_TRUE(there) << to_string(there.error());
  auto ann = (*room)->make_person("Ann");
  EXPECT_TRUE(ann && ann->says("hi"));
  const auto echo = ann->hears();
  EXPECT_TRUE(echo && echo->text == "Echo: hi");
  ::kill(child, SIGINT);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  std::filesystem::remove(key);
}

} // namespace

} // namespace cafegram

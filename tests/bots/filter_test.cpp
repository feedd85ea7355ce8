#include <cafegram/bots/filter.hpp>

#include <gtest/gtest.h>

#include "fixture.hpp"

namespace cafegram {

namespace {

const test::person alice;

any_update said(std::string text) {
  return update_factory::make(alice.says(1, std::move(text)));
}

TEST(command, is_taken_apart) {
  const auto line = parse_command("/add@some_bot  1 2 ");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->name, "add");
  EXPECT_EQ(line->addressee, "some_bot");
  EXPECT_EQ(line->arguments, "1 2");
}

TEST(command, what_is_one_and_what_is_not) {
  EXPECT_TRUE(parse_command("/start"));
  EXPECT_TRUE(parse_command("/a_1\nx"));
  EXPECT_FALSE(parse_command(""));
  EXPECT_FALSE(parse_command("start"));
  EXPECT_FALSE(parse_command("/"));
  EXPECT_FALSE(parse_command(" /start"));
  EXPECT_FALSE(parse_command("/start!"));
  EXPECT_FALSE(parse_command("/start@"));
  EXPECT_FALSE(parse_command("/start@bot!"));
  EXPECT_FALSE(parse_command("/usr/bin"));
  EXPECT_FALSE(parse_command("/" + std::string(33, 'a')));
  EXPECT_TRUE(parse_command("/" + std::string(32, 'a')));
}

TEST(filter, command_in_any_case_and_for_this_bot) {
  const auto start = command("start");
  EXPECT_TRUE(start(said("/start")));
  EXPECT_TRUE(start(said("/START deep_link")));
  EXPECT_TRUE(start(said("/start@Some_Bot")));
  EXPECT_FALSE(start(said("/start@other_bot")));
  EXPECT_FALSE(start(said("/started")));
  EXPECT_FALSE(start(said("start")));
  EXPECT_FALSE(start(update_factory::make(alice.edits(1, "/start"))));
  EXPECT_TRUE(any_command()(said("/whatever")));
}

TEST(filter, and_or_not) {
  const auto a = text("a");
  const auto b = text("b");
  EXPECT_TRUE((a | b)(said("b")));
  EXPECT_FALSE((a & b)(said("a")));
  EXPECT_TRUE((!a)(said("b")));
  EXPECT_TRUE((has_text() & !any_command())(said("b")));
  EXPECT_FALSE((has_text() & !any_command())(said("/b")));
}

TEST(filter, the_second_is_not_asked_when_the_first_decides) {
  int asked = 0;
  const filter counting{[&](const any_update&) {
    ++asked;
    return true;
  }};
  EXPECT_FALSE((text("x") & counting)(said("y")));
  EXPECT_TRUE((text("y") | counting)(said("y")));
  EXPECT_EQ(asked, 0);
}

TEST(filter, buttons) {
  const auto press = update_factory::make(alice.presses(9, "vote:3"));
  EXPECT_TRUE(callback("vote:3")(press));
  EXPECT_FALSE(callback("vote:")(press));
  EXPECT_TRUE(callback_prefix("vote:")(press));
  EXPECT_FALSE(has_text()(press));
}

TEST(filter, kinds_people_and_chats) {
  EXPECT_TRUE(kind<new_message>()(said("x")));
  EXPECT_FALSE(kind<callback_query>()(said("x")));
  EXPECT_TRUE(from_user(777)(said("x")));
  EXPECT_FALSE(from_user(1)(said("x")));
  EXPECT_TRUE(private_chat()(said("x")));
  EXPECT_FALSE(group_chat()(said("x")));
  EXPECT_TRUE(when([](const new_message& m) { return m.id() == 1; })(said("x")));
  EXPECT_FALSE(when([](const edited_message&) { return true; })(said("x")));
}

} // namespace

} // namespace cafegram

#include <cafegram/storage/inbox.hpp>
#include <cafegram/storage/open.hpp>

#include <unistd.h>

#include "../temporary_folder.hpp"
#include "program.hpp"

namespace cafegram {

namespace {

using test::run_program;

/// A session's store with updates that are not finished, and one that was given up.
struct inbox_command : testing::Test {
  test::temporary_folder folder;

  inbox_command() {
    storage::batch rows;
    put(rows, row(5, "message/1/u7/5"));
    auto failed = row(6, "message/1/u7/6");
    failed.failures = 1;
    failed.last_failure = "it threw";
    put(rows, failed);
    auto letter = row(3, "message/1/u7/3");
    letter.failures = 3;
    letter.last_failure = "it is poison";
    put(rows, storage::dead_letter{letter, 1'750'000'100});
    storage::send_record send;
    send.number = 5;
    put(rows, send);
    EXPECT_TRUE((*open())->apply(rows));
  }
  static storage::inbox_row row(std::uint64_t number, std::string identity) {
    storage::inbox_row out;
    out.number = number;
    out.identity = std::move(identity);
    out.chat = "u7";
    out.update = {0x9a, 0x65, 0xea, 0xa2, 1, 2, 3, 4}; // no whole update
    out.received_at = 1'750'000'000;
    return out;
  }
  result<std::shared_ptr<storage::backend>> open() const { return storage::open_store(place()); }
  std::string place() const { return folder.file("s"); }
  test::run_result run(const std::string& what) const {
    return run_program("inbox " + what + " --session " + place());
  }
};

bool holds(const test::run_result& run, std::string_view text) {
  return run.output.find(text) != std::string::npos;
}

} // namespace

TEST_F(inbox_command, lists_what_is_not_finished_and_what_was_given_up) {
  const auto waiting = run("list");
  EXPECT_EQ(waiting.status, 0);
  EXPECT_EQ(waiting.output, "5  2025-06-15T15:06:40Z  u7  message/1/u7/5\n"
                            "6  2025-06-15T15:06:40Z  u7  message/1/u7/6  failed 1 time(s): it "
                            "threw\n");
  const auto dead = run("dead");
  EXPECT_EQ(dead.status, 0);
  EXPECT_TRUE(holds(dead, "message/1/u7/3")) << dead.output;
  EXPECT_TRUE(holds(dead, "failed 3 time(s): it is poison")) << dead.output;
  EXPECT_FALSE(holds(dead, "message/1/u7/5")) << dead.output;
}

TEST_F(inbox_command, shows_one_however_damaged) {
  const auto shown = run("show 3");
  EXPECT_EQ(shown.status, 0);
  EXPECT_TRUE(holds(shown, "dead letter  3")) << shown.output;
  EXPECT_TRUE(holds(shown, "it cannot be read")) << shown.output;
  EXPECT_EQ(run("show 4").status, 1);
}

TEST_F(inbox_command, shows_what_is_lost) {
  storage::inbox_row note;
  note.number = 9;
  note.lost = storage::lost_note{7, "pts", 5, std::nullopt, "forbidden"};
  storage::batch rows;
  put(rows, note);
  ASSERT_TRUE((*open())->apply(rows));
  const auto shown = run("show 9");
  EXPECT_EQ(shown.status, 0);
  EXPECT_TRUE(holds(shown, "updates are lost (forbidden): pts of channel 7, from 5 to ?"))
      << shown.output;
}

TEST_F(inbox_command, a_damaged_row_can_be_dropped) {
  for (const bool dead : {false, true}) {
    storage::batch rows;
    dead ? put(rows, storage::dead_letter{row(4, "x"), 1}) : put(rows, row(4, "x"));
    rows.changes.front().value = {0xff, 0xff};
    ASSERT_TRUE((*open())->apply(rows));
    const auto shown = run("show 4");
    EXPECT_EQ(shown.status, 1);
    EXPECT_TRUE(holds(shown, "row 4 of table")) << shown.output;
    EXPECT_EQ(run("drop 4").status, 0);
    EXPECT_EQ(run(dead ? "dead" : "list").status, 0);
  }
}

TEST_F(inbox_command, a_damaged_row_hides_no_other) {
  for (const bool dead : {false, true}) {
    storage::batch rows;
    for (const std::uint64_t number : {1, 5, 7}) {
      dead ? put(rows, storage::dead_letter{row(number, "x"), 1}) : put(rows, row(number, "x"));
      rows.changes.back().value = {0xff, 0xff};
    }
    const auto whole = row(8, "the last");
    dead ? put(rows, storage::dead_letter{whole, 1}) : put(rows, whole);
    ASSERT_TRUE((*open())->apply(rows));
    const auto told = run(dead ? "dead" : "list");
    EXPECT_EQ(told.status, 1) << "a script has to notice";
    std::size_t at = 0;
    for (const auto* line :
         {"1  damaged: ", dead ? "3  2025" : "5  damaged: ", dead ? "5  damaged: " : "6  2025",
          "7  damaged: ", "8  2025", "3 of the rows cannot be read"}) {
      at = told.output.find(line, at);
      ASSERT_NE(at, std::string::npos) << line << '\n' << told.output;
    }
    EXPECT_TRUE(holds(told, dead ? "row 7 of table dead" : "row 7 of table inbox")) << told.output;
  }
}

TEST_F(inbox_command, a_damaged_row_is_in_the_way_of_no_earlier_one) {
  storage::batch rows;
  put(rows, row(4, "x"));
  rows.changes.back().value = {0xff, 0xff};
  put(rows, storage::dead_letter{row(2, "y"), 1});
  ASSERT_TRUE((*open())->apply(rows));
  const auto none = run("show 1");
  EXPECT_EQ(none.status, 1);
  EXPECT_TRUE(holds(none, "there is no update 1")) << none.output;
  EXPECT_EQ(run("show 3").status, 0) << "a dead letter, and the damaged one is in the inbox";
  EXPECT_EQ(run("replay 3").status, 0);
  EXPECT_EQ(run("drop 2").status, 0);
}

TEST_F(inbox_command, one_whose_sends_are_damaged_can_be_dropped) {
  storage::batch rows;
  storage::send_record send;
  send.number = 6;
  put(rows, send);
  rows.changes.back().value = {0xff, 0xff};
  ASSERT_TRUE((*open())->apply(rows));
  const auto dropped = run("drop 6");
  EXPECT_EQ(dropped.status, 0) << dropped.output;
  EXPECT_EQ(run("show 6").status, 1);
  EXPECT_TRUE(storage::read_sends(**open(), 6)->empty());
  EXPECT_EQ(storage::read_sends(**open(), 5)->size(), 1U);
}

TEST_F(inbox_command, a_dead_letter_is_tried_again) {
  EXPECT_EQ(run("replay 5").status, 2) << "it is none";
  EXPECT_EQ(run("replay 3").status, 0);
  EXPECT_EQ(run("dead").output, "");
  EXPECT_EQ(run("list").output.substr(0, 47), "3  2025-06-15T15:06:40Z  u7  message/1/u7/3\n5  ")
      << "with nothing held against it, and in its old place";
}

TEST_F(inbox_command, one_that_is_dropped_takes_its_sends_along) {
  EXPECT_EQ(run("drop 5").status, 0);
  EXPECT_EQ(run("drop 3").status, 0);
  EXPECT_EQ(run("drop 3").status, 1);
  EXPECT_FALSE(holds(run("list"), "message/1/u7/5"));
  EXPECT_EQ(run("dead").output, "");
  EXPECT_TRUE(storage::read_sends(**open(), 5)->empty());
}

TEST_F(inbox_command, is_refused_while_the_bot_has_its_session) {
  const auto bot = open();
  ASSERT_TRUE(bot);
  const auto refused = run("list");
  EXPECT_EQ(refused.status, 1);
  EXPECT_TRUE(holds(refused, std::to_string(::getpid()))) << refused.output;
}

} // namespace cafegram

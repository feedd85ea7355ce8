#include <cafegram/actors/inbox_ledger.hpp>
#include <cafegram/actors/inbox_rows.hpp>
#include <cafegram/tests/support.hpp>
#include <cafegram/tl/api.hpp>

#include <fmt/format.h>

#include "hub_kit.hpp"

namespace cafegram {

namespace {

inbox_entry entry(std::size_t octets = 1, std::int64_t channel = 0) {
  return {.update = {}, .channel = channel, .octets = octets};
}

inbox_entry said_in(std::string chat) {
  return {.update = {}, .chat = std::move(chat), .octets = 1};
}

inbox_entry of_album(std::int64_t album) {
  auto out = said_in("u7");
  out.album = album;
  return out;
}

inbox_entry loss(std::int64_t channel) {
  auto note = std::make_shared<received_update>();
  note->lost = lost_updates{.channel = channel, .box = "common", .from = 1, .to = {}, .why = {}};
  return {.update = std::move(note), .channel = channel, .chat = channel == 0 ? "u1" : ""};
}

inbox_entry passing() {
  inbox_entry out{.update = {}};
  out.kept = false;
  return out;
}

using numbers = std::vector<std::uint64_t>;
using channel_news = std::vector<std::pair<std::int64_t, bool>>;

numbers give_all(inbox_ledger& from) {
  numbers out;
  for (auto number = from.give(); number != 0; number = from.give()) {
    out.push_back(number);
  }
  return out;
}

numbers show_all(inbox_ledger& from) {
  numbers out;
  for (auto number = from.show(); number != 0; number = from.show()) {
    from.find(number)->holders = 1;
    out.push_back(number);
  }
  return out;
}

} // namespace

TEST(inbox_ledger_, gives_what_is_written_once_and_in_order) {
  inbox_ledger ledger;
  for (const std::uint64_t number : {5, 7, 9}) {
    ledger.add(number, entry());
  }
  EXPECT_TRUE(give_all(ledger).empty());
  ledger.written(7);
  EXPECT_EQ(give_all(ledger), (numbers{5, 7}));
  EXPECT_EQ(show_all(ledger), (numbers{5, 7})) << "the others see the same";
  ledger.written(9);
  EXPECT_EQ(give_all(ledger), (numbers{9}));
  EXPECT_EQ(give_all(ledger), (numbers{}));
}

TEST(inbox_ledger_, gives_again_what_is_not_finished) {
  inbox_ledger ledger;
  for (const std::uint64_t number : {1, 2, 3}) {
    ledger.add(number, entry());
  }
  ledger.written(3);
  give_all(ledger);
  ledger.erase(2);
  ledger.take_back();
  EXPECT_EQ(give_all(ledger), (numbers{1, 3}));
  show_all(ledger);
  ledger.show_again(3);
  ledger.add(4, entry());
  ledger.written(4);
  EXPECT_EQ(show_all(ledger), (numbers{3, 4}));
}

TEST(inbox_ledger_, is_full_beyond_its_bounds_until_half_is_free) {
  inbox_ledger by_rows{{.rows = 4}};
  for (std::uint64_t number = 1; number <= 5; ++number) {
    EXPECT_FALSE(by_rows.full());
    by_rows.add(number, entry());
  }
  EXPECT_TRUE(by_rows.full());
  by_rows.erase(1);
  by_rows.erase(2);
  EXPECT_TRUE(by_rows.full());
  by_rows.erase(3);
  EXPECT_FALSE(by_rows.full());

  inbox_ledger by_octets{{.octets = 100}};
  by_octets.add(1, entry(60));
  EXPECT_FALSE(by_octets.full());
  by_octets.add(2, entry(60));
  EXPECT_TRUE(by_octets.full());
  by_octets.erase(1);
  EXPECT_TRUE(by_octets.full());
  by_octets.erase(2);
  EXPECT_FALSE(by_octets.full());
}

TEST(inbox_ledger_, a_full_channel_is_told_once_and_for_itself) {
  inbox_ledger ledger{{.rows_per_channel = 2}};
  for (std::uint64_t number = 1; number <= 4; ++number) {
    ledger.add(number, entry(1, 70));
  }
  ledger.add(5, entry(1, 71));
  EXPECT_EQ(ledger.take_channel_news(), (channel_news{{70, true}}));
  EXPECT_EQ(ledger.full_channels(), std::vector<std::int64_t>{70});
  EXPECT_TRUE(ledger.take_channel_news().empty());
  EXPECT_FALSE(ledger.full());
  for (const std::uint64_t number : {1, 2, 3}) {
    ledger.erase(number);
  }
  EXPECT_EQ(ledger.take_channel_news(), (channel_news{{70, false}}));
}

TEST(inbox_ledger_, of_what_is_not_kept_the_oldest_goes_that_nobody_has) {
  inbox_ledger ledger{{.passing = 2}};
  ledger.add(1, passing());
  ledger.written(1);
  give_all(ledger);
  ledger.add(2, passing());
  ledger.add(3, passing());
  EXPECT_NE(ledger.find(1), nullptr) << "somebody has it";
  EXPECT_EQ(ledger.find(2), nullptr);
  EXPECT_NE(ledger.find(3), nullptr);
  ledger.written(3);
  give_all(ledger);
  ledger.add(4, passing());
  EXPECT_EQ(ledger.find(4), nullptr) << "all others are in somebody's hands";
  EXPECT_EQ(ledger.dropped(), 2U);
  EXPECT_FALSE(ledger.full()) << "they take no room from those that are kept";
}

TEST(inbox_ledger_, what_waits_for_somebody_does_not_count) {
  inbox_ledger ledger{{.rows = 2, .waiting = 1}};
  for (const std::uint64_t number : {1, 2, 3}) {
    ledger.add(number, entry());
  }
  EXPECT_TRUE(ledger.full());
  ledger.set_waiting(1, true);
  ledger.set_waiting(1, true);
  ledger.set_waiting(2, true); // one too many
  EXPECT_TRUE(ledger.full()) << "two are not the half";
  ledger.erase(2);
  EXPECT_FALSE(ledger.full());
  ledger.add(4, entry());
  EXPECT_FALSE(ledger.full());
  ledger.set_waiting(1, false);
  EXPECT_TRUE(ledger.full()) << "it is worked on again";
  ledger.set_waiting(3, true);
  ledger.erase(3);
  ledger.erase(1);
  EXPECT_FALSE(ledger.full());
  ledger.set_waiting(4, true);
  ledger.take_back();
  ledger.add(5, entry());
  ledger.add(6, entry());
  EXPECT_TRUE(ledger.full()) << "who is gone lets nothing wait";
}

TEST(inbox_ledger_, sends_that_were_made_take_room) {
  inbox_ledger ledger{{.octets = 100}};
  ledger.add(1, entry(60));
  ledger.grow(1, 60);
  EXPECT_TRUE(ledger.full());
  ledger.erase(1);
  EXPECT_EQ(ledger.octets(), 0U);
}

TEST(inbox_ledger_, while_nobody_listens_few_are_held_that_come_once) {
  inbox_ledger ledger{{.passing = 4, .passing_unheard = 2}};
  for (const std::uint64_t number : {1, 2, 3, 4}) {
    ledger.add(number, passing());
  }
  ledger.set_heard(false);
  ledger.add(5, passing());
  EXPECT_EQ(ledger.size(), 2U);
  EXPECT_EQ(ledger.find(3), nullptr);
  EXPECT_NE(ledger.find(4), nullptr) << "the last ones";
  EXPECT_EQ(ledger.dropped(), 3U);
}

TEST(inbox_ledger_, beyond_a_chat_s_bound_it_keeps_numbers_alone) {
  inbox_ledger ledger{{.rows_per_chat = 2, .stored_rows = 3}};
  ledger.set_stored(true);
  for (std::uint64_t number = 1; number <= 5; ++number) {
    ledger.add(number, said_in("u7"));
  }
  ledger.add(6, said_in("u8"));
  ledger.add(7, entry());
  EXPECT_EQ(ledger.size(), 4U);
  EXPECT_EQ(ledger.picture().stored_rows, 3U);
  EXPECT_EQ(ledger.unwritten(), 7U);
  ledger.written(4);
  EXPECT_EQ(ledger.unwritten(), 3U);
  EXPECT_EQ(give_all(ledger), (numbers{1, 2}));
  EXPECT_FALSE(ledger.next_stored()) << "it has enough";
  EXPECT_FALSE(ledger.full());
  ledger.add(8, said_in("u7"));
  EXPECT_TRUE(ledger.full());
  ledger.erase(1);
  const auto part = ledger.next_stored();
  ASSERT_TRUE(part);
  EXPECT_EQ(part->chat, "u7");
  EXPECT_EQ(part->numbers, numbers{3}) << "as many as it has room for";
  EXPECT_FALSE(ledger.next_stored()) << "one after the other";
  ledger.written(8);
  EXPECT_EQ(give_all(ledger), (numbers{6, 7}));
  std::map<std::uint64_t, inbox_entry> read;
  read.emplace(3, said_in("u7"));
  ledger.take_stored(*part, std::move(read));
  EXPECT_EQ(give_all(ledger), numbers{3}) << "late as it is";
  EXPECT_EQ(show_all(ledger), (numbers{2, 3, 6, 7}));
  ledger.clear();
  EXPECT_FALSE(ledger.full());
  EXPECT_EQ(ledger.picture().stored_rows, 0U);
}

TEST(inbox_ledger_, where_there_is_no_room_a_chat_that_has_nothing_goes_on_slowly) {
  inbox_ledger ledger{{.rows = 50, .rows_per_chat = 20}};
  ledger.set_stored(true);
  std::uint64_t number = 0;
  for (int n = 0; n < 60; ++n) {
    ledger.add(++number, said_in("u7"));
  }
  for (int n = 0; n < 40; ++n) {
    ledger.add(++number, said_in(fmt::format("u{}", 100 + n)));
  }
  ledger.written(number);
  EXPECT_TRUE(ledger.full());
  for (std::uint64_t done = 1; done < 9; ++done) {
    ledger.erase(done);
  }
  EXPECT_EQ(ledger.picture().rows, 52U);
  EXPECT_FALSE(ledger.next_stored());
  for (int n = 0; n < 12; ++n) {
    ledger.add(++number, said_in(fmt::format("u{}", 200 + n)));
  }
  for (std::uint64_t done = 9; done <= 20; ++done) {
    ledger.erase(done);
  }
  const auto part = ledger.next_stored();
  ASSERT_TRUE(part);
  EXPECT_EQ(part->numbers.size(), 16U);
}

TEST(inbox_ledger_, what_one_chat_has_hung_up_in_the_store_keeps_memory_from_no_other) {
  inbox_ledger ledger{{.rows = 4, .rows_per_chat = 2, .stored_rows = 10}};
  ledger.set_stored(true);
  for (std::uint64_t number = 1; number <= 8; ++number) {
    ledger.add(number, said_in("u7"));
  }
  EXPECT_EQ(ledger.picture().stored_rows, 6U) << "more than half of what may be there";
  for (std::uint64_t number = 9; number <= 11; ++number) {
    ledger.add(number, said_in(fmt::format("u{}", number)));
  }
  EXPECT_TRUE(ledger.full());
  for (std::uint64_t number = 9; number <= 11; ++number) {
    ledger.erase(number);
  }
  EXPECT_FALSE(ledger.full());
}

TEST(inbox_ledger_, a_chat_s_bound_is_one_of_octets_too) {
  inbox_ledger ledger{{.octets = 100'000, .octets_per_chat = 100}};
  ledger.set_stored(true);
  const auto fat = [] {
    auto out = said_in("u7");
    out.octets = 60;
    return out;
  };
  for (std::uint64_t number = 1; number <= 6; ++number) {
    ledger.add(number, fat());
  }
  ledger.written(6);
  EXPECT_EQ(ledger.picture().stored_rows, 4U);
  ledger.erase(1);
  EXPECT_FALSE(ledger.next_stored()) << "more than half of it is there";
  ledger.erase(2);
  const auto part = ledger.next_stored();
  ASSERT_TRUE(part);
  EXPECT_EQ(part->numbers, (numbers{3, 4}));
}

TEST(inbox_ledger_, what_is_in_the_store_alone_is_known_and_not_finished) {
  inbox_ledger ledger{{.rows_per_chat = 2}};
  ledger.set_stored(true);
  for (std::uint64_t number = 1; number <= 4; ++number) {
    ledger.add(number, said_in("u7"));
  }
  EXPECT_EQ(ledger.find(4), nullptr);
  EXPECT_TRUE(ledger.knows(1));
  EXPECT_TRUE(ledger.knows(4));
  ledger.erase(1);
  EXPECT_FALSE(ledger.knows(1));
  EXPECT_FALSE(ledger.knows(5));
}

TEST(inbox_ledger_, an_album_is_either_in_memory_or_in_the_store) {
  inbox_ledger ledger{{.rows_per_chat = 4}};
  ledger.set_stored(true);
  auto add = [&ledger, number = std::uint64_t{0}](std::int64_t album) mutable {
    ledger.add(++number, of_album(album));
  };
  for (const std::int64_t album : {0, 0, 0, 1, 1, 1, 0, 2, 2, 3, 3, 3, 3}) {
    add(album);
  }
  EXPECT_EQ(ledger.size(), 6U) << "the first album passes the bound";
  ledger.written(12);
  for (std::uint64_t number = 1; number <= 6; ++number) {
    ledger.erase(number);
  }
  const auto part = ledger.next_stored();
  ASSERT_TRUE(part);
  EXPECT_EQ(part->numbers, (numbers{7, 8, 9})) << "the last one is not written as a whole";
  ledger.not_read(*part);
  ledger.written(13);
  EXPECT_EQ(ledger.next_stored()->numbers, (numbers{7, 8, 9, 10, 11, 12, 13}))
      << "there is room for one of it, so there is for all";
}

TEST(inbox_ledger_, an_album_without_end_does_not_pass_a_bound_for_ever) {
  inbox_ledger ledger{{.rows_per_chat = 4}};
  ledger.set_stored(true);
  for (std::uint64_t number = 1; number <= 50; ++number) {
    ledger.add(number, of_album(1));
  }
  EXPECT_EQ(ledger.size(), 13U);
  ledger.written(50);
  for (std::uint64_t number = 1; number <= 13; ++number) {
    ledger.erase(number);
  }
  EXPECT_EQ(ledger.next_stored()->numbers.size(), 13U);
}

TEST(inbox_ledger_, what_is_on_its_way_from_the_store_takes_room) {
  inbox_ledger ledger{{.rows = 50, .rows_per_chat = 40}};
  ledger.set_stored(true);
  std::uint64_t number = 0;
  for (const char* chat : {"u7", "u8", "u9"}) {
    for (int n = 0; n < 80; ++n) {
      ledger.add(++number, said_in(chat));
    }
  }
  ledger.written(number);
  for (std::uint64_t done = 1; done <= number; ++done) {
    ledger.erase(done); // those in memory
  }
  const auto first = ledger.next_stored();
  const auto second = ledger.next_stored();
  const auto third = ledger.next_stored();
  ASSERT_TRUE(first && second && third);
  EXPECT_EQ(first->numbers.size(), 40U);
  EXPECT_EQ(second->numbers.size(), 40U);
  EXPECT_EQ(third->numbers.size(), 16U) << "there is no room for more than these";
  ledger.not_read(*first);
  ledger.not_read(*second);
  ledger.not_read(*third);
  EXPECT_EQ(ledger.next_stored()->numbers.size(), 40U);
}

TEST(inbox_ledger_, a_part_is_no_longer_than_a_writer_may_be_kept_from_writing) {
  inbox_ledger ledger{{.rows_per_chat = 200}};
  ledger.set_stored(true);
  for (std::uint64_t number = 1; number <= 400; ++number) {
    ledger.add(number, said_in("u7"));
  }
  ledger.written(400);
  for (std::uint64_t number = 1; number <= 200; ++number) {
    ledger.erase(number);
  }
  const auto part = ledger.next_stored();
  ASSERT_TRUE(part);
  EXPECT_EQ(part->numbers.size(), 64U);
  ledger.take_stored(*part, {});
  EXPECT_EQ(ledger.next_stored()->numbers.front(), 265U) << "the next one follows at once";
}

TEST(inbox_ledger_, a_part_of_another_account_changes_nothing) {
  inbox_ledger ledger{{.rows_per_chat = 1}};
  ledger.set_stored(true);
  const auto fill = [&ledger](std::uint64_t from) {
    ledger.add(from, said_in("u7"));
    ledger.add(from + 1, said_in("u7"));
    ledger.written(from + 1);
    ledger.erase(from);
  };
  fill(1);
  const auto before = ledger.next_stored();
  ASSERT_TRUE(before);
  ledger.clear();
  fill(11);
  const auto now = ledger.next_stored();
  ASSERT_TRUE(now);
  ledger.take_stored(*before, {});
  ledger.not_read(*before);
  EXPECT_FALSE(ledger.next_stored()) << "it is asked for already";
  EXPECT_EQ(ledger.picture().stored_rows, 1U);
  ledger.take_stored(*now, {});
  EXPECT_EQ(ledger.picture().stored_rows, 0U);
}

TEST(inbox_ledger_, a_loss_is_joined_to_the_one_before_unless_something_is_between) {
  inbox_ledger ledger{{.rows_per_chat = 1}};
  ledger.set_stored(true);
  ledger.add(1, said_in("u7"));
  ledger.add(2, said_in("u7"));
  EXPECT_EQ(ledger.picture().stored_rows, 1U);
  ledger.add(3, loss(0));
  EXPECT_EQ(ledger.last_note(0, "common"), 3U) << "what is in the store stands before it";
  ledger.add(4, said_in("u7"));
  EXPECT_EQ(ledger.picture().stored_rows, 2U);
  EXPECT_EQ(ledger.last_note(0, "common"), 0U);
}

TEST(inbox_ledger_, where_no_store_can_be_asked_again_a_chat_has_no_bound) {
  inbox_ledger ledger{{.rows_per_chat = 2}};
  for (std::uint64_t number = 1; number <= 5; ++number) {
    ledger.add(number, said_in("u7"));
  }
  EXPECT_EQ(ledger.size(), 5U);
}

TEST(inbox_ledger_, what_comes_once_is_not_given_again) {
  inbox_ledger ledger;
  ledger.add(1, passing());
  ledger.add(2, entry());
  ledger.written(2);
  give_all(ledger);
  ledger.add(3, passing());
  ledger.written(3);
  ledger.take_back();
  EXPECT_EQ(give_all(ledger), (numbers{2, 3}));
  EXPECT_EQ(ledger.find(1), nullptr);
}

TEST(inbox_rows, an_update_comes_back_with_those_whom_it_names) {
  auto peers = std::make_shared<peers_seen>();
  for (const std::int64_t id : {7, 8}) {
    peers->users.emplace(id, tl::user{.id = id, .first_name = "User"});
  }
  peers->chats.emplace(70, tl::chat{.id = 70, .title = "Group", .photo = tl::chatPhotoEmpty{}});
  received_update from{.identity = "message/1/u7/5",
                       .update = test::fresh(5, 11),
                       .peers = peers,
                       .date = 99,
                       .account = test::me};
  const auto row = row_of(from, 3, wall_time{std::chrono::seconds{1'750'000'000}});
  EXPECT_EQ(row.number, 3U);
  EXPECT_EQ(row.chat, "u7");
  EXPECT_EQ(row.layer, tl::layer);
  EXPECT_EQ(row.received_at, 1'750'000'000);
  const auto back = update_of(row);
  ASSERT_TRUE(back);
  EXPECT_EQ((*back)->identity, from.identity);
  EXPECT_EQ(tl::encode((*back)->update), tl::encode(from.update));
  EXPECT_EQ((*back)->account, test::me);
  EXPECT_EQ((*back)->date, 99);
  ASSERT_EQ((*back)->peers->users.size(), 1U) << "of two that came with it, it names one";
  EXPECT_TRUE((*back)->peers->users.contains(7));
  EXPECT_TRUE((*back)->peers->chats.empty());

  auto damaged = row;
  damaged.update.pop_back();
  EXPECT_FALSE(update_of(damaged));
}

TEST(inbox_ledger_, dead_letters_go_by_rows_and_by_octets_the_first_ones_first) {
  inbox_ledger ledger{{.dead_rows = 3, .dead_octets = 100}};
  ledger.set_dead({{1, 10}, {2, 10}, {3, 10}});
  numbers gone;
  for (const auto& [number, octets] : {std::pair{4U, 10U}, {4U, 10U}, {5U, 85U}, {6U, 1000U}}) {
    ledger.add_dead(number, octets);
    gone.push_back(0); // behind those that went for the one before
    while (const auto next = ledger.drop_dead()) {
      gone.push_back(next);
    }
  }
  EXPECT_EQ(gone, (numbers{0, 1, 0, 0, 2, 3, 0, 4, 5})) << "one stays, however large it is";
  EXPECT_EQ(ledger.picture().dead_dropped, 5U);
}

} // namespace cafegram

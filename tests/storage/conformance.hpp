#pragma once

// What every backend has to do, as tests that each is put through. A harness stands for one store:
//
//     static constexpr bool outlives;            // is what was applied there for the next process?
//     result<std::shared_ptr<backend>> open();   // where it does not outlive: a new one

#include <cafegram/base/environment.hpp>
#include <cafegram/storage/inbox.hpp>
#include <cafegram/storage/number_key.hpp>
#include <cafegram/storage/peers.hpp>
#include <cafegram/storage/row_map.hpp>
#include <cafegram/storage/session_rows.hpp>

#include <atomic>
#include <csignal>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "sample.hpp"

namespace cafegram::test {

using namespace cafegram::storage;

inline blob text_blob(std::string_view text) {
  return to_blob(as_bytes(text));
}

/// All rows, table by table.
inline std::vector<std::pair<table, row>> rows_of(backend& in) {
  std::vector<std::pair<table, row>> out;
  for (std::size_t at = 0; at < table_count; ++at) {
    const auto which = static_cast<table>(at);
    // How a store is encrypted is its own business.
    if (which == table::about) {
      continue;
    }
    const auto read = for_each_row(in, which, [&out, which](const row& one) {
      out.emplace_back(which, one);
      return result<void>{};
    });
    EXPECT_TRUE(read) << to_string(read.error());
  }
  return out;
}

/// Do both hold the same, whatever the order?
inline void expect_same_rows(backend& a, backend& b) {
  auto left = rows_of(a);
  auto right = rows_of(b);
  const auto by_key = [](const auto& one) { return std::tie(one.first, one.second.key); };
  std::ranges::sort(left, {}, by_key);
  std::ranges::sort(right, {}, by_key);
  EXPECT_TRUE(left == right) << left.size() << " rows and " << right.size();
}

template <class Harness>
class conformance : public testing::Test {
protected:
  Harness harness;
  std::shared_ptr<backend> store;

  void SetUp() override { open(); }
  void open() {
    auto opened = harness.open();
    ASSERT_TRUE(opened) << to_string(opened.error());
    store = *std::move(opened);
  }
  /// As the next process would find it.
  void reopen() {
    if (Harness::outlives) {
      store.reset();
      open();
    }
  }
  void apply(const batch& what) {
    const auto done = store->apply(what);
    ASSERT_TRUE(done) << to_string(done.error());
  }
  std::optional<blob> get(table in, std::string_view key) {
    auto got = store->get(in, key);
    EXPECT_TRUE(got) << to_string(got.error());
    return got ? *got : std::nullopt;
  }
};

TYPED_TEST_SUITE_P(conformance);

TYPED_TEST_P(conformance, a_new_store_is_empty) {
  EXPECT_TRUE(rows_of(*this->store).empty());
  EXPECT_FALSE(this->get(table::session, "login"));
  EXPECT_FALSE(this->store->place().empty());
}

TYPED_TEST_P(conformance, the_steps_of_a_batch_come_one_after_the_other) {
  batch what;
  what.put(table::value, "a", text_blob("1"));
  what.put(table::value, "a", text_blob("2"));
  what.put(table::value, "b", text_blob("3"));
  what.erase(table::value, "b");
  what.erase(table::value, "not there");
  what.put(table::value, "c", text_blob("4"));
  what.put(table::peer, "c", text_blob("5"));
  what.clear(table::peer);
  what.put(table::peer, "d", text_blob("6"));
  what.erase(table::value, "e");
  what.put(table::value, "e", text_blob("7"));
  this->apply(what);
  this->apply(what);
  this->apply({});
  for (int time = 0; time < 2; ++time, this->reopen()) {
    EXPECT_EQ(this->get(table::value, "a"), text_blob("2"));
    EXPECT_FALSE(this->get(table::value, "b"));
    EXPECT_EQ(this->get(table::value, "c"), text_blob("4"));
    EXPECT_FALSE(this->get(table::peer, "c"));
    EXPECT_EQ(this->get(table::peer, "d"), text_blob("6"));
    EXPECT_EQ(this->get(table::value, "e"), text_blob("7"));
    EXPECT_EQ(rows_of(*this->store).size(), 4U);
  }
}

TYPED_TEST_P(conformance, keys_and_values_are_any_octets) {
  std::string every;
  for (int octet = 0; octet < 256; ++octet) {
    every.push_back(static_cast<char>(octet));
  }
  const std::vector<std::string> keys{
      std::string(1, '\0'),     std::string(2, '\0'), "\\", "'", "\xff", every,
      std::string(max_key, 'k')};
  batch what;
  for (const auto& key : keys) {
    what.put(table::value, key, text_blob(key));
  }
  what.put(table::value, "empty", {});
  what.put(table::value, "large", blob(3'000'000, 0xa5));
  this->apply(what);
  this->reopen();
  for (const auto& key : keys) {
    EXPECT_EQ(this->get(table::value, key), text_blob(key)) << to_hex(as_bytes(key));
  }
  EXPECT_EQ(this->get(table::value, "empty"), blob{});
  EXPECT_EQ(this->get(table::value, "large"), blob(3'000'000, 0xa5));
}

TYPED_TEST_P(conformance, what_no_backend_takes_changes_nothing) {
  batch good;
  good.put(table::value, "a", text_blob("1"));
  this->apply(good);
  batch no_key;
  no_key.clear(table::value);
  no_key.put(table::value, "", text_blob("2"));
  batch long_key;
  long_key.erase(table::value, "a");
  long_key.erase(table::value, std::string(max_key + 1, 'k'));
  batch no_table;
  no_table.erase(table::value, "a");
  no_table.put(static_cast<table>(table_count), "k", {});
  for (const auto* bad : {&no_key, &long_key, &no_table}) {
    const auto done = this->store->apply(*bad);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, errc::bad_argument);
  }
  EXPECT_EQ(this->get(table::value, "a"), text_blob("1"));
}

TYPED_TEST_P(conformance, numbered_rows_come_in_pages_by_rising_keys) {
  batch what;
  // Where an octet is above 127, or zero, a comparison of characters would go wrong.
  for (const std::uint64_t number : {700, 1, 256, 255, 128, 127, 65'536, 2, 512, 3}) {
    what.put(table::inbox, number_key(number), text_blob(std::to_string(number)));
  }
  this->apply(what);
  std::vector<std::uint64_t> seen;
  std::string after;
  for (bool more = true; more;) {
    const auto got = this->store->scan(table::inbox, after, {.rows = 3});
    ASSERT_TRUE(got) << to_string(got.error());
    ASSERT_FALSE(got->rows.empty());
    EXPECT_LE(got->rows.size(), 3U);
    for (const auto& one : got->rows) {
      seen.push_back(number_of(one.key));
      EXPECT_EQ(one.value, text_blob(std::to_string(seen.back())));
    }
    after = got->rows.back().key;
    more = got->more;
  }
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{1, 2, 3, 127, 128, 255, 256, 512, 700, 65'536}));
  const auto end = this->store->scan(table::inbox, number_key(65'536), {});
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->rows.empty());
  EXPECT_FALSE(end->more);
}

TYPED_TEST_P(conformance, a_page_is_bounded_by_octets_too) {
  batch what;
  for (std::uint64_t number = 1; number <= 8; ++number) {
    what.put(table::inbox, number_key(number), blob(1000, 1));
  }
  this->apply(what);
  const auto two = this->store->scan(table::inbox, {}, {.rows = 100, .octets = 1500});
  ASSERT_TRUE(two);
  EXPECT_EQ(two->rows.size(), 2U);
  EXPECT_TRUE(two->more);
  const auto one = this->store->scan(table::inbox, number_key(7), {.rows = 100, .octets = 1});
  ASSERT_TRUE(one);
  EXPECT_EQ(one->rows.size(), 1U) << "one at least";
  EXPECT_FALSE(one->more);
}

/// A batch of up to 8 steps over few keys.
inline batch random_batch(seeded_random& random) {
  batch out;
  out.durable = random.next() % 8 == 0;
  for (auto left = random.next() % 8 + 1; left > 0; --left) {
    const auto in = static_cast<table>(1 + random.next() % (table_count - 1));
    auto key = number_key(random.next() % 24);
    switch (random.next() % 16) {
    case 0:
      out.clear(in);
      break;
    case 1:
    case 2:
    case 3:
    case 4:
      out.erase(in, std::move(key));
      break;
    default:
      out.put(in, std::move(key), blob(random.next() % 400, static_cast<std::uint8_t>(left)));
    }
  }
  return out;
}

TYPED_TEST_P(conformance, it_holds_what_a_simple_model_holds) {
  seeded_random random{seed()};
  const auto model = make_memory_store();
  for (int step = 1; step <= 600; ++step) {
    const auto what = random_batch(random);
    this->apply(what);
    ASSERT_TRUE(model->apply(what));
    if (step % 60 == 0) {
      this->reopen();
      ASSERT_TRUE(this->store);
      expect_same_rows(*this->store, *model);
    }
  }
}

TYPED_TEST_P(conformance, threads_see_whole_batches) {
  constexpr int writers = 3;
  constexpr int rounds = 100;
  std::atomic<int> running = writers;
  std::atomic<int> failed = 0;
  std::vector<std::jthread> threads;
  for (int id = 0; id < writers; ++id) {
    threads.emplace_back([this, id, &running, &failed] {
      for (int round = 1; round <= rounds; ++round) {
        batch what;
        const auto value = text_blob(std::to_string(round));
        what.put(table::inbox, number_key(10 + id), value);
        what.put(table::inbox, number_key(20 + id), value);
        failed += this->store->apply(what) ? 0 : 1;
      }
      --running;
    });
  }
  int torn = 0;
  do {
    const auto all = this->store->scan(table::inbox, {}, {});
    if (!all || all->rows.size() % 2 != 0) {
      ++torn;
      continue;
    }
    std::map<std::uint64_t, blob> by_number;
    for (const auto& one : all->rows) {
      by_number[number_of(one.key)] = one.value;
    }
    for (int id = 0; id < writers; ++id) {
      torn += by_number[10 + id] == by_number[20 + id] ? 0 : 1;
    }
  } while (running > 0);
  threads.clear();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(failed, 0);
  this->reopen();
  EXPECT_EQ(rows_of(*this->store).size(), 2U * writers);
}

/// What the process that is to be killed does: batch `n` moves a counter, takes an update in and
/// finishes the one of ten before. Writes each number, once it is applied, to `told`.
inline void work_until_killed(backend& in, int told) {
  for (std::uint64_t n = 1; n < 1'000'000; ++n) {
    batch what;
    what.durable = n % 16 == 0;
    what.put(table::state, "n", text_blob(std::to_string(n)));
    what.put(table::inbox, number_key(n), blob(100, static_cast<std::uint8_t>(n)));
    if (n > 10) {
      what.erase(table::inbox, number_key(n - 10));
    }
    if (!in.apply(what) || ::write(told, &n, sizeof n) != sizeof n) {
      ::_exit(1);
    }
  }
}

template <class Harness>
void open_and_work(Harness& harness, int told) {
  auto opened = harness.open();
  if (opened) {
    work_until_killed(**opened, told);
  }
  ::_exit(2);
}

/// The counter, after it was compared with the inbox.
inline std::uint64_t counted(backend& in) {
  const auto counter = in.get(table::state, "n");
  EXPECT_TRUE(counter);
  if (!counter || !*counter) {
    EXPECT_TRUE(rows_of(in).empty());
    return 0;
  }
  const auto n = std::stoull(std::string{as_text(**counter)});
  std::vector<std::uint64_t> expected;
  for (auto number = n > 10 ? n - 9 : 1; number <= n; ++number) {
    expected.push_back(number);
  }
  std::vector<std::uint64_t> numbers;
  const auto read = for_each_row(in, table::inbox, [&numbers](const row& one) {
    numbers.push_back(number_of(one.key));
    return result<void>{};
  });
  EXPECT_TRUE(read);
  EXPECT_EQ(numbers, expected) << "batch " << n << " is not whole";
  return n;
}

TYPED_TEST_P(conformance, kill_leaves_whole_batches_and_all_that_were_applied) {
  if (!TypeParam::outlives) {
    batch what;
    what.put(table::value, "a", {});
    this->apply(what);
    this->open();
    EXPECT_TRUE(rows_of(*this->store).empty()) << "and says so in its documents";
    return;
  }
  seeded_random random{seed()};
  for (int round = 0; round < 8; ++round) {
    batch fresh;
    fresh.clear(table::state);
    fresh.clear(table::inbox);
    this->apply(fresh);
    this->store.reset();
    int told[2];
    ASSERT_EQ(::pipe(told), 0);
    const auto child = ::fork();
    if (child == 0) {
      ::close(told[0]);
      open_and_work(this->harness, told[1]);
    }
    ::close(told[1]);
    std::uint64_t last = 0;
    for (auto left = random.next() % 60 + 1; left > 0; --left) {
      ASSERT_EQ(::read(told[0], &last, sizeof last), static_cast<ssize_t>(sizeof last)) << round;
    }
    ::kill(child, SIGKILL);
    while (::read(told[0], &last, sizeof last) == static_cast<ssize_t>(sizeof last)) {
    }
    ::close(told[0]);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    ASSERT_NO_FATAL_FAILURE(this->open()) << "it is free again";
    const auto n = counted(*this->store);
    EXPECT_TRUE(n == last || n == last + 1) << n << " after " << last;
  }
}

TYPED_TEST_P(conformance, inbox_dead_letters_and_sends_come_back) {
  const auto first = sample_update(1, "user/42");
  const auto second = sample_update(300, "channel/77");
  const dead_letter dead{sample_update(2, "user/42"), 1'750'000'300};
  const std::vector<send_record> sends{sample_send(300, 0), sample_send(300, 1)};
  batch what;
  put(what, second);
  put(what, first);
  put(what, dead);
  for (const auto& one : {sample_send(1, 0), sends[1], sends[0], sample_send(301, 0)}) {
    put(what, one);
  }
  this->apply(what);
  this->reopen();
  auto inbox = read_inbox(*this->store, 0);
  ASSERT_TRUE(inbox) << to_string(inbox.error());
  EXPECT_EQ(inbox->records, (std::vector{first, second}));
  EXPECT_EQ(read_inbox(*this->store, 1)->records, std::vector{second});
  EXPECT_EQ(read_dead_letters(*this->store, 0)->records, std::vector{dead});
  EXPECT_EQ(*read_sends(*this->store, 300), sends);
  EXPECT_EQ(read_sends(*this->store, 299)->size(), 0U);

  batch finished;
  erase_inbox(finished, 300);
  erase_send(finished, 300, 0);
  erase_send(finished, 300, 1);
  erase_dead_letter(finished, 2);
  this->apply(finished);
  EXPECT_EQ(read_inbox(*this->store, 0)->records, std::vector{first});
  EXPECT_TRUE(read_sends(*this->store, 300)->empty());
  EXPECT_TRUE(read_dead_letters(*this->store, 0)->records.empty());
}

TYPED_TEST_P(conformance, a_session_comes_back_and_only_what_has_moved_is_written) {
  auto session = sample_session();
  const auto peers = std::exchange(session.peers, {});
  auto with_peers = session;
  with_peers.peers = peers;
  auto kept = keep_session(this->store);
  ASSERT_TRUE(kept->commit({with_peers}));
  session.updates->pts += 5;
  session.channels[7] = {8, true, false};
  session.channels.erase(1'000'000'000'001);
  ASSERT_TRUE(kept->commit({session}));
  kept.reset();
  this->reopen();
  kept = keep_session(this->store);
  const auto back = kept->load();
  ASSERT_TRUE(back && *back) << to_string(back.error());
  expect_equal(session, **back);

  EXPECT_EQ(*find_named_peer(*this->store, username_key("@ALICE")), peers[0]);
  EXPECT_EQ(*find_peer(*this->store, peer_kind::channel, 77), peers[1]);
  EXPECT_EQ(*find_named_peer(*this->store, phone_key("+1 23")), peers[0]);

  session.user->id += 1;
  ASSERT_TRUE(kept->commit({session}));
  EXPECT_EQ(*find_peer(*this->store, peer_kind::channel, 77), std::nullopt) << "another account's";
  expect_equal(session, **keep_session(this->store)->load());
}

REGISTER_TYPED_TEST_SUITE_P(conformance, a_new_store_is_empty,
                            the_steps_of_a_batch_come_one_after_the_other,
                            keys_and_values_are_any_octets, what_no_backend_takes_changes_nothing,
                            numbered_rows_come_in_pages_by_rising_keys,
                            a_page_is_bounded_by_octets_too, it_holds_what_a_simple_model_holds,
                            threads_see_whole_batches,
                            kill_leaves_whole_batches_and_all_that_were_applied,
                            inbox_dead_letters_and_sends_come_back,
                            a_session_comes_back_and_only_what_has_moved_is_written);

} // namespace cafegram::test

#include <cafegram/storage/encryption.hpp>
#include <cafegram/storage/inbox.hpp>
#include <cafegram/storage/session_rows.hpp>

#include <cstdlib>
#include <fstream>

#include "sample.hpp"

namespace cafegram::storage {

namespace {

constexpr crypto::scrypt_cost cheap{.cost = 16};
const std::string raw_digits = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1F";

struct encryption : testing::Test {
  std::shared_ptr<backend> plain = make_memory_store();

  result<std::unique_ptr<backend>> open(const store_key& key) {
    return encrypted_store(plain, key, cheap);
  }
  std::unique_ptr<backend> open_or_fail(const std::string& text = "a passphrase") {
    auto opened = open(store_key::from_text(text));
    EXPECT_TRUE(opened) << to_string(opened.error());
    return opened ? *std::move(opened) : nullptr;
  }
  void write_session(backend& to) {
    batch what;
    put(what, test::sample_session());
    put(what, test::sample_update(1, "user/42"));
    ASSERT_TRUE(to.apply(what));
  }
  /// All that an observer sees.
  std::string seen() {
    std::string out;
    for (std::size_t at = 0; at < table_count; ++at) {
      EXPECT_TRUE(for_each_row(*plain, static_cast<table>(at), [&out](const row& one) {
        out += one.key;
        out += as_text(one.value);
        return result<void>{};
      }));
    }
    return out;
  }
};

/// A store that another process takes over when the test says so.
class taken_store final : public backend {
public:
  result<void> apply(const batch& what) override { return in_->apply(what); }
  result<std::optional<blob>> get(table in, std::string_view key) override {
    return in_->get(in, key);
  }
  result<page> scan(table in, std::string_view after, const page_limits& limits) override {
    return in_->scan(in, after, limits);
  }
  std::string place() const override { return "a server"; }
  void when_lost(std::function<void(const error&)> tell) override { tell_lost = std::move(tell); }

  std::function<void(const error&)> tell_lost;

private:
  std::unique_ptr<backend> in_ = make_memory_store();
};

} // namespace

TEST_F(encryption, nothing_of_what_is_stored_can_be_seen) {
  const auto store = open_or_fail();
  write_session(*store);
  const auto all = seen();
  const auto session = test::sample_session();
  const auto key = std::string{as_text(session.data_centres.at(2).auth_key->view())};
  for (const auto& secret : {key, key.substr(100, 8), std::string{"alice"}, std::string{"echo_bot"},
                             std::string{"user/42"}, std::string{"login"}, std::string{"common"}}) {
    EXPECT_EQ(all.find(secret), std::string::npos) << to_hex(as_bytes(secret));
  }
}

TEST_F(encryption, the_same_is_never_written_the_same) {
  const auto store = open_or_fail();
  batch what;
  what.put(table::value, "a", blob(100, 7));
  ASSERT_TRUE(store->apply(what));
  const auto once = seen();
  ASSERT_TRUE(store->apply(what));
  EXPECT_NE(seen(), once);
}

TEST_F(encryption, another_run_reads_what_earlier_ones_wrote) {
  for (int run = 0; run < 100; ++run) {
    batch what;
    what.put(table::value, std::to_string(run), blob(3, static_cast<std::uint8_t>(run)));
    ASSERT_TRUE(open_or_fail()->apply(what));
  }
  const auto store = open_or_fail();
  for (int run = 0; run < 100; ++run) {
    EXPECT_EQ(*store->get(table::value, std::to_string(run)),
              blob(3, static_cast<std::uint8_t>(run)));
  }
}

TEST_F(encryption, a_wrong_key_is_told_and_no_key_is_quoted) {
  write_session(*open_or_fail("the right one"));
  for (const auto& wrong :
       {std::string{"the wrong one"}, std::string{"the right one "}, raw_digits}) {
    const auto store = open(store_key::from_text(wrong));
    ASSERT_FALSE(store) << wrong;
    EXPECT_EQ(store.error().code, errc::storage);
    EXPECT_NE(store.error().what.find("key is not the one"), std::string::npos);
    EXPECT_EQ(store.error().what.find(wrong), std::string::npos);
  }
  EXPECT_TRUE(read_session(*open_or_fail("the right one"))->has_value());
}

TEST_F(encryption, digits_are_the_key_itself) {
  write_session(*open_or_fail(raw_digits));
  EXPECT_TRUE(read_session(*open_or_fail(raw_digits))->has_value());
  auto other = raw_digits;
  other.back() = '0';
  EXPECT_FALSE(open(store_key::from_text(other)));
  const auto phrase = open(store_key::from_text("a passphrase"));
  ASSERT_FALSE(phrase);
  EXPECT_NE(phrase.error().what.find("64 hexadecimal digits"), std::string::npos);
}

TEST_F(encryption, a_row_in_another_place_or_changed_is_refused) {
  write_session(*open_or_fail());
  const auto store = open_or_fail();
  const auto inbox = plain->scan(table::inbox, {}, {});
  ASSERT_EQ(inbox->rows.size(), 1U);
  const auto good = inbox->rows[0];
  batch moved;
  moved.put(table::inbox, std::string(8, '\x07'), good.value);
  moved.put(table::dead, good.key, good.value);
  ASSERT_TRUE(plain->apply(moved));
  EXPECT_FALSE(store->get(table::inbox, std::string(8, '\x07')));
  EXPECT_FALSE(read_dead_letters(*store, 0));
  for (std::size_t at = 0; at < good.value.size(); ++at) {
    batch bad;
    auto value = good.value;
    value[at] ^= 1;
    bad.put(table::inbox, good.key, std::move(value));
    ASSERT_TRUE(plain->apply(bad));
    const auto got = store->get(table::inbox, good.key);
    ASSERT_FALSE(got) << at;
    EXPECT_NE(got.error().what.find("table inbox is damaged"), std::string::npos);
  }
  batch cut;
  cut.put(table::inbox, good.key, blob(10, 1));
  ASSERT_TRUE(plain->apply(cut));
  EXPECT_FALSE(store->get(table::inbox, good.key));
}

TEST_F(encryption, a_damaged_update_takes_no_other_one_along) {
  const auto store = open_or_fail();
  batch rows;
  for (const std::uint64_t number : {1, 2, 3}) {
    inbox_row row;
    row.number = number;
    put(rows, row);
  }
  ASSERT_TRUE(store->apply(rows));
  const auto sealed = plain->scan(table::inbox, {}, {});
  ASSERT_EQ(sealed->rows.size(), 3U);
  batch bad;
  bad.put(table::inbox, sealed->rows[1].key, blob(40, 1));
  ASSERT_TRUE(plain->apply(bad));
  const auto read = read_unfinished(*store, std::vector<std::uint64_t>{1, 2, 3});
  ASSERT_TRUE(read) << to_string(read.error());
  EXPECT_EQ(read->rows.size(), 2U);
  EXPECT_EQ(read->damaged.size(), 1U);
  std::vector<std::uint64_t> whole;
  std::vector<std::int64_t> damaged;
  std::uint64_t after = 0;
  for (bool more = true; more && whole.size() < 3;) {
    const auto page = read_unfinished(*store, after);
    ASSERT_TRUE(page) << to_string(page.error());
    std::ranges::transform(page->rows, std::back_inserter(whole), &inbox_row::number);
    std::ranges::transform(page->damaged, std::back_inserter(damaged), &error::number);
    after = page->last;
    more = page->more;
  }
  EXPECT_EQ(whole, (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(damaged, std::vector<std::int64_t>{2});
}

TEST_F(encryption, that_the_store_below_is_lost_is_told) {
  const auto below = std::make_shared<taken_store>();
  plain = below;
  for (const auto* run : {"the first", "another"}) {
    below->tell_lost = nullptr;
    const std::shared_ptr<backend> store = open_or_fail();
    const auto session = keep_session(store);
    std::vector<error> told;
    session->rows()->when_lost([&told](const error& why) { told.push_back(why); });
    ASSERT_TRUE(below->tell_lost) << run;
    const auto why = error::make(errc::session_in_use, "another process has it");
    below->tell_lost(why);
    EXPECT_EQ(told, std::vector{why}) << run;
  }
}

TEST_F(encryption, what_is_not_encrypted_is_told_apart) {
  write_session(*plain);
  EXPECT_FALSE(*is_encrypted(*plain));
  const auto store = open(store_key::from_text("a passphrase"));
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().what.find("is not encrypted"), std::string::npos);
  const std::shared_ptr<backend> fresh = make_memory_store();
  ASSERT_TRUE(encrypted_store(fresh, store_key::from_text("a"), cheap));
  EXPECT_TRUE(*is_encrypted(*fresh));
}

TEST_F(encryption, how_it_is_encrypted_is_bounded_and_not_cleared) {
  const auto store = open_or_fail();
  batch clear;
  clear.clear(table::about);
  EXPECT_EQ(store->apply(clear).error().code, errc::bad_argument);
  batch damage;
  damage.put(table::about, "sealing", blob(7, 0xff));
  ASSERT_TRUE(plain->apply(damage));
  const auto opened = open(store_key::from_text("a passphrase"));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::storage);
  // Memory without end for a passphrase.
  const std::shared_ptr<backend> other = make_memory_store();
  EXPECT_EQ(encrypted_store(other, store_key::from_text("a"), {.cost = 1U << 30}).error().code,
            errc::bad_argument);
}

TEST_F(encryption, keys_come_from_files_variables_and_callbacks) {
  test::temporary_folder folder;
  std::ofstream{folder.file("key")} << "from a file\r\n";
  write_session(*open_or_fail("from a file"));
  EXPECT_TRUE(open(store_key::from_file(folder.file("key"))));
  const auto missing = open(store_key::from_file(folder.file("none")));
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().what.find("none"), std::string::npos);
  std::ofstream{folder.file("empty")} << "\n";
  EXPECT_EQ(open(store_key::from_file(folder.file("empty"))).error().code, errc::bad_argument);

  ::setenv("CAFEGRAM_TEST_KEY", "from a file", 1);
  EXPECT_TRUE(open(store_key::from_environment("CAFEGRAM_TEST_KEY")));
  ::unsetenv("CAFEGRAM_TEST_KEY");
  const auto unset = open(store_key::from_environment("CAFEGRAM_TEST_KEY"));
  ASSERT_FALSE(unset);
  EXPECT_NE(unset.error().what.find("CAFEGRAM_TEST_KEY"), std::string::npos);

  int asked = 0;
  const auto callback = store_key::from([&asked]() -> result<crypto::secret> {
    ++asked;
    return crypto::secret{as_bytes("from a file")};
  });
  EXPECT_TRUE(open(callback));
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(open(store_key::from([]() -> result<crypto::secret> {
              return fail(errc::cancelled, "nobody answered");
            }))
                .error()
                .code,
            errc::cancelled);
}

} // namespace cafegram::storage

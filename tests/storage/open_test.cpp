#include <cafegram/storage/inbox.hpp>
#include <cafegram/storage/open.hpp>
#include <cafegram/storage/peers.hpp>
#include <cafegram/storage/session_file.hpp>
#include <cafegram/storage/session_rows.hpp>
#include <cafegram/storage/string_store.hpp>

#include <fstream>

#include "conformance.hpp"

namespace cafegram::storage {

namespace {

using test::temporary_folder;

std::string head_of(const std::string& path) {
  return test::read_text(path).substr(0, 8);
}

void keep_session(const std::string& place) {
  const auto store = open_store(place);
  ASSERT_TRUE(store) << to_string(store.error());
  batch what;
  put(what, test::sample_session());
  ASSERT_TRUE((*store)->apply(what));
}

bool has_session(const std::string& place) {
  const auto store = open_store(place, {.create = false});
  EXPECT_TRUE(store) << to_string(store.error());
  return store && read_session(**store)->has_value();
}

/// A disk that is full, or a process that is killed, after so many batches.
class stopping_backend final : public backend {
public:
  stopping_backend(std::shared_ptr<backend> in, int batches)
    : in_{std::move(in)}
    , left_{batches} {}
  result<void> apply(const batch& what) override {
    durable_ = what.durable;
    return left_-- > 0 ? in_->apply(what) : fail(errc::storage, "stopped");
  }
  result<std::optional<blob>> get(table in, std::string_view key) override {
    return in_->get(in, key);
  }
  result<page> scan(table in, std::string_view after, const page_limits& limits) override {
    return in_->scan(in, after, limits);
  }
  std::string place() const override { return in_->place(); }
  bool last_was_durable() const { return durable_; }

private:
  std::shared_ptr<backend> in_;
  int left_;
  bool durable_ = false;
};

/// A session with more rows than one batch of a copy takes.
std::shared_ptr<backend> much(std::uint64_t first, std::uint64_t end) {
  std::shared_ptr<backend> out = make_memory_store();
  batch what;
  put(what, test::sample_session());
  for (auto number = first; number < end; ++number) {
    what.put(table::dead, number_key(number), {});
  }
  EXPECT_TRUE(out->apply(what));
  return out;
}

} // namespace

TEST(open_store, a_path_is_what_lies_there_and_sqlite_where_nothing_does) {
  temporary_folder folder;
  keep_session(folder.file("new"));
  EXPECT_EQ(head_of(folder.file("new")), "SQLite f");
  keep_session("file:" + folder.file("file"));
  EXPECT_EQ(head_of(folder.file("file")), "CAFEGRAM");
  keep_session("sqlite:" + folder.file("sqlite"));
  EXPECT_EQ(head_of(folder.file("sqlite")), "SQLite f");
  std::ofstream{folder.file("old"), std::ios::binary}
      << as_text(wrap_session_file(encode_session(test::sample_session()).view(), 1).view());
  for (const auto* name : {"new", "file", "sqlite", "old"}) {
    EXPECT_TRUE(has_session(folder.file(name))) << name;
  }
  EXPECT_EQ(head_of(folder.file("file")), "CAFEGRAM") << "it stays what it is";
}

TEST(open_store, where_nothing_may_be_made_nothing_is) {
  temporary_folder folder;
  for (const auto& place :
       {folder.file("a"), "file:" + folder.file("b"), "sqlite:" + folder.file("c")}) {
    const auto store = open_store(place, {.create = false});
    ASSERT_FALSE(store) << place;
    EXPECT_EQ(store.error().code, errc::not_found);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_EQ(open_store("").error().code, errc::bad_argument);
  EXPECT_TRUE(open_store("memory"));
}

TEST(open_store, an_encrypted_one_asks_for_its_key) {
  temporary_folder folder;
  const open_options with{.key = store_key::from_text(std::string(64, '7'))};
  {
    const auto store = open_session(folder.file("s"), with);
    ASSERT_TRUE(store) << to_string(store.error());
    ASSERT_TRUE((*store)->commit({test::sample_session()}));
  }
  const auto without = open_store(folder.file("s"));
  ASSERT_FALSE(without);
  EXPECT_NE(without.error().what.find("encrypted"), std::string::npos);
  EXPECT_TRUE((*open_session(folder.file("s"), with))->load()->has_value());
}

TEST(open_store, the_place_may_name_the_key) {
  temporary_folder folder;
  std::ofstream{folder.file("key")} << std::string(64, 'b') << '\n';
  const auto path = folder.file("s");
  const auto place = "file:" + path + "?key=file:" + folder.file("key");
  keep_session(place);
  EXPECT_TRUE(has_session(place));
  EXPECT_TRUE(has_session(path + "?key=file:" + folder.file("key"))) << "the path alone will do";
  EXPECT_FALSE(open_store(path));
  for (const auto* bad : {"?key=", "?key=secret", "?key=file:", "?key=env:"}) {
    const auto store = open_store(path + bad);
    ASSERT_FALSE(store) << bad;
    EXPECT_EQ(store.error().code, errc::bad_argument);
    EXPECT_EQ(store.error().what.find("secret"), std::string::npos);
  }
  EXPECT_EQ(open_store(path + "?key=env:CAFEGRAM_NOT_SET").error().code, errc::storage);
}

TEST(string_session, holds_login_counters_and_some_peers) {
  const auto from = make_memory_store();
  batch what;
  auto session = test::sample_session();
  put(what, session);
  put(what, test::sample_update(1, "user/42"));
  for (std::int64_t id = 1000; id < 2000; ++id) {
    put(what, peer_record{peer_kind::user, id, id, {}, ""});
  }
  ASSERT_TRUE(from->apply(what));
  const peer_record favourite{peer_kind::channel, 5, 6, {"channel"}, ""};
  const auto text = export_string(*from, {.peers = 10, .first = {favourite}});
  ASSERT_TRUE(text) << to_string(text.error());
  EXPECT_LT(text->size(), 3000U);
  const auto place = "string:" + std::string{as_text(text->view())} + "\n";
  const auto store = open_store(place);
  ASSERT_TRUE(store) << to_string(store.error());
  session.peers.clear();
  test::expect_equal(session, **read_session(**store));
  EXPECT_EQ((*store)->scan(table::peer, {}, {})->rows.size(), 10U);
  EXPECT_EQ(*find_named_peer(**store, username_key("channel")), favourite);
  EXPECT_TRUE(read_inbox(**store, 0)->records.empty());
}

TEST(string_session, is_made_of_a_session_at_hand) {
  const auto text = export_string(test::sample_session());
  ASSERT_TRUE(text) << to_string(text.error());
  const auto store = open_string_store(as_text(text->view()));
  ASSERT_TRUE(store) << to_string(store.error());
  auto expected = test::sample_session();
  const auto peers = std::exchange(expected.peers, {});
  test::expect_equal(expected, **read_session(**store));
  EXPECT_EQ((*store)->scan(table::peer, {}, {})->rows.size(), peers.size());
}

TEST(string_session, is_encrypted_when_asked_for) {
  const std::shared_ptr<backend> from = make_memory_store();
  batch what;
  put(what, test::sample_session());
  ASSERT_TRUE(from->apply(what));
  const auto key = store_key::from_text("a passphrase");
  const auto text = export_string(*from, {.key = key, .cost = {.cost = 16}});
  ASSERT_TRUE(text) << to_string(text.error());
  const auto place = "string:" + std::string{as_text(text->view())};
  EXPECT_FALSE(open_store(place));
  EXPECT_FALSE(open_store(place, {.key = store_key::from_text("another")}));
  const auto store = open_store(place, {.key = key});
  ASSERT_TRUE(store) << to_string(store.error());
  EXPECT_TRUE(read_session(**store)->has_value());
}

TEST(string_session, a_damaged_one_is_told_and_not_quoted) {
  const auto from = make_memory_store();
  EXPECT_EQ(export_string(*from).error().code, errc::storage) << "there is no session";
  batch what;
  put(what, test::sample_session());
  ASSERT_TRUE(from->apply(what));
  const auto good = std::string{as_text(export_string(*from)->view())};
  ASSERT_TRUE(open_string_store(good));
  for (std::size_t at = 0; at < good.size(); at += 7) {
    auto bad = good;
    bad[at] = bad[at] == 'A' ? 'B' : 'A';
    const auto store = open_string_store(bad);
    ASSERT_FALSE(store) << at;
    EXPECT_EQ(store.error().code, errc::storage);
    EXPECT_EQ(store.error().what.find(good.substr(100, 6)), std::string::npos);
    EXPECT_FALSE(open_string_store(good.substr(0, at)));
  }
  const auto strange = open_string_store("not!base64");
  ASSERT_FALSE(strange);
  EXPECT_EQ(strange.error().number, 3);
}

TEST(copy_store, takes_every_row_along) {
  const auto from = make_memory_store();
  seeded_random random{test::seed()};
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(from->apply(test::random_batch(random)));
  }
  batch many;
  for (std::uint64_t number = 1; number < 2500; ++number) {
    many.put(table::dead, number_key(number), {});
  }
  ASSERT_TRUE(from->apply(many));
  temporary_folder folder;
  const auto to = open_store(folder.file("copy"));
  ASSERT_TRUE(to);
  ASSERT_TRUE(copy_store(*from, **to));
  test::expect_same_rows(*from, **to);
}

TEST(copy_store, one_that_is_stopped_leaves_no_login_and_nothing_for_the_next) {
  const auto from = much(1, 3500);
  const auto other = much(10'000, 10'010);
  int batches = 0;
  for (bool whole = false; !whole; ++batches) {
    ASSERT_LT(batches, 100);
    const std::shared_ptr<backend> kept = make_memory_store();
    stopping_backend to{kept, batches};
    whole = copy_store(*from, to).has_value();
    ASSERT_EQ(read_session(*kept)->has_value(), whole) << batches;
    if (whole) {
      EXPECT_TRUE(to.last_was_durable());
      test::expect_same_rows(*from, *kept);
    } else {
      ASSERT_TRUE(copy_store(*other, *kept));
      test::expect_same_rows(*other, *kept);
    }
  }
  EXPECT_GT(batches, 3);
}

TEST(copy_store, what_was_put_aside_stays_in_a_place_without_a_session) {
  const auto from = much(1, 3);
  const auto to = make_memory_store();
  batch what;
  what.put(table::aside, "ended", to_blob(as_bytes("a login")));
  what.put(table::value, "mine", to_blob(as_bytes("of a copy that was stopped")));
  ASSERT_TRUE(to->apply(what));
  ASSERT_TRUE(copy_store(*from, *to));
  EXPECT_TRUE(to->get(table::aside, "ended")->has_value());
  EXPECT_FALSE(to->get(table::value, "mine")->has_value());
}

} // namespace cafegram::storage

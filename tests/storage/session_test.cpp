#include <cafegram/base/environment.hpp>
#include <cafegram/storage/peers.hpp>
#include <cafegram/storage/session_rows.hpp>

#include "sample.hpp"

namespace cafegram::storage {

TEST(session, the_format_brings_every_field_back) {
  const auto state = test::sample_session();
  auto back = decode_session(encode_session(state).view());
  ASSERT_TRUE(back) << to_string(back.error());
  test::expect_equal(state, *back);
}

// As all were before there was a second date: then both are the same.
TEST(session, one_whose_place_has_no_date_of_named_channels_is_read) {
  auto octets = to_bytes(encode_session({}).view());
  const bytes place{0x32, 9, 0x08, 10, 0x10, 3, 0x18, 0xe8, 0x07, 0x20, 1};
  octets.insert(octets.end(), place.begin(), place.end());
  const auto back = decode_session(octets);
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(back->updates, (update_state{10, 3, 1000, 1}));
}

TEST(session, an_empty_session_is_a_session) {
  auto back = decode_session(encode_session({}).view());
  ASSERT_TRUE(back);
  test::expect_equal({}, *back);
}

TEST(session, a_key_of_the_wrong_length_is_named) {
  auto state = test::sample_session();
  state.data_centres[2].auth_key = test::secret_of(255, 1);
  auto back = decode_session(encode_session(state).view());
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().code, errc::storage);
  EXPECT_EQ(back.error().number, 255);
  EXPECT_NE(back.error().what.find("authorization key"), std::string::npos);
}

TEST(session, damaged_octets_never_crash) {
  const auto good = encode_session(test::sample_session());
  seeded_random random{test::seed()};
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto copy = to_bytes(good.view());
    copy[random.next() % copy.size()] = static_cast<std::uint8_t>(random.next());
    copy.resize(random.next() % copy.size());
    if (!decode_session(copy)) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 10'000);
}

TEST(session, the_memory_backend_keeps_what_it_was_given) {
  auto backend = make_memory_backend();
  auto empty = backend->load();
  ASSERT_TRUE(empty);
  EXPECT_FALSE(*empty);
  ASSERT_TRUE(backend->commit({test::sample_session()}));
  ASSERT_TRUE(backend->commit({}));
  auto back = backend->load();
  ASSERT_TRUE(back && *back);
  auto expected = test::sample_session();
  expected.peers.clear();
  test::expect_equal(expected, **back);
}

namespace {

/// Remembers the batches that it is given.
class watched_store final : public backend {
public:
  result<void> apply(const batch& what) override {
    batches.push_back(what);
    return failing ? fail(errc::storage, "no room") : in_->apply(what);
  }
  result<std::optional<blob>> get(table in, std::string_view key) override {
    return in_->get(in, key);
  }
  result<page> scan(table in, std::string_view after, const page_limits& limits) override {
    return in_->scan(in, after, limits);
  }
  std::string place() const override { return "watched"; }

  std::vector<batch> batches;
  bool failing = false;

private:
  std::unique_ptr<backend> in_ = make_memory_store();
};

} // namespace

TEST(kept_session, writes_what_has_moved_and_no_more) {
  const auto store = std::make_shared<watched_store>();
  const auto kept = keep_session(store);
  auto session = test::sample_session();
  session.peers.clear();
  ASSERT_TRUE(kept->commit({session}));
  ASSERT_TRUE(kept->commit({session}));
  ASSERT_EQ(store->batches.size(), 1U) << "nothing has moved";
  EXPECT_TRUE(store->batches[0].durable) << "there are keys in it";

  session.updates->pts += 1;
  ASSERT_TRUE(kept->commit({session}));
  session.channels[5] = {6, false, true};
  ASSERT_TRUE(kept->commit({session}));
  for (const std::size_t at : {1, 2}) {
    ASSERT_EQ(store->batches[at].changes.size(), 1U);
    EXPECT_EQ(store->batches[at].changes[0].in, table::state);
    EXPECT_FALSE(store->batches[at].durable) << "it comes again with the updates";
  }
  session.data_centres[2].salt += 1;
  ASSERT_TRUE(kept->commit({session}));
  ASSERT_EQ(store->batches[3].changes.size(), 1U);
  EXPECT_TRUE(store->batches[3].durable);
}

TEST(kept_session, peers_within_a_session_are_rows_once_and_take_nothing_from_newer_ones) {
  const std::shared_ptr<backend> store = make_memory_store();
  const auto kept = keep_session(store);
  auto session = test::sample_session();
  ASSERT_FALSE(session.peers.empty());
  ASSERT_TRUE(kept->commit({session}));
  auto peer = session.peers.front();
  EXPECT_EQ(*find_peer(*store, peer.kind, peer.id), peer);
  peer.access_hash += 1;
  session_batch seen;
  auto rows = std::make_shared<batch>();
  put(*rows, peer);
  seen.rows = rows;
  ASSERT_TRUE(kept->commit(seen));
  session.home_dc = 5;
  ASSERT_TRUE(kept->commit({session}));
  EXPECT_EQ(*find_peer(*store, peer.kind, peer.id), peer);
}

TEST(kept_session, what_could_not_be_written_is_written_with_the_next_state) {
  const auto store = std::make_shared<watched_store>();
  const auto kept = keep_session(store);
  auto session = test::sample_session();
  session.peers.clear();
  ASSERT_TRUE(kept->commit({session}));
  auto other = session;
  other.user->id += 1;
  other.updates.reset();
  other.channels.clear();
  const auto fail_once = [&] {
    store->failing = true;
    EXPECT_FALSE(kept->commit({other}));
    store->failing = false;
  };
  fail_once();
  auto fewer = session;
  fewer.channels.clear();
  ASSERT_TRUE(kept->commit({fewer}));
  test::expect_equal(fewer, **keep_session(store)->load());
  fail_once();
  ASSERT_TRUE(kept->commit({other}));
  test::expect_equal(other, **keep_session(store)->load());
  ASSERT_TRUE(kept->commit({session}));
  test::expect_equal(session, **keep_session(store)->load());
}

TEST(kept_session, a_copy_put_aside_overwrites_nothing) {
  const auto store = std::make_shared<watched_store>();
  const auto kept = keep_session(store);
  const auto first = test::sample_session();
  auto second = first;
  second.home_dc = 5;
  EXPECT_EQ(kept->put_aside(first, "ended-x"), "watched, put aside as ended-x");
  EXPECT_EQ(kept->put_aside(second, "ended-x"), "watched, put aside as ended-x-2");
  EXPECT_EQ(kept->put_aside(second, "ended-x"), "watched, put aside as ended-x-2") << "it is there";
  ASSERT_EQ(store->batches.size(), 2U);
  EXPECT_TRUE(store->batches[0].durable);
  test::expect_equal(first, **read_aside(*store, "ended-x"));
  test::expect_equal(second, **read_aside(*store, "ended-x-2"));
  EXPECT_FALSE(read_aside(*store, "ended-y")->has_value());
  EXPECT_FALSE(kept->load()->has_value()) << "the session itself is as it was";
  store->failing = true;
  EXPECT_FALSE(kept->put_aside(first, "ended-z"));
}

TEST(kept_session, a_damaged_row_is_named_and_nothing_is_written) {
  const auto store = std::make_shared<watched_store>();
  batch what;
  put(what, test::sample_session());
  what.put(table::session, "login", blob(9, 0xff));
  ASSERT_TRUE(store->apply(what));
  const auto kept = keep_session(store);
  const auto loaded = kept->load();
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().what.find("watched: table session"), std::string::npos);
  EXPECT_FALSE(kept->commit({test::sample_session()}));
  EXPECT_EQ(store->batches.size(), 1U);
}

} // namespace cafegram::storage

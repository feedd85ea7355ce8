#include <cafegram/storage/peers.hpp>

#include "sample.hpp"

namespace cafegram::storage {

namespace {

/// Counts what is asked of it.
class counted_store final : public backend {
public:
  result<void> apply(const batch& what) override { return in_->apply(what); }
  result<std::optional<blob>> get(table in, std::string_view key) override {
    ++gets;
    return failing ? fail(errc::storage, "no disk") : in_->get(in, key);
  }
  result<page> scan(table in, std::string_view after, const page_limits& limits) override {
    ++scans;
    return in_->scan(in, after, limits);
  }
  std::string place() const override { return in_->place(); }

  int gets = 0;
  int scans = 0;
  bool failing = false;

private:
  std::unique_ptr<backend> in_ = make_memory_store();
};

struct peers : testing::Test {
  std::shared_ptr<counted_store> store = std::make_shared<counted_store>();
  peer_cache cache{store, 3};

  /// The number of rows that it wrote.
  std::size_t note(const peer_record& peer) {
    batch what;
    const auto done = cache.note(peer, what);
    EXPECT_TRUE(done) << to_string(done.error());
    EXPECT_TRUE(store->apply(what));
    return what.changes.size();
  }
};

peer_record user(std::int64_t id, std::vector<std::string> names = {}) {
  return {peer_kind::user, id, id * 1000, std::move(names), ""};
}

peer_record seen_in_message(std::int64_t id) {
  auto out = user(id);
  out.access_hash = 1;
  out.seen_in = message_source{peer_kind::channel, 77, 5};
  return out;
}

} // namespace

TEST_F(peers, any_that_was_ever_seen_is_found) {
  for (std::int64_t id = 1; id <= 50; ++id) {
    note(user(id, {"Name" + std::to_string(id)}));
  }
  EXPECT_EQ(cache.recent(100).size(), 3U) << "the others are in the store alone";
  for (std::int64_t id = 1; id <= 50; ++id) {
    const auto found = cache.find(peer_kind::user, id);
    ASSERT_TRUE(found && *found) << id;
    EXPECT_EQ((*found)->access_hash, id * 1000);
    const auto named = cache.find_username("@nAME" + std::to_string(id));
    ASSERT_TRUE(named && *named) << id;
    EXPECT_EQ((*named)->id, id);
  }
  EXPECT_EQ(*cache.find(peer_kind::user, 51), std::nullopt);
  EXPECT_EQ(*cache.find(peer_kind::group, 1), std::nullopt) << "kinds count apart";
  EXPECT_EQ(*cache.find_username("name51"), std::nullopt);
  EXPECT_EQ(*cache.find_username(""), std::nullopt);
  EXPECT_EQ(*cache.find_phone("+"), std::nullopt);
}

TEST_F(peers, what_is_known_is_not_written_again) {
  EXPECT_EQ(note(user(1, {"one"})), 2U);
  EXPECT_EQ(note(user(1, {"one"})), 0U);
  auto again = user(1, {"one"});
  again.access_hash = 5;
  EXPECT_EQ(note(again), 2U);
  EXPECT_EQ(store->gets, 0) << "a whole peer needs no look into the store";
}

TEST_F(peers, a_name_that_was_given_up_finds_nobody) {
  note(user(1, {"old", "both"}));
  note(user(1, {"new", "both"}));
  EXPECT_EQ(*cache.find_username("old"), std::nullopt);
  EXPECT_EQ(**cache.find_username("both"), user(1, {"new", "both"}));
  // Where the earlier names had left the memory, their rows are still there.
  note(user(2, {"stale"}));
  for (std::int64_t id = 10; id < 20; ++id) {
    note(user(id));
  }
  note(user(2, {"fresh"}));
  EXPECT_TRUE(*store->get(table::name, username_key("stale")));
  EXPECT_EQ(*cache.find_username("stale"), std::nullopt);
  EXPECT_EQ((*cache.find_username("fresh"))->id, 2);
}

TEST_F(peers, a_name_belongs_to_who_had_it_last) {
  note(user(1, {"name"}));
  note(user(2, {"name"}));
  EXPECT_EQ((*cache.find_username("name"))->id, 2);
  // The first one's next change does not take the name from the second.
  note(user(1, {}));
  const auto found = cache.find_username("name");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->id, 2);
}

TEST_F(peers, a_phone_is_its_digits) {
  auto peer = user(1);
  peer.phone = "15550001";
  note(peer);
  EXPECT_EQ(**cache.find_phone("+1 (555) 00-01"), peer);
}

TEST_F(peers, a_min_constructor_takes_nothing_from_a_whole_peer) {
  note(seen_in_message(1));
  EXPECT_EQ((*cache.find(peer_kind::user, 1))->seen_in->message, 5);
  EXPECT_GT(note(user(1)), 0U);
  EXPECT_EQ((*cache.find(peer_kind::user, 1))->seen_in, std::nullopt);
  EXPECT_EQ(note(seen_in_message(1)), 0U);
  for (std::int64_t id = 10; id < 20; ++id) {
    note(user(id));
  }
  EXPECT_EQ(note(seen_in_message(1)), 0U) << "when only the store remembers the whole one neither";
  EXPECT_EQ((*cache.find(peer_kind::user, 1))->access_hash, 1000);
}

TEST_F(peers, a_later_message_takes_the_place_of_an_earlier_one) {
  note(seen_in_message(1));
  auto later = seen_in_message(1);
  later.seen_in->message = 6;
  note(later);
  EXPECT_EQ((*cache.find(peer_kind::user, 1))->seen_in->message, 6);
}

TEST_F(peers, a_store_that_fails_is_an_error_and_nothing_is_put) {
  store->failing = true;
  EXPECT_FALSE(cache.find(peer_kind::user, 1));
  EXPECT_FALSE(cache.find_username("name"));
  batch what;
  EXPECT_FALSE(cache.note(seen_in_message(1), what));
  EXPECT_TRUE(what.empty());
}

TEST_F(peers, those_used_last_are_remembered) {
  for (std::int64_t id = 1; id <= 3; ++id) {
    note(user(id));
  }
  ASSERT_TRUE(cache.find(peer_kind::user, 1));
  note(user(4));
  std::vector<std::int64_t> ids;
  for (const auto& peer : cache.recent(2)) {
    ids.push_back(peer.id);
  }
  EXPECT_EQ(ids, (std::vector<std::int64_t>{4, 1}));
  store->gets = 0;
  ASSERT_TRUE(*cache.find(peer_kind::user, 1));
  EXPECT_EQ(store->gets, 0);
  ASSERT_TRUE(*cache.find(peer_kind::user, 2));
  EXPECT_EQ(store->gets, 1);
}

} // namespace cafegram::storage

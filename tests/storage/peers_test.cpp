#include <cafegram/storage/peers.hpp>

#include <limits>

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
    return in_->scan(in, after, limits);
  }
  std::string place() const override { return in_->place(); }

  int gets = 0;
  bool failing = false;

private:
  std::unique_ptr<backend> in_ = make_memory_store();
};

struct peers : testing::Test {
  counted_store store;
  peer_cache cache{3};

  /// The number of rows that it wrote.
  std::size_t note(const peer_record& peer) {
    const std::vector<std::string_view> names{peer.usernames.begin(), peer.usernames.end()};
    batch what;
    cache.note({peer.kind, peer.id, peer.access_hash, names, peer.phone, peer.seen_in}, what);
    EXPECT_TRUE(store.apply(what));
    return what.changes.size();
  }
  std::optional<peer_record> find(std::int64_t id, peer_kind kind = peer_kind::user) {
    const auto found = find_peer(store, kind, id);
    EXPECT_TRUE(found) << to_string(found.error());
    return found.value_or(std::nullopt);
  }
  std::optional<peer_record> named(std::string_view name) {
    const auto found = find_named_peer(store, username_key(name));
    EXPECT_TRUE(found) << to_string(found.error());
    return found.value_or(std::nullopt);
  }
  std::optional<peer_record> with_phone(std::string_view phone) {
    return find_named_peer(store, phone_key(phone)).value_or(std::nullopt);
  }
};

peer_record user(std::int64_t id, std::vector<std::string> names = {}) {
  return {peer_kind::user, id, id * 1000, std::move(names), ""};
}

peer_record seen_in_message(std::int64_t id, std::int32_t message = 5) {
  auto out = user(id);
  out.access_hash = 1;
  out.seen_in = message_source{peer_kind::channel, 77, message};
  return out;
}

} // namespace

TEST_F(peers, any_that_was_ever_seen_is_found) {
  for (std::int64_t id = 1; id <= 50; ++id) {
    note(user(id, {"Name" + std::to_string(id)}));
  }
  EXPECT_EQ(cache.size(), 3U) << "the others are in the store alone";
  for (std::int64_t id = 1; id <= 50; ++id) {
    EXPECT_EQ(find(id), user(id, {"Name" + std::to_string(id)}));
    const auto found = named("@nAME" + std::to_string(id));
    ASSERT_TRUE(found) << id;
    EXPECT_EQ(found->id, id);
  }
  EXPECT_EQ(find(51), std::nullopt);
  EXPECT_EQ(find(1, peer_kind::group), std::nullopt) << "kinds count apart";
  EXPECT_EQ(named("name51"), std::nullopt);
  EXPECT_EQ(named(""), std::nullopt);
  EXPECT_EQ(with_phone("+"), std::nullopt);
}

TEST_F(peers, what_is_known_is_not_written_again) {
  EXPECT_EQ(note(user(1, {"one"})), 2U);
  EXPECT_EQ(note(user(1, {"one"})), 0U);
  auto again = user(1, {"one"});
  again.access_hash = 5;
  EXPECT_EQ(note(again), 2U);
  again.phone = "1555";
  EXPECT_EQ(note(again), 3U);
  again.usernames = {"on", "e"};
  EXPECT_EQ(note(again), 4U);
  EXPECT_EQ(note(again), 0U);
  again.usernames = {"one", "1555"};
  again.phone = "";
  EXPECT_EQ(note(again), 3U) << "a name that looks like a phone is none";
  EXPECT_EQ(store.gets, 0) << "nothing is read for it";
}

TEST_F(peers, one_that_has_left_the_memory_is_written_once_more) {
  note(user(1));
  for (std::int64_t id = 2; id <= 4; ++id) {
    note(user(id));
  }
  EXPECT_EQ(note(user(1)), 1U);
  EXPECT_EQ(note(user(1)), 0U);
  EXPECT_EQ(note(user(4)), 0U) << "used after those that have left";
}

TEST_F(peers, a_name_that_was_given_up_finds_nobody) {
  note(user(1, {"old", "both"}));
  note(user(1, {"new", "both"}));
  EXPECT_TRUE(*store.get(table::name, username_key("old"))) << "its row is still there";
  EXPECT_EQ(named("old"), std::nullopt);
  EXPECT_EQ(named("both"), user(1, {"new", "both"}));
  EXPECT_EQ(named("new"), user(1, {"new", "both"}));
}

TEST_F(peers, a_name_belongs_to_who_had_it_last) {
  note(user(1, {"name"}));
  note(user(2, {"name"}));
  EXPECT_EQ(named("name")->id, 2);
  // The first one's next change does not take the name from the second.
  note(user(1, {}));
  const auto found = named("name");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, 2);
}

TEST_F(peers, a_phone_is_its_digits) {
  auto peer = user(1);
  peer.phone = "15550001";
  note(peer);
  EXPECT_EQ(with_phone("+1 (555) 00-01"), peer);
}

TEST_F(peers, a_min_constructor_takes_nothing_from_a_whole_peer) {
  note(seen_in_message(1));
  EXPECT_EQ(find(1)->seen_in->message, 5);
  EXPECT_GT(note(user(1)), 0U);
  EXPECT_EQ(find(1)->seen_in, std::nullopt);
  EXPECT_EQ(note(seen_in_message(1)), 0U);
  for (std::int64_t id = 10; id < 20; ++id) {
    note(user(id));
  }
  EXPECT_GT(note(seen_in_message(1)), 0U) << "nobody knows of the whole one any more";
  EXPECT_EQ(cache.find(peer_kind::user, 1), std::nullopt) << "so the store has to be asked";
  EXPECT_EQ(find(1), user(1)) << "where it is as it was";
}

TEST_F(peers, a_min_constructor_s_names_are_found_until_a_whole_peer_has_others) {
  auto peer = seen_in_message(1);
  peer.usernames = {"name"};
  note(peer);
  EXPECT_EQ(named("name"), peer);
  note(user(1, {"other"}));
  EXPECT_EQ(named("name"), std::nullopt);
  EXPECT_EQ(named("other")->seen_in, std::nullopt);
}

TEST_F(peers, a_much_later_message_takes_the_place_of_an_earlier_one) {
  note(seen_in_message(1));
  EXPECT_EQ(note(seen_in_message(1, 6)), 0U) << "or each message of a busy group would be a row";
  EXPECT_EQ(note(seen_in_message(1, 2)), 0U) << "older ones come when history is read";
  EXPECT_GT(note(seen_in_message(1, 5 + peer_cache::new_source_after)), 0U);
  EXPECT_EQ(find(1)->seen_in->message, 5 + peer_cache::new_source_after);
  EXPECT_EQ(note(seen_in_message(1, std::numeric_limits<std::int32_t>::min())), 0U);
  auto elsewhere = seen_in_message(1);
  elsewhere.seen_in->chat = 78;
  EXPECT_GT(note(elsewhere), 0U) << "the account may have left the other chat";
  EXPECT_EQ(find(1)->seen_in->chat, 78);
}

TEST_F(peers, those_in_memory_are_addressed_without_the_store) {
  note(user(1));
  note(seen_in_message(2));
  EXPECT_EQ(cache.find(peer_kind::user, 1), (peer_address{peer_kind::user, 1, 1000}));
  EXPECT_EQ(cache.find(peer_kind::user, 2), std::nullopt) << "a whole one may be in the store";
  EXPECT_EQ(cache.find(peer_kind::channel, 1), std::nullopt);
  cache.clear();
  EXPECT_EQ(cache.find(peer_kind::user, 1), std::nullopt);
  EXPECT_EQ(note(user(1)), 1U);
}

TEST_F(peers, what_was_read_is_in_memory_and_not_written_again) {
  cache.learn(user(1, {"one"}));
  EXPECT_EQ(cache.find(peer_kind::user, 1)->access_hash, 1000);
  EXPECT_EQ(note(user(1, {"one"})), 0U);
  note(user(2, {"new"}));
  cache.learn(user(2, {"old"})); // it was read before the other one came
  EXPECT_EQ(note(user(2, {"new"})), 0U);
  cache.learn(seen_in_message(1));
  EXPECT_TRUE(cache.find(peer_kind::user, 1));
  note(seen_in_message(3));
  cache.learn(user(3));
  EXPECT_EQ(cache.find(peer_kind::user, 3)->access_hash, 3000);
}

TEST_F(peers, those_used_last_are_remembered) {
  for (std::int64_t id = 1; id <= 3; ++id) {
    note(user(id));
  }
  EXPECT_TRUE(cache.find(peer_kind::user, 1));
  note(user(4));
  EXPECT_TRUE(cache.find(peer_kind::user, 1));
  EXPECT_FALSE(cache.find(peer_kind::user, 2));
}

TEST_F(peers, a_store_that_fails_is_an_error) {
  store.failing = true;
  EXPECT_EQ(find_peer(store, peer_kind::user, 1).error().code, errc::storage);
  EXPECT_EQ(find_named_peer(store, username_key("name")).error().code, errc::storage);
}

TEST_F(peers, a_damaged_one_is_an_error_that_says_where) {
  batch what;
  what.put(table::peer, peer_key(peer_kind::user, 1), {0xff, 0xff});
  ASSERT_TRUE(store.apply(what));
  const auto found = find_peer(store, peer_kind::user, 1);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().what, "memory: table peer: not a peer in Protocol Buffers");
}

} // namespace cafegram::storage

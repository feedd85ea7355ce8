#include <cafegram/actors/session_peers.hpp>
#include <cafegram/actors/updates.hpp>
#include <cafegram/storage/session_rows.hpp>
#include <cafegram/tests/support.hpp>
#include <cafegram/tl/api.hpp>

#include <string>
#include <utility>

namespace cafegram {

namespace {

using storage::peer_address;
using storage::peer_kind;

/// The peers of a session in front of its store, written when the test says so.
struct peers_in_front : testing::Test {
  std::shared_ptr<storage::backend> store = storage::make_memory_store();
  storage::session_state session;
  session_changes unwritten;
  session_peers known{2};

  bool note(const tl::User& one) {
    auto seen = std::make_shared<peers_seen>();
    const auto* user = tl::get_if<tl::user>(one);
    seen->users.emplace(user->id, one);
    if (user->min) {
      seen->users_in.emplace(user->id, message_place{tl::peerChannel{.channel_id = 70}, 5});
    }
    return known.note({.account = 1, .seen = {seen}}, unwritten);
  }
  void write() {
    give();
    unwritten.written();
  }
  /// To the writer, who has not answered yet.
  void give() { EXPECT_TRUE(store->apply(*unwritten.take(session)->rows)); }

  std::optional<peer_address> look_up(const peer_name& what) {
    if (auto found = known.find(what, unwritten)) {
      return found;
    }
    ++reads;
    const auto stored = what.by_id() ? find_peer(*store, peer_kind::user, what.id())
                                     : find_named_peer(*store, storage::username_key(what.text()));
    return known.found(what, *stored ? &**stored : nullptr, unwritten);
  }
  int reads = 0;
};

tl::User user_named(std::int64_t id, std::string name, std::int64_t hash = 100) {
  return tl::user{
      .id = id, .access_hash = hash + id, .first_name = "A", .username = std::move(name)};
}

tl::User min_one(std::int64_t id) {
  return tl::user{.min = true, .id = id, .access_hash = 1, .first_name = "A"};
}

peer_address hashed(std::int64_t id, std::int64_t hash) {
  return {peer_kind::user, id, hash};
}

} // namespace

TEST_F(peers_in_front, what_is_not_written_yet_is_found) {
  EXPECT_TRUE(note(user_named(1, "one")));
  EXPECT_FALSE(note(user_named(1, "one"))) << "there is nothing to write";
  note(user_named(2, "two"));
  note(user_named(3, "three")); // the first one has left the memory
  EXPECT_EQ(look_up(peer_name::user(1)), hashed(1, 101));
  EXPECT_EQ(look_up(peer_name::username("@ONE")), hashed(1, 101));
  give();
  EXPECT_EQ(look_up(peer_name::user(1)), hashed(1, 101));
  EXPECT_EQ(look_up(peer_name::username("two")), hashed(2, 102));
  EXPECT_EQ(reads, 0);
  unwritten.written();
  EXPECT_EQ(look_up(peer_name::user(1)), hashed(1, 101));
  EXPECT_EQ(reads, 1);
  EXPECT_EQ(look_up(peer_name::user(1)), hashed(1, 101));
  EXPECT_EQ(reads, 1) << "what was read is in memory";
  EXPECT_EQ(look_up(peer_name::user(4)), std::nullopt);
}

TEST_F(peers_in_front, what_could_not_be_written_is_written_with_the_next_ones) {
  note(user_named(1, "one"));
  unwritten.take(session);
  unwritten.failed();
  EXPECT_EQ(look_up(peer_name::username("one")), hashed(1, 101));
  EXPECT_FALSE(note(user_named(1, "one")));
  write();
  EXPECT_TRUE(*find_peer(*store, peer_kind::user, 1));
}

TEST_F(peers_in_front, a_name_that_moves_is_that_of_who_has_it_now) {
  note(user_named(1, "name"));
  write();
  note(user_named(1, "other"));
  EXPECT_EQ(look_up(peer_name::username("name")), std::nullopt)
      << "given up, and not in the store yet";
  note(user_named(2, "name"));
  EXPECT_EQ(look_up(peer_name::username("name")), hashed(2, 102));
  write();
  EXPECT_EQ(look_up(peer_name::username("name")), hashed(2, 102));
  EXPECT_EQ(look_up(peer_name::username("other")), hashed(1, 101));
}

TEST_F(peers_in_front, a_whole_one_is_told_before_one_of_a_min_constructor) {
  note(min_one(1));
  EXPECT_EQ(look_up(peer_name::user(1))->seen_in->message, 5);
  write();
  EXPECT_EQ(look_up(peer_name::user(1))->seen_in->message, 5);
  note(user_named(1, "one"));
  EXPECT_EQ(look_up(peer_name::user(1)), hashed(1, 101));
  write();
  note(user_named(2, "two"));
  note(user_named(3, "three"));
  note(min_one(1)); // nobody remembers that it is known as a whole
  EXPECT_EQ(look_up(peer_name::user(1)), hashed(1, 101));
}

TEST_F(peers_in_front, another_account_knows_nobody_of_before) {
  note(user_named(1, "one"));
  give();
  note(user_named(2, "two"));
  unwritten.forget_account();
  known.forget();
  EXPECT_EQ(known.find(peer_name::user(1), unwritten), std::nullopt);
  EXPECT_EQ(known.find(peer_name::username("one"), unwritten), std::nullopt)
      << "its row is under way";
  EXPECT_EQ(known.find(peer_name::user(2), unwritten), std::nullopt);
  EXPECT_TRUE(note(user_named(1, "one"))) << "and it is written anew";
}

TEST_F(peers_in_front, no_more_is_held_than_a_bound_while_nothing_can_be_written) {
  storage::batch many;
  for (std::size_t n = 0; n < session_peers::most_unwritten; ++n) {
    many.put(storage::table::value, std::to_string(n), {});
  }
  unwritten.add(std::move(many));
  EXPECT_FALSE(note(user_named(1, "one")));
  EXPECT_EQ(unwritten.rows(), session_peers::most_unwritten);
  write();
  EXPECT_TRUE(note(user_named(1, "one"))) << "it is noted when it comes again";
}

} // namespace cafegram

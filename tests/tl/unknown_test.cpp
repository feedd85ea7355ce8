#include <cafegram/base/environment.hpp>
#include <cafegram/tests/support.hpp>
#include <cafegram/tl/api.hpp>
#include <cafegram/tl/updates.hpp>

#include <chrono>

using namespace cafegram;

namespace {

constexpr std::uint32_t strange_id = 0x13572468;

tl::unknown strange(std::size_t words = 3) {
  return {strange_id, bytes(words * 4, 0x5a)};
}

tl::Update typing(std::int64_t user) {
  return tl::updateUserTyping{.user_id = user, .action = tl::sendMessageTypingAction{}};
}

/// A known update around an unknown piece.
tl::Update with_strange_action() {
  return tl::updateUserTyping{.user_id = 3, .action = strange()};
}

tl::updates_ container(std::vector<tl::Update> updates) {
  return {.updates = std::move(updates), .users = {tl::userEmpty{.id = 1}}, .date = 5, .seq = 6};
}

} // namespace

TEST(unknown, a_value_comes_as_it_was_and_is_written_so) {
  tl::writer out;
  out.u32(strange_id);
  out.i64(7);
  const auto value = tl::decode<tl::Update>(out.view());
  ASSERT_TRUE(value);
  const auto* opaque = tl::get_if<tl::unknown>(*value);
  ASSERT_NE(opaque, nullptr);
  EXPECT_EQ(opaque->id, strange_id);
  EXPECT_EQ(opaque->body.size(), 8u);
  EXPECT_EQ(value->constructor_id(), strange_id);
  EXPECT_EQ(value->name(), "");
  EXPECT_EQ(to_hex(tl::encode(*value)), to_hex(out.view()));
}

TEST(unknown, one_inside_makes_the_enclosing_value_opaque) {
  const tl::messages::Messages answer = tl::messages::messages{
      .messages = {
          tl::message{.peer_id = tl::peerUser{.user_id = 1}, .message = "m", .media = strange()}}};
  const auto encoded = tl::encode(answer);
  const auto value = tl::decode<tl::messages::Messages>(encoded);
  ASSERT_TRUE(value);
  const auto* opaque = tl::get_if<tl::unknown>(*value);
  ASSERT_NE(opaque, nullptr);
  EXPECT_EQ(opaque->id, tl::messages::messages::tl_id);
  EXPECT_EQ(tl::get_if<tl::messages::messages>(*value), nullptr);
  EXPECT_EQ(tl::encode(*value), encoded);
  EXPECT_NE(tl::to_json(*value).find("$object"), std::string::npos);
  EXPECT_TRUE(tl::equal(*tl::from_json<tl::messages::Messages>(tl::to_json(*value)), *value));
}

TEST(unknown, a_struct_or_vector_cannot_hold_it) {
  const auto update = tl::updateUserTyping{.user_id = 3, .action = strange()};
  const auto value = tl::decode<tl::updateUserTyping>(tl::encode(update));
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code, errc::malformed);
  EXPECT_NE(value.error().what.find("unknown constructor"), std::string::npos);
  EXPECT_NE(value.error().what.find("13572468"), std::string::npos);
  EXPECT_EQ(value.error().number, 16);
}

TEST(unknown, the_other_updates_of_a_container_arrive) {
  for (std::size_t place = 0; place < 3; ++place) {
    for (const bool inside : {false, true}) {
      std::vector<tl::Update> updates{typing(1), typing(2)};
      updates.insert(updates.begin() + static_cast<std::ptrdiff_t>(place),
                     inside ? with_strange_action() : tl::Update{strange()});
      const auto encoded = tl::encode(container(updates));
      const auto value = tl::decode_updates(encoded);
      ASSERT_TRUE(value);
      const auto* all = tl::get_if<tl::updates_>(*value);
      ASSERT_NE(all, nullptr) << place;
      ASSERT_EQ(all->updates.size(), 3u);
      for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(tl::holds<tl::unknown>(all->updates[i]), i == place);
      }
      EXPECT_EQ(all->users.size(), 1u);
      EXPECT_EQ(all->seq, 6);
      EXPECT_EQ(tl::encode(*value), encoded);
    }
  }
}

TEST(unknown, several_of_a_container_are_told_apart) {
  const auto encoded =
      tl::encode(container({with_strange_action(), typing(1), with_strange_action(), typing(2)}));
  const auto value = tl::decode_updates(encoded);
  ASSERT_TRUE(value);
  const auto* all = tl::get_if<tl::updates_>(*value);
  ASSERT_NE(all, nullptr);
  EXPECT_EQ(all->updates[2].constructor_id(), tl::updateUserTyping::tl_id);
  EXPECT_TRUE(tl::holds<tl::unknown>(all->updates[2]));
  EXPECT_TRUE(tl::holds<tl::updateUserTyping>(all->updates[3]));
  EXPECT_EQ(tl::encode(*value), encoded);
}

TEST(unknown, a_combined_container_and_a_single_update_are_contained_too) {
  const auto combined =
      tl::encode(tl::updatesCombined{.updates = {typing(1), strange()}, .seq_start = 4, .seq = 6});
  auto value = tl::decode_updates(combined);
  ASSERT_TRUE(value);
  ASSERT_TRUE(tl::holds<tl::updatesCombined>(*value));
  EXPECT_EQ(tl::get_if<tl::updatesCombined>(*value)->seq_start, 4);
  EXPECT_EQ(tl::encode(*value), combined);
  const auto single = tl::encode(tl::updateShort{.update = with_strange_action(), .date = 77});
  value = tl::decode_updates(single);
  ASSERT_TRUE(value);
  ASSERT_TRUE(tl::holds<tl::updateShort>(*value));
  EXPECT_EQ(tl::get_if<tl::updateShort>(*value)->date, 77);
  EXPECT_EQ(tl::encode(*value), single);
}

TEST(unknown, an_unknown_user_makes_the_container_opaque) {
  auto all = container({typing(1)});
  all.users.emplace_back(strange());
  const auto encoded = tl::encode(all);
  const auto value = tl::decode_updates(encoded);
  ASSERT_TRUE(value);
  EXPECT_TRUE(tl::holds<tl::unknown>(*value));
  EXPECT_EQ(tl::encode(*value), encoded);
}

TEST(unknown, hostile_containers_end) {
  seeded_random random{test::seed()};
  for (int round = 0; round < 300; ++round) {
    std::vector<tl::Update> updates;
    for (std::uint64_t i = random.next() % 6; i > 0; --i) {
      updates.push_back(random.next() % 2 == 0 ? typing(1) : with_strange_action());
    }
    auto encoded = tl::encode(container(updates));
    for (std::uint64_t i = random.next() % 4; i > 0; --i) {
      encoded[random.next() % encoded.size()] = static_cast<std::uint8_t>(random.next());
    }
    encoded.resize(encoded.size() - random.next() % 2 * 4);
    const auto value = tl::decode_updates(encoded);
    if (value && !tl::holds<tl::unknown>(*value)) {
      EXPECT_TRUE(tl::decode_updates(tl::encode(*value)));
    }
  }
  // Thousands of words that look like the start of an update.
  tl::writer out;
  out.u32(tl::updates_::tl_id);
  out.vector_header(true, 1000);
  out.u32(strange_id);
  for (int i = 0; i < 100'000; ++i) {
    out.u32(tl::updateUserTyping::tl_id);
  }
  const auto value = tl::decode_updates(out.view());
  ASSERT_TRUE(value);
  EXPECT_TRUE(tl::holds<tl::unknown>(*value));
}

/// The text of a stranger inside an unknown update may have the octets of a whole other update,
/// made to fit. The container can then be read in two ways, and neither is believed.
TEST(unknown, an_update_within_the_octets_of_an_unknown_one_is_not_believed) {
  const auto real = tl::encode(typing(1));
  tl::writer forged;
  forged.u32(tl::updateUserPhone::tl_id);
  forged.i64(777);
  // A text that swallows the update behind: its head, then what follows as content.
  forged.u32(static_cast<std::uint32_t>(real.size() << 8 | 254));
  const auto encoded = tl::encode(container({tl::unknown{strange_id, forged.take()}, typing(1)}));
  const auto value = tl::decode_updates(encoded);
  ASSERT_TRUE(value);
  EXPECT_TRUE(tl::holds<tl::unknown>(*value));
  EXPECT_EQ(tl::encode(*value), encoded);
}

TEST(unknown, the_bounds_hold_for_a_container_as_a_whole) {
  std::vector<tl::Update> updates{strange()};
  for (int i = 0; i < 20; ++i) {
    updates.emplace_back(tl::updateUserPhone{.user_id = i, .phone = std::string(1000, '5')});
  }
  const auto encoded = tl::encode(container(updates));
  auto value = tl::decode_updates(encoded, {.memory = 100'000});
  ASSERT_TRUE(value);
  EXPECT_TRUE(tl::holds<tl::updates_>(*value));
  value = tl::decode_updates(encoded, {.memory = 10'000});
  ASSERT_TRUE(value);
  EXPECT_TRUE(tl::holds<tl::unknown>(*value));
}

TEST(unknown, a_long_hostile_container_ends_soon) {
  // Each update could be the first behind the unknown one, and only the end says that none is.
  std::vector<tl::Update> updates{strange()};
  // So many that whoever tries all of them is ended by the suite, after minutes.
  for (int i = 0; i < 300'000; ++i) {
    updates.emplace_back(tl::updateUserPhone{.user_id = i, .phone = "555"});
  }
  auto encoded = tl::encode(container(updates));
  encoded.resize(encoded.size() - 4);
  const auto value = tl::decode_updates(encoded);
  ASSERT_TRUE(value);
  EXPECT_TRUE(tl::holds<tl::unknown>(*value));
}

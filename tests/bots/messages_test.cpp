#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace cafegram::test {

namespace {

template <class T>
T through_bytes(const T& value) {
  std::vector<char> buffer;
  caf::binary_serializer out{nullptr, buffer};
  if (auto e = out(const_cast<T&>(value))) {
    ADD_FAILURE() << caf::to_string(e);
  }
  T back;
  caf::binary_deserializer in{nullptr, buffer};
  if (auto e = in(back)) {
    ADD_FAILURE() << caf::to_string(e);
  }
  return back;
}

TEST(messages, a_delivery_keeps_everything_over_the_wire) {
  const deliver sent{777, 12, person{}.says(5, "hello")};
  const auto got = through_bytes(sent);
  EXPECT_EQ(got.chat, 777);
  EXPECT_EQ(got.number, 12u);
  ASSERT_NE(got.update, nullptr);
  EXPECT_EQ(got.update->identity, sent.update->identity);
  EXPECT_EQ(got.update->chat, sent.update->chat);
  EXPECT_EQ(got.update->chat.access_hash, 777 * 11);
  const auto update = update_factory::make(got.update);
  const auto* message = std::get_if<new_message>(&update);
  ASSERT_NE(message, nullptr);
  EXPECT_EQ(message->text(), "hello");
  ASSERT_NE(message->sender_user(), nullptr);
  EXPECT_EQ(message->sender_user()->first_name, "Alice");
}

TEST(messages, an_end_with_what_was_stored_keeps_everything_over_the_wire) {
  finished sent{777, 12, handling::done, {{5, 6, true}}};
  sent.values = {{.key = "a", .value = std::string{"1\0x", 3}}, {.key = "b", .erased = true}};
  sent.more = {13, 14};
  const auto got = through_bytes(sent);
  ASSERT_EQ(got.values.size(), 2U);
  EXPECT_EQ(got.values[0].key, "a");
  EXPECT_EQ(got.values[0].value, (std::string{"1\0x", 3}));
  EXPECT_FALSE(got.values[0].erased);
  EXPECT_TRUE(got.values[1].erased);
  EXPECT_EQ(got.more, (std::vector<std::uint64_t>{13, 14}));
  const auto alone = through_bytes(values_stored{777, sent.values, 4242});
  EXPECT_EQ(alone.chat, 777);
  EXPECT_EQ(alone.values.size(), 2U);
  EXPECT_EQ(alone.account, 4242);
}

TEST(messages, an_update_that_this_schema_does_not_know_passes_through) {
  const bytes strange{1, 2, 3, 4, 5, 6, 7, 8};
  auto data = std::make_shared<update_data>();
  data->identity = "x";
  data->update = *tl::decode<tl::Update>(strange);
  const auto got = through_bytes(deliver{1, 1, data});
  ASSERT_NE(got.update, nullptr);
  EXPECT_TRUE(tl::holds<tl::unknown>(got.update->update));
  EXPECT_EQ(tl::encode(got.update->update), strange);
}

TEST(messages, a_note_of_a_loss_too) {
  auto data = std::make_shared<update_data>();
  data->lost = 3;
  data->gap = lost_updates{70, "pts", 5, 8, "too long"};
  const auto got = through_bytes(deliver{1, 1, data});
  ASSERT_NE(got.update, nullptr);
  const auto update = update_factory::make(got.update);
  ASSERT_TRUE(std::holds_alternative<updates_lost>(update));
  EXPECT_EQ(std::get<updates_lost>(update).count(), 3u);
  const auto& gap = std::get<updates_lost>(update).gap();
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->channel, 70);
  EXPECT_EQ(gap->box, "pts");
  EXPECT_EQ(gap->from, 5);
  EXPECT_EQ(gap->to, 8);
  EXPECT_EQ(gap->why, "too long");
}

TEST(messages, an_album_with_all_its_messages) {
  auto data = std::make_shared<update_data>(*person{}.says(5, "first"));
  data->identity = "album/x";
  data->album = {person{}.says(5, "first"), person{}.says(6, "second")};
  const auto got = through_bytes(deliver{777, 1, data});
  ASSERT_NE(got.update, nullptr);
  const auto update = update_factory::make(got.update);
  const auto* album = std::get_if<new_album>(&update);
  ASSERT_NE(album, nullptr);
  EXPECT_EQ(album->identity(), "album/x");
  ASSERT_EQ(album->messages().size(), 2u);
  EXPECT_EQ(album->messages()[1].text(), "second");
  EXPECT_EQ(album->messages()[1].identity(), "message/4242/777/6");

  auto nested = std::make_shared<update_data>(*person{}.says(5, "first"));
  nested->album = {data};
  EXPECT_FALSE(decode_update(encode_update(*nested))) << "albums have no albums";
  auto large = std::make_shared<update_data>(*person{}.says(5, "first"));
  large->album.assign(album_most + 1, person{}.says(6, "one"));
  EXPECT_FALSE(decode_update(encode_update(*large)));
}

TEST(messages, damaged_bytes_are_an_error) {
  auto good = encode_update(*person{}.says(5, "hello"));
  EXPECT_TRUE(decode_update(good));
  for (std::size_t n = 0; n < good.size(); ++n) {
    EXPECT_FALSE(decode_update(bytes_view{good}.first(n))) << n;
  }
  good.push_back(0);
  EXPECT_FALSE(decode_update(good));
}

TEST(messages, what_became_of_an_update) {
  const finished sent{777, 12, handling::cancelled, {{5, 6, true}, {7, 0, false}}};
  const auto got = through_bytes(sent);
  EXPECT_EQ(got.chat, 777);
  EXPECT_EQ(got.number, 12u);
  EXPECT_EQ(got.how, handling::cancelled);
  ASSERT_EQ(got.effects.size(), 2u);
  EXPECT_EQ(got.effects[0].random_id, 5);
  EXPECT_EQ(got.effects[0].message_id, 6);
  EXPECT_FALSE(got.effects[1].sent);
  EXPECT_EQ(through_bytes(suspended{3, 4}).number, 4u);
}

} // namespace

} // namespace cafegram::test

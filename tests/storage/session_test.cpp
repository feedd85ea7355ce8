#include <cafegram/base/environment.hpp>

#include "sample.hpp"

namespace cafegram::storage {

TEST(session, the_format_brings_every_field_back) {
  const auto state = test::sample_session();
  auto back = decode_session(encode_session(state).view());
  ASSERT_TRUE(back) << to_string(back.error());
  test::expect_equal(state, *back);
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

} // namespace cafegram::storage

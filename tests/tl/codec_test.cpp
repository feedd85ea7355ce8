#include <cafegram/base/environment.hpp>
#include <cafegram/tests/support.hpp>
#include <cafegram/tl/codec.hpp>

using namespace cafegram;
using tl::decode_fault;

TEST(codec, integers_are_little_endian) {
  tl::writer out;
  out.u32(0x01020304);
  out.i64(-2);
  out.f64(1.0);
  out.boolean(true);
  out.boolean(false);
  EXPECT_EQ(to_hex(out.view()), "04030201"
                                "feffffffffffffff"
                                "000000000000f03f"
                                "b5757299"
                                "379779bc");
  tl::reader in{out.view()};
  EXPECT_EQ(in.peek_u32(), 0x01020304u);
  EXPECT_EQ(in.u32(), 0x01020304u);
  EXPECT_EQ(in.i64(), -2);
  EXPECT_EQ(in.f64(), 1.0);
  EXPECT_TRUE(in.boolean());
  EXPECT_FALSE(in.boolean());
  in.finish();
  EXPECT_TRUE(in.ok());
}

TEST(codec, strings_are_padded_to_four) {
  for (const std::size_t size : {0, 1, 2, 3, 4, 252, 253, 254, 255, 256, 65536, 0xffffff}) {
    bytes content(size, 0x61);
    tl::writer out;
    out.byte_string(content);
    EXPECT_EQ(out.size() % 4, 0u) << size;
    EXPECT_EQ(out.size(), (size + (size < 254 ? 1 : 4) + 3) / 4 * 4) << size;
    tl::reader in{out.view()};
    EXPECT_EQ(in.byte_string(), content);
    in.finish();
    EXPECT_TRUE(in.ok()) << size;
    EXPECT_TRUE(out.complete());
  }
}

TEST(codec, a_string_of_16_mib_cannot_be_written) {
  tl::writer out;
  out.byte_string(bytes(std::size_t{1} << 24));
  EXPECT_FALSE(out.complete());
}

TEST(codec, a_string_cut_anywhere_is_truncated) {
  tl::writer out;
  out.string(std::string(300, 'x'));
  for (std::size_t size = 0; size < out.size(); ++size) {
    tl::reader in{out.view().first(size)};
    EXPECT_TRUE(in.string().empty());
    EXPECT_EQ(in.failure().fault, decode_fault::truncated) << size;
  }
}

TEST(codec, the_first_failure_is_kept_and_reads_give_zero) {
  const auto input = test::hex("0100000002000000");
  tl::reader in{input};
  in.within(0xabcd);
  in.u32();
  EXPECT_EQ(in.i64(), 0);
  EXPECT_EQ(in.u32(), 0u);
  in.fail(decode_fault::too_deep);
  EXPECT_EQ(in.failure().fault, decode_fault::truncated);
  EXPECT_EQ(in.failure().offset, 4u);
  EXPECT_EQ(in.failure().constructor, 0xabcdu);
  const auto e = tl::to_error(in.failure());
  EXPECT_EQ(e.code, errc::malformed);
  EXPECT_EQ(e.number, 4);
  EXPECT_NE(e.what.find("0000abcd"), std::string::npos) << e.what;
}

TEST(codec, a_count_is_held_against_what_is_left) {
  tl::writer out;
  out.vector_header(true, 3);
  out.i64(1);
  out.u32(1);
  tl::reader longs{out.view()};
  EXPECT_EQ(longs.vector_count(true, 8, 8), 0u);
  EXPECT_EQ(longs.failure().fault, decode_fault::truncated);
  tl::reader ints{out.view()};
  EXPECT_EQ(ints.vector_count(true, 4, 4), 3u);
  tl::reader bare{out.view().subspan(4)};
  EXPECT_EQ(bare.vector_count(false, 4, 4), 3u);
  tl::reader wrong{out.view().subspan(4)};
  EXPECT_EQ(wrong.vector_count(true, 4, 4), 0u);
  EXPECT_EQ(wrong.failure().fault, decode_fault::wrong_constructor);
  const auto too_many = test::hex("15c4b51cffffffff");
  tl::reader huge{too_many};
  EXPECT_EQ(huge.vector_count(true, 0, 4), 0u);
}

TEST(codec, limits_hold) {
  tl::writer out;
  out.vector_header(false, 100);
  out.raw(bytes(400));
  tl::reader few{out.view(), {.elements = 99}};
  EXPECT_EQ(few.vector_count(false, 4, 4), 0u);
  EXPECT_EQ(few.failure().fault, decode_fault::too_large);
  tl::reader small{out.view(), {.memory = 799}};
  EXPECT_EQ(small.vector_count(false, 4, 8), 0u);
  EXPECT_EQ(small.failure().fault, decode_fault::too_large);
  EXPECT_EQ(tl::to_error(small.failure()).code, errc::limit);
  tl::reader deep{out.view(), {.depth = 2}};
  EXPECT_TRUE(deep.enter());
  EXPECT_TRUE(deep.enter());
  deep.leave();
  EXPECT_TRUE(deep.enter());
  EXPECT_FALSE(deep.enter());
  EXPECT_EQ(deep.failure().fault, decode_fault::too_deep);
}

TEST(codec, only_the_two_bools_are_bools) {
  const auto input = test::hex("01000000");
  tl::reader in{input};
  EXPECT_FALSE(in.boolean());
  EXPECT_EQ(in.failure().fault, decode_fault::wrong_constructor);
  EXPECT_EQ(in.failure().constructor, 1u);
}

TEST(codec, random_bytes_never_pass_the_end) {
  seeded_random random{test::seed()};
  for (int round = 0; round < 20'000; ++round) {
    bytes input(random.next() % 64);
    random.fill(input);
    tl::reader in{input};
    while (in.ok() && in.remaining() > 0) {
      const auto before = in.offset();
      switch (random.next() % 5) {
      case 0:
        in.view();
        break;
      case 1:
        in.u32();
        break;
      case 2:
        in.i256();
        break;
      case 3:
        in.vector_count(random.next() % 2 == 0, 1, 1);
        break;
      default:
        in.raw(random.next() % 16 + 1);
      }
      ASSERT_LE(in.offset(), input.size());
      ASSERT_TRUE(!in.ok() || in.offset() > before);
    }
  }
}

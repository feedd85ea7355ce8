#include <cafegram/tests/support.hpp>
#include <cafegram/tl/mtproto.hpp>

using namespace cafegram;

TEST(mtproto_types, a_value_is_written_as_the_specification_shows) {
  // The sample of the specification's "Example of authorization key creation": req_pq_multi.
  const mtproto::req_pq_multi request{.nonce = {0x3e, 0x05, 0x49, 0x82, 0x8c, 0xca, 0x27, 0xe9,
                                                0x66, 0xb3, 0x01, 0xa4, 0x8f, 0xec, 0xe2, 0xfc}};
  EXPECT_EQ(to_hex(tl::encode(request)), "f18e7ebe3e0549828cca27e966b301a48fece2fc");
  const auto back = tl::decode<mtproto::req_pq_multi>(tl::encode(request));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->nonce, request.nonce);
}

TEST(mtproto_types, vectors_of_salts_and_containers_are_bare) {
  const mtproto::future_salts salts{
      .req_msg_id = 1, .now = 2, .salts = {{.valid_since = 3, .valid_until = 4, .salt = 5}}};
  EXPECT_EQ(to_hex(tl::encode(salts)), "950850ae"
                                       "0100000000000000"
                                       "02000000"
                                       "01000000"
                                       "03000000"
                                       "04000000"
                                       "0500000000000000");
  const mtproto::msg_container container{
      .messages = {{.msg_id = 7,
                    .seqno = 1,
                    .body = tl::any_object{tl::encode(mtproto::ping{.ping_id = 9})}}}};
  const auto encoded = tl::encode(container);
  EXPECT_EQ(to_hex(encoded), "dcf8f173"
                             "01000000"
                             "0700000000000000"
                             "01000000"
                             "0c000000"
                             "ec77be7a"
                             "0900000000000000");
  const auto back = tl::decode<mtproto::msg_container>(encoded);
  ASSERT_TRUE(back) << to_string(back.error());
  ASSERT_EQ(back->messages.size(), 1u);
  EXPECT_EQ(back->messages[0].bytes, 12);
  EXPECT_EQ(back->messages[0].body.constructor_id(), tl::constructor_id_v<mtproto::ping>);
  EXPECT_EQ(tl::encode(*back), encoded);
}

TEST(mtproto_types, an_acknowledgement_has_a_boxed_vector) {
  EXPECT_EQ(to_hex(tl::encode(mtproto::msgs_ack{.msg_ids = {1}})), "59b4d662"
                                                                   "15c4b51c"
                                                                   "01000000"
                                                                   "0100000000000000");
}

TEST(mtproto_types, a_result_keeps_its_object_as_it_came) {
  const auto encoded = test::hex("016d5cf3"
                                 "0100000000000000"
                                 "aabbccdd11223344");
  const auto result = tl::decode<mtproto::rpc_result>(encoded);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->result.constructor_id(), 0xddccbbaau);
  EXPECT_EQ(tl::encode(*result), encoded);
  EXPECT_EQ(tl::to_json(*result),
            R"({"_":"rpc_result","req_msg_id":"1","result":{"$object":"qrvM3REiM0Q="}})");
}

TEST(mtproto_types, a_body_that_is_cut_is_refused) {
  auto encoded = tl::encode(mtproto::message{
      .msg_id = 7, .body = tl::any_object{tl::encode(mtproto::ping{.ping_id = 9})}});
  for (std::size_t size = 0; size < encoded.size(); ++size) {
    EXPECT_FALSE(tl::decode<mtproto::message>(bytes_view{encoded}.first(size))) << size;
  }
  for (const int wrong : {13, 14, 255}) {
    auto changed = encoded;
    changed[16] = static_cast<std::uint8_t>(wrong);
    EXPECT_FALSE(tl::decode<mtproto::message>(changed)) << wrong;
  }
}

TEST(mtproto_types, boxed_answers_are_matched) {
  const auto encoded = tl::encode(mtproto::destroy_session_none{.session_id = 5});
  const auto answer = tl::decode<mtproto::DestroySessionRes>(encoded);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->name(), "destroy_session_none");
  const auto id = tl::match(
      *answer, [](const mtproto::destroy_session_ok&) { return std::int64_t{0}; },
      [](const mtproto::destroy_session_none& none) { return none.session_id; },
      [](const tl::unknown&) { return std::int64_t{-1}; });
  EXPECT_EQ(id, 5);
}

TEST(mtproto_types, names_are_known_by_id) {
  EXPECT_EQ(mtproto::name_for_id(0x7abe77ec), "ping");
  EXPECT_EQ(mtproto::name_for_id(0x5a592a6c), "help.configSimple");
  EXPECT_EQ(mtproto::name_for_id(1), "");
}

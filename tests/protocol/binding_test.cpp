#include <cafegram/protocol/key_binding.hpp>
#include <cafegram/tl/codec.hpp>

#include "puppet.hpp"

namespace cafegram::protocol {
namespace {

using test::got_message;
using test::puppet;

constexpr std::uint32_t bind_call = 0xcdd42a05;
constexpr std::int32_t expiry = 1'700'086'400;

bytes boxed(std::uint32_t constructor) {
  bytes out(4);
  std::memcpy(out.data(), &constructor, 4);
  return out;
}

struct client_binding : testing::Test {
  puppet p;
  auth_key permanent = test::some_key(99);

  void SetUp() override { p.client.bind_to(permanent, expiry); }

  /// The one message that the client sends now: the call, checked against what it proves.
  got_message take_bind() {
    const auto sent = p.take();
    EXPECT_EQ(sent.size(), 1U);
    if (sent.empty() || sent[0].constructor() != bind_call) {
      ADD_FAILURE() << "no binding was sent first";
      return {};
    }
    EXPECT_FALSE(sent[0].contained);
    EXPECT_EQ(sent[0].seqno % 2, 1);
    tl::reader in{sent[0].body};
    in.u32();
    EXPECT_EQ(in.u64(), permanent.id());
    const auto nonce = in.i64();
    EXPECT_EQ(in.i32(), expiry);
    const auto proof = open_binding(permanent, in.byte_string());
    EXPECT_TRUE(proof) << proof.error().what;
    if (proof) {
      EXPECT_EQ(proof->id, sent[0].id);
      EXPECT_EQ(proof->what,
                (key_binding{nonce, p.key.id(), permanent.id(), p.client.session_id(), expiry}));
    }
    return sent[0];
  }

  /// Takes the first packet alone: what else is due follows it.
  got_message take_first() {
    std::vector<outgoing_packet> packets;
    p.client.take_packets(packets, p.now(), 1);
    EXPECT_EQ(packets.size(), 1U);
    const auto opened = open(p.key, side::client, packets.at(0).octets);
    return {opened.header.id, opened.header.seqno, to_bytes(opened.body), opened.header};
  }
};

} // namespace

TEST(key_binding, agrees_with_the_vector) {
  CAFEGRAM_NEEDS_SHARED();
  const auto vector = nlohmann::json::parse(cafegram::test::read_text(
      cafegram::test::shared_folder() / "vectors" / "bind_temp_key.json"));
  const auto octets = [&vector](const char* name) {
    return test::hex(vector.at(name).get<std::string>());
  };
  const auto permanent = auth_key::from(octets("perm_auth_key")).value();
  const auto said = octets("inner");
  tl::reader inner{said};
  inner.u32();
  key_binding what;
  what.nonce = inner.i64();
  what.temporary_key_id = inner.u64();
  what.permanent_key_id = inner.u64();
  what.session_id = inner.u64();
  what.expires_at = inner.i32();
  EXPECT_EQ(what.permanent_key_id, permanent.id());
  auto drawn = octets("random16");
  append(drawn, octets("padding"));
  test::scripted_random random{drawn};
  const msg_id id{vector.at("msg_id").get<std::int64_t>()};
  const auto sealed = seal_binding(permanent, what, id, random);
  EXPECT_EQ(sealed, octets("encrypted_message"));
  const auto opened = open_binding(permanent, sealed);
  ASSERT_TRUE(opened) << opened.error().what;
  EXPECT_EQ(opened->what, what);
  EXPECT_EQ(opened->id, id);
}

TEST(key_binding, any_changed_octet_is_noticed) {
  const auto permanent = test::some_key(99);
  seeded_random random{test::seed()};
  const auto sealed = seal_binding(permanent, {1, 2, permanent.id(), 3, 4}, msg_id{8}, random);
  ASSERT_TRUE(open_binding(permanent, sealed));
  EXPECT_FALSE(open_binding(test::some_key(98), sealed));
  for (std::size_t n = 0; n < sealed.size(); ++n) {
    auto changed = sealed;
    changed[n] ^= 1;
    // The padding is outside of the old msg_key, but what is before it in its block is not.
    EXPECT_FALSE(open_binding(permanent, changed)) << n;
  }
  EXPECT_FALSE(open_binding(permanent, bytes_view{sealed}.first(sealed.size() - 16)));
  EXPECT_FALSE(open_binding(permanent, {}));
}

TEST_F(client_binding, comes_first_and_alone_and_nothing_else_before_its_answer) {
  p.client.introduce_with(boxed(0x77777777));
  p.ask(1);
  const auto first = take_first();
  EXPECT_EQ(constructor_of(first.body), bind_call) << "without the connection's prefix";
  for (const auto& other : p.take()) {
    EXPECT_EQ(other.seqno % 2, 0) << "a request before the key was bound";
  }
  p.answer(first.id, boxed(tl::bool_true_id));
  EXPECT_EQ(p.events<key_bound>().size(), 1U);
  auto introduced = boxed(0x77777777);
  append(introduced, puppet::query(1));
  const auto calls = p.take_calls();
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].body, introduced);
}

TEST_F(client_binding, proves_its_own_id_each_time_it_is_sent) {
  const auto first = take_first();
  p.take();
  p.reconnect();
  const auto second = take_first();
  p.take();
  EXPECT_NE(first.id, second.id);
  p.refuse(second.id, 48, 77);
  const auto third = take_bind();
  EXPECT_NE(second.id, third.id);
  EXPECT_EQ(third.packet.salt, 77U);
  p.refuse(third.id, 32);
  const auto fourth = take_first();
  EXPECT_NE(fourth.packet.session_id, third.packet.session_id);
  tl::reader in{bytes_view{fourth.body}.subspan(24)};
  const auto proof = open_binding(permanent, in.byte_string());
  ASSERT_TRUE(proof);
  EXPECT_EQ(proof->what.session_id, p.client.session_id()) << "of the new session";
  EXPECT_EQ(proof->id, fourth.id);
}

TEST_F(client_binding, a_session_made_after_it_has_not_heard_it) {
  const auto first = take_first();
  p.take();
  p.send(write_new_session({msg_id{number(first.id) + 4}, 5, 1}), {.is_answer = false});
  const auto again = take_bind();
  EXPECT_GT(again.id, first.id);
  p.send(write_new_session({again.id, 6, 1}), {.is_answer = false});
  EXPECT_TRUE(p.take_calls().empty()) << "this one came within the session";
}

TEST_F(client_binding, a_refusal_is_told_and_holds_everything_back) {
  p.ask(1);
  const auto first = take_first();
  p.answer(first.id, write_rpc_error(400, "ENCRYPTED_MESSAGE_INVALID"));
  const auto told = p.events<key_not_bound>();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told[0].why.is_rpc("ENCRYPTED_MESSAGE_INVALID"));
  EXPECT_TRUE(p.take_calls().empty());
  const auto released = p.client.release();
  ASSERT_EQ(released.size(), 1U);
  EXPECT_FALSE(released[0].may_have_run);
}

TEST_F(client_binding, anything_but_true_is_a_refusal) {
  p.answer(take_first().id, boxed(tl::bool_false_id));
  const auto told = p.events<key_not_bound>();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].why.code, errc::protocol_violation);
  EXPECT_TRUE(p.events<key_bound>().empty());
}

TEST_F(client_binding, auth_key_perm_empty_binds_again_and_then_sends_the_call_again) {
  p.answer(take_first().id, boxed(tl::bool_true_id));
  p.take();
  p.ask(1);
  const auto call = p.take_query(1);
  p.answer(call.id, write_rpc_error(401, "AUTH_KEY_PERM_EMPTY"));
  const auto again = take_bind();
  EXPECT_TRUE(p.events<request_failed>().empty());
  p.answer(again.id, boxed(tl::bool_true_id));
  p.answer(p.take_query(1).id);
  EXPECT_EQ(p.events<request_answered>().size(), 1U);
}

TEST_F(client_binding, auth_key_perm_empty_does_not_go_round_for_ever) {
  p.answer(take_first().id, boxed(tl::bool_true_id));
  p.take();
  p.ask(1);
  for (int n = 0; n < 20 && p.events<request_failed>().empty(); ++n) {
    p.answer(p.take_query(1).id, write_rpc_error(401, "AUTH_KEY_PERM_EMPTY"));
    const auto calls = p.take_calls();
    if (calls.empty()) {
      break;
    }
    p.answer(calls.back().id, boxed(tl::bool_true_id));
  }
  EXPECT_EQ(p.client.under_way(), 0U);
}

TEST(client_binding_shared, a_key_that_is_bound_already_needs_no_round_trip) {
  puppet p;
  p.client.bind_to(test::some_key(99), expiry, true);
  p.ask(1);
  const auto call = p.take_query(1);
  p.answer(call.id, write_rpc_error(401, "AUTH_KEY_PERM_EMPTY"));
  const auto calls = p.take_calls();
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].constructor(), bind_call);
}

} // namespace cafegram::protocol

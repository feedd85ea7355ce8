#include <cafegram/actors/errors.hpp>
#include <cafegram/actors/options.hpp>
#include <cafegram/actors/signing.hpp>
#include <cafegram/actors/system.hpp>
#include <cafegram/tests/support.hpp>

#include <caf/all.hpp>

#include <set>

namespace cafegram {

TEST(options, endpoints_in_every_form) {
  EXPECT_EQ(parse_endpoint("127.0.0.1:8443"), (endpoint{"127.0.0.1", 8443}));
  EXPECT_EQ(parse_endpoint("example.org"), (endpoint{"example.org", 443}));
  EXPECT_EQ(parse_endpoint("[2001:67c::a]:80"), (endpoint{"2001:67c::a", 80}));
  EXPECT_EQ(parse_endpoint("2001:67c::a"), (endpoint{"2001:67c::a", 443}));
  for (const auto* bad : {"", ":80", "host:", "host:0", "host:65536", "host:8x", "[::1", "[]:1"}) {
    EXPECT_FALSE(parse_endpoint(bad)) << bad;
  }
  EXPECT_EQ(to_string(endpoint{"::1", 80}), "[::1]:80");
  EXPECT_EQ(to_string(endpoint{"h", 80}), "h:80");
}

TEST(options, transports_by_name) {
  for (const auto* name : {"abridged", "intermediate", "padded", "full", "obfuscated-abridged",
                           "obfuscated-intermediate", "obfuscated-padded"}) {
    const auto choice = transport_choice::parse(name);
    ASSERT_TRUE(choice) << name;
    EXPECT_EQ(to_string(*choice), name);
  }
  EXPECT_FALSE(transport_choice::parse("obfuscated-full"));
  EXPECT_FALSE(transport_choice::parse("tcp"));
}

TEST(errors, survive_the_way_through_caf) {
  const auto original = error::from_rpc(420, "FLOOD_WAIT_30", "messages.sendMessage");
  EXPECT_EQ(to_error(to_caf(original)), original);
  EXPECT_EQ(to_error(caf::sec::request_timeout).code, errc::deadline);
  EXPECT_EQ(to_error(caf::sec::request_receiver_down).code, errc::cancelled);
  EXPECT_EQ(to_error(caf::exit_reason::kill).code, errc::cancelled);
  EXPECT_EQ(to_error(caf::sec::runtime_error).code, errc::cancelled);
  EXPECT_EQ(to_error(caf::sec::unexpected_message).code, errc::bad_argument);
  EXPECT_EQ(to_error({}), error{});
}

TEST(errors, keep_their_kind_between_actors) {
  for (auto code = static_cast<int>(errc::rpc); code <= static_cast<int>(errc::session_in_use);
       ++code) {
    const auto original = error::make(static_cast<errc>(code), "what happened", 7);
    EXPECT_EQ(to_error(to_caf(original)), original);
    EXPECT_NE(to_string(original.code), "unknown") << code;
  }
}

TEST(signing, equal_sends_under_one_update_get_numbers_of_their_own) {
  const auto key = std::make_shared<const signer>(as_bytes("0123456789abcdef0123456789abcdef"));
  const auto request = test::hex("aabbccdd");
  std::set<std::int64_t> seen;
  for (const auto* identity : {"message:1:5", "message:1:6", "message:15"}) {
    send_scope first{key, identity};
    send_scope again{key, identity};
    for (int n = 0; n < 3; ++n) {
      const auto id = first.random_id(request);
      EXPECT_EQ(id, again.random_id(request)) << "a handler that runs again sends the same";
      EXPECT_TRUE(seen.insert(id).second);
    }
    EXPECT_TRUE(seen.insert(first.random_id(test::hex("aabbccde"))).second);
  }
  const signer other{as_bytes("another secret")};
  EXPECT_FALSE(seen.contains(other.random_id("message:1:5", request, 0)));
}

TEST(signing, a_tag_is_good_for_its_data_and_purpose_only) {
  const signer key{as_bytes("secret")};
  const auto data = test::hex("0102");
  auto tag = key.tag("callback", data, 8);
  ASSERT_EQ(tag.size(), 8U);
  EXPECT_TRUE(key.verify("callback", data, tag));
  EXPECT_FALSE(key.verify("deep link", data, tag));
  EXPECT_FALSE(key.verify("callback", test::hex("0103"), tag));
  EXPECT_FALSE(key.verify("callback", data, {}));
  tag[7] ^= 1;
  EXPECT_FALSE(key.verify("callback", data, tag));
}

TEST(runtime_, knows_its_threads) {
  runtime rt;
  EXPECT_FALSE(on_actor_thread());
  caf::scoped_actor self{rt.system()};
  auto worker =
      rt.system().spawn([]() -> caf::behavior { return {[](int) { return on_actor_thread(); }}; });
  bool answer = false;
  self->request(worker, std::chrono::seconds{5}, 1)
      .receive([&answer](bool yes) { answer = yes; }, [](const caf::error&) {});
  EXPECT_TRUE(answer);
}

TEST(runtime_, starts_and_stops_many_times) {
  for (int round = 0; round < 100; ++round) {
    const runtime rt{{.threads = 2}};
  }
}

TEST(runtime_, does_not_hang_on_an_actor_that_never_ends) {
  testing::internal::CaptureStderr();
  {
    runtime rt{{.stop_timeout = std::chrono::milliseconds{100}}};
    // A message on its way keeps its receiver alive.
    rt.system().spawn([](caf::event_based_actor* self) -> caf::behavior {
      self->delayed_send(self, std::chrono::hours{1}, 1);
      return {[](int) {}};
    });
  }
  const auto log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("1 actors did not end in time and are left behind"), std::string::npos) << log;
}

} // namespace cafegram

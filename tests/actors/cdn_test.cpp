#include <cafegram/tl/api.hpp>

#include "pool_kit.hpp"

// Data centres of a CDN: keys of their own, no login, nothing but parts of files.
namespace cafegram {

namespace {

using namespace std::chrono_literals;

/// A pool that is logged in at home, and a CDN's data centre of which it has been told.
struct dc_pool_cdn : test::pool_kit {
  static constexpr std::int32_t far = 203;

  void begin() {
    profile->first_call_prefix = bytes{1};
    profile->cdn_call_prefix = bytes{2};
    start(true, {{2, permanent(2)}});
    protocol::dc_address address;
    address.dc = protocol::dc_id{far};
    address.host = "127.0.0.1";
    address.cdn = true;
    send(addresses_learned{{address}});
  }
  std::shared_ptr<outcome> ask(std::chrono::milliseconds timeout = 10min) {
    return call_of(tl::encode(tl::upload::getCdnFile{.file_token = bytes{7}, .limit = 4096}),
                   {.timeout = timeout, .dc = far, .purpose = connection_purpose::cdn});
  }
  /// `help.getCdnConfig` with one key of Telegram's own, as any other.
  static bytes keys(std::size_t which, std::int32_t dc = far) {
    return tl::encode(tl::CdnConfig{tl::cdnConfig{
        .public_keys = {tl::cdnPublicKey{.dc_id = dc, .public_key = key(which).to_pem()}}}});
  }
  static const crypto::rsa_public_key& key(std::size_t which) {
    return which == 0 ? crypto::telegram_test_keys().front()
                      : crypto::telegram_production_keys().front();
  }
  template <class Function>
  std::size_t count(std::size_t line) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(lines.at(line)->calls, [](const submit_call& one) {
          return tl::reader{*one.function}.peek_u32() == Function::tl_id;
        }));
  }
  void answer_last(std::size_t line, bytes_view body) {
    lines.at(line)->answer(lines[line]->calls.size() - 1, body);
    settle();
  }
  /// Its line could not be made.
  void fail_line(std::size_t line) {
    lines.at(line)->tell(connection_report{far, connection_phase::waiting, "x", false, true});
    settle();
  }

  using question = tl::help::getCdnConfig;
};

} // namespace

TEST_F(dc_pool_cdn, has_the_rsa_keys_that_home_tells_and_none_else) {
  begin();
  const auto part = ask();
  ASSERT_EQ(lines.size(), 1U) << "nothing is connected before";
  ASSERT_EQ(count<question>(0), 1U);
  answer_last(0, keys(0));
  ASSERT_EQ(lines.size(), 2U);
  const auto& to = lines[1]->setup;
  EXPECT_EQ(to.dc, far);
  ASSERT_EQ(to.profile->rsa_keys.size(), 1U);
  EXPECT_EQ(to.profile->rsa_keys[0].fingerprint(), key(0).fingerprint());
  EXPECT_FALSE(to.profile->forward_secrecy) << "it is not called to bind a key";
  EXPECT_TRUE(lines[1]->keys().make);
  EXPECT_EQ(to.profile->first_call_prefix, profile->cdn_call_prefix);
  ASSERT_EQ(lines[1]->calls.size(), 1U);
  lines[1]->answer(0);
  settle();
  EXPECT_TRUE(part->ok);
  ask();
  EXPECT_EQ(count<question>(0), 1U) << "they are known";
  EXPECT_EQ(lines[1]->calls.size(), 2U);
  EXPECT_TRUE(lines[0]->setup.profile->forward_secrecy) << "others are as they were";
}

TEST_F(dc_pool_cdn, is_asked_for_parts_of_files_alone) {
  begin();
  const auto refused = call({.dc = far, .purpose = connection_purpose::cdn});
  ASSERT_TRUE(refused->why);
  EXPECT_EQ(refused->why->code, errc::bad_argument);
  EXPECT_EQ(lines.size(), 1U);
  ask();
  answer_last(0, keys(0));
  EXPECT_FALSE(lines.at(1)->calls.at(0).without_updates) << "nor is it put into anything else";
}

TEST_F(dc_pool_cdn, gets_no_login_and_ends_none) {
  begin();
  const auto part = ask();
  answer_last(0, keys(0));
  lines.at(1)->refuse(0, 401, "AUTH_KEY_UNREGISTERED");
  settle();
  ASSERT_TRUE(part->why);
  EXPECT_TRUE(part->why->is_rpc("AUTH_KEY_UNREGISTERED"));
  EXPECT_EQ(count<tl::auth::exportAuthorization>(0), 0U);
  EXPECT_TRUE(lost_logins.empty());
}

TEST_F(dc_pool_cdn, sends_no_updates) {
  begin();
  ask();
  answer_last(0, keys(0));
  lines.at(1)->tell(raw_updates{});
  settle();
  EXPECT_EQ(updates, 0U);
}

TEST_F(dc_pool_cdn, without_a_key_is_not_called) {
  begin();
  const auto none = ask();
  answer_last(0, keys(0, far + 1));
  ASSERT_TRUE(none->why);
  EXPECT_EQ(none->why->code, errc::not_found);
  const auto refused = ask();
  EXPECT_EQ(count<question>(0), 2U) << "there may be one now";
  lines[0]->refuse(lines[0]->calls.size() - 1, 500, "INTERNAL");
  settle();
  ASSERT_TRUE(refused->why);
  EXPECT_TRUE(refused->why->is_rpc("INTERNAL"));
  const auto late = ask(5s);
  pass(6s, 1s);
  ASSERT_TRUE(late->why);
  EXPECT_EQ(late->why->code, errc::deadline);
  EXPECT_EQ(lines.size(), 1U);
}

TEST_F(dc_pool_cdn, passes_over_keys_that_are_none) {
  begin();
  ask();
  tl::cdnConfig told;
  for (const auto* text :
       {"", "-----BEGIN RSA PUBLIC KEY-----",
        "-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n"}) {
    told.public_keys.emplace_back(tl::cdnPublicKey{.dc_id = far, .public_key = text});
  }
  told.public_keys.emplace_back(tl::cdnPublicKey{.dc_id = far, .public_key = key(0).to_pem()});
  for (std::int32_t n = 0; n < 1000; ++n) {
    told.public_keys.emplace_back(tl::cdnPublicKey{.dc_id = far, .public_key = key(1).to_pem()});
  }
  answer_last(0, tl::encode(tl::CdnConfig{told}));
  ASSERT_EQ(lines.size(), 2U);
  const auto& taken = lines[1]->setup.profile->rsa_keys;
  ASSERT_FALSE(taken.empty());
  EXPECT_EQ(taken[0].fingerprint(), key(0).fingerprint());
  EXPECT_LE(taken.size(), 64U) << "of very many the first ones";
}

TEST_F(dc_pool_cdn, that_does_not_take_its_keys_any_more_has_others) {
  begin();
  const auto part = ask();
  answer_last(0, keys(0));
  ASSERT_EQ(lines.size(), 2U);
  fail_line(1);
  EXPECT_EQ(count<question>(0), 1U) << "not all the time";
  pass(60s, 10s);
  fail_line(1);
  ASSERT_EQ(count<question>(0), 2U);
  answer_last(0, keys(0));
  EXPECT_EQ(lines.size(), 2U) << "it was something else";
  pass(60s, 10s);
  fail_line(1);
  ASSERT_EQ(count<question>(0), 3U);
  answer_last(0, keys(1));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_TRUE(lines[1]->ended);
  EXPECT_EQ(lines[2]->setup.profile->rsa_keys.at(0).fingerprint(), key(1).fingerprint());
  ASSERT_EQ(lines[2]->calls.size(), 1U) << "what waited goes there";
  lines[2]->answer(0);
  settle();
  EXPECT_TRUE(part->ok);
}

TEST_F(dc_pool_cdn, with_a_key_needs_no_other_rsa_key) {
  begin();
  ask();
  answer_last(0, keys(0));
  lines.at(1)->tell(dc_key{far, test::key_of(9), 1, 1});
  settle();
  pass(60s, 10s);
  fail_line(1);
  EXPECT_EQ(count<question>(0), 1U);
}

TEST_F(dc_pool_cdn, keeps_its_key_when_the_login_ends) {
  begin();
  ask();
  answer_last(0, keys(0));
  lines.at(1)->tell(dc_key{far, test::key_of(9), 1, 1});
  settle();
  auto done = std::make_shared<bool>(false);
  system.spawn([done, to = pool](caf::event_based_actor* self) {
    self->request(to, caf::infinite, destroy_keys{})
        .then([done](caf::ok_atom) { *done = true; }, [](const caf::error&) { FAIL(); });
  });
  settle();
  ASSERT_EQ(lines.size(), 3U) << "one farewell, to home";
  EXPECT_EQ(lines[2]->setup.dc, 2);
  lines[2]->tell(key_news{.dc = 2, .what = key_news::kind::destroyed, .why = {}});
  settle();
  EXPECT_TRUE(*done);
  EXPECT_TRUE(lines[1]->keys().permanent);
}

} // namespace cafegram

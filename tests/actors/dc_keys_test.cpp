#include <cafegram/actors/address_book.hpp>
#include <cafegram/actors/dc_keys.hpp>
#include <cafegram/protocol/auth_key.hpp>
#include <cafegram/tests/support.hpp>

namespace cafegram {

namespace {

using namespace std::chrono_literals;
using verdict = dc_keys::verdict;

std::shared_ptr<const protocol::auth_key> some_key(std::uint64_t from) {
  seeded_random random{from};
  bytes octets(protocol::auth_key::octets);
  random.fill(octets);
  return std::make_shared<const protocol::auth_key>(*protocol::auth_key::from(octets));
}

/// The rules by which keys go: "no passing fault ever costs a login".
struct key_rules : testing::Test {
  manual_clock clock;
  dc_keys keys{key_policy{true, 24h}};
  dc_key permanent{2, some_key(1), 7, 1'000};
  temporary_key temporary{.dc = 2,
                          .key = some_key(2),
                          .salt = 8,
                          .expires_at = 87'400,
                          .good_until = clock.steady_now() + 24h};

  void SetUp() override {
    keys.take(permanent);
    keys.take(temporary);
  }
  static key_news unknown(const std::shared_ptr<const protocol::auth_key>& key) {
    return {.dc = 2, .key_id = key->id(), .what = key_news::kind::unknown, .why = {}};
  }
  key_news not_bound(std::int64_t server_time, std::string_view text) const {
    return {.dc = 2,
            .key_id = temporary.key->id(),
            .what = key_news::kind::not_bound,
            .server_time = server_time,
            .permanent = permanent.key->id(),
            .why = error::from_rpc(400, text)};
  }
};

protocol::dc_address address(std::int32_t dc, std::string host) {
  protocol::dc_address out;
  out.dc = protocol::dc_id{dc};
  out.host = std::move(host);
  return out;
}

std::vector<std::string> hosts(const dc_route& route) {
  std::vector<std::string> out;
  for (const auto& one : route.addresses) {
    out.push_back(one.host);
  }
  return out;
}

} // namespace

TEST_F(key_rules, minus_404_drops_the_temporary_key_only) {
  EXPECT_EQ(keys.judge(unknown(temporary.key), true), verdict::temporary_gone);
  EXPECT_TRUE(keys.permanent());
  EXPECT_TRUE(keys.lacks(false));
  EXPECT_EQ(keys.judge(unknown(temporary.key), true), verdict::nothing) << "said twice";
}

TEST_F(key_rules, the_key_of_a_login_is_kept_though_the_server_does_not_know_it) {
  EXPECT_EQ(keys.judge(unknown(permanent.key), true), verdict::kept_though_unknown);
  EXPECT_TRUE(keys.permanent());
}

TEST_F(key_rules, a_key_that_no_login_hangs_on_goes) {
  EXPECT_EQ(keys.judge(unknown(permanent.key), false), verdict::permanent_gone);
  EXPECT_FALSE(keys.permanent());
}

TEST_F(key_rules, a_word_about_another_key_changes_nothing) {
  EXPECT_EQ(keys.judge(unknown(some_key(9)), false), verdict::nothing);
  EXPECT_TRUE(keys.permanent());
  EXPECT_FALSE(keys.lacks(false));
}

TEST_F(key_rules, a_refused_binding_drops_a_permanent_key_older_than_a_minute) {
  EXPECT_EQ(keys.judge(not_bound(1'061, "ENCRYPTED_MESSAGE_INVALID"), true),
            verdict::permanent_gone);
  EXPECT_FALSE(keys.permanent());
}

TEST_F(key_rules, a_refused_binding_of_a_young_key_is_tried_again) {
  EXPECT_EQ(keys.judge(not_bound(1'060, "ENCRYPTED_MESSAGE_INVALID"), true),
            verdict::temporary_gone);
  EXPECT_TRUE(keys.permanent());
}

TEST_F(key_rules, no_other_refusal_of_a_binding_drops_the_permanent_key) {
  for (const auto* text : {"TEMP_AUTH_KEY_EMPTY", "EXPIRES_AT_INVALID", "INTERNAL",
                           "TEMP_AUTH_KEY_ALREADY_BOUND", "AUTH_KEY_UNREGISTERED"}) {
    keys.judge(not_bound(999'999, text), true);
    EXPECT_TRUE(keys.permanent()) << text;
  }
}

// The server has ended it: another binding would be refused for ever.
TEST_F(key_rules, a_binding_to_a_duplicated_key_drops_it_however_young_it_is) {
  auto news = not_bound(1'000, "AUTH_KEY_DUPLICATED");
  news.permanent = some_key(9)->id();
  EXPECT_NE(keys.judge(news, true), verdict::permanent_gone) << "of one that is gone already";
  EXPECT_TRUE(keys.permanent());
  EXPECT_EQ(keys.judge(not_bound(1'000, "AUTH_KEY_DUPLICATED"), true), verdict::permanent_gone);
  EXPECT_FALSE(keys.permanent());
}

TEST_F(key_rules, a_refused_binding_to_another_key_drops_nothing) {
  auto news = not_bound(1'061, "ENCRYPTED_MESSAGE_INVALID");
  news.permanent = some_key(9)->id();
  keys.judge(news, true);
  EXPECT_TRUE(keys.permanent());
}

TEST_F(key_rules, a_duplicated_key_goes_with_all_that_hangs_on_it) {
  key_news news{.dc = 2, .what = key_news::kind::duplicated, .why = {}};
  news.key_id = some_key(9)->id();
  EXPECT_EQ(keys.judge(news, true), verdict::nothing) << "of one that is out of use";
  EXPECT_TRUE(keys.permanent());
  for (const auto& named : {temporary.key, permanent.key}) {
    SetUp();
    news.key_id = named->id();
    EXPECT_EQ(keys.judge(news, true), verdict::permanent_gone);
    EXPECT_FALSE(keys.permanent());
    EXPECT_TRUE(keys.lacks(false));
    EXPECT_EQ(keys.judge(news, true), verdict::nothing) << "each call says it";
  }
}

TEST_F(key_rules, only_one_connection_is_told_to_make_keys) {
  dc_keys none{key_policy{true, 24h}};
  EXPECT_TRUE(none.order(false, true, clock.steady_now()).make);
  EXPECT_FALSE(none.order(false, false, clock.steady_now()).make);
  EXPECT_FALSE(keys.order(false, true, clock.steady_now()).make) << "nothing is missing";
}

TEST_F(key_rules, media_addresses_have_a_temporary_key_of_their_own) {
  EXPECT_TRUE(keys.lacks(true));
  const auto order = keys.order(true, true, clock.steady_now());
  EXPECT_TRUE(order.make);
  EXPECT_FALSE(order.temporary);
  EXPECT_TRUE(order.permanent);
}

TEST_F(key_rules, a_key_is_renewed_an_hour_before_its_end_and_gone_at_it) {
  EXPECT_EQ(keys.next_deadline(clock.steady_now()), clock.steady_now() + 23h);
  clock.advance(23h - 1s);
  EXPECT_FALSE(keys.renewal_due(false, clock.steady_now()));
  clock.advance(1s);
  EXPECT_TRUE(keys.renewal_due(false, clock.steady_now()));
  const auto order = keys.order(false, true, clock.steady_now());
  EXPECT_TRUE(order.renew && order.make);
  EXPECT_TRUE(order.temporary) << "in use until the other one is there";
  EXPECT_FALSE(keys.order(false, false, clock.steady_now()).renew);
  EXPECT_EQ(keys.next_deadline(clock.steady_now()), temporary.good_until);
  clock.advance(1h);
  keys.expire(clock.steady_now());
  EXPECT_TRUE(keys.lacks(false));
  EXPECT_TRUE(keys.permanent());
}

TEST_F(key_rules, salts_go_to_their_key) {
  EXPECT_FALSE(keys.take(key_salt{2, temporary.key->id(), 11}));
  EXPECT_TRUE(keys.take(key_salt{2, permanent.key->id(), 12})) << "to be stored";
  const auto order = keys.order(false, false, clock.steady_now());
  EXPECT_EQ(order.temporary->salt, 11);
  EXPECT_EQ(order.permanent->salt, 12);
}

TEST(address_book, told_addresses_come_first_and_built_in_ones_stay) {
  address_book book{{address(2, "built.in"), address(4, "other")}, {}, false};
  book.learn({address(2, "told"), address(2, "built.in")});
  EXPECT_EQ(hosts(book.route(2, connection_purpose::main)),
            (std::vector<std::string>{"told", "built.in"}));
  EXPECT_EQ(hosts(book.route(4, connection_purpose::main)), std::vector<std::string>{"other"});
  EXPECT_TRUE(book.knows(4));
  EXPECT_FALSE(book.knows(5));
  book.learn({});
  EXPECT_EQ(book.told().size(), 2U) << "an empty list takes nothing away";
}

TEST(address_book, files_go_to_media_addresses_where_there_are_some) {
  auto media = address(2, "media");
  media.media_only = true;
  address_book book{{address(2, "built.in")}, {}, false};
  EXPECT_FALSE(book.route(2, connection_purpose::upload).media);
  EXPECT_EQ(hosts(book.route(2, connection_purpose::upload)), std::vector<std::string>{"built.in"});
  book.learn({address(2, "plain"), media});
  const auto files = book.route(2, connection_purpose::download);
  EXPECT_TRUE(files.media);
  EXPECT_EQ(hosts(files), std::vector<std::string>{"media"});
  EXPECT_EQ(hosts(book.route(2, connection_purpose::main)),
            (std::vector<std::string>{"plain", "built.in"}))
      << "never the media one";
}

TEST(address_book, flags_decide_what_can_be_used) {
  auto obfuscated_only = address(2, "tcpo");
  obfuscated_only.tcpo_only = true;
  auto cdn = address(2, "cdn");
  cdn.cdn = true;
  auto secret = address(2, "secret");
  secret.secret = bytes(16, 1);
  auto padded = address(2, "padded");
  padded.secret = bytes(17, 0xdd);
  auto disguised = address(2, "disguised");
  disguised.secret = bytes(17, 0xee);
  append(disguised.secret, as_bytes("example.org"));
  auto strange = address(2, "strange");
  strange.secret = bytes(21, 1);
  auto v6 = address(2, "::1");
  v6.ipv6 = true;
  const std::vector told{obfuscated_only, cdn, secret, padded, disguised, strange, v6};
  address_book plain{{}, {.kind = transport_kind::intermediate, .obfuscated = false}, false};
  plain.learn(told);
  EXPECT_EQ(hosts(plain.route(2, connection_purpose::main)), std::vector<std::string>{"::1"});
  EXPECT_EQ(hosts(plain.route(2, connection_purpose::cdn)), std::vector<std::string>{"cdn"});
  address_book obfuscated{{}, {}, true};
  obfuscated.learn(told);
  EXPECT_EQ(hosts(obfuscated.route(2, connection_purpose::main)),
            (std::vector<std::string>{"::1", "tcpo", "secret", "padded", "disguised"}));
  EXPECT_FALSE(secret_of(v6));
  EXPECT_FALSE(secret_of(strange));
  EXPECT_FALSE(secret_of(secret)->padded);
  EXPECT_TRUE(secret_of(padded)->padded);
  EXPECT_EQ(secret_of(disguised)->domain, "example.org");
}

TEST(address_book, knows_what_it_has_a_route_to) {
  auto media = address(4, "media");
  media.media_only = true;
  auto cdn = address(203, "cdn");
  cdn.cdn = true;
  auto strange = address(5, "strange");
  strange.secret = bytes(21, 1);
  auto book = address_book::pinned({2, {"mine", 1}}, {});
  book.learn({media, cdn, strange, address(1, "plain")});
  for (const std::int32_t dc : {1, 2, 4, 5, 6, 203}) {
    for (const auto purpose : {connection_purpose::main, connection_purpose::upload,
                               connection_purpose::download, connection_purpose::cdn}) {
      EXPECT_EQ(book.knows(dc, purpose), !book.route(dc, purpose).addresses.empty())
          << dc << " " << to_string(purpose);
    }
  }
  EXPECT_FALSE(book.knows(4));
  EXPECT_TRUE(book.knows(4, connection_purpose::upload));
  EXPECT_TRUE(book.knows(203, connection_purpose::cdn));
}

TEST(address_book, serves_what_a_key_can_be_made_for) {
  auto media = address(4, "media");
  media.media_only = true;
  auto cdn = address(203, "cdn");
  cdn.cdn = true;
  address_book book{{address(2, "plain")}, {}, false};
  book.learn({media, cdn});
  EXPECT_TRUE(book.serves(2, connection_purpose::upload));
  EXPECT_FALSE(book.serves(4, connection_purpose::upload)) << "no key is made over a media address";
  EXPECT_TRUE(book.serves(203, connection_purpose::cdn));
  EXPECT_FALSE(book.serves(203, connection_purpose::main));
}

TEST(address_book, a_proxy_is_sent_to_static_addresses_first) {
  auto fixed = address(2, "static");
  fixed.is_static = true;
  const std::vector told{address(2, "other"), fixed};
  address_book alone{{}, {}, false};
  alone.learn(told);
  EXPECT_EQ(hosts(alone.route(2, connection_purpose::main)),
            (std::vector<std::string>{"other", "static"}));
  address_book by_proxy{{}, {}, false, true};
  by_proxy.learn(told);
  EXPECT_EQ(hosts(by_proxy.route(2, connection_purpose::main)),
            (std::vector<std::string>{"static", "other"}));
}

TEST(address_book, an_address_given_by_hand_is_the_only_one_but_for_media) {
  auto book = address_book::pinned({2, {"mine", 1}}, {});
  auto media = address(2, "media");
  media.media_only = true;
  book.learn({address(2, "told"), media, address(4, "far")});
  EXPECT_EQ(hosts(book.route(2, connection_purpose::main)), std::vector<std::string>{"mine"});
  EXPECT_EQ(hosts(book.route(2, connection_purpose::upload)), std::vector<std::string>{"media"});
  EXPECT_EQ(hosts(book.route(4, connection_purpose::main)), std::vector<std::string>{"far"});
}

} // namespace cafegram

#include <cafegram/actors/client.hpp>
#include <cafegram/actors/invoke.hpp>
#include <cafegram/storage/session.hpp>
#include <cafegram/tl/api.hpp>

#include "served_dc.hpp"

namespace cafegram {

namespace {

using test::refusing;
using test::served_dc;

bytes file_part() {
  return tl::encode(tl::upload::getFile{.location = tl::inputTakeoutFileLocation{}, .limit = 1024});
}

bytes statistics() {
  return tl::encode(tl::stats::getBroadcastStats{.channel = tl::inputChannelEmpty{}});
}

/// A client at home in data centre 2 that has been told once where 4 is.
struct migration : testing::Test {
  served_dc far;
  runtime rt;

  result<client> start(const served_dc& home) {
    storage::session_state known;
    known.home_dc = 2;
    storage::dc_address address;
    address.host = far.where().host;
    address.port = far.where().port;
    known.data_centres[4].addresses = {address};
    std::shared_ptr<storage::session_backend> backend = storage::make_memory_backend();
    EXPECT_TRUE(backend->commit({known}));
    client_options options;
    options.api_id = 1;
    options.api_hash = "0";
    options.session = backend;
    options.dc = dc_override{2, home.where()};
    options.rsa_keys_pem = {test::mini_dc::rsa()->public_key().to_pem()};
    return client::start(rt, std::move(options));
  }
};

} // namespace

TEST_F(migration, file_migrate_sends_this_call_elsewhere_and_leaves_home) {
  served_dc home{refusing(file_part(), "FILE_MIGRATE_4")};
  auto me = start(home);
  ASSERT_TRUE(me) << to_string(me.error());
  const auto part = me->invoke_bytes(file_part());
  EXPECT_TRUE(part) << to_string(part.error());
  EXPECT_EQ(home.count(file_part()), 1U);
  EXPECT_EQ(far.count(file_part()), 1U);
  EXPECT_EQ(me->status().home_dc, 2);
  EXPECT_TRUE(me->invoke_bytes(statistics()));
  EXPECT_EQ(home.count(statistics()), 1U) << "the next call goes home";
  me->stop();
}

TEST_F(migration, stats_migrate_does_the_same) {
  served_dc home{refusing(statistics(), "STATS_MIGRATE_4")};
  auto me = start(home);
  ASSERT_TRUE(me);
  EXPECT_TRUE(me->invoke_bytes(statistics()));
  EXPECT_EQ(far.count(statistics()), 1U);
  EXPECT_EQ(me->status().home_dc, 2);
  me->stop();
}

TEST_F(migration, network_migrate_moves_home) {
  served_dc home{refusing(statistics(), "NETWORK_MIGRATE_4")};
  auto me = start(home);
  ASSERT_TRUE(me);
  EXPECT_TRUE(me->invoke_bytes(statistics()));
  EXPECT_EQ(me->status().home_dc, 4);
  EXPECT_TRUE(me->invoke_bytes(file_part()));
  EXPECT_EQ(far.count(file_part()), 1U) << "the next call goes to the new home";
  EXPECT_EQ(home.count(file_part()), 0U);
  me->stop();
}

} // namespace cafegram

#include <cafegram/actors/client.hpp>
#include <cafegram/actors/invoke.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/server.hpp>
#include <cafegram/tl/api.hpp>

#include <atomic>

#include "raw_client.hpp"

/// Salts of a short life.
namespace cafegram::sandbox {
namespace {

using namespace std::chrono_literals;
using test::raw_client;

/// The machine's clock, moved ahead by what the test says.
class salts_clock final : public clock_source {
public:
  steady_time steady_now() const override {
    return std::chrono::steady_clock::now() + std::chrono::seconds{ahead.load()};
  }
  wall_time wall_now() const override {
    return std::chrono::system_clock::now() + std::chrono::seconds{ahead.load()};
  }
  std::atomic<int> ahead{0};
};

class salts_server : public ::testing::Test {
protected:
  void SetUp() override {
    log::configure({log::level::error});
    options_.clock = clock_;
    options_.salt_lifetime = 8s;
    auto made = server::start(runtime_, options_);
    ASSERT_TRUE(made) << to_string(made.error());
    server_ = *std::move(made);
  }
  void TearDown() override {
    server_.reset();
    log::configure({});
  }

  std::shared_ptr<salts_clock> clock_ = std::make_shared<salts_clock>();
  runtime runtime_;
  server_options options_;
  std::unique_ptr<server> server_;
};

// The client's own clock stands where it was: it goes on with the salt that it has.
TEST_F(salts_server, an_old_salt_is_refused_and_another_one_told) {
  raw_client client{{server_->port(), server_->public_key_pem()}};
  ASSERT_TRUE(client.exchange());
  ASSERT_TRUE(client.call({{"_", "help.getNearestDc"}}));
  const auto before = client.session().counters().resends;
  clock_->ahead = 20;
  ASSERT_TRUE(client.call({{"_", "help.getNearestDc"}}));
  EXPECT_GT(client.session().counters().resends, before) << "refused once";
}

TEST_F(salts_server, those_to_come_are_told_with_their_times) {
  const protocol::auth_key key = [this] {
    raw_client client{{server_->port(), server_->public_key_pem()}};
    EXPECT_TRUE(client.exchange());
    return client.session().key();
  }();
  const protocol::server_salts salts{key, 8s};
  const auto coming = salts.coming(1'000s, 3);
  ASSERT_EQ(coming.size(), 3U);
  EXPECT_EQ(coming[0].valid_since, 1'000);
  EXPECT_EQ(coming[0].valid_until, 1'008);
  EXPECT_EQ(coming[1].valid_since, 1'004);
  EXPECT_TRUE(salts.good(coming[0].salt, 1'007s));
  EXPECT_FALSE(salts.good(coming[0].salt, 1'008s));
  EXPECT_FALSE(salts.good(coming[1].salt, 1'003s));
}

TEST_F(salts_server, our_client_lives_through_many) {
  client_options mine;
  mine.api_id = 1;
  mine.api_hash = "0123456789abcdef0123456789abcdef";
  mine.dc = dc_override{2, {"127.0.0.1", server_->port()}};
  mine.rsa_keys_pem = {server_->public_key_pem()};
  auto me = client::start(runtime_, mine);
  ASSERT_TRUE(me) << to_string(me.error());
  ASSERT_TRUE(me->login_bot("1000001:AAAbbbCCC", 60s));
  for (int i = 0; i < 20; ++i) {
    clock_->ahead += 5;
    const auto state = me->invoke_sync(tl::updates::getState{}, {.timeout = 30s});
    EXPECT_TRUE(state) << i << ": " << to_string(state.error());
  }
  me->stop();
}

} // namespace
} // namespace cafegram::sandbox

#include <cafegram/actors/client.hpp>
#include <cafegram/actors/invoke.hpp>
#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/server.hpp>
#include <cafegram/tests/watchdog.hpp>
#include <cafegram/tl/api.hpp>

#include "../interop/foreign_process.hpp"
#include "../interop/relay.hpp"
#include "served_dc.hpp"

namespace cafegram {

namespace {

using test::served_dc;

/// One kind of secret that an address may have.
struct secret_kind {
  const char* name;
  std::string digits;
};

constexpr auto key_digits = "00112233445566778899aabbccddeeff";

/// A client at home in data centre 2, whose `help.getConfig` says that 4 is behind a port that
/// takes this kind of secret alone: there a sandbox is.
struct secret_addresses : testing::TestWithParam<secret_kind> {
  runtime server_runtime;
  runtime rt;
  std::unique_ptr<sandbox::server> far;
  std::mutex lock;
  std::string told; ///< all that the client has said to people

  void SetUp() override {
    sandbox::server_options options;
    options.dc_id = 4;
    options.mtproxies = {{.secret = protocol::mtproxy_secret::parse(GetParam().digits).value()}};
    auto started = sandbox::server::start(server_runtime, options);
    ASSERT_TRUE(started) << to_string(started.error());
    far = *std::move(started);
  }

  std::uint16_t port() const { return far->mtproxy_ports().at(0); }

  bytes configuration() const {
    tl::dcOption where;
    where.tcpo_only = true;
    where.id = 4;
    where.ip_address = "127.0.0.1";
    where.port = port();
    where.secret = test::hex(GetParam().digits);
    tl::config out;
    out.date = 1'750'000'000;
    out.expires = out.date + 3600;
    out.this_dc = 2;
    out.dc_options = {where};
    return tl::encode(out);
  }

  /// Home answers the configuration, and sends what is asked of it to data centre 4.
  void expect_way(const std::optional<proxy_server>& proxy) {
    const auto question = tl::encode(tl::help::getNearestDc{});
    served_dc home{test::refusing(question, "FILE_MIGRATE_4"),
                   [this](bytes_view call) -> std::optional<bytes> {
                     const auto asked = tl::encode(tl::help::getConfig{});
                     return std::ranges::search(call, asked).empty()
                                ? std::nullopt
                                : std::optional{configuration()};
                   }};
    const auto at = port();
    client_options options;
    options.api_id = 1;
    options.api_hash = "0";
    options.dc = dc_override{2, home.where()};
    options.rsa_keys_pem = {test::mini_dc::rsa()->public_key().to_pem(), far->public_key_pem()};
    options.proxy = proxy;
    options.on_progress = [this](std::string_view step, std::string_view detail) {
      const std::lock_guard guard{lock};
      told += std::string{step} + " " + std::string{detail} + "\n";
    };
    log::configure({log::level::trace});
    testing::internal::CaptureStderr();
    auto me = client::start(rt, options);
    const auto nearest = me ? me->invoke_sync(tl::help::getNearestDc{})
                            : result<tl::NearestDc>{std::unexpected(me.error())};
    if (me) {
      // Its end is something that the log tells of.
      far.reset();
      EXPECT_TRUE(test::comes_true([this] {
        const std::lock_guard guard{lock};
        return told.contains("waiting ");
      }));
      me->stop();
    }
    const auto logged = testing::internal::GetCapturedStderr();
    log::configure({});
    ASSERT_TRUE(nearest) << to_string(nearest.error()) << '\n' << told;
    EXPECT_EQ(tl::get_if<tl::nearestDc>(*nearest)->this_dc, 4);
    EXPECT_EQ(home.count(question), 1U);
    EXPECT_TRUE(told.contains("connected 127.0.0.1:" + std::to_string(at))) << told;
    EXPECT_FALSE(told.contains(key_digits));
    EXPECT_TRUE(logged.contains("dc 4: ")) << "nothing of it was logged: " << logged;
    EXPECT_FALSE(logged.contains(key_digits));
  }
};

INSTANTIATE_TEST_SUITE_P(, secret_addresses,
                         testing::Values(secret_kind{"plain", key_digits},
                                         secret_kind{"padded", std::string{"dd"} + key_digits},
                                         secret_kind{"in_disguise",
                                                     std::string{"ee"} + key_digits +
                                                         "6578616d706c652e6f7267"}), // example.org
                         [](const auto& given) { return std::string{given.param.name}; });

} // namespace

TEST_P(secret_addresses, of_the_configuration_are_used) {
  expect_way({});
}

TEST_P(secret_addresses, are_reached_through_a_socks5_proxy) {
  const test::foreign_process microsocks{{"microsocks", "-i", "127.0.0.1", "-p", "%PORT%"}};
  // `CONNECT 127.0.0.1:port`, as its client asks for it.
  const bytes wanted = {5,
                        1,
                        0,
                        1,
                        127,
                        0,
                        0,
                        1,
                        static_cast<std::uint8_t>(port() >> 8),
                        static_cast<std::uint8_t>(port())};
  std::atomic<int> asked = 0;
  const test::relay before{{"127.0.0.1", microsocks.port()},
                           [&](std::size_t, bool from_client, bytes_view data) {
                             asked += from_client && std::ranges::equal(data, wanted) ? 1 : 0;
                           }};
  proxy_server proxy;
  proxy.kind = proxy_kind::socks5;
  proxy.host = "127.0.0.1";
  proxy.port = before.where().port;
  expect_way(proxy);
  EXPECT_GE(asked, 1) << "or it went there by itself";
}

} // namespace cafegram

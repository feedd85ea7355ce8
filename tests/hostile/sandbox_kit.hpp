#pragma once

#include <cafegram/base/log.hpp>
#include <cafegram/sandbox/server.hpp>
#include <cafegram/tests/sandbox/raw_client.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "scene.hpp"

namespace cafegram::test {

/// A sandbox with a client that does nothing wrong, to which nothing may happen.
class attacked_sandbox {
public:
  explicit attacked_sandbox(sandbox::server_options options = {}) {
    auto made = sandbox::server::start(runtime_, options);
    EXPECT_TRUE(made) << to_string(made.error());
    server_ = *std::move(made);
    bystander_.emplace(settings());
    EXPECT_TRUE(bystander_->exchange());
    expect_service(*bystander_);
  }

  raw_client::settings settings(protocol::transport_options transport = {
                                    .kind = protocol::framing::intermediate}) const {
    return {server_->port(), server_->public_key_pem(), transport};
  }

  sandbox::server& server() { return *server_; }
  raw_client& bystander() { return *bystander_; }

  /// The bystander is served, and so is a new client.
  void expect_unharmed() {
    expect_service(*bystander_);
    raw_client fresh{settings()};
    EXPECT_TRUE(fresh.exchange());
    expect_service(fresh);
  }

  static void expect_service(raw_client& client) {
    const auto config = client.call({{"_", "help.getConfig"}});
    EXPECT_TRUE(config) << to_string(config.error());
  }

private:
  runtime runtime_;
  std::unique_ptr<sandbox::server> server_;
  std::optional<raw_client> bystander_;
};

} // namespace cafegram::test

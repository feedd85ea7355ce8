#pragma once

#include <cafegram/actors/client.hpp>
#include <cafegram/cli/command.hpp>
#include <cafegram/tl/dynamic.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace cafegram::cli {

/// What `connect`, `listen`, `invoke` and `bench rpc` take to reach a server.
struct connection_arguments {
  std::string dc; ///< HOST:PORT; empty: Telegram itself
  std::int32_t dc_id = 2;
  std::vector<std::string> rsa_keys; ///< paths of PEM files
  std::string transport = "obfuscated-intermediate";
  std::string proxy;   ///< link or URL; empty: none
  std::string session; ///< path; empty: in memory
  std::int32_t api_id = 0;
  std::string api_hash;
  std::string bot_token;
  bool test = false;
  bool ipv6 = false;
  double timeout = 30; ///< seconds, for each call
};

void add_connection_options(CLI::App& command, connection_arguments& arguments);

/// Reads keys and checks addresses. Against an address of one's own no `api_id` is needed; against
/// Telegram the error says where to get one.
result<client_options> to_options(const connection_arguments& arguments);

/// A client and what it runs on. The client goes before its runtime.
struct session {
  std::unique_ptr<runtime> actors;
  std::unique_ptr<client> account;
  std::shared_ptr<const tl::dynamic_codec> codec;
  std::chrono::milliseconds timeout{};

  session() = default;
  session(session&&) = default;
  session& operator=(session&&) = delete;
  ~session();
};

/// Starts a client; does not wait until it is connected.
result<session> open_session(client_options options, double timeout_seconds);

/// Makes a call whose name and fields are JSON, with the built-in layer; its result as JSON.
result<tl::json> call(session& on, const tl::json& function);

} // namespace cafegram::cli

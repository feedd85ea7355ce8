#include <cafegram/cli/connection.hpp>
#include <cafegram/cli/schemas.hpp>

#include <CLI/CLI.hpp>

namespace cafegram::cli {

void add_connection_options(CLI::App& command, connection_arguments& a) {
  command.add_option("--dc", a.dc, "HOST:PORT of a server of one's own (default: Telegram)");
  command.add_option("--dc-id", a.dc_id, "number of that data centre")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_option("--rsa-key", a.rsa_keys, "PEM file with its public key, PKCS#1 or SPKI")
      ->check(CLI::ExistingFile);
  command
      .add_option("--transport", a.transport,
                  "abridged, intermediate, padded, full, or obfuscated-...")
      ->capture_default_str();
  command
      .add_option("--proxy", a.proxy,
                  "tg://proxy?..., tg://socks?..., a t.me link to one, socks5:// or http://")
      ->envname("CAFEGRAM_PROXY");
  command.add_flag("--ipv6", a.ipv6, "try addresses of IPv6 first");
  command.add_option("--session", a.session, "file that keeps the login (default: none)");
  command.add_option("--api-id", a.api_id, "from my.telegram.org")->envname("API_ID");
  command.add_option("--api-hash", a.api_hash, "from my.telegram.org")->envname("API_HASH");
  command.add_option("--bot-token", a.bot_token, "log in as this bot")->envname("BOT_TOKEN");
  command.add_flag("--test", a.test, "Telegram's test data centres");
  command.add_option("--timeout", a.timeout, "seconds for each call")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
}

result<client_options> to_options(const connection_arguments& a) {
  client_options out;
  out.api_id = a.api_id;
  out.api_hash = a.api_hash;
  out.bot_token = a.bot_token;
  out.session_path = a.session;
  out.test_dcs = a.test;
  out.timing.request_timeout =
      std::chrono::milliseconds{static_cast<std::int64_t>(a.timeout * 1000)};
  const auto transport = transport_choice::parse(a.transport);
  if (!transport) {
    return fail(errc::bad_argument, "no transport is called " + a.transport +
                                        ": abridged, intermediate, padded, full, and all but the "
                                        "last with obfuscated- in front");
  }
  out.transport = *transport;
  out.ip = a.ipv6 ? ip_choice::ipv6_first : ip_choice::ipv4_first;
  if (!a.proxy.empty()) {
    auto proxy = proxy_server::parse(a.proxy);
    if (!proxy) {
      return std::unexpected(std::move(proxy).error());
    }
    out.proxy = *std::move(proxy);
  }
  for (const auto& path : a.rsa_keys) {
    auto pem = read_file(path);
    if (!pem) {
      return std::unexpected(std::move(pem).error());
    }
    out.rsa_keys_pem.push_back(*std::move(pem));
  }
  if (a.dc.empty()) {
    if (a.api_id == 0 || a.api_hash.empty()) {
      return fail(errc::bad_argument,
                  "Telegram wants --api-id and --api-hash (or API_ID and API_HASH): get them at "
                  "https://my.telegram.org, or point --dc at a sandbox");
    }
    return out;
  }
  const auto address = parse_endpoint(a.dc);
  if (!address) {
    return fail(errc::bad_argument, "--dc is not HOST:PORT: " + a.dc);
  }
  out.dc = dc_override{.id = a.dc_id, .address = *address};
  if (out.api_id == 0) {
    out.api_id = 1;
    out.api_hash = std::string(32, '0');
  }
  return out;
}

session::~session() {
  if (account) {
    account->stop();
    account.reset();
  }
}

result<session> open_session(client_options options, double timeout_seconds) {
  session out;
  auto codec = load_codec({});
  if (!codec) {
    return std::unexpected(std::move(codec).error());
  }
  out.codec = *std::move(codec);
  out.timeout = std::chrono::milliseconds{static_cast<std::int64_t>(timeout_seconds * 1000)};
  out.actors = std::make_unique<runtime>();
  auto started = client::start(*out.actors, std::move(options));
  if (!started) {
    return std::unexpected(std::move(started).error());
  }
  out.account = std::make_unique<client>(*std::move(started));
  return out;
}

result<tl::json> call(session& on, const tl::json& function) {
  auto request = on.codec->encode(function);
  if (!request) {
    return std::unexpected(std::move(request).error());
  }
  auto answer = on.account->invoke_bytes(*std::move(request), {.timeout = on.timeout});
  if (!answer) {
    return std::unexpected(std::move(answer).error());
  }
  const auto name = function.at("_").get<std::string>();
  const auto* definition = on.codec->definitions().find_function(name);
  // What a wrapper such as invokeWithLayer gives back is whatever its query gives back.
  if (definition == nullptr || definition->result.name == "X") {
    return on.codec->decode(*answer);
  }
  return on.codec->decode_as(tl::to_string(definition->result), *answer);
}

} // namespace cafegram::cli

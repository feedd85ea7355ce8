#include <cafegram/bots/run.hpp>

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string_view>

namespace cafegram {

namespace {

// A sandbox takes any application and gives each token a bot of its own.
constexpr std::int32_t sandbox_api_id = 1;
constexpr const char* sandbox_api_hash = "0123456789abcdef0123456789abcdef";
constexpr const char* sandbox_token = "1000002:a-bot-of-the-sandbox";

struct known_option {
  std::string_view name;
  const char* variable; ///< of the environment
};

constexpr known_option known_options[] = {
    {"sandbox", "CAFEGRAM_SANDBOX"},
    {"rsa-key", "CAFEGRAM_RSA_KEY"},
    {"dc-id", "CAFEGRAM_DC_ID"},
    {"session", "CAFEGRAM_SESSION"},
    {"transport", "CAFEGRAM_TRANSPORT"},
    {"proxy", "CAFEGRAM_PROXY"},
    {"api-id", "API_ID"},
    {"api-hash", "API_HASH"},
    {"bot-token", "BOT_TOKEN"},
};

using given_options = std::map<std::string_view, std::string>;

// `--dc` is what the program `cafegram` calls a data centre given by hand.
std::string_view canonical(std::string_view name) {
  return name == "dc" ? "sandbox" : name;
}

bool is_known(std::string_view name) {
  for (const auto& option : known_options) {
    if (option.name == name) {
      return true;
    }
  }
  return false;
}

// `--name value` and `--name=value`. Values are not repeated in errors: one may be a token.
result<given_options> read_arguments(int argc, const char* const* argv) {
  given_options out;
  for (int i = 1; i < argc; ++i) {
    std::string_view argument{argv[i]};
    if (!argument.starts_with("--")) {
      return fail(errc::bad_argument, fmt::format("argument {} is not an option", i));
    }
    argument.remove_prefix(2);
    const auto equals = argument.find('=');
    const auto name = canonical(argument.substr(0, equals));
    if (!is_known(name)) {
      return fail(errc::bad_argument, fmt::format("there is no option --{}", name));
    }
    if (equals != std::string_view::npos) {
      out[name] = argument.substr(equals + 1);
    } else if (++i < argc) {
      out[name] = argv[i];
    } else {
      return fail(errc::bad_argument, fmt::format("--{} needs a value", name));
    }
  }
  for (const auto& option : known_options) {
    const char* value = std::getenv(option.variable);
    if (value != nullptr && *value != '\0') {
      out.try_emplace(option.name, value);
    }
  }
  return out;
}

result<std::int32_t> read_number(const given_options& given, std::string_view name,
                                 std::int32_t otherwise) {
  const auto at = given.find(name);
  if (at == given.end()) {
    return otherwise;
  }
  const auto& text = at->second;
  std::int32_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || end != text.data() + text.size() || number <= 0) {
    return fail(errc::bad_argument, fmt::format("--{} is a positive number", name));
  }
  return number;
}

std::string text_or(const given_options& given, std::string_view name, const char* otherwise) {
  const auto at = given.find(name);
  return at != given.end() ? at->second : otherwise;
}

result<void> use_sandbox(const given_options& given, bot_settings& out) {
  const auto& where = given.at("sandbox");
  const auto address = parse_endpoint(where);
  if (!address) {
    return fail(errc::bad_argument, "--sandbox is HOST:PORT");
  }
  const auto dc = read_number(given, "dc-id", 2);
  if (!dc) {
    return std::unexpected(dc.error());
  }
  const auto key = given.find("rsa-key");
  if (key == given.end()) {
    return fail(errc::bad_argument, "--rsa-key is missing: the file that the sandbox wrote with "
                                    "--key-out");
  }
  std::ifstream file{key->second, std::ios::binary};
  std::string pem{std::istreambuf_iterator<char>{file}, {}};
  if (!file || pem.empty()) {
    return fail(errc::bad_argument, fmt::format("cannot read the key file {}", key->second));
  }
  out.client.dc = dc_override{*dc, *address};
  out.client.rsa_keys_pem = {std::move(pem)};
  out.target = fmt::format("the sandbox at {}", to_string(*address));
  return {};
}

} // namespace

result<bot_settings> read_bot_settings(int argc, const char* const* argv) {
  const auto given = read_arguments(argc, argv);
  if (!given) {
    return std::unexpected(given.error());
  }
  bot_settings out;
  out.target = "Telegram";
  const bool sandbox = given->contains("sandbox");
  if (sandbox) {
    if (auto good = use_sandbox(*given, out); !good) {
      return std::unexpected(good.error());
    }
  }
  const auto api_id = read_number(*given, "api-id", sandbox ? sandbox_api_id : 0);
  if (!api_id) {
    return std::unexpected(api_id.error());
  }
  out.client.api_id = *api_id;
  out.client.api_hash = text_or(*given, "api-hash", sandbox ? sandbox_api_hash : "");
  out.client.bot_token = text_or(*given, "bot-token", sandbox ? sandbox_token : "");
  out.client.session_path = text_or(*given, "session", "");
  if (const auto transport = given->find("transport"); transport != given->end()) {
    const auto choice = transport_choice::parse(transport->second);
    if (!choice) {
      return fail(errc::bad_argument, "--transport is abridged, intermediate, padded or full, each "
                                      "but full also as obfuscated-...");
    }
    out.client.transport = *choice;
  }
  if (const auto proxy = given->find("proxy"); proxy != given->end()) {
    auto read = proxy_server::parse(proxy->second);
    if (!read) {
      return std::unexpected(std::move(read).error());
    }
    out.client.proxy = *std::move(read);
  }
  if (out.client.api_id == 0 || out.client.api_hash.empty() || out.client.bot_token.empty()) {
    return fail(errc::bad_argument, "API_ID, API_HASH and BOT_TOKEN are not all set");
  }
  return out;
}

std::string how_to_run(std::string_view program) {
  return fmt::format(R"(To run against Telegram, set three variables and start {0} again:
  API_ID, API_HASH   your application's, from https://my.telegram.org/apps
  BOT_TOKEN          your bot's, from https://t.me/BotFather

To try it without an account, start a Telegram of your own and point the bot at it:
  cafegram sandbox --listen 127.0.0.1:10443 --http 127.0.0.1:8090 --key-out server.pem --data world
  {0} --sandbox 127.0.0.1:10443 --rsa-key server.pem

Options: --session PATH (keeps the login), --dc-id N, --transport NAME, --proxy LINK, --bot-token,
--api-id, --api-hash. What stands on the command line can be seen by other users of this machine: the
variables BOT_TOKEN and CAFEGRAM_PROXY cannot.
)",
                     program);
}

} // namespace cafegram

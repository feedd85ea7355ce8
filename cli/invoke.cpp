#include <cafegram/actors/messages.hpp>
#include <cafegram/cli/connection.hpp>

#include <CLI/CLI.hpp>

#include <iostream>

namespace cafegram::cli {
namespace {

struct invoke_arguments {
  connection_arguments connection;
  std::string method;
  std::string fields = "{}";
};

result<tl::json> invoke(const invoke_arguments& a) {
  auto text = text_or_input(a.fields);
  if (!text) {
    return std::unexpected(std::move(text).error());
  }
  auto function = tl::json::parse(*text, nullptr, false);
  if (function.is_discarded() || !function.is_object()) {
    return fail(errc::bad_argument, "the fields are not a JSON object");
  }
  function["_"] = a.method;
  auto options = to_options(a.connection);
  if (!options) {
    return std::unexpected(std::move(options).error());
  }
  const auto token = std::exchange(options->bot_token, {});
  auto session = open_session(*std::move(options), a.connection.timeout);
  if (!session) {
    return std::unexpected(std::move(session).error());
  }
  // The fields are looked at before anybody is called: a mistake costs no login.
  if (const auto encoded = session->codec->encode(function); !encoded) {
    return std::unexpected(encoded.error());
  }
  if (!token.empty()) {
    if (const auto login = session->account->login_bot(token, session->timeout); !login) {
      return std::unexpected(login.error());
    }
  }
  return call(*session, function);
}

int run_invoke(const invoke_arguments& a) {
  const auto answer = invoke(a);
  if (!answer) {
    return report(answer.error());
  }
  std::cout << answer->dump(2, ' ', false, tl::json::error_handler_t::replace) << '\n';
  return done;
}

} // namespace

void add_invoke(CLI::App& app, action& chosen) {
  auto* command = app.add_subcommand("invoke", "call any API method, with JSON in and out");
  auto arguments = std::make_shared<invoke_arguments>();
  command->add_option("method", arguments->method, "such as users.getUsers")->required();
  command->add_option("fields", arguments->fields, "its fields as JSON; - reads standard input")
      ->capture_default_str();
  add_connection_options(*command, arguments->connection);
  command->callback(
      [&chosen, arguments] { chosen = [arguments] { return run_invoke(*arguments); }; });
}

} // namespace cafegram::cli

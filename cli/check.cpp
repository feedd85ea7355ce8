#include <cafegram/cli/command.hpp>
#include <cafegram/cli/conversation.hpp>
#include <cafegram/cli/page_client.hpp>
#include <cafegram/cli/sandbox_child.hpp>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdlib>
#include <optional>

namespace cafegram::cli {
namespace {

constexpr std::int64_t bot_id = 1000001;
constexpr const char* bot_token = "1000001:token-of-the-demonstration-check-00";

/// Of `127.0.0.1:10443` or `http://127.0.0.1:8090/`; 0 if there is none.
std::uint16_t port_of(const std::string& address) {
  const auto colon = address.rfind(':');
  return colon == std::string::npos
             ? std::uint16_t{0}
             : static_cast<std::uint16_t>(std::strtoul(address.c_str() + colon + 1, nullptr, 10));
}

/// What a person wants to see of a log that is about to go with its folder.
std::string last_lines(const std::string& path) {
  constexpr std::size_t most = 2000;
  auto text = read_file(path).value_or("");
  return text.size() > most ? text.substr(text.size() - most) : text;
}

/// Sandbox and bot in processes of their own, and somebody at the page.
class demonstration {
public:
  demonstration(std::string bot, std::string folder)
    : bot_program_{std::move(bot)}
    , folder_{std::move(folder)} {}

  result<void> start() {
    if (auto up = start_server(0, 0); !up) {
      return up;
    }
    auto started =
        child::start({bot_program_, "--sandbox", server_->mtproto, "--rsa-key", key_path(folder_),
                      "--session", folder_ + "/bot.session"},
                     {.environment = {{"BOT_TOKEN", bot_token},
                                      // What is set for the user's own bots; empty is as not set.
                                      {"API_ID", ""},
                                      {"API_HASH", ""},
                                      {"CAFEGRAM_PROXY", ""},
                                      {"CAFEGRAM_TRANSPORT", ""},
                                      {"CAFEGRAM_DC_ID", ""}},
                      .error_log = folder_ + "/bot.log"});
    if (!started) {
      return std::unexpected(std::move(started).error());
    }
    bot_.emplace(*std::move(started));
    return wait_for_bot();
  }

  /// The server dies without a word and comes back on the same ports; the bot is not touched.
  result<void> restart_server() {
    const auto mtproto = port_of(server_->mtproto);
    const auto page = port_of(server_->page);
    page_.reset();
    server_->process.kill_now();
    server_.reset();
    return start_server(mtproto, page);
  }

  page_client& page() { return *page_; }

private:
  result<void> start_server(std::uint16_t mtproto_port, std::uint16_t page_port) {
    sandbox_child_options options;
    options.folder = folder_;
    options.mtproto_port = mtproto_port;
    options.page_port = page_port;
    options.keep = true;
    auto server = start_sandbox(options);
    if (!server) {
      return std::unexpected(std::move(server).error());
    }
    server_.emplace(*std::move(server));
    auto page = page_client::connect(server_->page);
    if (!page) {
      return std::unexpected(std::move(page).error());
    }
    page_ = *std::move(page);
    return {};
  }

  /// Until the bot is logged in: the sandbox then has it among the users who are there. Whatever
  /// happens in the sandbox is a reason to look again.
  result<void> wait_for_bot() {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (std::chrono::steady_clock::now() < until) {
      const auto state = page_->get("/api/state");
      if (!state) {
        return std::unexpected(state.error());
      }
      for (const auto& user : state->value("users", tl::json::array())) {
        if (user.value("id", std::int64_t{0}) == bot_id && user.value("online", false)) {
          return {};
        }
      }
      static_cast<void>(page_->wait([](const tl::json&) { return true; }, std::chrono::seconds{1}));
    }
    return fail(errc::deadline,
                "the bot did not log in; the end of its log:\n" + last_lines(folder_ + "/bot.log"));
  }

  std::string bot_program_;
  std::string folder_;
  std::optional<sandbox_child> server_;
  std::optional<child> bot_;
  std::unique_ptr<page_client> page_;
};

int run_check(const std::string& bot) {
  const auto folder = temporary_folder::make();
  if (!folder) {
    return report(folder.error());
  }
  demonstration demo{bot, folder->path()};
  if (const auto up = demo.start(); !up) {
    return report(up.error());
  }
  conversation talk{[&demo]() -> page_client& { return demo.page(); }, bot_id,
                    message_log_path(folder->path())};
  talk.run_all([&demo] { return demo.restart_server(); });
  if (talk.passed() != talk.steps()) {
    fmt::print("\nthe bot's log:\n{}\nthe sandbox's log:\n{}\n",
               last_lines(folder->path() + "/bot.log"),
               last_lines(folder->path() + "/sandbox.log"));
  }
  fmt::print("{} of {} steps as expected\n", talk.passed(), talk.steps());
  return talk.passed() == talk.steps() ? done : failed;
}

} // namespace

void add_check(CLI::App& app, action& chosen) {
  auto* command = app.add_subcommand(
      "check", "hold a scripted conversation with the demonstration bot over real sockets");
  auto bot = std::make_shared<std::string>();
  command->add_option("--bot", *bot, "the bot's program")->required()->check(CLI::ExistingFile);
  command->callback([&chosen, bot] { chosen = [bot] { return run_check(*bot); }; });
}

} // namespace cafegram::cli

#include <cafegram/bots/run.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace cafegram {

namespace {

// The environment of the test itself must not be seen.
class settings : public ::testing::Test {
protected:
  settings() {
    for (const char* name : variables) {
      ::unsetenv(name);
    }
    folder_ = std::filesystem::temp_directory_path() /
              ("cafegram-settings-" + std::to_string(::getpid()));
    std::filesystem::create_directory(folder_);
    std::ofstream{key()} << "-----BEGIN RSA PUBLIC KEY-----\n";
  }
  ~settings() override {
    for (const char* name : variables) {
      ::unsetenv(name);
    }
    std::filesystem::remove_all(folder_);
  }

  static result<bot_settings> read(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "bot");
    return read_bot_settings(static_cast<int>(arguments.size()), arguments.data());
  }
  std::string key() const { return folder_ / "key.pem"; }

  static constexpr const char* variables[] = {
      "API_ID",           "API_HASH",           "BOT_TOKEN",
      "CAFEGRAM_SANDBOX", "CAFEGRAM_RSA_KEY",   "CAFEGRAM_DC_ID",
      "CAFEGRAM_SESSION", "CAFEGRAM_TRANSPORT", "CAFEGRAM_PROXY"};
  std::filesystem::path folder_;
};

TEST_F(settings, telegram_by_environment) {
  ::setenv("API_ID", "12", 1);
  ::setenv("API_HASH", "abc", 1);
  ::setenv("BOT_TOKEN", "1:x", 1);
  const auto got = read({"--session", "/somewhere/bot.session"});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->client.api_id, 12);
  EXPECT_EQ(got->client.api_hash, "abc");
  EXPECT_EQ(got->client.bot_token, "1:x");
  EXPECT_EQ(got->client.session_path, "/somewhere/bot.session");
  EXPECT_FALSE(got->client.dc);
  EXPECT_TRUE(got->client.rsa_keys_pem.empty());
  EXPECT_EQ(got->target, "Telegram");
}

TEST_F(settings, a_sandbox_needs_no_account) {
  const auto got = read({"--sandbox", "127.0.0.1:10443", "--rsa-key", key().c_str()});
  ASSERT_TRUE(got) << to_string(got.error());
  EXPECT_EQ(got->client.dc->address, (endpoint{"127.0.0.1", 10443}));
  EXPECT_EQ(got->client.dc->id, 2);
  EXPECT_EQ(got->client.rsa_keys_pem.size(), 1u);
  EXPECT_GT(got->client.api_id, 0);
  EXPECT_FALSE(got->client.bot_token.empty());
  EXPECT_EQ(got->target, "the sandbox at 127.0.0.1:10443");
}

TEST_F(settings, the_command_line_comes_before_the_environment) {
  ::setenv("BOT_TOKEN", "1:environment", 1);
  ::setenv("CAFEGRAM_SANDBOX", "127.0.0.1:1", 1);
  ::setenv("CAFEGRAM_RSA_KEY", key().c_str(), 1);
  const auto got = read({"--bot-token=2:line", "--dc", "127.0.0.1:2", "--dc-id", "4"});
  ASSERT_TRUE(got) << to_string(got.error());
  EXPECT_EQ(got->client.bot_token, "2:line");
  EXPECT_EQ(got->client.dc->address.port, 2);
  EXPECT_EQ(got->client.dc->id, 4);
  EXPECT_EQ(read({})->client.bot_token, "1:environment");
}

TEST_F(settings, what_is_wrong_is_said_without_values) {
  const auto problem = [](std::vector<const char*> arguments) {
    const auto got = read(std::move(arguments));
    return got ? std::string{} : got.error().what;
  };
  EXPECT_EQ(problem({}), "API_ID, API_HASH and BOT_TOKEN are not all set");
  EXPECT_EQ(problem({"--bot-token"}), "--bot-token needs a value");
  EXPECT_EQ(problem({"--tokn", "7:secret"}), "there is no option --tokn");
  EXPECT_EQ(problem({"7:secret"}), "argument 1 is not an option");
  EXPECT_EQ(problem({"--api-id", "7:secret"}), "--api-id is a positive number");
  EXPECT_EQ(problem({"--sandbox", "127.0.0.1:1"}),
            "--rsa-key is missing: the file that the sandbox wrote with --key-out");
  EXPECT_EQ(problem({"--sandbox", ":0x", "--rsa-key", "k"}), "--sandbox is HOST:PORT");
  EXPECT_EQ(problem({"--sandbox", "127.0.0.1:1", "--rsa-key", "/nowhere.pem"}),
            "cannot read the key file /nowhere.pem");
}

TEST_F(settings, a_proxy_comes_as_a_link) {
  ::setenv("CAFEGRAM_PROXY", "socks5://user:pass@proxy.example:1080", 1);
  const auto got = read({"--api-id", "1", "--api-hash", "a", "--bot-token", "1:x"});
  ASSERT_TRUE(got);
  ASSERT_TRUE(got->client.proxy);
  EXPECT_EQ(got->client.proxy->host, "proxy.example");
  EXPECT_EQ(got->client.proxy->password, "pass");
  ::setenv("CAFEGRAM_PROXY", "tg://proxy?server=h&port=1&secret=00secret00", 1);
  const auto wrong = read({"--api-id", "1", "--api-hash", "a", "--bot-token", "1:x"});
  ASSERT_FALSE(wrong);
  EXPECT_FALSE(wrong.error().what.contains("00secret00"));
}

TEST_F(settings, help_names_what_is_needed) {
  const auto text = how_to_run("./my_bot");
  for (const char* word : {"API_ID", "API_HASH", "BOT_TOKEN", "my.telegram.org", "t.me/BotFather",
                           "cafegram sandbox", "./my_bot --sandbox"}) {
    EXPECT_NE(text.find(word), std::string::npos) << word;
  }
}

TEST_F(settings, a_bot_without_settings_ends_with_its_own_code) {
  char name[] = "bot";
  char* argv[] = {name, nullptr};
  EXPECT_EQ(bot::run(1, argv, [](router&) {}), 2);
}

} // namespace

} // namespace cafegram

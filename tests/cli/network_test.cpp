#include <cafegram/cli/sandbox_child.hpp>
#include <cafegram/tl/json.hpp>

#include <optional>

#include "program.hpp"

using namespace cafegram;
using test::run_program;

namespace {

/// One sandbox for the tests of this file, in a process of its own.
class network_command : public ::testing::Test {
protected:
  static void SetUpTestSuite() {
    auto made = cli::temporary_folder::make();
    ASSERT_TRUE(made) << to_string(made.error());
    folder_.emplace(*std::move(made));
    auto started = cli::start_sandbox({.program = CAFEGRAM_PROGRAM, .folder = folder_->path()});
    ASSERT_TRUE(started) << to_string(started.error());
    sandbox_.emplace(*std::move(started));
  }
  static void TearDownTestSuite() {
    sandbox_.reset();
    folder_.reset();
  }

  static std::string where() {
    return " --dc " + sandbox_->mtproto + " --rsa-key " + cli::key_path(folder_->path());
  }

  static inline std::optional<cli::temporary_folder> folder_;
  static inline std::optional<cli::sandbox_child> sandbox_;
};

} // namespace

TEST_F(network_command, connect_shows_each_step_over_every_transport) {
  for (const char* transport :
       {"abridged", "intermediate", "padded", "full", "obfuscated-abridged", "obfuscated-padded"}) {
    const auto answer = run_program("connect --transport " + std::string{transport} + where());
    EXPECT_EQ(answer.status, 0) << transport << ":\n" << answer.output;
    for (const char* step : {"connected", "authorization key", "help.getConfig", "this_dc 2"}) {
      EXPECT_NE(answer.output.find(step), std::string::npos) << step << " in " << answer.output;
    }
  }
}

TEST_F(network_command, invoke_is_typed_by_the_schema) {
  const auto config = run_program("invoke help.getConfig" + where());
  ASSERT_EQ(config.status, 0) << config.output;
  EXPECT_EQ(tl::json::parse(config.output, nullptr, false).value("this_dc", 0), 2);

  const auto users = run_program(R"(invoke users.getUsers '{"id":[{"_":"inputUserSelf"}]}')"
                                 " --bot-token 1000009:some-token-of-the-sandbox-0000" +
                                 where());
  ASSERT_EQ(users.status, 0) << users.output;
  const auto list = tl::json::parse(users.output, nullptr, false);
  ASSERT_TRUE(list.is_array() && list.size() == 1) << users.output;
  EXPECT_EQ(list[0].value("id", std::string{}), "1000009");
}

TEST_F(network_command, invoke_tells_mistakes_apart_from_refusals) {
  const auto unknown = run_program("invoke users.getNobody" + where());
  EXPECT_EQ(unknown.status, 1);
  EXPECT_NE(unknown.output.find("users.getNobody"), std::string::npos) << unknown.output;

  const auto refused =
      run_program(R"(invoke users.getUsers '{"id":[{"_":"inputUserSelf"}]}')" + where());
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.output.find("AUTH_KEY_UNREGISTERED"), std::string::npos) << refused.output;
}

TEST_F(network_command, a_session_file_keeps_the_login) {
  const auto session = " --session " + folder_->path() + "/me.session";
  const auto first = run_program(
      "invoke updates.getState --bot-token 1000010:token-of-a-session-0" + session + where());
  ASSERT_EQ(first.status, 0) << first.output;
  const auto second = run_program("invoke updates.getState" + session + where());
  EXPECT_EQ(second.status, 0) << second.output;
}

TEST_F(network_command, a_server_without_the_right_key_is_not_talked_to) {
  const auto other = cli::temporary_folder::make();
  ASSERT_TRUE(other);
  auto stranger = cli::start_sandbox({.program = CAFEGRAM_PROGRAM, .folder = other->path()});
  ASSERT_TRUE(stranger) << to_string(stranger.error());
  const auto answer = run_program("connect --timeout 5 --dc " + sandbox_->mtproto + " --rsa-key " +
                                  cli::key_path(other->path()));
  EXPECT_EQ(answer.status, 1);
  EXPECT_EQ(answer.output.find("this_dc"), std::string::npos) << answer.output;
}

TEST_F(network_command, listen_prints_updates_as_json) {
  auto listener = cli::child::start(
      {CAFEGRAM_PROGRAM, "listen", "--dc", sandbox_->mtproto, "--rsa-key",
       cli::key_path(folder_->path()), "--bot-token", "1000011:token-of-a-listener-00000"},
      {.environment = {}, .error_log = folder_->path() + "/listen.log"});
  ASSERT_TRUE(listener) << to_string(listener.error());
  // The scripted user of the sandbox answers what the bot writes from another session.
  const auto sent = run_program(R"(invoke contacts.resolveUsername '{"username":"alice"}')"
                                " --bot-token 1000011:token-of-a-listener-00000" +
                                where());
  ASSERT_EQ(sent.status, 0) << sent.output;
  const auto peer = tl::json::parse(sent.output, nullptr, false);
  const auto& user = peer.at("users").at(0);
  std::string heard;
  // What is said before the listener has its first state is history to it: so it is said again.
  for (int attempt = 1; heard.empty() && attempt <= 20; ++attempt) {
    const tl::json message{{"peer",
                            {{"_", "inputPeerUser"},
                             {"user_id", user.at("id")},
                             {"access_hash", user.at("access_hash")}}},
                           {"message", "hello"},
                           {"random_id", std::to_string(attempt)}};
    const auto said = run_program("invoke messages.sendMessage -"
                                  " --bot-token 1000011:token-of-a-listener-00000" +
                                      where(),
                                  message.dump());
    ASSERT_EQ(said.status, 0) << said.output;
    while (const auto line = listener->read_line(std::chrono::seconds{2})) {
      if (line->find("updateNewMessage") != std::string::npos) {
        heard = *line;
        break;
      }
    }
  }
  EXPECT_TRUE(tl::json::accept(heard)) << heard;
}

TEST(network, a_port_that_nobody_listens_on_is_an_error_in_time) {
  const auto answer = run_program("connect --dc 127.0.0.1:1 --timeout 2");
  EXPECT_EQ(answer.status, 1);
  EXPECT_NE(answer.output.find("127.0.0.1:1"), std::string::npos) << answer.output;
}

TEST(network, a_call_that_is_not_answered_says_why_there_was_no_connection) {
  const auto answer = run_program("invoke help.getConfig '{}' --dc 127.0.0.1:1 --timeout 2");
  EXPECT_EQ(answer.status, 1);
  EXPECT_NE(answer.output.find("deadline"), std::string::npos) << answer.output;
  EXPECT_NE(answer.output.find("127.0.0.1:1: Connection refused"), std::string::npos)
      << answer.output;
}

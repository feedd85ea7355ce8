#include "world_support.hpp"

namespace cafegram {
namespace {

using sandbox::json;

class world_login : public test::world_test {};

json with_token(std::string_view token) {
  json out = sandbox::make("auth.importBotAuthorization");
  out["api_id"] = 1;
  out["api_hash"] = "x";
  out["bot_auth_token"] = token;
  return out;
}

TEST_F(world_login, nothing_without_a_login) {
  const auto key = new_key();
  EXPECT_EQ(refused(key, R"({"_":"updates.getState"})"), "401 AUTH_KEY_UNREGISTERED");
  EXPECT_EQ(refused(key, R"({"_":"users.getUsers","id":[]})"), "401 AUTH_KEY_UNREGISTERED");
  EXPECT_EQ(sandbox::kind(call(key, R"({"_":"help.getConfig"})")), "config");
}

TEST_F(world_login, a_bot_has_the_id_of_its_token) {
  const auto key = log_in_bot();
  const json me = self(key);
  EXPECT_EQ(me["id"], 1000001);
  EXPECT_EQ(me["bot"], true);
  EXPECT_EQ(me["self"], true);
  EXPECT_EQ(me["username"], "sandbox_1000001_bot");
  EXPECT_EQ(world->find_key(key)->user, 1000001);
}

TEST_F(world_login, a_token_is_remembered) {
  log_in_bot();
  const auto key = new_key();
  for (const char* token : {"1000001:other", "x:y", "5:", ":y", "12", "5 :y", "5:y z", ""}) {
    EXPECT_EQ(refused(key, with_token(token)), "400 ACCESS_TOKEN_INVALID") << token;
  }
  // Alice's own number is nobody else's.
  EXPECT_EQ(refused(key, with_token("5000001:abc")), "400 ACCESS_TOKEN_INVALID");
  call(key, with_token(test::echo_token));
}

TEST_F(world_login, a_person_signs_up_and_in) {
  const auto key = new_key();
  const json sent = send_code(key, "+1 555 0100");
  EXPECT_EQ(sent["type"]["length"], 5);
  const std::string code = shown_code();
  ASSERT_EQ(code.size(), 5u);
  const std::string wrong = code == "00000" ? "00001" : "00000";
  EXPECT_EQ(refused(key, sign_in(sent, "15550100", wrong)), "400 PHONE_CODE_INVALID");
  EXPECT_EQ(refused(key, sign_in(sent, "15550100", "")), "400 PHONE_CODE_EMPTY");
  EXPECT_EQ(refused(key, sign_in(sent, "15550101", code)), "400 PHONE_CODE_EXPIRED");
  json up = sandbox::make("auth.signUp");
  up["phone_number"] = "15550100";
  up["phone_code_hash"] = sent["phone_code_hash"];
  up["first_name"] = "Bob";
  up["last_name"] = "B";
  EXPECT_EQ(refused(key, up), "400 PHONE_CODE_EXPIRED") << "before the code was right";
  EXPECT_EQ(sandbox::kind(call(key, sign_in(sent, "15550100", code))),
            "auth.authorizationSignUpRequired");
  const json in = call(key, up);
  EXPECT_EQ(in["user"]["first_name"], "Bob");
  EXPECT_EQ(in["user"]["phone"], "15550100");

  const auto again = new_key();
  const json other = send_code(again, "15550100");
  const json known = call(again, sign_in(other, "15550100", shown_code()));
  EXPECT_EQ(known["user"]["id"], in["user"]["id"]);
  EXPECT_EQ(refused(again, sign_in(other, "15550100", code)), "400 PHONE_CODE_EXPIRED")
      << "a code works once";
}

TEST_F(world_login, codes_end) {
  const auto key = new_key();
  const json sent = send_code(key, "15550100");
  json resend = sandbox::make("auth.resendCode");
  resend["phone_number"] = "15550100";
  resend["phone_code_hash"] = sent["phone_code_hash"];
  EXPECT_EQ(sandbox::kind(call(key, resend)["type"]), "auth.sentCodeTypeSms");
  const std::string second = shown_code();
  clock.advance(std::chrono::seconds{300});
  EXPECT_EQ(refused(key, sign_in(sent, "15550100", second)), "400 PHONE_CODE_EXPIRED");
  EXPECT_EQ(refused(key, resend), "400 PHONE_CODE_EXPIRED") << "too late for another one";
}

TEST_F(world_login, codes_can_be_given_up) {
  const auto key = new_key();
  const json sent = send_code(key, "15550100");
  const std::string code = shown_code();
  json cancel = sandbox::make("auth.cancelCode");
  cancel["phone_number"] = "15550100";
  cancel["phone_code_hash"] = sent["phone_code_hash"];
  EXPECT_EQ(call(key, cancel), json(true));
  EXPECT_EQ(refused(key, sign_in(sent, "15550100", code)), "400 PHONE_CODE_EXPIRED");
}

TEST_F(world_login, codes_that_have_ended_do_not_stay) {
  const auto key = new_key();
  for (int i = 0; i < 50; ++i) {
    send_code(key, std::to_string(15550200 + i));
  }
  clock.advance(std::chrono::seconds{300});
  send_code(key, "15550100");
  // As somebody sees it for whom no time has passed.
  sandbox::page_state state;
  world->describe(state, wall_time{});
  EXPECT_EQ(state.codes.size(), 1U);
}

TEST_F(world_login, codes_cannot_be_guessed) {
  const auto key = new_key();
  const json sent = send_code(key, "15550100");
  const std::string code = shown_code();
  const std::string wrong = code == "00000" ? "00001" : "00000";
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(refused(key, sign_in(sent, "15550100", wrong)), "400 PHONE_CODE_INVALID");
  }
  EXPECT_EQ(refused(key, sign_in(sent, "15550100", code)), "400 PHONE_CODE_EXPIRED");
}

TEST_F(world_login, numbers_and_applications_are_checked) {
  const auto key = new_key();
  EXPECT_EQ(refused(key, R"({"_":"auth.sendCode","phone_number":"12","api_id":1,"api_hash":"x",
                            "settings":{"_":"codeSettings"}})"),
            "400 PHONE_NUMBER_INVALID");
  EXPECT_EQ(refused(key, R"({"_":"auth.sendCode","phone_number":"15550100","api_id":0,
                            "api_hash":"x","settings":{"_":"codeSettings"}})"),
            "400 API_ID_INVALID");
}

TEST_F(world_login, logging_out_ends_the_login_of_that_key) {
  const auto one = log_in_bot();
  const auto two = log_in_bot();
  call(one, R"({"_":"auth.logOut"})");
  EXPECT_EQ(refused(one, R"({"_":"updates.getState"})"), "401 AUTH_KEY_UNREGISTERED");
  call(two, R"({"_":"updates.getState"})");
}

TEST_F(world_login, the_configuration_names_the_dc_of_the_key) {
  for (const auto& [told, id] :
       {std::pair{0, 2}, {2, 2}, {4, 4}, {10002, 2}, {-4, 4}, {-10003, 3}}) {
    const json config = call(new_key(told), R"({"_":"help.getConfig"})");
    EXPECT_EQ(config["this_dc"], id) << told;
    EXPECT_EQ(config["dc_options"].size(), 5u);
    EXPECT_EQ(config["dc_options"][0]["port"], 443);
  }
  EXPECT_EQ(call(new_key(3), R"({"_":"help.getNearestDc"})")["this_dc"], 3);
  call(new_key(), R"({"_":"help.getAppConfig","hash":0})");
  call(new_key(), R"({"_":"help.getCdnConfig"})");
}

TEST_F(world_login, what_is_not_simulated_says_so_and_is_counted) {
  const auto key = log_in_bot();
  EXPECT_EQ(refused(key, R"({"_":"payments.getStarsTopupOptions"})"), "400 SANDBOX_METHOD_MISSING");
  sandbox::page_state state;
  world->describe(state, clock.wall_now());
  ASSERT_EQ(state.missing.size(), 1u);
  EXPECT_EQ(state.missing[0].name, "payments.getStarsTopupOptions");
  EXPECT_EQ(state.missing[0].calls, 1u);
  EXPECT_EQ(state.missing[0].errors, 1u);
}

TEST_F(world_login, people_and_bots_have_their_own_methods) {
  const auto bot = log_in_bot();
  const auto person = log_in_person("15550100");
  for (const char* name : {"messages.getHistory", "messages.getDialogs", "contacts.getContacts",
                           "messages.readHistory", "messages.getBotCallbackAnswer"}) {
    EXPECT_EQ(refused(bot, sandbox::make(name)), "400 BOT_METHOD_INVALID") << name;
  }
  for (const char* name : {"bots.setBotCommands", "messages.setBotCallbackAnswer"}) {
    EXPECT_EQ(refused(person, sandbox::make(name)), "400 USER_BOT_REQUIRED") << name;
  }
}

} // namespace
} // namespace cafegram

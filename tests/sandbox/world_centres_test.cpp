#include "world_support.hpp"

/// Several data centres: who is at home where, and how a login is carried.
namespace cafegram {
namespace {

using sandbox::json;

constexpr std::int32_t first = 2;
constexpr std::int32_t second = 4;

class world_centres : public test::world_test {
protected:
  void SetUp() override {
    auto options = plain();
    options.dc_id = first;
    options.data_centres[second] = {"127.0.0.2", std::uint16_t{444}};
    options.homes["1000004"] = second;
    options.homes["15550104"] = second;
    open(sandbox::make_memory_store(), options);
  }

  std::string refused_bot(std::uint64_t key, std::string_view token) {
    json request = sandbox::make("auth.importBotAuthorization");
    request["api_id"] = 1;
    request["api_hash"] = "x";
    request["bot_auth_token"] = token;
    const auto value = ask(key, request);
    return value ? "" : fmt::format("{} {}", value.error().code, value.error().text);
  }

  std::string refused_code(std::uint64_t key, const std::string& phone) {
    json request = sandbox::make("auth.sendCode");
    request["phone_number"] = phone;
    request["api_id"] = 1;
    request["api_hash"] = "x";
    request["settings"] = sandbox::make("codeSettings");
    const auto value = ask(key, request);
    return value ? "" : fmt::format("{} {}", value.error().code, value.error().text);
  }

  static json export_to(std::int32_t dc) {
    json request = sandbox::make("auth.exportAuthorization");
    request["dc_id"] = dc;
    return request;
  }
  static json import_of(const json& ticket) {
    json request = sandbox::make("auth.importAuthorization");
    request["id"] = ticket["id"];
    request["bytes"] = ticket["bytes"];
    return request;
  }

  static constexpr const char* state = R"({"_":"updates.getState"})";
};

TEST_F(world_centres, the_configuration_names_those_that_are_here) {
  for (const auto dc : {first, second}) {
    const auto key = new_key(dc);
    const json config = call(key, R"({"_":"help.getConfig"})");
    EXPECT_EQ(config["this_dc"], dc);
    ASSERT_EQ(config["dc_options"].size(), 2U);
    EXPECT_EQ(config["dc_options"][0]["id"], first);
    EXPECT_EQ(config["dc_options"][0]["port"], 443);
    EXPECT_EQ(config["dc_options"][1]["id"], second);
    EXPECT_EQ(config["dc_options"][1]["ip_address"], "127.0.0.2");
    EXPECT_EQ(config["dc_options"][1]["port"], 444);
    const json nearest = call(key, R"({"_":"help.getNearestDc"})");
    EXPECT_EQ(nearest["this_dc"], dc);
    EXPECT_EQ(nearest["nearest_dc"], first);
  }
}

TEST_F(world_centres, a_bot_is_sent_home) {
  EXPECT_EQ(refused_bot(new_key(first), "1000004:abc"), "303 USER_MIGRATE_4");
  EXPECT_EQ(refused_bot(new_key(second), "1000004:abc"), "");
  EXPECT_EQ(refused_bot(new_key(second), "1000001:abc"), "303 USER_MIGRATE_2");
}

TEST_F(world_centres, a_phone_is_sent_home_and_a_new_one_to_the_nearest) {
  EXPECT_EQ(refused_code(new_key(first), "+1 555 0104"), "303 PHONE_MIGRATE_4");
  EXPECT_EQ(refused_code(new_key(second), "15550104"), "");
  EXPECT_EQ(refused_code(new_key(second), "15550100"), "303 NETWORK_MIGRATE_2");
  EXPECT_EQ(refused_code(new_key(first), "15550100"), "");
}

// As at Telegram: 99966 and the number of the data centre.
TEST_F(world_centres, a_phone_of_the_tests_names_its_home) {
  EXPECT_EQ(refused_code(new_key(first), "9996641234"), "303 PHONE_MIGRATE_4");
  EXPECT_EQ(refused_code(new_key(second), "9996621234"), "303 PHONE_MIGRATE_2");
  EXPECT_EQ(refused_code(new_key(first), "9996651234"), "") << "5 is not here";
}

// Once somebody has signed up, the phone and not the network says where.
TEST_F(world_centres, a_known_phone_is_asked_for_at_home) {
  log_in_person("15550100");
  EXPECT_EQ(refused_code(new_key(second), "15550100"), "303 PHONE_MIGRATE_2");
}

TEST_F(world_centres, a_login_is_carried_to_another_one) {
  const auto home = log_in_bot();
  const json ticket = call(home, export_to(second));
  EXPECT_EQ(ticket["id"], test::echo_id);
  const auto key = new_key(second);
  EXPECT_EQ(refused(key, R"({"_":"users.getUsers","id":[]})"), "401 AUTH_KEY_UNREGISTERED");
  const json in = call(key, import_of(ticket));
  EXPECT_EQ(in["user"]["id"], test::echo_id);
  EXPECT_EQ(world->find_key(key)->user, test::echo_id);
  EXPECT_EQ(refused(new_key(second), import_of(ticket)), "400 AUTH_BYTES_INVALID") << "once";
}

TEST_F(world_centres, what_is_carried_wrongly_is_refused) {
  const auto home = log_in_bot();
  EXPECT_EQ(refused(home, export_to(first)), "400 DC_ID_INVALID");
  EXPECT_EQ(refused(home, export_to(5)), "400 DC_ID_INVALID");
  EXPECT_EQ(refused(new_key(first), export_to(second)), "401 AUTH_KEY_UNREGISTERED");
  json ticket = call(home, export_to(second));
  EXPECT_EQ(refused(new_key(first), import_of(ticket)), "400 AUTH_BYTES_INVALID")
      << "it was made for another one";
  json stranger = ticket;
  stranger["id"] = 5;
  EXPECT_EQ(refused(new_key(second), import_of(stranger)), "400 USER_ID_INVALID");
  json forged = ticket;
  forged["bytes"] = "AAAA";
  EXPECT_EQ(refused(new_key(second), import_of(forged)), "400 AUTH_BYTES_INVALID");
  clock.advance(std::chrono::minutes{5});
  EXPECT_EQ(refused(new_key(second), import_of(ticket)), "400 AUTH_BYTES_INVALID");
}

TEST_F(world_centres, of_many_that_are_under_way_the_oldest_go) {
  const auto home = log_in_bot();
  const json oldest = call(home, export_to(second));
  clock.advance(std::chrono::seconds{1});
  json newest;
  for (int i = 0; i < 1'000; ++i) {
    newest = call(home, export_to(second));
  }
  EXPECT_EQ(refused(new_key(second), import_of(oldest)), "400 AUTH_BYTES_INVALID");
  call(new_key(second), import_of(newest));
}

TEST_F(world_centres, a_login_that_was_carried_is_no_home) {
  const auto home = log_in_bot();
  const auto key = new_key(second);
  call(key, import_of(call(home, export_to(second))));
  EXPECT_EQ(refused(key, state), "303 USER_MIGRATE_2");
  call(home, state);
  // And no updates come there.
  const auto other = log_in_person("15550100");
  call(other, text_to(peer(other, "sandbox_1000001_bot"), "hi"));
  EXPECT_EQ(pushed(home, "updateNewMessage")["message"]["message"], "hi");
  EXPECT_TRUE(pushed(key, "updateNewMessage").is_null());
}

TEST_F(world_centres, files_and_statistics_are_where_they_are) {
  auto options = plain();
  options.dc_id = first;
  options.data_centres[second] = {"127.0.0.1", std::uint16_t{444}};
  options.file_dc = second;
  options.stats_dc = second;
  open(sandbox::make_memory_store(), options);
  const auto home = log_in_bot();
  const auto away = new_key(second);
  call(away, import_of(call(home, export_to(second))));
  EXPECT_EQ(refused(home, R"({"_":"upload.getFile"})"), "303 FILE_MIGRATE_4");
  EXPECT_EQ(refused(away, R"({"_":"upload.getFile"})"), "400 LOCATION_INVALID");
  EXPECT_EQ(refused(home, R"({"_":"stats.getBroadcastStats"})"), "303 STATS_MIGRATE_4");
  EXPECT_EQ(refused(away, R"({"_":"stats.getBroadcastStats"})"), "400 BOT_METHOD_INVALID");
}

TEST_F(world_centres, who_moves_is_sent_after) {
  const auto home = log_in_bot();
  call(home, state);
  world->move_home(test::echo_id, second);
  EXPECT_EQ(refused(home, state), "303 USER_MIGRATE_4");
  const auto key = new_key(second);
  call(key, import_of(call(home, export_to(second))));
  call(key, state);
}

// Alone, nothing is anywhere else, whatever a client's key says.
class world_alone : public test::world_test {};

TEST_F(world_alone, one_data_centre_stands_for_all) {
  const auto key = new_key(5);
  const json config = call(key, R"({"_":"help.getConfig"})");
  EXPECT_EQ(config["this_dc"], 5);
  EXPECT_EQ(config["dc_options"].size(), 5U);
  send_code(key, "9996641234");
  json request = sandbox::make("auth.importBotAuthorization");
  request["api_id"] = 1;
  request["api_hash"] = "x";
  request["bot_auth_token"] = test::echo_token;
  call(key, request);
}

} // namespace
} // namespace cafegram

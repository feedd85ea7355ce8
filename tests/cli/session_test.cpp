#include <cafegram/tests/temporary_folder.hpp>

#include <nlohmann/json.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include "program.hpp"

namespace cafegram {

namespace {

using nlohmann::json;
using test::run_program;

/// A string of another library's, and what it says.
json vector_of(const std::string& kind, bool with_user) {
  const auto all =
      json::parse(test::read_text(test::source_folder() / "tests/storage/session_vectors.json"));
  for (const auto& one : all.at("cases")) {
    if (one.at("kind") == kind && one.contains("user_id") == with_user &&
        !one.value("test_mode", false)) {
      return one;
    }
  }
  ADD_FAILURE() << "no vector of " << kind;
  return {};
}

struct session_command : testing::Test {
  test::temporary_folder folder;
  json given = vector_of("mtcute", true);
  std::string key = given.at("auth_key");

  std::string file(std::string_view name) const { return folder.file(name); }
  test::run_result import_to(const std::string& place) {
    return run_program("session import " + place, given.at("string").get<std::string>());
  }
  /// Neither the key nor a good part of it, in any way in which it could be written.
  void expect_no_secret(const std::string& output) const {
    EXPECT_EQ(output.find(key.substr(40, 12)), std::string::npos) << output;
    EXPECT_EQ(output.find(given.at("string").get<std::string>().substr(120, 8)), std::string::npos)
        << output;
  }
};

} // namespace

TEST_F(session_command, shows_no_secret_unless_asked_for_it) {
  const auto imported = import_to(file("s"));
  ASSERT_EQ(imported.status, 0) << imported.output;
  EXPECT_EQ(imported.output, "");
  const auto shown = run_program("session show " + file("s"));
  ASSERT_EQ(shown.status, 0) << shown.output;
  EXPECT_NE(shown.output.find("bot " + std::to_string(given.at("user_id").get<std::int64_t>())),
            std::string::npos)
      << shown.output;
  EXPECT_NE(shown.output.find(given.at("server_address").get<std::string>()), std::string::npos);
  expect_no_secret(shown.output);
  const auto all = run_program("session show --secrets " + file("s"));
  EXPECT_NE(all.output.find(key), std::string::npos) << all.output;
}

TEST_F(session_command, exports_to_a_file_for_its_owner_or_when_told_to_print) {
  ASSERT_EQ(import_to(file("s")).status, 0);
  const auto neither = run_program("session export " + file("s") + " --to mtcute");
  EXPECT_EQ(neither.status, 2);
  EXPECT_NE(neither.output.find("--print"), std::string::npos) << neither.output;
  expect_no_secret(neither.output);

  const auto written =
      run_program("session export " + file("s") + " --to mtcute --out " + file("out"));
  ASSERT_EQ(written.status, 0) << written.output;
  expect_no_secret(written.output);
  EXPECT_EQ(test::read_text(file("out")), given.at("string").get<std::string>());
  struct stat status{};
  ASSERT_EQ(::stat(file("out").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  const auto before = test::read_text(file("out"));
  EXPECT_EQ(run_program("session export " + file("s") +
                        " --to gramjs --address 127.0.0.1:443 --out " + file("out"))
                .status,
            0);
  EXPECT_EQ(test::read_text(file("out")), before) << "nothing is written over";
  EXPECT_TRUE(std::filesystem::exists(file("out-2")));

  for (const auto* format : {"cafegram", "telethon", "pyrogram"}) {
    const auto printed = run_program("session export --print " + file("s") + " --to " + format);
    ASSERT_EQ(printed.status, 0) << printed.output;
    const auto back = run_program("session import " + file(format), printed.output);
    ASSERT_EQ(back.status, 0) << back.output;
    EXPECT_NE(run_program("session show --secrets " + file(format)).output.find(key),
              std::string::npos)
        << format;
  }
}

TEST_F(session_command, converts_between_kinds_and_keys) {
  ASSERT_EQ(import_to("file:" + file("a")).status, 0);
  std::ofstream{file("key")} << "a passphrase";
  const auto sealed = "sqlite:" + file("b") + "?key=file:" + file("key");
  ASSERT_EQ(run_program("session convert " + file("a") + " '" + sealed + "'").status, 0);
  const auto locked = run_program("session show " + file("b"));
  EXPECT_EQ(locked.status, 1);
  EXPECT_NE(locked.output.find("encrypted"), std::string::npos) << locked.output;
  EXPECT_EQ(test::read_text(file("b")).find("mtcute"), std::string::npos);
  ASSERT_EQ(run_program("session convert '" + sealed + "' file:" + file("c")).status, 0);
  EXPECT_NE(run_program("session show --secrets " + file("c")).output.find(key), std::string::npos);
}

TEST_F(session_command, writes_over_no_session) {
  ASSERT_EQ(import_to(file("s")).status, 0);
  const auto again = import_to(file("s"));
  EXPECT_EQ(again.status, 2);
  EXPECT_NE(again.output.find("already"), std::string::npos) << again.output;
  ASSERT_EQ(import_to(file("t")).status, 0);
  EXPECT_EQ(run_program("session convert " + file("s") + " " + file("t")).status, 2);
}

TEST_F(session_command, tells_what_is_wrong) {
  const auto missing = run_program("session show " + file("none"));
  EXPECT_EQ(missing.status, 1);
  EXPECT_NE(missing.output.find("no session"), std::string::npos) << missing.output;
  EXPECT_FALSE(std::filesystem::exists(file("none"))) << "looking makes nothing";
  auto bad = given.at("string").get<std::string>();
  bad.resize(bad.size() / 8 * 4); // whole octets
  const auto damaged = run_program("session import --from mtcute " + file("s"), bad);
  EXPECT_EQ(damaged.status, 1);
  EXPECT_NE(damaged.output.find("too short"), std::string::npos) << damaged.output;
  expect_no_secret(damaged.output);
  EXPECT_EQ(run_program("session import " + file("s"), "hello").status, 1);
  ASSERT_EQ(import_to(file("s")).status, 0);
  const auto misnamed = run_program("session export --print --key secret " + file("s"));
  EXPECT_EQ(misnamed.status, 2);
  EXPECT_NE(misnamed.output.find("env:NAME"), std::string::npos) << misnamed.output;
}

} // namespace cafegram

#include <cafegram/tl/json.hpp>

#include <fstream>

#include "program.hpp"

using namespace cafegram;
using test::run_program;

namespace {

// Telegram's ids are of their texts; these two are made up and have ids of their own.
constexpr const char* small_schema = R"(// LAYER 7
boolFalse#bc799737 = Bool;
boolTrue#997275b5 = Bool;
pet#00000001 flags:# name:string age:flags.0?int = Pet;
)";
constexpr const char* changed_schema = R"(// LAYER 8
boolFalse#bc799737 = Bool;
boolTrue#997275b5 = Bool;
pet#00000002 flags:# name:string age:flags.0?long = Pet;
---functions---
pets.count#00000003 = Vector<int>;
)";

struct tl_command : testing::Test {
  std::string file(std::string_view name, std::string_view content) const {
    auto path = folder.file(name);
    std::ofstream{path, std::ios::binary} << content;
    return path;
  }

  test::temporary_folder folder;
};

} // namespace

TEST_F(tl_command, encodes_and_decodes_with_the_built_in_layer) {
  const auto encoded =
      run_program(R"(tl encode '{"_":"inputPeerUser","user_id":"5","access_hash":"-1"}')");
  EXPECT_EQ(encoded.output, "4ca5e8dd0500000000000000ffffffffffffffff\n");
  EXPECT_EQ(encoded.status, 0);

  const auto decoded = run_program("tl decode " + encoded.output.substr(0, 40));
  EXPECT_EQ(decoded.status, 0);
  const auto value = tl::json::parse(decoded.output, nullptr, false);
  EXPECT_EQ(value, tl::json({{"_", "inputPeerUser"}, {"user_id", "5"}, {"access_hash", "-1"}}))
      << decoded.output;
}

TEST_F(tl_command, reads_any_schema_and_standard_input) {
  const auto schema = file("small.tl", small_schema);
  const auto encoded = run_program("tl encode --schema " + schema + " --bytes base64 -",
                                   R"({"_":"pet","name":"Rex"})");
  EXPECT_EQ(encoded.output, "AQAAAAAAAAADUmV4\n");
  const auto dumped =
      run_program("tl dump --schema " + schema + " --bytes base64 -", encoded.output);
  EXPECT_EQ(dumped.output, "pet\n  name: \"Rex\"\n");
  EXPECT_EQ(dumped.status, 0);
}

TEST_F(tl_command, raw_octets_go_through_a_pipe) {
  const auto schema = file("small.tl", small_schema);
  const auto encoded = run_program("tl encode --schema " + schema + " --bytes raw -",
                                   R"({"_":"pet","name":"Rex","age":3})");
  ASSERT_EQ(encoded.output.size(), 16U);
  const auto decoded =
      run_program("tl decode --schema " + schema + " --bytes raw -", encoded.output);
  EXPECT_EQ(tl::json::parse(decoded.output, nullptr, false).value("age", 0), 3) << decoded.output;
}

TEST_F(tl_command, takes_a_type_that_is_no_object) {
  const auto encoded = run_program("tl encode --type 'Vector<int>' '[1,-1]'");
  EXPECT_EQ(encoded.output, "15c4b51c0200000001000000ffffffff\n");
  const auto decoded =
      run_program("tl decode --type 'Vector<int>' " + encoded.output.substr(0, 32));
  EXPECT_EQ(tl::json::parse(decoded.output, nullptr, false), tl::json({1, -1})) << decoded.output;
}

TEST_F(tl_command, tells_what_changed_between_two_schemas) {
  const auto before = file("small.tl", small_schema);
  const auto after = file("changed.tl", changed_schema);
  const auto changes = run_program("tl diff " + before + " " + after);
  EXPECT_EQ(changes.status, 0);
  EXPECT_NE(changes.output.find("pets.count#00000003"), std::string::npos) << changes.output;
  EXPECT_NE(changes.output.find("age:flags.0?long"), std::string::npos) << changes.output;
  EXPECT_EQ(changes.output.find("boolTrue"), std::string::npos) << changes.output;
}

TEST_F(tl_command, names_the_place_of_a_mistake) {
  const auto not_hex = run_program("tl decode 00zz");
  EXPECT_EQ(not_hex.status, 1);
  EXPECT_NE(not_hex.output.find("not hexadecimal"), std::string::npos) << not_hex.output;
  EXPECT_NE(not_hex.output.find("character 2"), std::string::npos) << not_hex.output;

  const auto cut = run_program("tl decode 4ca5e8dd05000000");
  EXPECT_EQ(cut.status, 1);
  EXPECT_NE(cut.output.find("user_id"), std::string::npos) << cut.output;

  const auto wrong = run_program(R"(tl encode '{"_":"inputPeerUser","user_id":"x"}')");
  EXPECT_EQ(wrong.status, 1);
  EXPECT_NE(wrong.output.find("user_id"), std::string::npos) << wrong.output;
}

TEST_F(tl_command, refuses_a_schema_that_does_not_parse) {
  const auto schema = file("broken.tl", "pet#1 name:string = Pet;\npet#2 = ;\n");
  const auto answer = run_program("tl decode --schema " + schema + " 01000000");
  EXPECT_EQ(answer.status, 1);
  EXPECT_NE(answer.output.find(schema), std::string::npos) << answer.output;
}

#include <gtest/gtest.h>

#include <iostream>

#include "../support.hpp"
#include "dynamic_support.hpp"

namespace cafegram {
namespace {

using tl::json;

/// The vectors' way of saying octets, in ours; objects without order. The vectors show some absent
/// numbers as zero: those that `like` does not have are left out.
nlohmann::json to_our_form(const json& value, const json& like) {
  if (value.is_object() && value.size() == 1 && value.contains("$hex")) {
    return to_base64(test::hex(value["$hex"].get<std::string>()));
  }
  if (value.is_array()) {
    nlohmann::json out = nlohmann::json::array();
    for (std::size_t i = 0; i < value.size(); ++i) {
      out.push_back(to_our_form(value[i], like.is_array() && i < like.size() ? like[i] : json{}));
    }
    return out;
  }
  if (!value.is_object()) {
    return value;
  }
  nlohmann::json out = nlohmann::json::object();
  for (const auto& [name, member] : value.items()) {
    const auto at = like.find(name);
    const bool zero = member == json(0) || member == json("0");
    if (at != like.end() || !zero) {
      out[name] = to_our_form(member, at != like.end() ? *at : json{});
    }
  }
  return out;
}

void run_cases(const std::string& vectors, const std::filesystem::path& schema_path,
               std::size_t least) {
  const auto codec = test::codec_of(test::read_text(schema_path));
  const json all = test::parse_json(test::read_text(test::shared_folder() / "vectors" / vectors));
  std::size_t checked = 0;
  std::string other_id;
  for (const json& item : all["cases"]) {
    const bytes wire = test::hex(item["hex"].get<std::string>());
    const auto name = item["name"].get<std::string>();
    const auto id =
        static_cast<std::uint32_t>(std::stoul(item["id"].get<std::string>(), nullptr, 16));
    if (codec.definitions().find(id) == nullptr) {
      other_id += " " + name;
      continue;
    }
    const auto decoded = codec.decode(wire);
    if (!decoded && decoded.error().what.find("unknown constructor") != std::string::npos) {
      other_id += " (in " + name + ")";
      continue;
    }
    ASSERT_TRUE(decoded) << name << ": " << to_string(decoded.error());
    const nlohmann::json expected = to_our_form(item["value"], *decoded);
    EXPECT_EQ(nlohmann::json(*decoded), expected) << name;
    const auto encoded = codec.encode(json(expected));
    ASSERT_TRUE(encoded) << name << ": " << to_string(encoded.error());
    EXPECT_EQ(to_hex(*encoded), item["hex"].get<std::string>()) << name;
    ++checked;
  }
  std::cout << vectors << ": " << checked
            << " checked; left out, with another id in this schema:" << other_id << '\n';
  EXPECT_GE(checked, least);
}

TEST(dynamic_vectors, layer_227) {
  CAFEGRAM_NEEDS_SHARED();
  run_cases("tl_layer_227.json", test::shared_folder() / "rigs/schema/gotd_227.tl", 438);
}

TEST(dynamic_vectors, layer_228) {
  CAFEGRAM_NEEDS_SHARED();
  run_cases("tl_layer_228.json", test::shared_folder() / "rigs/schema/gotd_228.tl", 438);
}

TEST(dynamic_vectors, our_schema_against_layer_228) {
  CAFEGRAM_NEEDS_SHARED();
  run_cases("tl_layer_228.json", test::source_folder() / "tl/schema/api.tl", 400);
}

TEST(dynamic_vectors, schemas_of_all_layers_are_read) {
  CAFEGRAM_NEEDS_SHARED();
  for (const auto& entry :
       std::filesystem::directory_iterator{test::shared_folder() / "rigs/schema"}) {
    const auto parsed = tl::schema::parse(test::read_text(entry.path()));
    ASSERT_TRUE(parsed) << entry.path() << ": " << to_string(parsed.error());
    EXPECT_EQ(parsed->layer() > 0, entry.path().filename().string().starts_with("gotd"));
  }
}

} // namespace
} // namespace cafegram

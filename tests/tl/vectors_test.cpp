#include <cafegram/tests/support.hpp>
#include <cafegram/tl/api.hpp>
#include <cafegram/tl/json.hpp>

#include <algorithm>
#include <iostream>

#include "typed.hpp"

/// Octets and values that an independent library made.

using namespace cafegram;
using tl::json;

namespace {

/// The vectors' `{"$hex":...}` as base64. They show some absent numbers as zero: those that our
/// value does not have are left out.
json our_form(const json& value, const json& ours) {
  if (value.is_object() && value.size() == 1 && value.contains("$hex")) {
    return to_base64(test::hex(value["$hex"].get<std::string>()));
  }
  if (value.is_array()) {
    auto out = json::array();
    for (std::size_t i = 0; i < value.size(); ++i) {
      out.push_back(our_form(value[i], ours.is_array() && i < ours.size() ? ours[i] : json{}));
    }
    return out;
  }
  if (!value.is_object()) {
    return value;
  }
  auto out = json::object();
  for (const auto& [name, member] : value.items()) {
    const auto at = ours.find(name);
    if (at != ours.end() || (member != json(0) && member != json("0"))) {
      out[name] = our_form(member, at != ours.end() ? *at : json{});
    }
  }
  return out;
}

/// Without regard to the order of members.
nlohmann::json unordered(const json& value) {
  return nlohmann::json::parse(value.dump());
}

struct tally {
  int checked = 0;
  int other_id = 0;    ///< the definition has another id here
  int other_inner = 0; ///< a definition inside has another id here
};

void run_case(const json& item, tally& count) {
  const auto name = item["name"].get<std::string>();
  const auto encoded = test::hex(item["hex"].get<std::string>());
  const auto id =
      static_cast<std::uint32_t>(std::stoul(item["id"].get<std::string>(), nullptr, 16));
  const auto* def = tl::schema_table.find(id);
  if (def == nullptr) {
    ++count.other_id;
    return;
  }
  EXPECT_EQ(def->name, name);
  EXPECT_EQ(def->function, item["kind"] != "constructor");
  const auto all = tl::detail::all_api();
  const auto about = std::ranges::find(all, id, &tl::detail::info::id);
  ASSERT_NE(about, all.end());
  tl::decode_error failure;
  const auto value = test::decode(**about, bytes_view{encoded}.subspan(4), failure);
  if (!value) {
    EXPECT_EQ(failure.fault, tl::decode_fault::unknown_constructor) << name;
    ++count.other_inner;
    return;
  }
  EXPECT_EQ(to_hex(test::encode(**about, *value)), to_hex(encoded)) << name;
  const auto ours = json::parse(tl::to_json(encoded, tl::schema_table));
  const auto expected = our_form(item["value"], ours);
  EXPECT_EQ(unordered(ours), unordered(expected)) << name;
  const auto back = tl::from_json(expected.dump(), tl::schema_table);
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(to_hex(*back), to_hex(encoded)) << name;
  ++count.checked;
}

void run_file(const char* file, int least) {
  const auto all =
      json::parse(test::read_text(test::shared_folder() / "vectors" / file), nullptr, false);
  ASSERT_TRUE(all.is_object()) << file;
  tally count;
  for (const auto& item : all["cases"]) {
    run_case(item, count);
  }
  std::cout << file << ": " << count.checked
            << " checked, left out for another id in our schema: " << count.other_id
            << " themselves, " << count.other_inner << " inside\n";
  EXPECT_GE(count.checked, least);
}

} // namespace

TEST(vectors, layer_227) {
  CAFEGRAM_NEEDS_SHARED();
  run_file("tl_layer_227.json", 300);
}

TEST(vectors, layer_228) {
  CAFEGRAM_NEEDS_SHARED();
  run_file("tl_layer_228.json", 300);
}

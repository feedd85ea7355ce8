#include <map>

#include "world_support.hpp"

namespace cafegram {
namespace {

/// The part of docs/sandbox.md that says what is simulated.
std::string methods_table() {
  std::string out = "| simulated | namespace: how many of its functions are not |\n"
                    "|---|---|\n";
  std::map<std::string, std::pair<std::string, int>> spaces; // simulated, missing
  for (const auto& def : test::newest_layer().codec(0).definitions().definitions()) {
    if (!def.function) {
      continue;
    }
    const auto dot = def.name.find('.');
    auto& [simulated, missing] =
        spaces[dot == std::string::npos ? "(wrappers)" : def.name.substr(0, dot)];
    if (sandbox::world::is_simulated(def.name)) {
      simulated += (simulated.empty() ? "`" : ", `") + def.name + "`";
    } else {
      ++missing;
    }
  }
  for (const auto& [space, row] : spaces) {
    if (space != "(wrappers)") {
      out += "| " + row.first + " | `" + space + "`: " + std::to_string(row.second) + " |\n";
    }
  }
  return out;
}

/// All that answers `SANDBOX_METHOD_MISSING`, as docs/sandbox_methods.md lists it.
std::string missing_methods() {
  std::map<std::string, std::string> spaces;
  for (const auto& def : test::newest_layer().codec(0).definitions().definitions()) {
    const auto dot = def.name.find('.');
    if (def.function && dot != std::string::npos && !sandbox::world::is_simulated(def.name)) {
      auto& names = spaces[def.name.substr(0, dot)];
      names += (names.empty() ? "`" : ", `") + def.name.substr(dot + 1) + "`";
    }
  }
  std::string out;
  for (const auto& [space, names] : spaces) {
    out += "\n**" + space + "**: " + names + "\n";
  }
  return out;
}

TEST(sandbox_docs, the_list_of_missing_methods_is_true) {
  const std::string expected = missing_methods();
  if (std::getenv("CAFEGRAM_PRINT_METHODS") != nullptr) {
    std::cout << expected;
  }
  const std::string document = test::read_text(test::source_folder() / "docs/sandbox_methods.md");
  EXPECT_TRUE(document.ends_with(expected))
      << "docs/sandbox_methods.md: run this test with CAFEGRAM_PRINT_METHODS=1 and put the list in";
}

// With CAFEGRAM_PRINT_METHODS=1 the table is printed, to be put into the document.
TEST(sandbox_docs, the_table_of_methods_is_true) {
  const std::string expected = methods_table();
  if (std::getenv("CAFEGRAM_PRINT_METHODS") != nullptr) {
    std::cout << expected;
  }
  const std::string document = test::read_text(test::source_folder() / "docs/sandbox.md");
  EXPECT_NE(document.find(expected), std::string::npos)
      << "docs/sandbox.md: run this test with CAFEGRAM_PRINT_METHODS=1 and put the table in";
}

// A method that no schema has would never be called.
TEST(sandbox_docs, every_simulated_method_exists) {
  for (const auto name : sandbox::world::simulated_methods()) {
    EXPECT_NE(test::newest_layer().codec(0).definitions().find_function(name), nullptr) << name;
  }
}

} // namespace
} // namespace cafegram

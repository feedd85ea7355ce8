/// The program that the build runs to make the C++ of a schema, and that brings schemas into
/// their canonical form. The only part of tl/ that touches files.
#include <cafegram/tl/generator/model.hpp>
#include <cafegram/tl/schema_check.hpp>

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>

namespace {

using namespace cafegram;

constexpr std::string_view usage =
    "usage: cafegram_tlgen generate SCHEMA NAMESPACE STEM PARTS FOLDER\n"
    "       cafegram_tlgen canonical SCHEMA...      one schema of all, to standard output\n"
    "       cafegram_tlgen check SCHEMA             every id against its CRC-32\n"
    "       cafegram_tlgen diff BEFORE AFTER\n";

int complain(const error& e) {
  fmt::print(stderr, "cafegram_tlgen: {}\n", to_string(e));
  return 1;
}

result<tl::schema> load(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) {
    return fail(errc::not_found, fmt::format("cannot read {}", path));
  }
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  auto out = tl::schema::parse(text);
  if (!out) {
    out.error().what = fmt::format("{}: {}", path, out.error().what);
  }
  return out;
}

/// Leaves a file that would not change as it is, so that nothing is built again for it.
bool write_if_changed(const std::filesystem::path& path, const std::string& text) {
  if (std::ifstream in{path, std::ios::binary};
      in && std::string{std::istreambuf_iterator<char>{in}, {}} == text) {
    return true;
  }
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out{path, std::ios::binary};
  out << text;
  return out.good();
}

/// Prints what does not hold; true if all of it has a reason.
bool print_check(const tl::schema& schema) {
  bool good = true;
  for (const auto& wrong : tl::check_ids(schema)) {
    good = good && !wrong.reason.empty();
    fmt::print(stderr, "{}: written {:08x}, CRC-32 {:08x}{}{}\n", wrong.name, wrong.written,
               wrong.computed, wrong.reason.empty() ? "" : ": ", wrong.reason);
  }
  return good;
}

int generate(std::span<const std::string> args) {
  const auto schema = load(args[0]);
  if (!schema) {
    return complain(schema.error());
  }
  int parts = 0;
  const auto& number = args[3];
  std::from_chars(number.data(), number.data() + number.size(), parts);
  if (parts < 1 || parts > 99) {
    return complain(error::make(errc::bad_argument, "PARTS is 1 to 99"));
  }
  const auto model = tl::generator::model::make(*schema, {args[1], args[2], parts});
  if (!model) {
    return complain(model.error());
  }
  tl::generator::files out;
  emit_headers(*model, out);
  emit_units(*model, out);
  emit_table(*model, out);
  emit_registry(*model, out);
  for (const auto& [path, text] : out) {
    if (!write_if_changed(std::filesystem::path{args[4]} / path, text)) {
      return complain(error::make(errc::storage, "cannot write " + path));
    }
  }
  return 0;
}

int canonical(std::span<const std::string> args) {
  std::optional<tl::schema> all;
  for (const auto& path : args) {
    auto next = load(path);
    if (next && all) {
      next = tl::merge(*all, *next);
    }
    if (!next) {
      return complain(next.error());
    }
    all = *std::move(next);
  }
  const auto sorted = tl::canonical(*all);
  if (!sorted) {
    return complain(sorted.error());
  }
  fmt::print("{}", to_text(*sorted));
  return print_check(*sorted) ? 0 : 1;
}

int check(const std::string& path) {
  const auto schema = load(path);
  if (!schema) {
    return complain(schema.error());
  }
  const bool good = print_check(*schema);
  fmt::print("{}: layer {}, {} definitions, ids {}\n", path, schema->layer(),
             schema->definitions().size(), good ? "hold" : "do not hold");
  return good ? 0 : 1;
}

int diff(const std::string& before_path, const std::string& after_path) {
  const auto before = load(before_path);
  const auto after = load(after_path);
  if (!before || !after) {
    return complain(before ? after.error() : before.error());
  }
  fmt::print("{}", to_string(tl::diff(*before, *after)));
  return 0;
}

int run(std::span<const std::string> args) {
  const auto verb = args.empty() ? std::string{} : args.front();
  const auto rest = args.empty() ? args : args.subspan(1);
  if (verb == "generate" && rest.size() == 5) {
    return generate(rest);
  }
  if (verb == "canonical" && !rest.empty()) {
    return canonical(rest);
  }
  if (verb == "check" && rest.size() == 1) {
    return check(rest[0]);
  }
  if (verb == "diff" && rest.size() == 2) {
    return diff(rest[0], rest[1]);
  }
  fmt::print(stderr, "{}", usage);
  return 2;
}

} // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args{argv + 1, argv + argc};
  return run(args);
}

/// The program that the build runs to make the constants and the table of Telegram's documented
/// errors from base/rpc_errors.tsv.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

struct row {
  std::string written; ///< with X for a number, * for some text
  std::string codes;
  std::string methods;
  std::string text;
};

bool ends_token(const std::string& text, std::size_t at) {
  return at == text.size() || text[at] == '_';
}

/// The name without what varies: FLOOD_WAIT_X is FLOOD_WAIT.
std::string bare_name(const std::string& written) {
  std::string out;
  for (std::size_t i = 0; i < written.size(); ++i) {
    const bool varies =
        i + 1 < written.size() && written[i] == '_' &&
        (written[i + 1] == '*' || (written[i + 1] == 'X' && ends_token(written, i + 2)));
    if (!varies) {
      out += written[i];
      continue;
    }
    ++i;
    if (!ends_token(written, i + 1)) {
      out += '_';
    }
  }
  return out;
}

/// The same as a name of C++.
std::string identifier(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    out += good ? c : '_';
  }
  return out.front() >= '0' && out.front() <= '9' ? "_" + out : out;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  return out + "\"";
}

std::vector<row> read(const std::string& path) {
  std::ifstream in{path};
  std::vector<row> out;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == '#') {
      continue;
    }
    std::vector<std::string> columns(1);
    for (const char c : line) {
      if (c == '\t') {
        columns.emplace_back();
      } else {
        columns.back() += c;
      }
    }
    if (columns.size() != 4 || columns[0].empty() || columns[1].empty()) {
      fmt::print(stderr, "{}: not four columns with a name and codes: {}\n", path, line);
      return {};
    }
    out.push_back({columns[0], columns[1], columns[2], columns[3]});
  }
  return out;
}

std::string constants(const std::vector<row>& rows) {
  std::string out = "// Generated from base/rpc_errors.tsv.\n#pragma once\n\n"
                    "#include <cafegram/base/error.hpp>\n\n"
                    "/// The names of Telegram's errors: `why.is_rpc(rpc::FLOOD_WAIT)`.\n"
                    "namespace cafegram::rpc {\n\n";
  for (const auto& one : rows) {
    const auto name = bare_name(one.written);
    out += fmt::format("/// {} {}{}{}\ninline constexpr rpc_name {}{{{}, {}}};\n", one.codes,
                       one.written, one.text.empty() ? "" : ": ", one.text, identifier(name),
                       quoted(name), quoted(one.written));
  }
  return out + "\n} // namespace cafegram::rpc\n";
}

std::string table(const std::vector<row>& rows) {
  std::string out = "// Generated from base/rpc_errors.tsv.\n"
                    "#include <cafegram/base/rpc_errors.hpp>\n\n"
                    "namespace cafegram {\n\nnamespace {\n\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out += fmt::format("constexpr std::int32_t codes_{}[] = {{{}}};\n", i, rows[i].codes);
  }
  out += "\nconstexpr rpc_error_info all[] = {\n";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& one = rows[i];
    out += fmt::format("    {{{{{}, {}}}, codes_{}, {}, {}}},\n", quoted(bare_name(one.written)),
                       quoted(one.written), i, quoted(one.methods), quoted(one.text));
  }
  return out + "};\n\n} // namespace\n\n"
               "std::span<const rpc_error_info> documented_rpc_errors() {\n  return all;\n}\n\n"
               "} // namespace cafegram\n";
}

bool write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out{path, std::ios::binary};
  out << text;
  return out.good();
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: cafegram_errgen LIST HEADER SOURCE\n");
    return 2;
  }
  const auto rows = read(argv[1]);
  if (rows.empty() || !write(argv[2], constants(rows)) || !write(argv[3], table(rows))) {
    fmt::print(stderr, "cafegram_errgen: cannot read {} or write what follows from it\n", argv[1]);
    return 1;
  }
  return 0;
}

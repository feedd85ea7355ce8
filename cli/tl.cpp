#include <cafegram/cli/command.hpp>
#include <cafegram/cli/schemas.hpp>
#include <cafegram/tl/schema_check.hpp>

#include <CLI/CLI.hpp>

#include <iostream>
#include <memory>

namespace cafegram::cli {
namespace {

struct codec_arguments {
  std::string schema;
  std::string type;
  std::string data = "-";
  byte_form form = byte_form::hex;
};

void add_codec_options(CLI::App& command, codec_arguments& a, const std::string& what) {
  command.add_option("data", a.data, what + "; - reads standard input")->capture_default_str();
  command.add_option("--schema", a.schema, "schema file, TL or JSON (default: the built-in layer)")
      ->check(CLI::ExistingFile);
  command.add_option("--type", a.type,
                     "type of the value, such as Vector<User> (default: a boxed object)");
  command.add_option("--bytes", a.form, "how octets are written: hex, base64 or raw")
      ->transform(CLI::CheckedTransformer(byte_forms))
      ->default_str("hex");
}

result<tl::json> decode_value(const codec_arguments& a) {
  auto codec = load_codec(a.schema);
  if (!codec) {
    return std::unexpected(std::move(codec).error());
  }
  auto text = text_or_input(a.data);
  if (!text) {
    return std::unexpected(std::move(text).error());
  }
  auto data = parse_bytes(*text, a.form);
  if (!data) {
    return std::unexpected(std::move(data).error());
  }
  return a.type.empty() ? (*codec)->decode(*data) : (*codec)->decode_as(a.type, *data);
}

result<bytes> encode_value(const codec_arguments& a) {
  auto codec = load_codec(a.schema);
  if (!codec) {
    return std::unexpected(std::move(codec).error());
  }
  auto text = text_or_input(a.data);
  if (!text) {
    return std::unexpected(std::move(text).error());
  }
  const auto value = tl::json::parse(*text, nullptr, false);
  if (value.is_discarded()) {
    return fail(errc::bad_argument, "the value is not JSON");
  }
  return a.type.empty() ? (*codec)->encode(value) : (*codec)->encode_as(value, a.type);
}

void dump_value(std::ostream& out, const tl::json& value, int depth);

void dump_members(std::ostream& out, const tl::json& value, int depth) {
  const std::string margin(static_cast<std::size_t>(depth) * 2, ' ');
  for (const auto& [name, member] : value.items()) {
    if (name != "_") {
      out << margin << "  " << name << ": ";
      dump_value(out, member, depth + 1);
    }
  }
}

/// One field a line, indented: for eyes, where JSON is for programs.
void dump_value(std::ostream& out, const tl::json& value, int depth) {
  if (value.is_object()) {
    out << (value.contains("_") ? value["_"].get<std::string>() : "{}") << '\n';
    dump_members(out, value, depth);
    return;
  }
  if (!value.is_array()) {
    out << value.dump(-1, ' ', false, tl::json::error_handler_t::replace) << '\n';
    return;
  }
  out << '[' << value.size() << "]\n";
  const std::string margin(static_cast<std::size_t>(depth) * 2, ' ');
  for (const auto& item : value) {
    out << margin << "  - ";
    dump_value(out, item, depth + 1);
  }
}

int run_decode(const codec_arguments& a) {
  const auto value = decode_value(a);
  if (!value) {
    return report(value.error());
  }
  std::cout << value->dump(2, ' ', false, tl::json::error_handler_t::replace) << '\n';
  return done;
}

int run_dump(const codec_arguments& a) {
  const auto value = decode_value(a);
  if (!value) {
    return report(value.error());
  }
  dump_value(std::cout, *value, 0);
  return done;
}

int run_encode(const codec_arguments& a) {
  const auto data = encode_value(a);
  if (!data) {
    return report(data.error());
  }
  std::cout << format_bytes(*data, a.form);
  return done;
}

int run_diff(const std::string& before_path, const std::string& after_path) {
  const auto before = load_schema(before_path);
  if (!before) {
    return report(before.error());
  }
  const auto after = load_schema(after_path);
  if (!after) {
    return report(after.error());
  }
  std::cout << tl::to_string(tl::diff(**before, **after));
  return done;
}

template <class Run>
void add_codec_command(CLI::App& tl, action& chosen, const char* name, const char* help,
                       const char* data, Run run) {
  auto* command = tl.add_subcommand(name, help);
  auto arguments = std::make_shared<codec_arguments>();
  add_codec_options(*command, *arguments, data);
  command->callback(
      [&chosen, arguments, run] { chosen = [arguments, run] { return run(*arguments); }; });
}

void add_diff_command(CLI::App& tl, action& chosen) {
  auto* command = tl.add_subcommand("diff", "what was added, removed, altered between two schemas");
  auto paths = std::make_shared<std::pair<std::string, std::string>>();
  command->add_option("before", paths->first)->required()->check(CLI::ExistingFile);
  command->add_option("after", paths->second)->required()->check(CLI::ExistingFile);
  command->callback(
      [&chosen, paths] { chosen = [paths] { return run_diff(paths->first, paths->second); }; });
}

} // namespace

void add_tl(CLI::App& app, action& chosen) {
  auto* tl = app.add_subcommand("tl", "decode, encode and show TL values of any layer");
  tl->require_subcommand(1);
  add_codec_command(*tl, chosen, "decode", "octets to JSON", "octets of one value", run_decode);
  add_codec_command(*tl, chosen, "dump", "octets to an indented text", "octets of one value",
                    run_dump);
  add_codec_command(*tl, chosen, "encode", "JSON to octets", "JSON of one value", run_encode);
  add_diff_command(*tl, chosen);
}

} // namespace cafegram::cli

#include <cafegram/cli/command.hpp>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iostream>
#include <iterator>

namespace cafegram::cli {

const std::map<std::string, byte_form> byte_forms{
    {"hex", byte_form::hex}, {"base64", byte_form::base64}, {"raw", byte_form::raw}};

int report(const error& e) {
  std::cerr << "cafegram: " << to_string(e) << '\n';
  return failed;
}

result<std::string> text_or_input(const std::string& argument) {
  if (argument != "-") {
    return argument;
  }
  std::string text{std::istreambuf_iterator<char>{std::cin}, {}};
  if (std::cin.bad()) {
    return fail(errc::storage, "standard input could not be read");
  }
  return text;
}

result<std::string> read_file(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  if (!in) {
    return fail(errc::storage, path + " could not be read");
  }
  return text;
}

result<void> write_file(const std::string& path, std::string_view content) {
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  out << content << std::flush;
  if (!out) {
    return fail(errc::storage, path + " could not be written");
  }
  return {};
}

result<bytes> parse_bytes(const std::string& text, byte_form form) {
  if (form == byte_form::raw) {
    return to_bytes(as_bytes(text));
  }
  std::string digits;
  std::ranges::copy_if(text, std::back_inserter(digits),
                       [](unsigned char c) { return std::isspace(c) == 0; });
  auto data = form == byte_form::hex ? from_hex(digits) : from_base64(digits);
  if (!data) {
    return fail(errc::bad_argument,
                (form == byte_form::hex ? "not hexadecimal: " : "not base64: ") +
                    std::string{data.error().problem} + " at character " +
                    std::to_string(data.error().offset));
  }
  return *std::move(data);
}

std::string format_bytes(bytes_view data, byte_form form) {
  switch (form) {
  case byte_form::hex:
    return to_hex(data) + '\n';
  case byte_form::base64:
    return to_base64(data) + '\n';
  case byte_form::raw:
    break;
  }
  return std::string{as_text(data)};
}

} // namespace cafegram::cli
